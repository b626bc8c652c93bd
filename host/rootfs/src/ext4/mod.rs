//! ext4 in user space, by the crate `rust-fs-ext4`.
//!
//! The journal is replayed when the file system is opened and not written afterwards: the working file is private
//! and thrown away when the run is cut off, so nothing would ever be recovered from it. All writes gather in a
//! cache; [`FileSystem::flush`] puts them into the file and leaves the file system marked clean.
//!
//! A damaged image can make the engine panic. Every call goes through [`Ext4::call`], which turns that into
//! [`ErrorKind::Corrupt`] and refuses everything from then on.

mod content;
mod device;
mod engine_error;
mod format;
mod inode;
mod names;
mod space;
mod trim;
mod xattr;

use crate::error::{Error, ErrorKind};
use crate::filesystem::{Attributes, Failure, FileSystem, Inode, Item, Outcome, TrimReport};
use crate::tree::{Device as DeviceNumber, Kind, Owner, Timestamp};
use block::Window;
use device::{Clock, Device};
use fs_ext4::Filesystem;
use fs_ext4::features::{Incompat, RoCompat};
use names::Names;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The inode number of the root directory.
const ROOT: u32 = 2;

/// One ext4 file system in a window of the working file.
pub struct Ext4 {
    device: Arc<Device>,
    clock: Arc<Clock>,
    time: Timestamp,
    /// Mounted on first use and again after each flush.
    engine: Option<Filesystem>,
    read_only: Option<String>,
    /// The engine panicked: nothing it holds can be believed.
    broken: bool,
    names: Names,
    /// Directories whose time of change is the fixed time already.
    touched: HashSet<u32>,
}

impl Ext4 {
    /// Opens the file system and replays its journal. Everything made or changed gets the seconds of `clock`.
    ///
    /// ext2, ext3 and file systems with features whose structures the engine does not maintain (quota, bigalloc,
    /// verity, …) can be read only: see [`FileSystem::read_only`].
    ///
    /// # Errors
    /// - [`ErrorKind::Unsupported`]: it cannot be read (encryption, case folding, multi-mount protection, an
    ///   external journal, unknown features).
    /// - [`ErrorKind::Corrupt`]: its structures contradict themselves, or this is no ext4.
    /// - [`ErrorKind::Io`]: the working file cannot be read.
    pub fn open(window: Window, clock: Timestamp) -> Result<Box<dyn FileSystem>, Error> {
        Self::open_engine(window, clock)
            .map(|engine| Box::new(engine) as Box<dyn FileSystem>)
            .map_err(|failure| failure.without_path("open the ext4 file system"))
    }

    fn open_engine(window: Window, time: Timestamp) -> Outcome<Self> {
        let probe = Device::new(window.clone(), false);
        let superblock = catch_unwind(AssertUnwindSafe(|| fs_ext4::Superblock::read(&probe)))
            .map_err(|_| Failure::new(ErrorKind::Corrupt, "the superblock makes no sense"))?
            .map_err(engine_error::failure)?;
        refuse_unreadable(&superblock)?;
        let read_only = why_read_only(&superblock);
        let mut ext4 = Self {
            device: Arc::new(Device::new(window, read_only.is_none())),
            clock: Arc::new(Clock::new(time.seconds)),
            time: Timestamp { seconds: time.seconds, nanoseconds: 0 },
            engine: None,
            read_only,
            broken: false,
            names: Names::default(),
            touched: HashSet::new(),
        };
        ext4.call(|engine| engine.stat_ino(ROOT))?;
        Ok(ext4)
    }

    /// Runs a call of the engine, mounting it if need be.
    fn call<T>(&mut self, run: impl FnOnce(&Filesystem) -> fs_ext4::Result<T>) -> Outcome<T> {
        if self.broken {
            return Err(Failure::new(ErrorKind::Corrupt, "the file system turned out to be damaged before"));
        }
        if self.engine.is_none() {
            self.engine = Some(self.mount()?);
        }
        let Some(engine) = &self.engine else {
            return Err(ErrorKind::Corrupt.into());
        };
        match catch_unwind(AssertUnwindSafe(|| run(engine))) {
            Ok(result) => result.map_err(engine_error::failure),
            Err(_) => Err(self.give_up()),
        }
    }

