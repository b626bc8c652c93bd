//! [`Host`] on trees in memory.

use super::grant::WriteGrant;
use super::open_file::MemoryFile;
use super::operations::{free, list, there};
use super::tree::{Content, Inode, Tree, Walk, failure};
use crate::failure::{Failure, FailureCode, Result};
use crate::host::{
    Device, Entry, Host, Kind, Level, Metadata, OpenFile, Owner, ROOT, Timestamp, TreeOptions, TreeReport,
    WriteOptions,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// What a step said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogRecord {
    /// How loud.
    pub level: Level,
    /// What.
    pub message: String,
    /// With which details.
    pub fields: Vec<(String, String)>,
}

/// An image in memory, with artifacts, a log that can be read back, a fixed clock and seeded randomness. Fails with the
/// codes of the contract.
#[derive(Debug)]
pub struct MemoryHost {
    image: RefCell<Tree>,
    artifacts: RefCell<BTreeMap<String, Tree>>,
    log: RefCell<Vec<LogRecord>>,
    calls: Cell<usize>,
    changes: Cell<usize>,
    random: Cell<u64>,
    /// What every change ends with.
    refusal: Option<FailureCode>,
    grant: Option<WriteGrant>,
    epoch: u64,
    step_name: String,
    architecture: String,
}

impl MemoryHost {
    /// A host with the given image; the clock stands at 2023-11-14T22:13:20Z (1,700,000,000).
    #[must_use]
    pub fn new(image: Tree) -> Self {
        Self {
            image: RefCell::new(image),
            artifacts: RefCell::default(),
            log: RefCell::default(),
            calls: Cell::new(0),
            changes: Cell::new(0),
            random: Cell::new(0),
            refusal: None,
            grant: None,
            epoch: 1_700_000_000,
            step_name: "test".into(),
            architecture: "x86_64".into(),
        }
    }

    /// Adds an artifact: [`Tree::of_file`], or a tree.
    #[must_use]
    pub fn with_artifact(self, name: &str, artifact: Tree) -> Self {
        self.artifacts.borrow_mut().insert(name.into(), artifact);
        self
    }

    /// Sets the clock, in seconds since 1970.
    #[must_use]
    pub fn with_epoch(mut self, seconds: u64) -> Self {
        self.epoch = seconds;
        self
    }

    /// Sets what the random bytes are made of; the same seed gives the same bytes.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        self.random.set(seed);
        self
    }

    /// Lets every change of the image fail: `read-only`, `no-space`, `denied`.
    #[must_use]
    pub fn with_failing_changes(mut self, code: FailureCode) -> Self {
        self.refusal = Some(code);
        self
    }

    /// Lets the step change only what these patterns cover, as `grant.write` of an image definition does: `*` and `?`
    /// stay within a name, `/**` covers all below. A change of anything else is `denied`; a call that leaves everything as
    /// it was is let through, which an image would refuse too.
    #[must_use]
    pub fn with_write_grant(mut self, patterns: &[&str]) -> Self {
        self.grant = Some(WriteGrant::new(patterns));
        self
    }

    /// Sets the step's name.
    #[must_use]
    pub fn with_step_name(mut self, name: &str) -> Self {
        self.step_name = name.into();
        self
    }

    /// Sets the image's architecture.
    #[must_use]
    pub fn with_architecture(mut self, architecture: &str) -> Self {
        self.architecture = architecture.into();
        self
    }

    /// The image as text: see [`Tree::manifest`].
    #[must_use]
    pub fn manifest(&self) -> String {
        self.image.borrow().manifest()
    }

    /// A copy of the image as it is now.
    #[must_use]
    pub fn image(&self) -> Tree {
        self.image.borrow().clone()
    }

    /// A file's content as text.
    ///
    /// # Errors
    /// As [`Host::read`], and `other` when it is not UTF-8.
    pub fn text(&self, path: &str) -> Result<String> {
        String::from_utf8(self.read(path)?).map_err(|_| Failure::other(format!("`{path}` is not UTF-8")))
    }

    /// What tells apart the objects of the image; a final link is followed.
    ///
    /// # Errors
    /// Those of the path.
    pub fn inode(&self, path: &str) -> Result<usize> {
        self.image.borrow_mut().find(path, Walk::FOLLOW)
    }

    /// All that was logged.
    #[must_use]
    pub fn log_records(&self) -> Vec<LogRecord> {
        self.log.borrow().clone()
    }

    /// How many calls into the image and the artifacts there were.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.get()
    }

    /// How many calls that change the image succeeded, also those that left it as it was.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.changes.get()
    }

    pub(super) fn look<T>(&self, action: impl FnOnce(&mut Tree) -> Result<T>) -> Result<T> {
        self.calls.set(self.calls.get() + 1);
        action(&mut self.image.borrow_mut())
    }

    pub(super) fn change<T>(&self, action: impl FnOnce(&mut Tree) -> Result<T>) -> Result<T> {
        self.calls.set(self.calls.get() + 1);
        self.apply(action)
    }

    /// Changes the image as far as the test lets the step do so.
    fn apply<T>(&self, action: impl FnOnce(&mut Tree) -> Result<T>) -> Result<T> {
        self.refuse()?;
        let mut image = self.image.borrow_mut();
        let before = self.grant.as_ref().map(|grant| (grant, image.clone()));
        let mut done = action(&mut image);
        if let Some((grant, before)) = before {
            done = done.and_then(|done| grant.check(&before, &image).map(|()| done));
            if done.is_err() {
                *image = before;
            }
        }
        let done = done?;
        self.changes.set(self.changes.get() + 1);
        Ok(done)
    }

    fn refuse(&self) -> Result<()> {
        self.refusal.map_or(Ok(()), |code| Err(Failure::new(code, "the test lets every change fail")))
    }

    fn artifact<T>(
        &self,
        name: &str,
        path: &str,
        action: impl FnOnce(&mut Tree, &str) -> Result<T>,
    ) -> Result<T> {
        self.calls.set(self.calls.get() + 1);
        let mut artifacts = self.artifacts.borrow_mut();
        let artifact = artifacts
            .get_mut(name)
            .ok_or_else(|| Failure::new(FailureCode::NotFound, format!("no artifact `{name}`")))?;
        action(artifact, if path.is_empty() { "/" } else { path })
    }
}

