//! The tree in user space: file system engines mounted into one another, no root, no kernel.

mod change;
mod files;
mod look;
#[cfg(test)]
mod tests;
mod walk;

use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::{Attributes, Failure, FileSystem, Inode, Outcome, TrimReport};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{
    Aim, Device, Entry, FileId, Follow, Kind, Location, Metadata, MountInfo, NodeId, Owner, Timestamp, Tree,
    WriteOptions,
};
use files::OpenFiles;
use std::collections::HashMap;

/// A tree over engines that work on byte windows of the working file.
///
/// The root is mounted first ([`UserTree::mount_root`]), the rest below it in the order of fstab.
pub struct UserTree {
    clock: Timestamp,
    mounts: Vec<Mount>,
    /// The directories that other file systems cover.
    covered: HashMap<NodeId, u32>,
    files: OpenFiles,
    /// Ways that have been gone just now.
    gone: walk::Gone,
}

struct Mount {
    path: ImagePathBuf,
    filesystem: String,
    read_only: Option<String>,
    /// `None` when the file system cannot be served; `read_only` says why.
    engine: Option<Box<dyn FileSystem>>,
}

/// An object: a file system and an inode in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Node {
    mount: u32,
    inode: Inode,
}

impl From<Node> for NodeId {
    fn from(node: Node) -> Self {
        Self { mount: node.mount, inode: node.inode }
    }
}

impl UserTree {
    /// A tree with nothing in it. What has no engine yet answers [`ErrorKind::NotFound`].
    ///
    /// `clock` is the time of everything that is made or changed; engines get the same when they are opened.
    #[must_use]
    pub fn new(clock: Timestamp) -> Self {
        Self {
            clock,
            mounts: Vec::new(),
            covered: HashMap::new(),
            files: OpenFiles::default(),
            gone: walk::Gone::default(),
        }
    }

    /// The time of everything that is made or changed.
    #[must_use]
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Mounts the root. `name` is the type as in fstab (`ext4`), for messages.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when there is a root already.
    pub fn mount_root(&mut self, filesystem: Box<dyn FileSystem>, name: &str) -> Result<()> {
        if !self.mounts.is_empty() {
            return Err(Error::new(ErrorKind::AlreadyExists, "mount the root"));
        }
        let read_only = filesystem.read_only();
        self.mounts.push(Mount {
            path: ImagePathBuf::from("/"),
            filesystem: name.to_owned(),
            read_only,
            engine: Some(filesystem),
        });
        Ok(())
    }

    /// Mounts a file system over the directory at `path`; links on the way are followed inside the image.
    /// `read_only` says why nothing below may be written, if so; the engine may add a reason of its own.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NotADirectory`]: there is no such mount point.
    pub fn attach(
        &mut self,
        path: &ImagePath,
        filesystem: Box<dyn FileSystem>,
        name: &str,
        read_only: Option<String>,
    ) -> Result<()> {
        let read_only = read_only.or_else(|| filesystem.read_only());
        let mount = Mount {
            path: ImagePathBuf::default(),
            filesystem: name.to_owned(),
            read_only,
            engine: Some(filesystem),
        };
        self.cover(path, mount)
    }

    /// Closes the directory at `path`: everything at or below it fails with [`ErrorKind::ForeignMount`] and a
    /// cause that names the file system and the reason.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NotADirectory`]: there is no such mount point.
    pub fn seal(&mut self, path: &ImagePath, filesystem: &str, reason: &str) -> Result<()> {
        let mount = Mount {
            path: ImagePathBuf::default(),
            filesystem: filesystem.to_owned(),
            read_only: Some(reason.to_owned()),
            engine: None,
        };
        self.cover(path, mount)
    }

    /// Flushes all file systems and makes their free blocks holes in the working file; those that may not be
    /// written are left alone.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::Corrupt`].
    pub fn trim(&mut self) -> Result<TrimReport> {
        let mut total = TrimReport::default();
        for mount in &mut self.mounts {
            if mount.read_only.is_some() {
                continue;
            }
            if let Some(engine) = &mut mount.engine {
                let report = engine.trim().map_err(|failure| failure.during("trim", &mount.path))?;
                total.bytes = total.bytes.saturating_add(report.bytes);
            }
        }
        Ok(total)
    }

