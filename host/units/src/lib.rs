//! imagecustomizer-units