    /// Runs a call that changes something. The engine counts free space per group at mount only, so where it
    /// finds none it is mounted anew and asked again; a failed call uses up no inode generation.
    fn change<T>(&mut self, run: impl Fn(&Filesystem) -> fs_ext4::Result<T>) -> Outcome<T> {
        if let Some(reason) = &self.read_only {
            return Err(Failure::new(ErrorKind::ReadOnly, reason.clone()));
        }
        let generation = self.clock.generation();
        let mut result = self.call(&run);
        if matches!(&result, Err(failure) if failure.kind() == ErrorKind::NoSpace) {
            self.clock.set_generation(generation);
            self.unmount()?;
            result = self.call(&run);
        }
        if result.is_err() {
            self.clock.set_generation(generation);
        }
        result
    }

    /// After a panic the engine is leaked rather than dropped: its destructor writes.
    fn give_up(&mut self) -> Failure {
        self.broken = true;
        std::mem::forget(self.engine.take());
        Failure::new(ErrorKind::Corrupt, "structures of the ext4 file system make no sense")
    }

    fn mount(&mut self) -> Outcome<Filesystem> {
        let device: Arc<Device> = Arc::clone(&self.device);
        let clock: Arc<Clock> = Arc::clone(&self.clock);
        let mounted = catch_unwind(AssertUnwindSafe(|| Filesystem::mount_with_runtime(device, clock)));
        let Ok(mounted) = mounted else {
            return Err(self.give_up());
        };
        let mut engine = mounted.map_err(engine_error::failure)?;
        if self.read_only.is_none() {
            // Past the engine's own small cache, and without a journal from here on.
            engine.dev = Arc::clone(&self.device) as Arc<dyn fs_ext4::block_io::BlockDevice>;
            engine.journal = None;
        }
        Ok(engine)
    }

    /// Ends the mount so that the superblock says clean.
    fn unmount(&mut self) -> Outcome<()> {
        let Some(engine) = self.engine.take() else {
            return Ok(());
        };
        if self.read_only.is_some() {
            return Ok(());
        }
        match catch_unwind(AssertUnwindSafe(|| engine.finish())) {
            Ok(result) => result.map_err(engine_error::failure),
            Err(_) => Err(self.give_up()),
        }
    }

    /// Gives a directory whose entries changed the fixed time.
    fn touch(&mut self, directory: u32) -> Outcome<()> {
        if self.touched.contains(&directory) {
            return Ok(());
        }
        let (seconds, nanoseconds) = (self.time.seconds, self.time.nanoseconds);
        self.change(|engine| {
            engine.apply_utimens_ino(directory, fs_ext4::fs::TIME_OMIT, 0, seconds, nanoseconds)
        })?;
        self.touched.insert(directory);
        Ok(())
    }

    /// Notes a new entry.
    fn entered(&mut self, directory: u32, name: &[u8], inode: u32, kind: Kind) -> Outcome<Inode> {
        self.names.insert(directory, name, inode, kind);
        self.touch(directory)?;
        Ok(Inode::from(inode))
    }
}

/// What the engine would refuse, in words.
fn refuse_unreadable(superblock: &fs_ext4::Superblock) -> Outcome<()> {
    let features = superblock.feature_incompat;
    let known = [
        (Incompat::CASEFOLD, "file names that ignore case"),
        (Incompat::ENCRYPT, "encryption"),
        (Incompat::MMP, "multi-mount protection"),
        (Incompat::JOURNAL_DEV, "a journal on a device of its own"),
        (Incompat::COMPRESSION, "compression"),
        (Incompat::DIRDATA, "data in directories"),
    ];
    for (feature, words) in known {
        if features & feature.bits() != 0 {
            return Err(Failure::new(ErrorKind::Unsupported, format!("the file system has {words}")));
        }
    }
    let unknown = features & !fs_ext4::features::SUPPORTED_INCOMPAT;
    if unknown != 0 {
        return Err(Failure::new(
            ErrorKind::Unsupported,
            format!("the file system has unknown features (incompatible: {unknown:#x})"),
        ));
    }
    Ok(())
}