    fn cover(&mut self, path: &ImagePath, mut mount: Mount) -> Result<()> {
        let attached = |failure: Failure| failure.during("mount a file system at", path);
        let place = self.find(path, Follow::Yes).map_err(attached)?;
        let node = place.node.ok_or(ErrorKind::NotFound).map_err(|kind| attached(kind.into()))?;
        if self.attributes(node).map_err(attached)?.kind != Kind::Directory {
            return Err(attached(ErrorKind::NotADirectory.into()));
        }
        let Ok(index) = u32::try_from(self.mounts.len()) else {
            return Err(attached(ErrorKind::TooLarge.into()));
        };
        // Where something is mounted the path ends in that one's root.
        if self.engine(node.mount).map_err(attached)?.root() == node.inode {
            return Err(attached(ErrorKind::AlreadyExists.into()));
        }
        mount.path = place.path();
        self.gone.clear();
        self.mounts.push(mount);
        self.covered.insert(node.into(), index);
        Ok(())
    }

    /// The engine of a mount.
    fn engine(&mut self, mount: u32) -> Outcome<&mut dyn FileSystem> {
        let mount = usize::try_from(mount).ok().and_then(|index| self.mounts.get_mut(index));
        let Some(mount) = mount else {
            return Err(Failure::new(ErrorKind::NotFound, "no root file system is mounted"));
        };
        match &mut mount.engine {
            Some(engine) => Ok(engine.as_mut()),
            None => {
                let reason = mount.read_only.as_deref().unwrap_or_default();
                let text = format!("`{}` is {}: {reason}", mount.path.display(), mount.filesystem);
                Err(Failure::new(ErrorKind::ForeignMount, text))
            }
        }
    }

    /// The engine of a mount that may be written.
    ///
    /// Everything that changes the tree comes through here, so this is where ways are forgotten.
    fn writable(&mut self, mount: u32) -> Outcome<&mut dyn FileSystem> {
        self.gone.clear();
        if let Some(found) = usize::try_from(mount).ok().and_then(|index| self.mounts.get(index))
            && found.engine.is_some()
            && let Some(reason) = &found.read_only
        {
            let text = format!("`{}` ({}) is read-only: {reason}", found.path.display(), found.filesystem);
            return Err(Failure::new(ErrorKind::ReadOnly, text));
        }
        self.engine(mount)
    }

    fn attributes(&mut self, node: Node) -> Outcome<Attributes> {
        self.engine(node.mount)?.attributes(node.inode)
    }

    /// Whether a file system is mounted at `path` (resolved) or below.
    fn is_mounted_below(&self, path: &ImagePath) -> bool {
        let path = path.as_bytes();
        self.mounts.iter().any(|mount| {
            mount
                .path
                .as_bytes()
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || path == b"/")
        })
    }
}

/// The trait's metadata of an object.
fn metadata(node: Node, attributes: Attributes) -> Metadata {
    let Attributes { inode, kind, mode, owner, size, links, modified, device } = attributes;
    let id = NodeId { mount: node.mount, inode };
    Metadata { kind, mode, owner, size, links, modified, device, id }
}

impl Tree for UserTree {
    fn resolve(&mut self, path: &ImagePath) -> Result<ImagePathBuf> {
        self.resolved(path).map_err(|failure| failure.during("resolve", path))
    }

    fn locate(&mut self, path: &ImagePath, aim: Aim) -> Result<Location> {
        self.located(path, aim).map_err(|failure| failure.during("find", path))
    }

    fn metadata(&mut self, path: &ImagePath, follow: Follow) -> Result<Metadata> {
        self.look_at(path, follow).map_err(|failure| failure.during("look at", path))
    }

    fn read_link(&mut self, path: &ImagePath) -> Result<Vec<u8>> {
        self.link_text(path).map_err(|failure| failure.during("read the link", path))
    }

    fn list_directory(&mut self, path: &ImagePath) -> Result<Vec<Entry>> {
        self.entries(path).map_err(|failure| failure.during("list", path))
    }

    fn open(&mut self, path: &ImagePath) -> Result<FileId> {
        self.open_file(path).map_err(|failure| failure.during("open", path))
    }

    fn create(&mut self, path: &ImagePath, options: &WriteOptions) -> Result<FileId> {
        self.create_file(path, options).map_err(|failure| failure.during("create", path))
    }

    fn file_metadata(&mut self, file: FileId) -> Result<Metadata> {
        self.open_metadata(file).map_err(|failure| failure.without_path("look at an open file"))
    }

    fn read_at(&mut self, file: FileId, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.read_open(file, offset, buffer).map_err(|failure| failure.without_path("read an open file"))
    }

    fn find_data(&mut self, file: FileId, offset: u64) -> Result<Option<u64>> {
        self.data_in_open(file, offset).map_err(|failure| failure.without_path("look into an open file"))
    }