impl Host for MemoryHost {
    fn step_name(&self) -> String {
        self.step_name.clone()
    }

    fn architecture(&self) -> String {
        self.architecture.clone()
    }

    fn source_date_epoch(&self) -> u64 {
        self.epoch
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields = fields.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        self.log.borrow_mut().push(LogRecord { level, message: message.into(), fields });
    }

    /// SplitMix64: good enough to tell bytes apart.
    fn random(&self, buffer: &mut [u8]) {
        for part in buffer.chunks_mut(8) {
            let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.random.set(state);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            for (byte, random) in part.iter_mut().zip((mixed ^ (mixed >> 31)).to_le_bytes()) {
                *byte = random;
            }
        }
    }

    fn resolve(&self, path: &str) -> Result<String> {
        self.look(|image| {
            let place = image.walk(path, Walk::FOLLOW)?;
            place.ino.ok_or_else(|| failure(FailureCode::NotFound, path))?;
            String::from_utf8(place.path).map_err(|_| failure(FailureCode::InvalidPath, path))
        })
    }

    fn stat(&self, path: &str) -> Result<Metadata> {
        self.look(|image| image.find(path, Walk::FOLLOW).and_then(|ino| image.metadata(ino)))
    }

    fn lstat(&self, path: &str) -> Result<Metadata> {
        self.look(|image| image.find(path, Walk::STAY).and_then(|ino| image.metadata(ino)))
    }

    fn read_link(&self, path: &str) -> Result<String> {
        self.look(|image| {
            let ino = image.find(path, Walk::STAY)?;
            match &image.inode(ino)?.content {
                Content::Symlink(target) => {
                    String::from_utf8(target.clone()).map_err(|_| failure(FailureCode::Unsupported, path))
                }
                _ => Err(failure(FailureCode::InvalidArgument, path)),
            }
        })
    }

    fn list_directory(&self, path: &str) -> Result<Vec<Entry>> {
        self.look(|image| list(image, path))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.look(|image| image.find(path, Walk::FOLLOW).and_then(|ino| Ok(image.data(ino, path)?.clone())))
    }

    fn write(&self, path: &str, data: &[u8], options: &WriteOptions) -> Result<()> {
        check_mode(options.mode)?;
        self.change(|image| image.write(path, data, options))
    }

