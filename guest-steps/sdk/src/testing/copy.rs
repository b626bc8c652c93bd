//! Copying between trees, as `install` and `copy-tree` of the contract do.

use super::tree::{Content, Ino, Inode, Place, Tree, Walk, failure};
use crate::failure::{FailureCode, Result};
use crate::host::{ROOT, TreeOptions, TreeReport};

impl Tree {
    /// Installs what is at `ino` of an artifact at `destination`; missing directories above it are made. Who owns an
    /// artifact is the machine's business.
    pub(super) fn install_from(
        &mut self,
        artifact: &Self,
        ino: Ino,
        destination: &str,
        options: &TreeOptions,
    ) -> Result<TreeReport> {
        let inodes = self.inodes();
        self.walk(destination, Walk { follow: false, make_parents: true })?;
        let made = self.inodes().saturating_sub(inodes) as u64;
        let options = TreeOptions { owner: options.owner.or(Some(ROOT)), ..*options };
        let mut report = self.copy_from(artifact, ino, destination, &options)?;
        report.directories += made;
        Ok(report)
    }

    /// Copies what is at `ino` of `source` to `destination`, whose parent must exist.
    pub(super) fn copy_from(
        &mut self,
        source: &Self,
        ino: Ino,
        destination: &str,
        options: &TreeOptions,
    ) -> Result<TreeReport> {
        let mut report = TreeReport::default();
        let place = self.walk(destination, Walk { follow: true, make_parents: false })?;
        self.copy_node(source, ino, place, options, &mut report)?;
        Ok(report)
    }

    fn copy_node(
        &mut self,
        source: &Self,
        ino: Ino,
        place: Place,
        options: &TreeOptions,
        report: &mut TreeReport,
    ) -> Result<()> {
        let from = source.inode(ino)?;
        let path = String::from_utf8_lossy(&place.path).into_owned();
        let mut inode = from.clone();
        inode.owner = options.owner.unwrap_or(from.owner);
        match &from.content {
            Content::File(data) => {
                inode.mode = options.file_mode.unwrap_or(from.mode);
                (report.files, report.bytes) = (report.files + 1, report.bytes + data.len() as u64);
                self.copy_file(place, inode, options.overwrite, &path)
            }
            Content::Symlink(_) => {
                report.symlinks += 1;
                self.copy_link(place, inode, options.overwrite, &path)
            }
            Content::Directory(entries) => {
                inode = Inode::directory(options.directory_mode.unwrap_or(from.mode));
                inode.owner = options.owner.unwrap_or(from.owner);
                let made = place.ino.is_none();
                let directory = match place.ino {
                    Some(there) => there,
                    None => self.insert(&place, inode)?,
                };
                report.directories += u64::from(made);
                self.entries(directory, &path)?;
                for (name, below) in entries {
                    let place = self.place_below(directory, &place, name, source.inode(*below)?)?;
                    self.copy_node(source, *below, place, options, report)?;
                }
                Ok(())
            }
            Content::Special(_) => Err(failure(FailureCode::SpecialFile, &path)),
        }
    }

    /// Where an entry of a tree goes. A link that is already there is followed unless a link replaces it.
    fn place_below(&mut self, directory: Ino, above: &Place, name: &[u8], from: &Inode) -> Result<Place> {
        let mut path = above.path.clone();
        path.push(b'/');
        path.extend_from_slice(name);
        let there = self.entries(directory, "")?.get(name).copied();
        let is_link =
            there.is_some_and(|ino| matches!(self.inode(ino).map(|i| &i.content), Ok(Content::Symlink(_))));
        if is_link && !matches!(from.content, Content::Symlink(_)) {
            return self.walk(&String::from_utf8_lossy(&path), Walk::FOLLOW);
        }
        Ok(Place { path, parent: directory, name: name.to_vec(), ino: there })
    }

    fn copy_file(&mut self, place: Place, new: Inode, overwrite: bool, path: &str) -> Result<()> {
        let Some(ino) = place.ino else {
            return self.insert(&place, new).map(drop);
        };
        let there = self.inode_mut(ino)?;
        match there.content {
            Content::Directory(_) => Err(failure(FailureCode::IsADirectory, path)),
            Content::Special(_) => Err(failure(FailureCode::SpecialFile, path)),
            _ if !overwrite => Err(failure(FailureCode::AlreadyExists, path)),
            _ => {
                *there = new;
                Ok(())
            }
        }
    }

    fn copy_link(&mut self, place: Place, new: Inode, overwrite: bool, path: &str) -> Result<()> {
        if let Some(ino) = place.ino {
            if matches!(self.inode(ino)?.content, Content::Directory(_)) {
                return Err(failure(FailureCode::IsADirectory, path));
            }
            if !overwrite {
                return Err(failure(FailureCode::AlreadyExists, path));
            }
        }
        self.insert(&place, new).map(drop)
    }
}
