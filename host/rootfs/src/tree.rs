//! The image's merged file tree as its users see it: the trait [`Tree`] and the values it speaks in.
//!
//! The trait is the only way to the files of an image (invariant I-1). It has a back end in user space
//! ([`crate::UserTree`]); one that works through kernel mounts takes the same place.

use crate::error::Result;
use crate::path::{ImagePath, ImagePathBuf};

/// What a directory entry is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device node.
    CharDevice,
    /// A block device node.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// Seconds since 1970 and the nanoseconds within the second.
#[derive(
    Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize,
)]
pub struct Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// A device number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Device {
    /// The driver.
    pub major: u32,
    /// The device of that driver.
    pub minor: u32,
}

/// User and group of a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Owner {
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
}

/// What `stat` tells of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Permission, set-ID and sticky bits: 0 to 0o7777.
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
    /// Tells objects apart within one tree: the mounted file system and the inode number in it.
    pub id: NodeId,
}

/// The identity of an object within one tree, as long as the object exists.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId {
    /// Which mounted file system, counted from 0 for the root.
    pub mount: u32,
    /// The inode number there.
    pub inode: u64,
}

/// One name in a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The name; any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// What the name stands for; a link is not followed.
    pub kind: Kind,
}

/// Whether a final symbolic link is followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum Follow {
    /// The link's target is meant.
    Yes,
    /// The link itself is meant.
    No,
}

/// What the last name of a path stands for, where a call looks for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Aim {
    /// What a final symbolic link leads to.
    Target,
    /// A final symbolic link itself, unless a `/` at the end follows it.
    Itself,
    /// The name, as calls take it that make, rename or remove: a final link is never followed, and a `/` at the end
    /// demands a directory.
    Name,
}

/// Where a path leads, whether anything is there or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location {
    /// Absolute, without `.`, `..`, links or doubled `/`; on a file system that ignores case with the names as they are
    /// stored.
    pub path: ImagePathBuf,
    /// What is there. `None`: nothing, but the directory that it would be in exists.
    pub object: Option<Metadata>,
}

/// What [`Tree::write`] and [`Tree::create`] do with a file that is already there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub enum Existing {
    /// The new content takes the place of the old. Inode, owner, mode, extended attributes and hard links
    /// stay unless given.
    #[default]
    Replace,
    /// The call fails with [`crate::ErrorKind::AlreadyExists`].
    Keep,
    /// The data goes behind what is there.
    Append,
}

/// How a file is written or made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct WriteOptions {
    /// What happens to a file that is already there.
    pub existing: Existing,
    /// Mode bits; for a new file 0o644 unless given, an existing one keeps its own.
    pub mode: Option<u32>,
    /// Owner; for a new file 0:0 unless given, an existing one keeps its own.
    pub owner: Option<Owner>,
    /// A final symbolic link is replaced by the file instead of followed.
    pub replace_symlink: bool,
    /// Missing parent directories are made (0o755, 0:0).
    pub parents: bool,
}

/// A regular file that a [`Tree`] holds open.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
pub struct FileId(pub u32);

/// A file system's place in the tree.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct MountInfo {
    /// Absolute path inside the image.
    pub path: String,
    /// As in fstab: `ext4`, `vfat`, …
    pub filesystem: String,
    /// Why nothing below the path can be written, if so.
    pub read_only: Option<String>,
}

/// The file tree of an image: all file systems that its fstab names, merged.
///
/// **Paths** are resolved as after `chroot` into the image (invariant I-5): `/` is the image's root whether it
/// leads the path or not, `..` never climbs above it, and every symbolic link on the way, absolute ones too, is
/// resolved inside the image. At most 40 links are followed. A trailing `/` demands a directory and follows a
/// final link. Unless a method says otherwise a final link is followed.
///
/// **Times**: whatever is made or changed gets the tree's one fixed time, so equal calls give equal bytes.
///
/// **Errors** name the path as it was given. A call that fails has changed nothing, except where a method that
/// does many things says so.
pub trait Tree: Send {
    /// Where `path` ends after all links: absolute, without `.`, `..`, links or doubled `/`.
    fn resolve(&mut self, path: &ImagePath) -> Result<ImagePathBuf>;
    /// Where a call would act on `path`. Unlike [`Tree::resolve`] it says so of what does not exist yet, too.
    ///
    /// Until the tree is changed, the next call that goes the same way need not go it again.
    fn locate(&mut self, path: &ImagePath, aim: Aim) -> Result<Location>;

    /// What `path` is.
    fn metadata(&mut self, path: &ImagePath, follow: Follow) -> Result<Metadata>;
    /// The text stored in a symbolic link.
    fn read_link(&mut self, path: &ImagePath) -> Result<Vec<u8>>;
    /// The entries of a directory in byte order of their names, without `.` and `..`.
    fn list_directory(&mut self, path: &ImagePath) -> Result<Vec<Entry>>;

