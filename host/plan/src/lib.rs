//! imagecustomizer-plan
