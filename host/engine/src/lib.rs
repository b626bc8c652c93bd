//! imagecustomizer-engine
