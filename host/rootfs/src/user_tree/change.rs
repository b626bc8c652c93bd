//! What changes the tree.

use super::walk::Place;
use super::{Node, UserTree};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Device, Existing, Follow, Kind, Owner, Timestamp, WriteOptions};

/// The mode of directories made on the way.
const PARENT_MODE: u32 = 0o755;
/// The mode of files made without one.
const FILE_MODE: u32 = 0o644;
/// Bytes of a link's text at most.
const LONGEST_TARGET: usize = 4095;

impl UserTree {
    /// The file to be written, made if it is not there. The second value says whether it was made.
    fn file_to_write(&mut self, path: &ImagePath, options: &WriteOptions) -> Outcome<Target> {
        check_mode(options.mode)?;
        let mut made = Vec::new();
        let found = self.place_to_write(path, options, &mut made);
        let result = found.and_then(|place| self.take_place(place, options));
        if result.is_err() {
            self.remove_made(&made);
        }
        result.map(|(node, is_new, name)| Target { node, is_new, name, parents: made })
    }

    fn place_to_write(
        &mut self,
        path: &ImagePath,
        options: &WriteOptions,
        made: &mut Vec<(Node, Vec<u8>)>,
    ) -> Outcome<Place> {
        let follow = if options.replace_symlink { Follow::No } else { Follow::Yes };
        match self.find(path, follow) {
            Err(failure) if failure.kind() == ErrorKind::NotFound && options.parents => {
                self.make_parents(path, made)?;
                self.find(path, follow)
            }
            other => other,
        }
    }

    fn take_place(&mut self, place: Place, options: &WriteOptions) -> Outcome<(Node, bool, Option<Vec<u8>>)> {
        if place.slash {
            return Err(ErrorKind::IsADirectory.into());
        }
        let parent = place.parent();
        if let Some(node) = place.node {
            let kind = self.attributes(node)?.kind;
            if options.existing == Existing::Keep {
                return Err(ErrorKind::AlreadyExists.into());
            }
            if kind != Kind::Symlink {
                content_kind(kind)?;
                self.writable(node.mount)?;
                return Ok((node, false, None));
            }
            let name = place.last_name(ErrorKind::IsADirectory)?;
            self.writable(parent.mount)?.has_room(1)?;
            self.writable(parent.mount)?.unlink(parent.inode, name)?;
        }
        let name = place.last_name(ErrorKind::IsADirectory)?;
        let mode = options.mode.unwrap_or(FILE_MODE);
        let engine = self.writable(parent.mount)?;
        let inode = engine.make_file(parent.inode, name, mode)?;
        Ok((Node { mount: parent.mount, inode }, true, place.name))
    }

    /// Makes the directories that `path` lacks, and notes them.
    fn make_parents(&mut self, path: &ImagePath, made: &mut Vec<(Node, Vec<u8>)>) -> Outcome<()> {
        let bytes = path.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        for end in ends.filter(|end| *end > 0) {
            let Some(part) = bytes.get(..end) else { break };
            let place = self.find(ImagePath::new(part), Follow::Yes)?;
            if place.node.is_some() {
                continue;
            }
            let parent = place.parent();
            let name = place.last_name(ErrorKind::NotFound)?.to_vec();
            self.writable(parent.mount)?.make_directory(parent.inode, &name, PARENT_MODE)?;
            made.push((parent, name));
        }
        Ok(())
    }

    /// A call that failed leaves no directories behind.
    fn remove_made(&mut self, made: &[(Node, Vec<u8>)]) {
        for (parent, name) in made.iter().rev() {
            if let Ok(engine) = self.writable(parent.mount) {
                let _ = engine.remove_directory(parent.inode, name);
            }
        }
    }

    pub(super) fn write_file(
        &mut self,
        path: &ImagePath,
        data: &[u8],
        options: &WriteOptions,
    ) -> Outcome<()> {
        let target = self.file_to_write(path, options)?;
        let result = self.fill(&target, data, options);
        if result.is_err() {
            self.undo(&target, path, options);
        }
        result
    }

    /// As `write_file` with the content left to the caller.
    pub(super) fn file_to_fill(&mut self, path: &ImagePath, options: &WriteOptions) -> Outcome<Node> {
        let target = self.file_to_write(path, options)?;
        let result = self.prepare(&target, options);
        if result.is_err() {
            self.undo(&target, path, options);
        }
        result.map(|()| target.node)
    }

    fn undo(&mut self, target: &Target, path: &ImagePath, options: &WriteOptions) {
        if !target.is_new {
            return;
        }
        if let Ok(place) = self.find(path, if options.replace_symlink { Follow::No } else { Follow::Yes })
            && let Some(name) = &target.name
            && place.node == Some(target.node)
            && let Ok(engine) = self.writable(target.node.mount)
        {
            let _ = engine.unlink(place.parent().inode, name);
        }
        self.remove_made(&target.parents);
    }

