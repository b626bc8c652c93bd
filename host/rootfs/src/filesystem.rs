//! One file system as the tree sees it: objects named by inode number, no paths.

use crate::error::{Error, ErrorKind};
use crate::path::ImagePath;
use crate::tree::{Device, Kind, Owner, Timestamp};
use std::fmt;

/// Names an object of a file system as long as the object exists.
pub type Inode = u64;

/// Why a call on a file system failed; the tree adds operation and path.
#[derive(Debug)]
pub struct Failure {
    kind: ErrorKind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a call on a file system gives.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure of the given kind with its cause.
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// Which kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error of the operation (a verb) that failed at `path`.
    #[must_use]
    pub fn during(self, operation: &'static str, path: &ImagePath) -> Error {
        let error = self.without_path(operation);
        error.at(path)
    }

    /// The error of the operation (a verb) that failed.
    #[must_use]
    pub fn without_path(self, operation: &'static str) -> Error {
        let error = Error::new(self.kind, operation);
        match self.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What an object is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attributes {
    /// Which object.
    pub inode: Inode,
    /// What it is.
    pub kind: Kind,
    /// Permission, set-ID and sticky bits.
    pub mode: u32,
    /// User and group.
    pub owner: Owner,
    /// Bytes of content.
    pub size: u64,
    /// Number of hard links.
    pub links: u64,
    /// When the content was last changed.
    pub modified: Timestamp,
    /// For device nodes only.
    pub device: Option<Device>,
}

/// One name in a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    /// The name; any bytes but `/` and NUL, never `.` or `..`.
    pub name: Vec<u8>,
    /// The object of that name.
    pub inode: Inode,
    /// What it is.
    pub kind: Kind,
}

/// What trimming did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TrimReport {
    /// Bytes of free blocks that now are holes in the working file.
    pub bytes: u64,
}

/// A file system engine. The caller ([`crate::UserTree`]) resolves paths, checks kinds and names, and keeps
/// mount points apart; an engine answers for one file system.
///
/// Whatever an engine makes or changes gets the one time it was opened with.
pub trait FileSystem: Send {
    /// As in fstab: `ext4`, `vfat`.
    fn name(&self) -> &'static str;
    /// Why nothing can be written, if so.
    fn read_only(&self) -> Option<String>;
    /// Whether names that differ in case alone are the same.
    fn ignores_case(&self) -> bool;
    /// The root directory.
    fn root(&self) -> Inode;

    /// What the object is.
    fn attributes(&mut self, inode: Inode) -> Outcome<Attributes>;
    /// The object called `name` in a directory.
    fn lookup(&mut self, directory: Inode, name: &[u8]) -> Outcome<Inode>;
    /// All names in a directory, in any order, without `.` and `..`.
    fn list(&mut self, directory: Inode) -> Outcome<Vec<Item>>;
    /// The text of a symbolic link, at most 4,096 bytes.
    fn read_link(&mut self, inode: Inode) -> Outcome<Vec<u8>>;

    /// Reads from a regular file; below `buffer.len()` only at its end.
    fn read(&mut self, inode: Inode, offset: u64, buffer: &mut [u8]) -> Outcome<usize>;
    /// The first byte at or after `offset` that may be other than zero; `None` when there is none before the end.
    fn find_data(&mut self, inode: Inode, offset: u64) -> Outcome<Option<u64>> {
        Ok((offset < self.attributes(inode)?.size).then_some(offset))
    }
    /// Writes to a regular file, lengthening it as needed. When the space is not there, nothing changes.
    fn write(&mut self, inode: Inode, offset: u64, data: &[u8]) -> Outcome<()>;
    /// Replaces the content of a regular file. When the space is not there, nothing changes.
    fn replace(&mut self, inode: Inode, data: &[u8]) -> Outcome<()>;
    /// Cuts or lengthens a regular file.
    fn set_size(&mut self, inode: Inode, size: u64) -> Outcome<()>;
    /// Fails with [`ErrorKind::NoSpace`] unless `bytes` of content for a new file have room.
    fn has_room(&mut self, bytes: u64) -> Outcome<()>;

    /// Makes an empty regular file; the name must be free.
    fn make_file(&mut self, directory: Inode, name: &[u8], mode: u32) -> Outcome<Inode>;
    /// Makes an empty directory; the name must be free.
    fn make_directory(&mut self, directory: Inode, name: &[u8], mode: u32) -> Outcome<Inode>;
    /// Makes a symbolic link; the name must be free.
    fn make_symlink(&mut self, directory: Inode, name: &[u8], target: &[u8]) -> Outcome<Inode>;
    /// Makes a device node, FIFO or socket; the name must be free.
    fn make_node(
        &mut self,
        directory: Inode,
        name: &[u8],
        kind: Kind,
        mode: u32,
        device: Option<Device>,
    ) -> Outcome<Inode>;
    /// Gives an object that is no directory a further name.
    fn link(&mut self, inode: Inode, directory: Inode, name: &[u8]) -> Outcome<()>;
    /// Moves an entry; what is at the new place has been checked to be replaceable, and is replaced.
    fn rename(&mut self, from: (Inode, &[u8]), to: (Inode, &[u8])) -> Outcome<()>;
    /// Removes the name of an object that is no directory, and the object with its last name.
    fn unlink(&mut self, directory: Inode, name: &[u8]) -> Outcome<()>;
    /// Removes an empty directory.
    fn remove_directory(&mut self, directory: Inode, name: &[u8]) -> Outcome<()>;

    /// Sets the low 12 mode bits.
    fn set_mode(&mut self, inode: Inode, mode: u32) -> Outcome<()>;
    /// Sets user and group, and no mode bit.
    fn set_owner(&mut self, inode: Inode, owner: Owner) -> Outcome<()>;
    /// Sets the time of the last change of content.
    fn set_modified(&mut self, inode: Inode, time: Timestamp) -> Outcome<()>;

    /// Names of the extended attributes, in any order.
    fn list_xattrs(&mut self, inode: Inode) -> Outcome<Vec<String>>;
    /// The value of an extended attribute.
    fn xattr(&mut self, inode: Inode, name: &str) -> Outcome<Vec<u8>>;
    /// Sets an extended attribute.
    fn set_xattr(&mut self, inode: Inode, name: &str, value: &[u8]) -> Outcome<()>;
    /// Removes an extended attribute.
    fn remove_xattr(&mut self, inode: Inode, name: &str) -> Outcome<()>;

    /// Writes back all that is held in memory and leaves the file system marked as cleanly unmounted.
    fn flush(&mut self) -> Outcome<()>;
    /// Flushes, then makes the free blocks holes in the working file.
    fn trim(&mut self) -> Outcome<TrimReport>;
}
