//! imagecustomizer-step-files
