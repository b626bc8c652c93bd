//! What only reads.

use super::{Node, UserTree, metadata};
use crate::error::ErrorKind;
use crate::filesystem::{FileSystem, Inode, Outcome};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Entry, Follow, Kind, Metadata};

impl UserTree {
    pub(super) fn resolved(&mut self, path: &ImagePath) -> Outcome<ImagePathBuf> {
        let place = self.find(path, Follow::Yes)?;
        match place.node {
            Some(node) => {
                self.engine(node.mount)?;
                Ok(place.path())
            }
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    /// The existing object at a path.
    pub(super) fn existing(&mut self, path: &ImagePath, follow: Follow) -> Outcome<Node> {
        self.find(path, follow)?.node.ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub(super) fn look_at(&mut self, path: &ImagePath, follow: Follow) -> Outcome<Metadata> {
        let node = self.existing(path, follow)?;
        Ok(metadata(node, self.attributes(node)?))
    }

    pub(super) fn link_text(&mut self, path: &ImagePath) -> Outcome<Vec<u8>> {
        let node = self.existing(path, Follow::No)?;
        if self.attributes(node)?.kind != Kind::Symlink {
            return Err(ErrorKind::InvalidArgument.into());
        }
        self.engine(node.mount)?.read_link(node.inode)
    }

    pub(super) fn entries(&mut self, path: &ImagePath) -> Outcome<Vec<Entry>> {
        let node = self.existing(path, Follow::Yes)?;
        if self.attributes(node)?.kind != Kind::Directory {
            return Err(ErrorKind::NotADirectory.into());
        }
        let items = self.engine(node.mount)?.list(node.inode)?;
        let mut entries: Vec<Entry> =
            items.into_iter().map(|item| Entry { name: item.name, kind: item.kind }).collect();
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        entries.dedup_by(|one, other| one.name == other.name);
        Ok(entries)
    }

    pub(super) fn xattr_names(&mut self, path: &ImagePath) -> Outcome<Vec<String>> {
        let node = self.existing(path, Follow::No)?;
        let mut names = self.engine(node.mount)?.list_xattrs(node.inode)?;
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn xattr_value(&mut self, path: &ImagePath, name: &str) -> Outcome<Vec<u8>> {
        let node = self.existing(path, Follow::No)?;
        self.engine(node.mount)?.xattr(node.inode, name)
    }

    /// Changes an object that exists.
    pub(super) fn on_object(
        &mut self,
        path: &ImagePath,
        follow: Follow,
        change: impl FnOnce(&mut dyn FileSystem, Inode) -> Outcome<()>,
    ) -> Outcome<()> {
        let node = self.existing(path, follow)?;
        change(self.writable(node.mount)?, node.inode)
    }
}