/// Why a file system that can be read cannot be written, if so.
fn why_read_only(superblock: &fs_ext4::Superblock) -> Option<String> {
    if superblock.feature_incompat & Incompat::EXTENTS.bits() == 0 {
        return Some("ext2 and ext3 (block maps instead of extents) can only be read here".to_owned());
    }
    // Whether orphans are in the file is settled by replaying and clearing it, which the mount does.
    let unmaintained = fs_ext4::features::unmaintained_ro_compat(superblock.feature_ro_compat);
    let known = [
        (RoCompat::QUOTA, "quota"),
        (RoCompat::PROJECT, "project quota"),
        (RoCompat::BIGALLOC, "bigalloc"),
        (RoCompat::VERITY, "fs-verity"),
        (RoCompat::READONLY, "the mark that it shall not be written"),
        (RoCompat::ORPHAN_PRESENT, "files that were removed while open when it was last used"),
    ];
    let named: Vec<&str> =
        known.iter().filter(|(bit, _)| unmaintained & bit.bits() != 0).map(|(_, words)| *words).collect();
    match (unmaintained, named.is_empty()) {
        (0, _) => None,
        (bits, true) => Some(format!("it has unknown features (read-only compatible: {bits:#x})")),
        (_, false) => Some(format!("it has {}, which is not maintained here", named.join(" and "))),
    }
}

/// The engine's inode numbers have 32 bits; no other number came from here.
fn number(inode: Inode) -> Outcome<u32> {
    u32::try_from(inode).map_err(|_| Failure::new(ErrorKind::Corrupt, "inode number out of range"))
}

