//! imagecustomizer-partition
