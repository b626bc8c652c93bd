//! Looks at an image: partitions, file systems, the tree they make, and the operating system in it. Nothing is changed.

mod disk;
mod system;
mod tree;

pub(crate) use disk::Disk;
pub(crate) use system::{System, architecture};
pub(crate) use tree::open as open_tree;
