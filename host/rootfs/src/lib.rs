//! The image's merged file tree: the trait [`Tree`], its back end in user space, and what is built on top of it.

mod error;
mod path;
mod tree;

pub use error::{Error, ErrorKind, Result};
pub use path::{ImagePath, ImagePathBuf};
pub use tree::{
    Device, Entry, Existing, FileId, Follow, Kind, Metadata, MountInfo, NodeId, Owner, Timestamp, Tree, WriteOptions,
};
