//! imagecustomizer-step-users
