//! imagecustomizer-step-modules
