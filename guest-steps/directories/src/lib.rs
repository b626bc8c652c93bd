//! imagecustomizer-step-directories
