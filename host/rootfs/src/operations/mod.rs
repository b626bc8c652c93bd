//! What takes many calls on a [`Tree`]: whole files, whole directories, trees from the host.
//!
//! Nothing here recurses: how deep a tree may be is for the image to say, and the stack is the host's.

mod copy;
mod install;
mod manifest;
mod remove;

pub use copy::copy_tree;
pub use install::{Source, install};
pub use manifest::{Manifest, ManifestObject, manifest};
pub use remove::remove_tree;

use crate::error::{Error, ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Existing, FileId, Follow, Kind, Metadata, Owner, Tree, WriteOptions};

/// Files up to this size are read and written by one call, bytes.
const WHOLE: u64 = 8 * 1024 * 1024;
/// Bytes read and written at once of larger files.
const CHUNK: usize = 4 * 1024 * 1024;

/// How a tree is copied or installed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct TreeOptions {
    /// Owner of all that is made or overwritten; `None`: as in the source.
    pub owner: Option<Owner>,
    /// Mode of every file that is made or overwritten; `None`: as in the source.
    pub file_mode: Option<u32>,
    /// Mode of every directory that is made; `None`: as in the source. A directory that is there already stays as
    /// it is.
    pub directory_mode: Option<u32>,
    /// Whether a file that is there already gets the new content (it keeps its inode and its other names) or ends
    /// the call with [`ErrorKind::AlreadyExists`].
    pub overwrite: bool,
}

/// What was copied, installed or removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct TreeReport {
    /// Regular files and special files, each name counted.
    pub files: u64,
    /// Directories, those that were there already not counted.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Bytes of content.
    pub bytes: u64,
}

/// Makes the directory at `path` and those above it that are missing, all with `mode` and owned by 0:0. A directory
/// that exists is left as it is.
///
/// # Errors
/// [`ErrorKind::NotADirectory`] when there is something else on the way, and those of [`Tree::make_directory`].
pub fn make_directories(tree: &mut dyn Tree, path: &ImagePath, mode: u32) -> Result<()> {
    make_directories_counted(tree, path, mode).map(|_| ())
}

/// As [`make_directories`]; gives the number of directories made.
fn make_directories_counted(tree: &mut dyn Tree, path: &ImagePath, mode: u32) -> Result<u64> {
    match is_directory(tree, path) {
        Ok(true) => return Ok(0),
        Ok(false) => return Err(Error::new(ErrorKind::NotADirectory, "make the directory").at(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let bytes = path.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
    let mut made = 0;
    for end in ends.filter(|end| *end > 0).chain([bytes.len()]) {
        let part = ImagePath::new(bytes.get(..end).unwrap_or(bytes));
        match is_directory(tree, part) {
            Ok(true) => {}
            Ok(false) => return Err(Error::new(ErrorKind::NotADirectory, "make the directory").at(part)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                tree.make_directory(part, mode)?;
                made += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

/// The content of the regular file at `path`.
///
/// # Errors
/// [`ErrorKind::TooLarge`] when it has more than `limit` bytes, before anything is read; those of [`Tree::open`].
pub fn read_file(tree: &mut dyn Tree, path: &ImagePath, limit: u64) -> Result<Vec<u8>> {
    with_file(tree, path, |tree, file| {
        let size = tree.file_metadata(file)?.size;
        if size > limit {
            let text = format!("it has {size} bytes, the limit is {limit}");
            return Err(Error::new(ErrorKind::TooLarge, "read").at(path).caused_by(text));
        }
        read_whole(tree, file, size)
    })
}

/// A file that claims `size` bytes, read in parts: a size that is not true takes no memory.
fn read_whole(tree: &mut dyn Tree, file: FileId, size: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut position = 0;
    while position < size {
        let step = usize::try_from(size - position).map_or(CHUNK, |left| left.min(CHUNK));
        let start = content.len();
        content.resize(start + step, 0);
        let read = tree.read_at(file, position, content.get_mut(start..).unwrap_or_default())?;
        content.truncate(start + read);
        position += read as u64;
        if read < step {
            break;
        }
    }
    Ok(content)
}

/// Opens a file for `act` and closes it whatever comes of that.
fn with_file<T>(
    tree: &mut dyn Tree,
    path: &ImagePath,
    act: impl FnOnce(&mut dyn Tree, FileId) -> Result<T>,
) -> Result<T> {
    let file = tree.open(path)?;
    let result = act(tree, file);
    let closed = tree.close(file);
    let value = result.map_err(|error| error.at(path))?;
    closed.map(|()| value)
}

/// Whether the object at `path`, links followed, is a directory.
fn is_directory(tree: &mut dyn Tree, path: &ImagePath) -> Result<bool> {
    Ok(tree.metadata(path, Follow::Yes)?.kind == Kind::Directory)
}

/// What is at `path`, if anything.
fn find(tree: &mut dyn Tree, path: &ImagePath, follow: Follow) -> Result<Option<Metadata>> {
    match tree.metadata(path, follow) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// How a file of a copied tree is written.
fn write_options(source: &Metadata, options: &TreeOptions) -> WriteOptions {
    WriteOptions {
        existing: if options.overwrite { Existing::Replace } else { Existing::Keep },
        mode: Some(options.file_mode.unwrap_or(source.mode)),
        owner: Some(options.owner.unwrap_or(source.owner)),
        replace_symlink: false,
        parents: false,
    }
}

/// Makes room for a link or special file: what is there is removed if it may be.
fn clear_place(tree: &mut dyn Tree, path: &ImagePath, options: &TreeOptions) -> Result<()> {
    match find(tree, path, Follow::No)? {
        None => Ok(()),
        Some(_) if !options.overwrite => Err(Error::new(ErrorKind::AlreadyExists, "copy to").at(path)),
        Some(metadata) if metadata.kind == Kind::Directory => {
            Err(Error::new(ErrorKind::IsADirectory, "copy to").at(path))
        }
        Some(_) => tree.remove_file(path),
    }
}

/// Makes the directory at `path` like `source`, or accepts one that is there, links followed. Whether it was made.
fn take_directory(
    tree: &mut dyn Tree,
    path: &ImagePath,
    source: &Metadata,
    options: &TreeOptions,
) -> Result<bool> {
    match find(tree, path, Follow::Yes)? {
        Some(metadata) if metadata.kind == Kind::Directory => return Ok(false),
        Some(_) => return Err(Error::new(ErrorKind::NotADirectory, "copy a directory to").at(path)),
        None => {}
    }
    tree.make_directory(path, options.directory_mode.unwrap_or(source.mode))?;
    set_owner(tree, path, options.owner.unwrap_or(source.owner))?;
    Ok(true)
}

/// Sets the owner of what was just made, unless it is right already.
fn set_owner(tree: &mut dyn Tree, path: &ImagePath, owner: Owner) -> Result<()> {
    if owner == Owner::default() { Ok(()) } else { tree.set_owner(path, owner, Follow::No) }
}

/// The path of an entry; directories of a damaged image can be endless, paths cannot.
fn below(directory: &ImagePath, name: &[u8]) -> ImagePathBuf {
    directory.join(name)
}

/// A directory that turns up a second time is its own ancestor, or has two names: both are damage.
fn seen_twice(path: &ImagePath) -> Error {
    Error::new(ErrorKind::Corrupt, "walk").at(path).caused_by("the directory appears twice in the tree")
}

#[cfg(test)]
mod tests;