    fn fill(&mut self, target: &Target, data: &[u8], options: &WriteOptions) -> Outcome<()> {
        let Node { mount, inode } = target.node;
        let engine = self.writable(mount)?;
        if options.existing == Existing::Append {
            let end = engine.attributes(inode)?.size;
            engine.write(inode, end, data)?;
        } else if target.is_new {
            if !data.is_empty() {
                engine.write(inode, 0, data)?;
            }
        } else {
            engine.replace(inode, data)?;
        }
        self.dress(target, options)
    }

    fn prepare(&mut self, target: &Target, options: &WriteOptions) -> Outcome<()> {
        let Node { mount, inode } = target.node;
        if !target.is_new && options.existing == Existing::Replace {
            self.writable(mount)?.set_size(inode, 0)?;
        }
        self.dress(target, options)
    }

    /// Owner and mode, as far as they are given.
    fn dress(&mut self, target: &Target, options: &WriteOptions) -> Outcome<()> {
        let Node { mount, inode } = target.node;
        let engine = self.writable(mount)?;
        if let Some(owner) = options.owner
            && (!target.is_new || owner != Owner::default())
        {
            engine.set_owner(inode, owner)?;
        }
        match options.mode {
            Some(mode) if !target.is_new => engine.set_mode(inode, mode),
            _ => Ok(()),
        }
    }

    pub(super) fn new_directory(&mut self, path: &ImagePath, mode: u32) -> Outcome<()> {
        check_mode(Some(mode))?;
        let place = self.free_place(path, true)?;
        let parent = place.parent();
        let name = place.last_name(ErrorKind::AlreadyExists)?;
        self.writable(parent.mount)?.make_directory(parent.inode, name, mode).map(|_| ())
    }

    pub(super) fn new_symlink(&mut self, target: &[u8], path: &ImagePath) -> Outcome<()> {
        if target.is_empty() || target.len() > LONGEST_TARGET || target.contains(&0) {
            let text = "the text of a link has 1 to 4095 bytes and no NUL";
            return Err(Failure::new(ErrorKind::InvalidArgument, text));
        }
        let place = self.free_place(path, false)?;
        let parent = place.parent();
        let name = place.last_name(ErrorKind::AlreadyExists)?;
        self.writable(parent.mount)?.make_symlink(parent.inode, name, target).map(|_| ())
    }

    pub(super) fn new_node(
        &mut self,
        path: &ImagePath,
        kind: Kind,
        mode: u32,
        device: Option<Device>,
    ) -> Outcome<()> {
        check_mode(Some(mode))?;
        let is_device = match kind {
            Kind::CharDevice | Kind::BlockDevice => true,
            Kind::Fifo | Kind::Socket => false,
            _ => return Err(Failure::new(ErrorKind::InvalidArgument, "not a kind of special file")),
        };
        if is_device != device.is_some() {
            return Err(Failure::new(ErrorKind::InvalidArgument, "devices, and only they, have a number"));
        }
        let place = self.free_place(path, false)?;
        let parent = place.parent();
        let name = place.last_name(ErrorKind::AlreadyExists)?;
        self.writable(parent.mount)?.make_node(parent.inode, name, kind, mode, device).map(|_| ())
    }

    pub(super) fn new_link(&mut self, existing: &ImagePath, path: &ImagePath) -> Outcome<()> {
        let node = self.existing(existing, Follow::No)?;
        if self.attributes(node)?.kind == Kind::Directory {
            return Err(ErrorKind::IsADirectory.into());
        }
        let place = self.free_place(path, false)?;
        let parent = place.parent();
        if parent.mount != node.mount {
            return Err(across());
        }
        let name = place.last_name(ErrorKind::AlreadyExists)?;
        self.writable(parent.mount)?.link(node.inode, parent.inode, name)
    }

