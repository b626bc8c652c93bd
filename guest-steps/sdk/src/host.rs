//! What a step sees: the trait [`Host`] mirrors the interfaces `context`, `log`, `rootfs` and `artifacts` of the
//! step contract. A component gets it from the customizer, a native test from [`crate::testing::MemoryHost`].

use crate::failure::{Failure, FailureCode, Result};

/// What an object in the image or an artifact is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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

/// User and group of a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Owner {
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
}

/// The owner 0:0.
pub const ROOT: Owner = Owner { uid: 0, gid: 0 };

/// A point in time.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Timestamp {
    /// Since 1970.
    pub seconds: i64,
    /// Below 1,000,000,000.
    pub nanoseconds: u32,
}

/// The number of a device node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Device {
    /// Which driver.
    pub major: u32,
    /// Which of its devices.
    pub minor: u32,
}

/// What `stat` tells.
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
    /// Names of the object.
    pub links: u64,
    /// When the content was last changed.
    pub modified: Timestamp,
    /// Of device nodes.
    pub device: Option<Device>,
}

/// One name in a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The name; an approximation when it is not `addressable`.
    pub name: String,
    /// What it stands for; a link is not followed.
    pub kind: Kind,
    /// Whether the name is UTF-8, so that a path can name the object.
    pub addressable: bool,
}

/// What [`Host::write`] does with a file that is already there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Existing {
    /// New content; owner, mode and extended attributes stay unless given.
    #[default]
    Replace,
    /// `already-exists`.
    Keep,
    /// The data goes behind what is there.
    Append,
}

/// How a file is written; `default()` replaces the content, follows links and demands that the parent exists.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WriteOptions {
    /// What happens to a file that is already there.
    pub existing: Existing,
    /// For a new file 0o644 unless given.
    pub mode: Option<u32>,
    /// For a new file 0:0 unless given.
    pub owner: Option<Owner>,
    /// A final symbolic link is replaced, not followed.
    pub replace_symlink: bool,
    /// Missing parents are made (0o755, 0:0).
    pub parents: bool,
}

/// How a tree is copied; `default()` keeps what is there. Owner and modes hold for every file that is copied and every
/// directory that is made; a directory that is there already keeps its own.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TreeOptions {
    /// `None`: as in the source.
    pub owner: Option<Owner>,
    /// `None`: as in the source.
    pub file_mode: Option<u32>,
    /// `None`: as in the source.
    pub directory_mode: Option<u32>,
    /// What happens to a file that is already there.
    pub overwrite: bool,
}

/// What a call on a whole tree did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TreeReport {
    /// Files copied or removed.
    pub files: u64,
    /// Directories made or removed.
    pub directories: u64,
    /// Symbolic links made or removed.
    pub symlinks: u64,
    /// Bytes of content.
    pub bytes: u64,
}

/// How loud a message is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// Command lines and the like.
    Trace,
    /// Single actions.
    Debug,
    /// What the user wants to know.
    Info,
    /// May hurt later.
    Warn,
    /// What was asked did not happen.
    Error,
}