    fn write_at(&mut self, file: FileId, offset: u64, data: &[u8]) -> Result<()> {
        self.write_open(file, offset, data).map_err(|failure| failure.without_path("write an open file"))
    }

    fn set_size(&mut self, file: FileId, size: u64) -> Result<()> {
        self.resize_open(file, size).map_err(|failure| failure.without_path("set the size of an open file"))
    }

    fn close(&mut self, file: FileId) -> Result<()> {
        self.files.close(file).map_err(|failure| failure.without_path("close a file"))
    }

    fn write(&mut self, path: &ImagePath, data: &[u8], options: &WriteOptions) -> Result<()> {
        self.write_file(path, data, options).map_err(|failure| failure.during("write", path))
    }

    fn make_directory(&mut self, path: &ImagePath, mode: u32) -> Result<()> {
        self.new_directory(path, mode).map_err(|failure| failure.during("make the directory", path))
    }

    fn make_symlink(&mut self, target: &[u8], path: &ImagePath) -> Result<()> {
        self.new_symlink(target, path).map_err(|failure| failure.during("make the symbolic link", path))
    }

    fn make_hard_link(&mut self, existing: &ImagePath, path: &ImagePath) -> Result<()> {
        self.new_link(existing, path).map_err(|failure| failure.during("make the hard link", path))
    }

    fn make_node(&mut self, path: &ImagePath, kind: Kind, mode: u32, device: Option<Device>) -> Result<()> {
        self.new_node(path, kind, mode, device).map_err(|failure| failure.during("make the node", path))
    }

    fn rename(&mut self, old: &ImagePath, new: &ImagePath) -> Result<()> {
        self.move_entry(old, new).map_err(|failure| failure.during("rename", old))
    }

    fn remove_file(&mut self, path: &ImagePath) -> Result<()> {
        self.unlink(path).map_err(|failure| failure.during("remove", path))
    }

    fn remove_directory(&mut self, path: &ImagePath) -> Result<()> {
        self.remove_empty(path).map_err(|failure| failure.during("remove the directory", path))
    }

    fn set_mode(&mut self, path: &ImagePath, mode: u32) -> Result<()> {
        self.on_object(path, Follow::Yes, |engine, inode| engine.set_mode(inode, mode))
            .map_err(|failure| failure.during("set the mode of", path))
    }

    fn set_owner(&mut self, path: &ImagePath, owner: Owner, follow: Follow) -> Result<()> {
        self.on_object(path, follow, |engine, inode| engine.set_owner(inode, owner))
            .map_err(|failure| failure.during("set the owner of", path))
    }

    fn set_modified(&mut self, path: &ImagePath, time: Timestamp, follow: Follow) -> Result<()> {
        self.change_time(path, time, follow).map_err(|failure| failure.during("set the time of", path))
    }

    fn list_xattrs(&mut self, path: &ImagePath) -> Result<Vec<String>> {
        self.xattr_names(path).map_err(|failure| failure.during("list the attributes of", path))
    }

    fn xattr(&mut self, path: &ImagePath, name: &str) -> Result<Vec<u8>> {
        self.xattr_value(path, name).map_err(|failure| failure.during("read an attribute of", path))
    }

    fn set_xattr(&mut self, path: &ImagePath, name: &str, value: &[u8]) -> Result<()> {
        self.on_object(path, Follow::No, |engine, inode| engine.set_xattr(inode, name, value))
            .map_err(|failure| failure.during("set an attribute of", path))
    }

    fn remove_xattr(&mut self, path: &ImagePath, name: &str) -> Result<()> {
        self.on_object(path, Follow::No, |engine, inode| engine.remove_xattr(inode, name))
            .map_err(|failure| failure.during("remove an attribute of", path))
    }

    fn mounts(&self) -> Vec<MountInfo> {
        let info = |mount: &Mount| MountInfo {
            path: mount.path.display().into_owned(),
            filesystem: mount.filesystem.clone(),
            read_only: mount.read_only.clone(),
        };
        self.mounts.iter().map(info).collect()
    }

    fn trim(&mut self) -> Result<TrimReport> {
        Self::trim(self)
    }

    fn flush(&mut self) -> Result<()> {
        for mount in &mut self.mounts {
            if let Some(engine) = &mut mount.engine {
                engine.flush().map_err(|failure| failure.during("write back", &mount.path))?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for UserTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserTree").field("mounts", &self.mounts()).finish_non_exhaustive()
    }
}
