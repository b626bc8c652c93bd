//! imagecustomizer-config
