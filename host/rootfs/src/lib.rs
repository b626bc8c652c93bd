//! The image's merged file tree: the trait [`Tree`], its back end in user space, and what is built on top of it.

mod cache;
mod error;
mod ext4;
mod fat;
mod filesystem;
mod fstab;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod model;
pub mod operations;
mod path;
#[cfg(test)]
mod property_tests;
pub mod record;
mod scope;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run the standard tools")]
mod testing;
mod tree;
mod user_tree;

pub use error::{Error, ErrorKind, Result};
pub use ext4::Ext4;
pub use fat::{Fat, FatOptions};
pub use filesystem::{Attributes, Failure, FileSystem, Inode, Item, Outcome, TrimReport};
pub use fstab::{FstabEntry, FstabError, Source as FstabSource, parse_fstab};
pub use operations::{TreeOptions, TreeReport};
pub use path::{ImagePath, ImagePathBuf};
pub use scope::{Denial, Guard, SECRETS, Scope, ScopedTree, Touch, Touches, is_secret};
pub use tree::{
    Aim, Device, Entry, Existing, FileId, Follow, Kind, Location, Metadata, MountInfo, NodeId, Owner,
    Timestamp, Tree, WriteOptions,
};
pub use units::{ParsePatternError, PathPattern};
pub use user_tree::UserTree;
