//! imagecustomizer-step-groups
