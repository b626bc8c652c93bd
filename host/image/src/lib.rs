//! imagecustomizer-image
