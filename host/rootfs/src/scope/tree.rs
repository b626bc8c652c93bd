//! A tree within a scope: every call is checked on the object that it touches, and then made.
//!
//! Where a path leads is asked of the tree ([`Tree::locate`]) right before the call that acts on it, under one borrow: no
//! other call comes between. The tree remembers the way, so that it is gone once.

use super::guard::{Access, Guard, OpenFile};
use super::touches::Touch;
use crate::error::{Error, ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{
    Aim, Device, Entry, FileId, Follow, Kind, Location, Metadata, MountInfo, Owner, Timestamp, Tree,
    WriteOptions,
};
use std::collections::HashSet;

/// The mode of directories made on the way.
const PARENT_MODE: u32 = 0o755;

/// A tree as a step sees it: [`Guard::over`] makes it for a call.
pub struct ScopedTree<'a> {
    guard: &'a mut Guard,
    tree: &'a mut dyn Tree,
}

impl<'a> ScopedTree<'a> {
    pub(super) fn new(guard: &'a mut Guard, tree: &'a mut dyn Tree) -> Self {
        Self { guard, tree }
    }

    /// Where `path` leads. The error is that of the call that asks.
    fn place(&mut self, call: &'static str, path: &ImagePath, aim: Aim) -> Result<Location> {
        self.guard.check_time(call)?;
        self.tree.locate(path, aim).map_err(|error| error.during(call))
    }

    /// Checks the reading of an object; one that does not exist is left to the call.
    fn check_read(&mut self, call: &'static str, path: &ImagePath, aim: Aim) -> Result<Location> {
        let place = self.place(call, path, aim)?;
        if place.object.is_some() {
            self.guard.check(self.tree, call, Access::Read, &place)?;
        }
        Ok(place)
    }

    /// Checks a change of an object; one that does not exist is left to the call.
    fn check_change(&mut self, call: &'static str, path: &ImagePath, aim: Aim) -> Result<Location> {
        let place = self.place(call, path, aim)?;
        if place.object.is_some() {
            self.guard.check_change(self.tree, call, &place)?;
        }
        Ok(place)
    }

    /// Checks the making or removing of a name.
    fn check_name(&mut self, call: &'static str, path: &ImagePath, touch: Touch) -> Result<Location> {
        let place = self.place(call, path, Aim::Name)?;
        self.guard.check(self.tree, call, Access::Write, &place)?;
        self.guard.note(&place.path, touch);
        Ok(place)
    }

    /// Checks what [`Tree::write`] and [`Tree::create`] touch, and makes the directories that are to be made. Gives those
    /// and the options for the call itself.
    fn check_file(
        &mut self,
        call: &'static str,
        path: &ImagePath,
        options: &WriteOptions,
    ) -> Result<(Vec<ImagePathBuf>, WriteOptions)> {
        let aim = if options.replace_symlink { Aim::Itself } else { Aim::Target };
        let mut made = Vec::new();
        let place = match self.place(call, path, aim) {
            Err(error) if error.kind() == ErrorKind::NotFound && options.parents => {
                let result = self.make_parents(call, path, &mut made);
                result.and_then(|()| self.place(call, path, aim))
            }
            other => other,
        };
        let checked = place.and_then(|place| match &place.object {
            // The link's name is taken; what it leads to and the link's other names stay.
            Some(object) if object.kind != Kind::Symlink => self.guard.check_change(self.tree, call, &place),
            _ => self.guard.check(self.tree, call, Access::Write, &place),
        });
        match checked {
            Ok(()) => Ok((made, WriteOptions { parents: false, ..*options })),
            Err(error) => {
                self.remove_made(&made);
                Err(error)
            }
        }
    }

