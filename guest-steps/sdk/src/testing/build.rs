//! Making a [`Tree`] of literals or of a directory of this machine.

use super::tree::{Content, Inode, Tree, Walk};
use crate::failure::{Failure, FailureCode, Result};
use crate::host::{Kind, Owner, ROOT};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// What the constructors do with an entry that cannot be: a test that describes no possible tree is wrong.
#[expect(clippy::panic, reason = "a mistake in a test's own literals")]
fn built<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|failure| panic!("the tree of the test cannot be made: {failure}"))
}

/// Missing parents are made with mode 0755; all belongs to 0:0 unless said otherwise. The methods panic on entries that
/// contradict each other.
impl Tree {
    /// An empty directory with mode 0755.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory, or sets the mode of one.
    #[must_use]
    pub fn directory(mut self, path: &str, mode: u32) -> Self {
        let made =
            self.walk(path, Walk { follow: true, make_parents: true }).and_then(|place| match place.ino {
                Some(ino) => self.inode_mut(ino).map(|inode| inode.mode = mode),
                None => self.insert(&place, Inode::directory(mode)).map(drop),
            });
        built(made);
        self
    }

    /// Adds a file with mode 0644.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with(path, content, 0o644, ROOT)
    }

    /// Adds a file with the given mode and owner.
    #[must_use]
    pub fn file_with(self, path: &str, content: impl AsRef<[u8]>, mode: u32, owner: Owner) -> Self {
        self.add(path, Inode::new(Content::File(content.as_ref().to_vec()), mode, owner))
    }

    /// Adds a symbolic link that holds `target`.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.add(path, Inode::new(Content::Symlink(target.into()), 0o777, ROOT))
    }

    /// Adds a device, FIFO or socket with mode 0600.
    #[must_use]
    pub fn special(self, path: &str, kind: Kind) -> Self {
        self.add(path, Inode::new(Content::Special(kind), 0o600, ROOT))
    }

    /// Adds a further name for a file.
    #[must_use]
    pub fn hard_link(mut self, existing: &str, path: &str) -> Self {
        let made = self.find(existing, Walk::STAY).and_then(|ino| {
            let place = self.walk(path, Walk { follow: false, make_parents: true })?;
            self.entries_mut(place.parent)?.insert(place.name, ino);
            Ok(())
        });
        built(made);
        self
    }

    /// Sets the owner of what is at `path` already; a final link is not followed.
    #[must_use]
    pub fn owned_by(mut self, path: &str, owner: Owner) -> Self {
        let set =
            self.find(path, Walk::STAY).and_then(|ino| self.inode_mut(ino)).map(|inode| inode.owner = owner);
        built(set);
        self
    }

    /// An artifact that is one file.
    #[must_use]
    pub fn of_file(content: impl AsRef<[u8]>, mode: u32) -> Self {
        let mut tree = Self::new();
        let root = Inode::new(Content::File(content.as_ref().to_vec()), mode, ROOT);
        built(tree.inode_mut(0).map(|inode| *inode = root));
        tree
    }

    /// The tree below a directory of this machine, with modes, owners, links and special files.
    ///
    /// # Errors
    /// What reading the directory ends with.
    pub fn from_directory(directory: &Path) -> std::io::Result<Self> {
        let mut tree = Self::new();
        let (mode, owner) = attributes(&std::fs::symlink_metadata(directory)?);
        built(tree.inode_mut(0).map(|inode| (inode.mode, inode.owner) = (mode, owner)));
        let mut pending = vec![(directory.to_path_buf(), 0)];
        while let Some((directory, parent)) = pending.pop() {
            for entry in std::fs::read_dir(&directory)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                let kind = metadata.file_type();
                let content = if kind.is_dir() {
                    Content::Directory(std::collections::BTreeMap::new())
                } else if kind.is_symlink() {
                    Content::Symlink(std::fs::read_link(entry.path())?.into_os_string().into_vec())
                } else if kind.is_file() {
                    Content::File(std::fs::read(entry.path())?)
                } else {
                    Content::Special(special_kind(kind))
                };
                let (mode, owner) = attributes(&metadata);
                let name = entry.file_name().into_vec();
                let ino = built(tree.insert_at(parent, name, Inode::new(content, mode, owner)));
                if kind.is_dir() {
                    pending.push((entry.path(), ino));
                }
            }
        }
        Ok(tree)
    }

    fn add(mut self, path: &str, inode: Inode) -> Self {
        let added = self.walk(path, Walk { follow: false, make_parents: true }).and_then(|place| match place
            .ino
        {
            Some(_) => Err(Failure::new(FailureCode::AlreadyExists, format!("`{path}` is there already"))),
            None => self.insert(&place, inode),
        });
        built(added);
        self
    }
}

fn attributes(metadata: &std::fs::Metadata) -> (u32, Owner) {
    (metadata.permissions().mode() & 0o7777, Owner { uid: metadata.uid(), gid: metadata.gid() })
}

fn special_kind(kind: std::fs::FileType) -> Kind {
    if kind.is_block_device() {
        Kind::BlockDevice
    } else if kind.is_char_device() {
        Kind::CharDevice
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        Kind::Socket
    }
}