    /// A name that is free in a directory that exists.
    fn free_place(&mut self, path: &ImagePath, directory: bool) -> Outcome<Place> {
        let place = self.find_itself(path)?;
        if place.node.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if place.slash && !directory {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(place)
    }

    pub(super) fn unlink(&mut self, path: &ImagePath) -> Outcome<()> {
        let place = self.find_itself(path)?;
        let node = place.node.ok_or(ErrorKind::NotFound)?;
        let attributes = self.attributes(node)?;
        if attributes.kind == Kind::Directory {
            return Err(ErrorKind::IsADirectory.into());
        }
        let parent = place.parent();
        let name = place.last_name(ErrorKind::IsADirectory)?;
        self.writable(parent.mount)?.unlink(parent.inode, name)?;
        if attributes.links <= 1 {
            self.files.lose(node);
        }
        Ok(())
    }

    pub(super) fn remove_empty(&mut self, path: &ImagePath) -> Outcome<()> {
        let place = self.find_itself(path)?;
        let node = place.node.ok_or(ErrorKind::NotFound)?;
        if self.attributes(node)?.kind != Kind::Directory {
            return Err(ErrorKind::NotADirectory.into());
        }
        self.refuse_mount_point(&place.path())?;
        let parent = place.parent();
        let name = place.last_name(ErrorKind::InvalidArgument)?;
        let engine = self.writable(parent.mount)?;
        if !engine.list(node.inode)?.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        engine.remove_directory(parent.inode, name)
    }

    pub(super) fn move_entry(&mut self, old: &ImagePath, new: &ImagePath) -> Outcome<()> {
        let from = self.find_itself(old)?;
        let node = from.node.ok_or(ErrorKind::NotFound)?;
        let to = self.find_itself(new)?;
        let old_name = from.last_name(ErrorKind::InvalidArgument)?;
        let new_name = to.last_name(ErrorKind::InvalidArgument)?;
        let (old_parent, new_parent) = (from.parent(), to.parent());
        if old_parent.mount != new_parent.mount || node.mount != old_parent.mount {
            self.refuse_mount_point(&from.path())?;
            return Err(across());
        }
        let kind = self.attributes(node)?.kind;
        self.refuse_mount_point(&from.path())?;
        self.refuse_mount_point(&to.path())?;
        if kind == Kind::Directory {
            refuse_own_subtree(&from.path(), &to.path())?;
        } else if to.slash {
            return Err(ErrorKind::NotADirectory.into());
        }
        let mut lost = None;
        if let Some(target) = to.node {
            if target == node && !self.is_change_of_case(&from, &to)? {
                return Ok(());
            }
            if target != node {
                lost = self.check_replaceable(kind, target)?.then_some(target);
            }
        }
        let engine = self.writable(old_parent.mount)?;
        engine.rename((old_parent.inode, old_name), (new_parent.inode, new_name))?;
        if let Some(target) = lost {
            self.files.lose(target);
        }
        Ok(())
    }

    /// On a file system that ignores case `A` can become `a`; everywhere else the two names would be hard links
    /// of one object, which renaming leaves alone.
    fn is_change_of_case(&mut self, from: &Place, to: &Place) -> Outcome<bool> {
        Ok(from.name != to.name && self.engine(from.parent().mount)?.ignores_case())
    }

    /// Whether the object goes away when it is replaced.
    fn check_replaceable(&mut self, kind: Kind, target: Node) -> Outcome<bool> {
        let attributes = self.attributes(target)?;
        match (kind == Kind::Directory, attributes.kind == Kind::Directory) {
            (true, false) => Err(ErrorKind::NotADirectory.into()),
            (false, true) => Err(ErrorKind::IsADirectory.into()),
            (false, false) => Ok(attributes.links <= 1),
            (true, true) => {
                if !self.engine(target.mount)?.list(target.inode)?.is_empty() {
                    return Err(ErrorKind::DirectoryNotEmpty.into());
                }
                Ok(true)
            }
        }
    }

    /// Moving or removing a directory that something is mounted at, or below, would lose the mount's place.
    fn refuse_mount_point(&self, path: &ImagePathBuf) -> Outcome<()> {
        if self.is_mounted_below(path) {
            let text = format!("a file system is mounted at or below `{}`", path.display());
            return Err(Failure::new(ErrorKind::InvalidArgument, text));
        }
        Ok(())
    }

    pub(super) fn change_time(&mut self, path: &ImagePath, time: Timestamp, follow: Follow) -> Outcome<()> {
        if time.nanoseconds >= 1_000_000_000 {
            return Err(Failure::new(ErrorKind::InvalidArgument, "a second has 1,000,000,000 nanoseconds"));
        }
        self.on_object(path, follow, |engine, inode| engine.set_modified(inode, time))
    }
}

/// A file about to get content.
struct Target {
    node: Node,
    is_new: bool,
    /// Its name, when it is new.
    name: Option<Vec<u8>>,
    /// The directories made for it.
    parents: Vec<(Node, Vec<u8>)>,
}

/// Only regular files have content.
pub(super) fn content_kind(kind: Kind) -> Outcome<()> {
    match kind {
        Kind::Regular => Ok(()),
        Kind::Directory => Err(ErrorKind::IsADirectory.into()),
        _ => Err(ErrorKind::SpecialFile.into()),
    }
}

fn check_mode(mode: Option<u32>) -> Outcome<()> {
    match mode {
        Some(mode) if mode & !0o7777 != 0 => {
            let text = format!("mode {mode:#o} has more than the low 12 bits");
            Err(Failure::new(ErrorKind::InvalidArgument, text))
        }
        _ => Ok(()),
    }
}

fn across() -> Failure {
    Failure::new(ErrorKind::Unsupported, "the two paths lie on different file systems")
}

fn refuse_own_subtree(from: &ImagePathBuf, to: &ImagePathBuf) -> Outcome<()> {
    match to.as_bytes().strip_prefix(from.as_bytes()) {
        Some([b'/', ..]) => {
            Err(Failure::new(ErrorKind::InvalidArgument, "a directory cannot move into itself"))
        }
        _ => Ok(()),
    }
}
