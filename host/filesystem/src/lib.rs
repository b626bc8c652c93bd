//! imagecustomizer-filesystem