impl FileSystem for Ext4 {
    fn name(&self) -> &'static str {
        "ext4"
    }

    fn read_only(&self) -> Option<String> {
        self.read_only.clone()
    }

    fn ignores_case(&self) -> bool {
        false
    }

    fn root(&self) -> Inode {
        Inode::from(ROOT)
    }

    fn attributes(&mut self, inode: Inode) -> Outcome<Attributes> {
        let ino = number(inode)?;
        let found = self.call(|engine| engine.stat_ino(ino))?;
        inode::attributes(inode, &found)
    }

    fn lookup(&mut self, directory: Inode, name: &[u8]) -> Outcome<Inode> {
        self.find(number(directory)?, name).map(|(inode, _)| Inode::from(inode))
    }

    fn list(&mut self, directory: Inode) -> Outcome<Vec<Item>> {
        self.entries(number(directory)?)
    }

    fn read_link(&mut self, inode: Inode) -> Outcome<Vec<u8>> {
        let ino = number(inode)?;
        self.call(|engine| engine.read_link_ino(ino))
    }

    fn read(&mut self, inode: Inode, offset: u64, buffer: &mut [u8]) -> Outcome<usize> {
        self.read_content(number(inode)?, offset, buffer)
    }

    fn find_data(&mut self, inode: Inode, offset: u64) -> Outcome<Option<u64>> {
        self.data_from(number(inode)?, offset)
    }

    fn write(&mut self, inode: Inode, offset: u64, data: &[u8]) -> Outcome<()> {
        self.write_content(number(inode)?, offset, data)
    }

    fn replace(&mut self, inode: Inode, data: &[u8]) -> Outcome<()> {
        self.replace_content(number(inode)?, data)
    }

    fn set_size(&mut self, inode: Inode, size: u64) -> Outcome<()> {
        self.resize_content(number(inode)?, size)
    }

    fn has_room(&mut self, bytes: u64) -> Outcome<()> {
        self.check_room(bytes)
    }

    fn make_file(&mut self, directory: Inode, name: &[u8], mode: u32) -> Outcome<Inode> {
        let dir = number(directory)?;
        let mode = inode::mode_bits(mode)?;
        let made = self.change(|engine| engine.apply_create_at(dir, name, mode))?;
        self.entered(dir, name, made, Kind::Regular)
    }

    fn make_directory(&mut self, directory: Inode, name: &[u8], mode: u32) -> Outcome<Inode> {
        let dir = number(directory)?;
        let mode = inode::mode_bits(mode)?;
        let made = self.change(|engine| engine.apply_mkdir_at(dir, name, mode))?;
        self.touched.insert(made);
        self.names.start(made);
        self.entered(dir, name, made, Kind::Directory)
    }

    fn make_symlink(&mut self, directory: Inode, name: &[u8], target: &[u8]) -> Outcome<Inode> {
        let dir = number(directory)?;
        let made = self.change(|engine| engine.apply_symlink_at(dir, name, target))?;
        self.entered(dir, name, made, Kind::Symlink)
    }

    fn make_node(
        &mut self,
        directory: Inode,
        name: &[u8],
        kind: Kind,
        mode: u32,
        device: Option<DeviceNumber>,
    ) -> Outcome<Inode> {
        let dir = number(directory)?;
        let bits = inode::mode_bits(mode)? | inode::type_bits(kind);
        let device = device.unwrap_or(DeviceNumber { major: 0, minor: 0 });
        let words = inode::device_words(device)?;
        let made = self.change(|engine| {
            let made = engine.apply_mknod_at(dir, name, bits, 0, 0)?;
            // The engine cannot store every number itself.
            if matches!(kind, Kind::CharDevice | Kind::BlockDevice) {
                inode::edit(engine, made, |raw| inode::put_device(raw, words))?;
            }
            Ok(made)
        })?;
        self.entered(dir, name, made, kind)
    }

    fn link(&mut self, inode: Inode, directory: Inode, name: &[u8]) -> Outcome<()> {
        let (ino, dir) = (number(inode)?, number(directory)?);
        let kind = inode::kind(self.call(|engine| engine.stat_ino(ino))?.mode)?;
        self.change(|engine| engine.apply_link_at(ino, dir, name))?;
        self.entered(dir, name, ino, kind).map(|_| ())
    }

    fn rename(&mut self, from: (Inode, &[u8]), to: (Inode, &[u8])) -> Outcome<()> {
        let (old_dir, new_dir) = (number(from.0)?, number(to.0)?);
        let (inode, kind) = self.find(old_dir, from.1)?;
        let replaced = self.find(new_dir, to.1).ok();
        self.names.forget_on_failure(&[old_dir, new_dir]);
        self.change(|engine| engine.apply_rename_at(old_dir, from.1, new_dir, to.1, true))?;
        self.names.keep();
        if let Some((gone, _)) = replaced {
            self.names.drop_directory(gone);
            self.touched.remove(&gone);
        }
        self.names.remove(old_dir, from.1);
        self.touch(old_dir)?;
        self.entered(new_dir, to.1, inode, kind).map(|_| ())
    }

    fn unlink(&mut self, directory: Inode, name: &[u8]) -> Outcome<()> {
        let dir = number(directory)?;
        self.change(|engine| engine.apply_unlink_at(dir, name))?;
        self.names.remove(dir, name);
        self.touch(dir)
    }

    fn remove_directory(&mut self, directory: Inode, name: &[u8]) -> Outcome<()> {
        let dir = number(directory)?;
        let (gone, _) = self.find(dir, name)?;
        self.change(|engine| engine.apply_rmdir_at(dir, name))?;
        self.names.drop_directory(gone);
        self.touched.remove(&gone);
        self.names.remove(dir, name);
        self.touch(dir)
    }

    fn set_mode(&mut self, inode: Inode, mode: u32) -> Outcome<()> {
        let (ino, mode) = (number(inode)?, inode::mode_bits(mode)?);
        self.change(|engine| engine.apply_chmod_ino(ino, mode))
    }

    fn set_owner(&mut self, inode: Inode, owner: Owner) -> Outcome<()> {
        let ino = number(inode)?;
        // To the engine the highest number means: leave it.
        if owner.uid == u32::MAX || owner.gid == u32::MAX {
            return Err(Failure::new(ErrorKind::InvalidArgument, "4294967295 is no user or group"));
        }
        self.change(|engine| engine.apply_chown_ino(ino, owner.uid, owner.gid))
    }

    fn set_modified(&mut self, inode: Inode, time: Timestamp) -> Outcome<()> {
        let ino = number(inode)?;
        self.touched.remove(&ino);
        self.change(|engine| {
            engine.apply_utimens_ino(ino, fs_ext4::fs::TIME_OMIT, 0, time.seconds, time.nanoseconds)
        })
    }

    fn list_xattrs(&mut self, inode: Inode) -> Outcome<Vec<String>> {
        self.xattr_names(number(inode)?)
    }

    fn xattr(&mut self, inode: Inode, name: &str) -> Outcome<Vec<u8>> {
        self.xattr_value(number(inode)?, name)
    }

    fn set_xattr(&mut self, inode: Inode, name: &str, value: &[u8]) -> Outcome<()> {
        self.put_xattr(number(inode)?, name, value)
    }

    fn remove_xattr(&mut self, inode: Inode, name: &str) -> Outcome<()> {
        self.drop_xattr(number(inode)?, name)
    }

    fn flush(&mut self) -> Outcome<()> {
        self.unmount()?;
        self.device.write_back().map_err(|error| Failure::new(ErrorKind::Io, error))
    }

    fn trim(&mut self) -> Outcome<TrimReport> {
        self.punch_free_blocks()
    }
}

impl std::fmt::Debug for Ext4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ext4").field("device", &self.device).finish_non_exhaustive()
    }
}