/// The image, the step's input files, its log and the facts of the run.
///
/// Paths are resolved inside the image as after `chroot`; a leading `/` makes no difference. A final symbolic link
/// is followed unless a method says otherwise. Methods take `&self`: the host keeps all state.
pub trait Host {
    /// The step's name in the image definition.
    fn step_name(&self) -> String;
    /// The image's CPU architecture as `uname -m` names it.
    fn architecture(&self) -> String;
    /// Seconds since 1970 that stand for "now".
    fn source_date_epoch(&self) -> u64;
    /// Writes to the host's log.
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);
    /// Bytes that are different in every run, unless the run is to be reproducible: for salts.
    fn random(&self, buffer: &mut [u8]);

    /// Where `path` ends after all links: absolute, without `.`, `..` or links.
    fn resolve(&self, path: &str) -> Result<String>;
    /// What `path` is.
    fn stat(&self, path: &str) -> Result<Metadata>;
    /// What `path` is; a final link is not followed.
    fn lstat(&self, path: &str) -> Result<Metadata>;
    /// The text stored in a link.
    fn read_link(&self, path: &str) -> Result<String>;
    /// In byte order of the names.
    fn list_directory(&self, path: &str) -> Result<Vec<Entry>>;
    /// The whole file.
    fn read(&self, path: &str) -> Result<Vec<u8>>;
    /// Puts `data` into the file, all or nothing.
    fn write(&self, path: &str, data: &[u8], options: &WriteOptions) -> Result<()>;
    /// Makes a directory owned by 0:0; with `parents`, missing parents too, and an existing directory is fine.
    fn make_directory(&self, path: &str, mode: u32, parents: bool) -> Result<()>;
    /// `target` is stored as it is.
    fn make_symlink(&self, target: &str, path: &str) -> Result<()>;
    /// A further name for a file.
    fn make_hard_link(&self, existing: &str, path: &str) -> Result<()>;
    /// A final link is renamed itself, at either end.
    fn rename(&self, old: &str, new: &str) -> Result<()>;
    /// Removes a file, link or special file; a final link is not followed.
    fn remove_file(&self, path: &str) -> Result<()>;
    /// Removes an empty directory.
    fn remove_directory(&self, path: &str) -> Result<()>;
    /// Removes what is there, however deep, without following links.
    fn remove_tree(&self, path: &str) -> Result<TreeReport>;
    /// Copies within the image; as [`Host::install`], but the destination's parent must exist, and without
    /// `options.owner` the owners are those of the source.
    fn copy_tree(&self, source: &str, destination: &str, options: &TreeOptions) -> Result<TreeReport>;
    /// Makes a device node or a named pipe. Needs `grant.nodes` in the image definition.
    fn make_node(&self, path: &str, kind: Kind, mode: u32, device: Option<Device>) -> Result<()>;
    /// Sets the low 12 mode bits.
    fn set_mode(&self, path: &str, mode: u32) -> Result<()>;
    /// With `follow` false, acts on a final link itself.
    fn set_owner(&self, path: &str, owner: Owner, follow: bool) -> Result<()>;
    /// With `follow` false, acts on a final link itself.
    fn set_modified(&self, path: &str, time: Timestamp, follow: bool) -> Result<()>;
    /// Names of the extended attributes; a final link is not followed, here and below.
    fn list_xattrs(&self, path: &str) -> Result<Vec<String>>;
    /// The value of an extended attribute.
    fn xattr(&self, path: &str, name: &str) -> Result<Vec<u8>>;
    /// Sets an extended attribute.
    fn set_xattr(&self, path: &str, name: &str, value: &[u8]) -> Result<()>;
    /// Removes an extended attribute.
    fn remove_xattr(&self, path: &str, name: &str) -> Result<()>;
    /// Opens a file for reading and writing in parts: for one that is too large for [`Host::read`].
    fn open(&self, path: &str) -> Result<Box<dyn OpenFile + '_>>;
    /// As [`Host::open`]; makes the file if it is missing, as `options` say.
    fn create(&self, path: &str, options: &WriteOptions) -> Result<Box<dyn OpenFile + '_>>;

    /// The artifacts' names, sorted.
    fn artifact_names(&self) -> Vec<String>;
    /// `path` is empty for the artifact itself; a final link is followed. Owner (0:0), links (1) and time (0) are the same
    /// on every machine, and a directory's size is 0.
    fn artifact_stat(&self, name: &str, path: &str) -> Result<Metadata>;
    /// In byte order of the names; links are not followed.
    fn artifact_list(&self, name: &str, path: &str) -> Result<Vec<Entry>>;
    /// At most `max` bytes; empty at the end.
    fn artifact_read_at(&self, name: &str, path: &str, offset: u64, max: u32) -> Result<Vec<u8>>;
    /// The host copies a file or tree into the image. `destination` is the path of the copy itself; missing directories
    /// above it are made (0755, 0:0), and a link there is followed. An existing file is overwritten in place (same
    /// inode); links inside a tree are copied as links. Without `options.owner` the copy belongs to 0:0.
    fn install(&self, name: &str, path: &str, destination: &str, options: &TreeOptions)
    -> Result<TreeReport>;

    // What follows is made of the above.

    /// `stat`, or `None` when there is nothing.
    fn find(&self, path: &str) -> Result<Option<Metadata>> {
        self.stat(path).map(Some).or_else(absent)
    }
    /// `lstat`, or `None` when there is nothing.
    fn lfind(&self, path: &str) -> Result<Option<Metadata>> {
        self.lstat(path).map(Some).or_else(absent)
    }
    /// The whole file, or `None` when there is none.
    fn read_if_there(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.read(path).map(Some).or_else(absent)
    }
    /// The whole artifact.
    fn artifact_read(&self, name: &str) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let part = self.artifact_read_at(name, "", content.len() as u64, 1 << 20)?;
            if part.is_empty() {
                return Ok(content);
            }
            content.extend_from_slice(&part);
        }
    }
}

/// A regular file held open.
pub trait OpenFile {
    /// What it is.
    ///
    /// # Errors
    /// Those of the contract, as everywhere here.
    fn metadata(&self) -> Result<Metadata>;
    /// At most `max` bytes; empty at the end of the file.
    ///
    /// # Errors
    /// As above.
    fn read_at(&self, offset: u64, max: u32) -> Result<Vec<u8>>;
    /// Writes all of `data` at `offset`; what lies between the end of the file and there becomes zeros.
    ///
    /// # Errors
    /// As above.
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()>;
    /// Cuts the file, or fills it up with zeros.
    ///
    /// # Errors
    /// As above.
    fn set_size(&self, size: u64) -> Result<()>;
}

/// Turns "there is nothing" into `None`.
fn absent<T>(failure: Failure) -> Result<Option<T>> {
    match failure.code {
        FailureCode::NotFound => Ok(None),
        _ => Err(failure),
    }
}
