//! imagecustomizer-step-history
