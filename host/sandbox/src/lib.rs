//! imagecustomizer-sandbox