    fn make_directory(&self, path: &str, mode: u32, parents: bool) -> Result<()> {
        check_mode(Some(mode))?;
        self.change(|image| {
            let place = image.walk(path, Walk { follow: parents, make_parents: parents })?;
            match place.ino {
                Some(ino) if parents => image.entries(ino, path).map(drop),
                Some(_) => Err(failure(FailureCode::AlreadyExists, path)),
                None => image.insert(&place, Inode::directory(mode)).map(drop),
            }
        })
    }

    fn make_symlink(&self, target: &str, path: &str) -> Result<()> {
        if target.is_empty() || target.contains('\0') {
            return Err(failure(FailureCode::InvalidPath, target));
        }
        self.change(|image| {
            let link = Inode::new(Content::Symlink(target.into()), 0o777, ROOT);
            let place = free(image, path)?;
            image.insert(&place, link).map(drop)
        })
    }

    fn make_hard_link(&self, existing: &str, path: &str) -> Result<()> {
        self.change(|image| {
            let ino = image.find(existing, Walk::STAY)?;
            if image.inode(ino)?.kind() == Kind::Directory {
                return Err(failure(FailureCode::IsADirectory, existing));
            }
            let place = free(image, path)?;
            image.entries_mut(place.parent)?.insert(place.name, ino);
            Ok(())
        })
    }

    fn rename(&self, old: &str, new: &str) -> Result<()> {
        self.change(|image| image.rename(old, new))
    }

    fn remove_file(&self, path: &str) -> Result<()> {
        self.change(|image| {
            let (place, ino) = there(image, path)?;
            if image.inode(ino)?.kind() == Kind::Directory {
                return Err(failure(FailureCode::IsADirectory, path));
            }
            image.entries_mut(place.parent)?.remove(&place.name);
            Ok(())
        })
    }

    fn remove_directory(&self, path: &str) -> Result<()> {
        self.change(|image| {
            let (place, ino) = there(image, path)?;
            if !image.entries(ino, path)?.is_empty() {
                return Err(failure(FailureCode::DirectoryNotEmpty, path));
            }
            image.entries_mut(place.parent)?.remove(&place.name);
            Ok(())
        })
    }

    fn remove_tree(&self, path: &str) -> Result<TreeReport> {
        self.change(|image| {
            let (place, ino) = there(image, path)?;
            let report = image.count(ino)?;
            image.entries_mut(place.parent)?.remove(&place.name);
            Ok(report)
        })
    }

    fn copy_tree(&self, source: &str, destination: &str, options: &TreeOptions) -> Result<TreeReport> {
        check_mode(options.file_mode).and(check_mode(options.directory_mode))?;
        self.change(|image| {
            let before = image.clone();
            let ino = image.find(source, Walk::STAY)?;
            let from = image.walk(source, Walk::STAY)?.path;
            let to = image.walk(destination, Walk::FOLLOW)?.path;
            if to == from || to.strip_prefix(from.as_slice()).is_some_and(|rest| rest.starts_with(b"/")) {
                return Err(failure(FailureCode::InvalidArgument, destination));
            }
            image.copy_from(&before, ino, destination, options)
        })
    }

    fn make_node(&self, path: &str, kind: Kind, mode: u32, device: Option<Device>) -> Result<()> {
        check_mode(Some(mode))?;
        let is_device = matches!(kind, Kind::CharDevice | Kind::BlockDevice);
        if !(is_device || kind == Kind::Fifo) || is_device != device.is_some() {
            let message =
                format!("`{path}`: a device takes a number, a pipe takes none, and nothing else is a node");
            return Err(Failure::new(FailureCode::InvalidArgument, message));
        }
        self.change(|image| {
            let place = free(image, path)?;
            let node = Inode { device, ..Inode::new(Content::Special(kind), mode, ROOT) };
            image.insert(&place, node).map(drop)
        })
    }

    fn set_mode(&self, path: &str, mode: u32) -> Result<()> {
        check_mode(Some(mode))?;
        self.change(|image| {
            let ino = image.find(path, Walk::FOLLOW)?;
            image.inode_mut(ino)?.mode = mode;
            Ok(())
        })
    }

    fn set_owner(&self, path: &str, owner: Owner, follow: bool) -> Result<()> {
        self.change(|image| {
            let ino = image.find(path, Walk { follow, make_parents: false })?;
            image.inode_mut(ino)?.owner = owner;
            Ok(())
        })
    }