    /// Opens a regular file for reading and writing; anything else is [`crate::ErrorKind::SpecialFile`] or
    /// [`crate::ErrorKind::IsADirectory`]. Each open file must be given to [`Tree::close`].
    fn open(&mut self, path: &ImagePath) -> Result<FileId>;
    /// As [`Tree::open`]; the file is made if missing, and emptied or kept as `options` say.
    fn create(&mut self, path: &ImagePath, options: &WriteOptions) -> Result<FileId>;
    /// What the open file is.
    fn file_metadata(&mut self, file: FileId) -> Result<Metadata>;
    /// Reads into `buffer` from `offset`; the number of bytes read is below `buffer.len()` only at the end.
    fn read_at(&mut self, file: FileId, offset: u64, buffer: &mut [u8]) -> Result<usize>;
    /// The first byte at or after `offset` that may be other than zero; `None` when there is none before the end. A
    /// tree that does not know where a file has holes gives `offset` as long as that is within the file.
    fn find_data(&mut self, file: FileId, offset: u64) -> Result<Option<u64>> {
        Ok((offset < self.file_metadata(file)?.size).then_some(offset))
    }
    /// Writes all of `data` at `offset`. A gap before it reads as zeros.
    fn write_at(&mut self, file: FileId, offset: u64, data: &[u8]) -> Result<()>;
    /// Cuts the file, or lengthens it by zeros, to `size` bytes.
    fn set_size(&mut self, file: FileId, size: u64) -> Result<()>;
    /// Lets go of the file.
    fn close(&mut self, file: FileId) -> Result<()>;

    /// Puts `data` into the file at `path` as `options` say. All or nothing: when the space is not there, an
    /// existing file keeps its content.
    fn write(&mut self, path: &ImagePath, data: &[u8], options: &WriteOptions) -> Result<()>;
    /// Makes one directory, owned by 0:0; its parent must exist.
    fn make_directory(&mut self, path: &ImagePath, mode: u32) -> Result<()>;
    /// Makes a symbolic link that holds `target` as it is.
    fn make_symlink(&mut self, target: &[u8], path: &ImagePath) -> Result<()>;
    /// Gives the file at `existing` (a final link is not followed) the further name `path`.
    fn make_hard_link(&mut self, existing: &ImagePath, path: &ImagePath) -> Result<()>;
    /// Makes a character device, block device, FIFO or socket, owned by 0:0.
    fn make_node(&mut self, path: &ImagePath, kind: Kind, mode: u32, device: Option<Device>) -> Result<()>;
    /// Renames within one file system; a final link is renamed itself, at either end. What is at `new` is
    /// replaced as `rename(2)` does.
    fn rename(&mut self, old: &ImagePath, new: &ImagePath) -> Result<()>;
    /// Removes a file, link or special file; a final link is not followed.
    fn remove_file(&mut self, path: &ImagePath) -> Result<()>;
    /// Removes an empty directory; a final link is not followed.
    fn remove_directory(&mut self, path: &ImagePath) -> Result<()>;

    /// Sets the low 12 mode bits.
    fn set_mode(&mut self, path: &ImagePath, mode: u32) -> Result<()>;
    /// Sets user and group. Mode bits stay as they are, set-ID bits too.
    fn set_owner(&mut self, path: &ImagePath, owner: Owner, follow: Follow) -> Result<()>;
    /// Sets the time of the last change of content.
    fn set_modified(&mut self, path: &ImagePath, time: Timestamp, follow: Follow) -> Result<()>;

    /// Names of the extended attributes in byte order, with their prefix (`user.`, `security.`, …). A final link is
    /// not followed by any of the four.
    fn list_xattrs(&mut self, path: &ImagePath) -> Result<Vec<String>>;
    /// The value of an extended attribute; [`crate::ErrorKind::NotFound`] when there is none of that name.
    fn xattr(&mut self, path: &ImagePath, name: &str) -> Result<Vec<u8>>;
    /// Sets an extended attribute, whether there is one of that name or not.
    fn set_xattr(&mut self, path: &ImagePath, name: &str, value: &[u8]) -> Result<()>;
    /// Removes an extended attribute; [`crate::ErrorKind::NotFound`] when there is none of that name.
    fn remove_xattr(&mut self, path: &ImagePath, name: &str) -> Result<()>;

    /// The file systems in the order they were mounted, the root first.
    fn mounts(&self) -> Vec<MountInfo>;
    /// Writes back all that is held in memory. The tree can be used on afterwards.
    fn flush(&mut self) -> Result<()>;
    /// Writes back all that is held in memory and makes free space holes of the working file.
    fn trim(&mut self) -> Result<crate::TrimReport>;
}
