//! imagecustomizer-program
