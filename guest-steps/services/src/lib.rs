//! imagecustomizer-step-services