    /// Makes the directories that `path` lacks, each checked by itself, and notes them.
    fn make_parents(
        &mut self,
        call: &'static str,
        path: &ImagePath,
        made: &mut Vec<ImagePathBuf>,
    ) -> Result<()> {
        let bytes = path.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        for end in ends.filter(|end| *end > 0) {
            let part = ImagePath::new(bytes.get(..end).unwrap_or(bytes));
            let place = self.place(call, part, Aim::Target)?;
            if place.object.is_some() {
                continue;
            }
            self.check_directory(call, &place)?;
            self.tree.make_directory(&place.path, PARENT_MODE).map_err(|error| error.during(call))?;
            made.push(place.path);
        }
        Ok(())
    }

    /// Checks the making of a directory, which itself is never a secret.
    fn check_directory(&mut self, call: &'static str, place: &Location) -> Result<()> {
        self.guard.note(&place.path, Touch::WriteTree);
        if self.guard.scope.covers_writing(place.path.as_bytes()) {
            return Ok(());
        }
        Err(self.guard.deny_directory(call, &place.path))
    }

    /// A call that failed leaves no directories behind.
    fn remove_made(&mut self, made: &[ImagePathBuf]) {
        for path in made.iter().rev() {
            let _ = self.tree.remove_directory(path);
        }
    }

