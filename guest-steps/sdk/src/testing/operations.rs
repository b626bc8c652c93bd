//! What the contract's functions do to a tree.

use super::tree::{Content, Ino, Inode, Place, Tree, Walk, failure};
use crate::failure::{FailureCode, Result};
use crate::host::{Entry, Existing, Kind, ROOT, TreeReport, WriteOptions};

impl Tree {
    pub(super) fn data(&self, ino: Ino, path: &str) -> Result<&Vec<u8>> {
        match &self.inode(ino)?.content {
            Content::File(data) => Ok(data),
            Content::Directory(_) => Err(failure(FailureCode::IsADirectory, path)),
            _ => Err(failure(FailureCode::SpecialFile, path)),
        }
    }

    pub(super) fn write(&mut self, path: &str, data: &[u8], options: &WriteOptions) -> Result<()> {
        let place =
            self.walk(path, Walk { follow: !options.replace_symlink, make_parents: options.parents })?;
        let there = match place.ino {
            Some(ino) if self.inode(ino)?.kind() == Kind::Symlink => None,
            there => there,
        };
        let Some(ino) = there else {
            // Also where a link is to be replaced: unless what is there is to be kept.
            if place.ino.is_some() && options.existing == Existing::Keep {
                return Err(failure(FailureCode::AlreadyExists, path));
            }
            let (mode, owner) = (options.mode.unwrap_or(0o644), options.owner.unwrap_or(ROOT));
            return self.insert(&place, Inode::new(Content::File(data.to_vec()), mode, owner)).map(drop);
        };
        if options.existing == Existing::Keep {
            return Err(failure(FailureCode::AlreadyExists, path));
        }
        let mut content = self.data(ino, path)?.clone();
        if options.existing == Existing::Replace {
            content.clear();
        }
        content.extend_from_slice(data);
        let inode = self.inode_mut(ino)?;
        inode.content = Content::File(content);
        inode.mode = options.mode.unwrap_or(inode.mode);
        inode.owner = options.owner.unwrap_or(inode.owner);
        Ok(())
    }

    pub(super) fn rename(&mut self, old: &str, new: &str) -> Result<()> {
        let (from, moved) = there(self, old)?;
        let to = self.walk(new, Walk::STAY)?;
        if to.name.is_empty()
            || to.path.strip_prefix(from.path.as_slice()).is_some_and(|rest| rest.starts_with(b"/"))
        {
            return Err(failure(FailureCode::InvalidArgument, new));
        }
        if let Some(replaced) = to.ino {
            if replaced == moved {
                return Ok(());
            }
            let directory = |ino| self.inode(ino).map(|inode| inode.kind() == Kind::Directory);
            match (directory(moved)?, directory(replaced)?) {
                (true, false) => return Err(failure(FailureCode::NotADirectory, new)),
                (false, true) => return Err(failure(FailureCode::IsADirectory, new)),
                (true, true) if !self.entries(replaced, new)?.is_empty() => {
                    return Err(failure(FailureCode::DirectoryNotEmpty, new));
                }
                _ => {}
            }
        }
        self.entries_mut(from.parent)?.remove(&from.name);
        self.entries_mut(to.parent)?.insert(to.name, moved);
        Ok(())
    }

    /// What is at and below `ino`.
    pub(super) fn count(&self, ino: Ino) -> Result<TreeReport> {
        let mut report = TreeReport::default();
        let mut pending = vec![ino];
        while let Some(ino) = pending.pop() {
            match &self.inode(ino)?.content {
                Content::Directory(entries) => {
                    report.directories += 1;
                    pending.extend(entries.values());
                }
                Content::Symlink(_) => report.symlinks += 1,
                Content::File(data) => {
                    report.files += 1;
                    report.bytes += data.len() as u64;
                }
                Content::Special(_) => report.files += 1,
            }
        }
        Ok(report)
    }
}

pub(super) fn list(tree: &mut Tree, path: &str) -> Result<Vec<Entry>> {
    let ino = tree.find(path, Walk::FOLLOW)?;
    let entry = |(name, ino): (&Vec<u8>, &Ino)| {
        let kind = tree.inode(*ino)?.kind();
        let addressable = std::str::from_utf8(name).is_ok();
        Ok(Entry { name: String::from_utf8_lossy(name).into_owned(), kind, addressable })
    };
    tree.entries(ino, path)?.iter().map(entry).collect()
}

/// Where a new name goes.
pub(super) fn free(image: &mut Tree, path: &str) -> Result<Place> {
    let place = image.walk(path, Walk::STAY)?;
    if place.ino.is_some() {
        return Err(failure(FailureCode::AlreadyExists, path));
    }
    Ok(place)
}

/// What is to be taken away; the root cannot be.
pub(super) fn there(image: &mut Tree, path: &str) -> Result<(Place, Ino)> {
    let place = image.walk(path, Walk::STAY)?;
    if place.name.is_empty() {
        return Err(failure(FailureCode::InvalidArgument, path));
    }
    let ino = place.ino.ok_or_else(|| failure(FailureCode::NotFound, path))?;
    Ok((place, ino))
}
