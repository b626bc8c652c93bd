//! imagecustomizer-step-release-file