    /// Checks the moving of a directory with all that is below it: every object where it is, and where it will be.
    fn check_move(&mut self, call: &'static str, from: &ImagePath, to: &ImagePath) -> Result<()> {
        let mut left = vec![(from.to_owned(), to.to_owned())];
        let mut seen = HashSet::new();
        while let Some((from, to)) = left.pop() {
            for entry in self.tree.list_directory(&from)? {
                let (from, to) = (from.join(&entry.name), to.join(&entry.name));
                let place = self.place(call, &from, Aim::Name)?;
                let target = Location { path: to, object: place.object.clone() };
                self.guard.check(self.tree, call, Access::Write, &place)?;
                self.guard.check(self.tree, call, Access::Write, &target)?;
                match place.object {
                    Some(object) if object.kind == Kind::Directory => {
                        if !seen.insert(object.id) {
                            return Err(Error::new(ErrorKind::Corrupt, call).at(&from));
                        }
                        left.push((from, target.path));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The path that a name gets which is taken as it is given: on a file system that ignores case the one that is there
    /// may be written otherwise.
    fn as_given(place: &Location, path: &ImagePath) -> Option<ImagePathBuf> {
        let given = path.as_bytes().split(|byte| *byte == b'/').rfind(|name| !name.is_empty())?;
        let end = place.path.as_bytes().iter().rposition(|byte| *byte == b'/')?;
        let directory = ImagePath::new(place.path.as_bytes().get(..end).unwrap_or_default());
        let path = directory.join(given);
        (path != place.path && given != b"." && given != b"..").then_some(path)
    }

    /// Asks about a file that is open, once.
    fn check_open_file(&mut self, call: &'static str, file: FileId) -> Result<()> {
        let Some(open) = self.guard.files.remove(&file) else {
            // Not one of this step: the tree knows it or does not.
            return if self.guard.scope.is_unrestricted() {
                Ok(())
            } else {
                Err(Error::new(ErrorKind::InvalidArgument, call))
            };
        };
        let result = match open.writable {
            Some(true) => Ok(()),
            _ => self.guard.check_change(self.tree, call, &open.place),
        };
        let writable = Some(result.is_ok());
        self.guard.files.insert(file, OpenFile { writable, ..open });
        result
    }

    fn opened(&mut self, file: FileId, place: Location, writable: Option<bool>) {
        self.guard.files.insert(file, OpenFile { place, writable });
    }
}

impl Tree for ScopedTree<'_> {
    fn resolve(&mut self, path: &ImagePath) -> Result<ImagePathBuf> {
        self.tree.resolve(path)
    }

    fn locate(&mut self, path: &ImagePath, aim: Aim) -> Result<Location> {
        self.tree.locate(path, aim)
    }

    fn metadata(&mut self, path: &ImagePath, follow: Follow) -> Result<Metadata> {
        self.tree.metadata(path, follow)
    }

    fn read_link(&mut self, path: &ImagePath) -> Result<Vec<u8>> {
        self.tree.read_link(path)
    }

    fn list_directory(&mut self, path: &ImagePath) -> Result<Vec<Entry>> {
        self.tree.list_directory(path)
    }

    fn open(&mut self, path: &ImagePath) -> Result<FileId> {
        let place = self.check_read("open", path, Aim::Target)?;
        let file = self.tree.open(path)?;
        self.opened(file, place, None);
        Ok(file)
    }

    fn create(&mut self, path: &ImagePath, options: &WriteOptions) -> Result<FileId> {
        let (made, options) = self.check_file("create", path, options)?;
        let created = self.tree.create(path, &options);
        match created {
            Ok(file) => {
                // It has just been checked, with what it leads to; where it is matters no more.
                let place = Location { path: path.to_owned(), object: None };
                self.opened(file, place, Some(true));
                Ok(file)
            }
            Err(error) => {
                self.remove_made(&made);
                Err(error)
            }
        }
    }

    fn file_metadata(&mut self, file: FileId) -> Result<Metadata> {
        self.tree.file_metadata(file)
    }

    fn read_at(&mut self, file: FileId, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.guard.check_time("read")?;
        self.tree.read_at(file, offset, buffer)
    }

    fn find_data(&mut self, file: FileId, offset: u64) -> Result<Option<u64>> {
        self.tree.find_data(file, offset)
    }

    fn write_at(&mut self, file: FileId, offset: u64, data: &[u8]) -> Result<()> {
        self.check_open_file("write", file)?;
        self.guard.spend("write", data.len())?;
        self.tree.write_at(file, offset, data)
    }

    fn set_size(&mut self, file: FileId, size: u64) -> Result<()> {
        self.check_open_file("set the size of", file)?;
        self.tree.set_size(file, size)
    }

    fn close(&mut self, file: FileId) -> Result<()> {
        self.guard.files.remove(&file);
        self.tree.close(file)
    }

    fn write(&mut self, path: &ImagePath, data: &[u8], options: &WriteOptions) -> Result<()> {
        let (made, options) = self.check_file("write", path, options)?;
        let written =
            self.guard.spend("write", data.len()).and_then(|()| self.tree.write(path, data, &options));
        if written.is_err() {
            self.remove_made(&made);
        }
        written
    }

    fn make_directory(&mut self, path: &ImagePath, mode: u32) -> Result<()> {
        let place = self.place("make the directory", path, Aim::Name)?;
        if place.object.is_none() {
            self.check_directory("make the directory", &place)?;
        }
        self.tree.make_directory(path, mode)
    }

    fn make_symlink(&mut self, target: &[u8], path: &ImagePath) -> Result<()> {
        self.check_name("make the symbolic link", path, Touch::Write)?;
        self.tree.make_symlink(target, path)
    }

    fn make_hard_link(&mut self, existing: &ImagePath, path: &ImagePath) -> Result<()> {
        // Who has two names of a file can change it through either: linking is writing at both ends.
        let call = "make the hard link";
        let source = self.check_change(call, existing, Aim::Itself)?;
        match source.object.map(|object| object.kind) {
            None => return Err(Error::new(ErrorKind::NotFound, call).at(existing)),
            Some(Kind::Directory) => return Err(Error::new(ErrorKind::IsADirectory, call).at(existing)),
            Some(_) => {}
        }
        self.check_name(call, path, Touch::Write)?;
        self.tree.make_hard_link(existing, path)
    }

    fn make_node(&mut self, path: &ImagePath, kind: Kind, mode: u32, device: Option<Device>) -> Result<()> {
        let call = "make the node";
        let place = self.check_name(call, path, Touch::MakeNode)?;
        if !self.guard.scope.nodes() {
            return Err(self.guard.deny_node(call, &place.path));
        }
        self.tree.make_node(path, kind, mode, device)
    }

    fn rename(&mut self, old: &ImagePath, new: &ImagePath) -> Result<()> {
        let call = "rename";
        let from = self.place(call, old, Aim::Name)?;
        let Some(object) = &from.object else {
            return Err(Error::new(ErrorKind::NotFound, call).at(old));
        };
        let to = self.place(call, new, Aim::Name)?;
        let is_directory = object.kind == Kind::Directory;
        let touch = if is_directory { Touch::WriteTree } else { Touch::Write };
        // A directory is no secret, but a file in its place is one: what counts is what is moved there.
        let target = Location { object: to.object.clone().or_else(|| from.object.clone()), ..to.clone() };
        for place in [&from, &target] {
            self.guard.check(self.tree, call, Access::Write, place)?;
            self.guard.note(&place.path, touch);
        }
        if let Some(given) = Self::as_given(&to, new) {
            let given = Location { path: given, object: from.object.clone() };
            self.guard.check(self.tree, call, Access::Write, &given)?;
        }
        if is_directory {
            // A link may lead through it.
            self.guard.find_secrets(self.tree);
            self.check_move(call, &from.path, &to.path)?;
        }
        self.tree.rename(old, new)
    }

    fn remove_file(&mut self, path: &ImagePath) -> Result<()> {
        let place = self.place("remove", path, Aim::Name)?;
        if place.object.is_some() {
            self.guard.check(self.tree, "remove", Access::Write, &place)?;
        }
        self.tree.remove_file(path)
    }

    fn remove_directory(&mut self, path: &ImagePath) -> Result<()> {
        let place = self.place("remove the directory", path, Aim::Name)?;
        if place.object.is_some() {
            self.guard.check(self.tree, "remove the directory", Access::Write, &place)?;
            self.guard.note(&place.path, Touch::WriteTree);
            self.guard.find_secrets(self.tree);
        }
        self.tree.remove_directory(path)
    }

    fn set_mode(&mut self, path: &ImagePath, mode: u32) -> Result<()> {
        self.check_change("set the mode of", path, Aim::Target)?;
        self.tree.set_mode(path, mode)
    }

    fn set_owner(&mut self, path: &ImagePath, owner: Owner, follow: Follow) -> Result<()> {
        self.check_change("set the owner of", path, aim(follow))?;
        self.tree.set_owner(path, owner, follow)
    }

    fn set_modified(&mut self, path: &ImagePath, time: Timestamp, follow: Follow) -> Result<()> {
        self.check_change("set the time of", path, aim(follow))?;
        self.tree.set_modified(path, time, follow)
    }

    fn list_xattrs(&mut self, path: &ImagePath) -> Result<Vec<String>> {
        self.check_read("list the attributes of", path, Aim::Itself)?;
        self.tree.list_xattrs(path)
    }

    fn xattr(&mut self, path: &ImagePath, name: &str) -> Result<Vec<u8>> {
        self.check_read("read an attribute of", path, Aim::Itself)?;
        self.tree.xattr(path, name)
    }

    fn set_xattr(&mut self, path: &ImagePath, name: &str, value: &[u8]) -> Result<()> {
        self.check_change("set an attribute of", path, Aim::Itself)?;
        self.tree.set_xattr(path, name, value)
    }

    fn remove_xattr(&mut self, path: &ImagePath, name: &str) -> Result<()> {
        self.check_change("remove an attribute of", path, Aim::Itself)?;
        self.tree.remove_xattr(path, name)
    }

    fn mounts(&self) -> Vec<MountInfo> {
        self.tree.mounts()
    }

    fn flush(&mut self) -> Result<()> {
        self.tree.flush()
    }

    fn trim(&mut self) -> Result<crate::TrimReport> {
        self.tree.trim()
    }
}

fn aim(follow: Follow) -> Aim {
    match follow {
        Follow::Yes => Aim::Target,
        Follow::No => Aim::Itself,
    }
}