    fn set_modified(&self, path: &str, time: Timestamp, follow: bool) -> Result<()> {
        if time.nanoseconds >= 1_000_000_000 {
            let message = format!("`{path}`: {} nanoseconds are more than a second", time.nanoseconds);
            return Err(Failure::new(FailureCode::InvalidArgument, message));
        }
        self.change(|image| {
            let ino = image.find(path, Walk { follow, make_parents: false })?;
            image.inode_mut(ino)?.modified = time;
            Ok(())
        })
    }

    fn list_xattrs(&self, path: &str) -> Result<Vec<String>> {
        self.look(|image| {
            let ino = image.find(path, Walk::STAY)?;
            Ok(image.inode(ino)?.xattrs.keys().cloned().collect())
        })
    }

    fn xattr(&self, path: &str, name: &str) -> Result<Vec<u8>> {
        self.look(|image| {
            let ino = image.find(path, Walk::STAY)?;
            image.inode(ino)?.xattrs.get(name).cloned().ok_or_else(|| no_xattr(path, name))
        })
    }

    fn set_xattr(&self, path: &str, name: &str, value: &[u8]) -> Result<()> {
        self.change(|image| {
            let ino = image.find(path, Walk::STAY)?;
            image.inode_mut(ino)?.xattrs.insert(name.to_owned(), value.to_vec());
            Ok(())
        })
    }

    fn remove_xattr(&self, path: &str, name: &str) -> Result<()> {
        self.change(|image| {
            let ino = image.find(path, Walk::STAY)?;
            image.inode_mut(ino)?.xattrs.remove(name).map(drop).ok_or_else(|| no_xattr(path, name))
        })
    }

    fn open(&self, path: &str) -> Result<Box<dyn OpenFile + '_>> {
        let ino = self.look(|image| {
            let ino = image.find(path, Walk::FOLLOW)?;
            image.data(ino, path).map(|_| ino)
        })?;
        Ok(Box::new(MemoryFile { host: self, ino, path: path.to_owned() }))
    }

    fn create(&self, path: &str, options: &WriteOptions) -> Result<Box<dyn OpenFile + '_>> {
        self.write(path, &[], options)?;
        let follow = !options.replace_symlink;
        let ino = self.image.borrow_mut().find(path, Walk { follow, make_parents: false })?;
        Ok(Box::new(MemoryFile { host: self, ino, path: path.to_owned() }))
    }

    fn artifact_names(&self) -> Vec<String> {
        self.artifacts.borrow().keys().cloned().collect()
    }

    fn artifact_stat(&self, name: &str, path: &str) -> Result<Metadata> {
        self.artifact(name, path, |artifact, path| {
            let ino = artifact.find(path, Walk::FOLLOW)?;
            // What differs from one machine to the other is left out.
            let modified = Timestamp::default();
            Ok(Metadata { owner: ROOT, links: 1, modified, ..artifact.metadata(ino)? })
        })
    }

    fn artifact_list(&self, name: &str, path: &str) -> Result<Vec<Entry>> {
        self.artifact(name, path, list)
    }

    fn artifact_read_at(&self, name: &str, path: &str, offset: u64, max: u32) -> Result<Vec<u8>> {
        self.artifact(name, path, |artifact, path| {
            let ino = artifact.find(path, Walk::FOLLOW)?;
            let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
            Ok(artifact.data(ino, path)?.iter().skip(skipped).take(max as usize).copied().collect())
        })
    }

    fn install(
        &self,
        name: &str,
        path: &str,
        destination: &str,
        options: &TreeOptions,
    ) -> Result<TreeReport> {
        check_mode(options.file_mode).and(check_mode(options.directory_mode))?;
        self.artifact(name, path, |artifact, path| {
            let ino = artifact.find(path, Walk::FOLLOW)?;
            self.apply(|image| image.install_from(artifact, ino, destination, options))
        })
    }
}

fn no_xattr(path: &str, name: &str) -> Failure {
    Failure::new(FailureCode::NotFound, format!("`{path}`: no extended attribute `{name}`"))
}

fn check_mode(mode: Option<u32>) -> Result<()> {
    match mode {
        Some(mode) if mode > 0o7777 => {
            Err(Failure::new(FailureCode::InvalidArgument, format!("mode {mode:o} has more than 12 bits")))
        }
        _ => Ok(()),
    }
}
