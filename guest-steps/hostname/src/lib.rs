//! imagecustomizer-step-hostname
