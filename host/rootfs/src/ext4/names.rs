//! What the names in directories stand for, remembered.
//!
//! A directory that is asked about a second time is read as a whole; from then on its names, those it does not
//! have included, are answered from memory and kept up to date by every change.

use super::{Ext4, inode};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Inode, Item, Outcome};
use crate::tree::Kind;
use fs_ext4::Filesystem;
use fs_ext4::dir::{DirBlockIter, DirEntry, DirEntryType};
use std::collections::{HashMap, HashSet};

/// Names remembered at most, over all directories.
const CAPACITY: usize = 200_000;
/// Names one directory may have; more is taken for damage.
const MOST_NAMES: usize = 1_000_000;

type Directory = HashMap<Vec<u8>, (u32, Kind)>;

/// The names that are known.
#[derive(Debug, Default)]
pub(super) struct Names {
    directories: HashMap<u32, Directory>,
    /// How many names `directories` holds, about.
    held: usize,
    asked: HashSet<u32>,
    /// Directories whose entries are in doubt until a change has succeeded.
    doubtful: Vec<u32>,
}

impl Names {
    /// The names of a directory that was just made: none.
    pub(super) fn start(&mut self, directory: u32) {
        self.settle();
        self.directories.insert(directory, Directory::new());
    }

    pub(super) fn insert(&mut self, directory: u32, name: &[u8], inode: u32, kind: Kind) {
        self.settle();
        if let Some(names) = self.directories.get_mut(&directory) {
            names.insert(name.to_vec(), (inode, kind));
            self.held += 1;
        }
    }

    pub(super) fn remove(&mut self, directory: u32, name: &[u8]) {
        self.settle();
        if let Some(names) = self.directories.get_mut(&directory) {
            names.remove(name);
        }
    }

    /// The directory is gone, and its number may come to stand for another.
    pub(super) fn drop_directory(&mut self, directory: u32) {
        self.asked.remove(&directory);
        if let Some(names) = self.directories.remove(&directory) {
            self.held = self.held.saturating_sub(names.len());
        }
    }

    /// Until [`Names::keep`] is called, the next use forgets these directories.
    pub(super) fn forget_on_failure(&mut self, directories: &[u32]) {
        self.settle();
        self.doubtful = directories.to_vec();
    }

    pub(super) fn keep(&mut self) {
        self.doubtful.clear();
    }

    fn settle(&mut self) {
        for directory in std::mem::take(&mut self.doubtful) {
            self.drop_directory(directory);
        }
    }

    /// `None` when nothing is known of the directory.
    fn get(&mut self, directory: u32, name: &[u8]) -> Option<Option<(u32, Kind)>> {
        self.settle();
        self.directories.get(&directory).map(|names| names.get(name).copied())
    }

    fn store(&mut self, directory: u32, items: &[Item]) {
        self.settle();
        if self.held + items.len() > CAPACITY {
            self.directories.clear();
            self.held = 0;
        }
        if items.len() > CAPACITY {
            return;
        }
        self.held += items.len();
        let mut names = Directory::with_capacity(items.len());
        for item in items {
            if let Ok(inode) = u32::try_from(item.inode) {
                // Of two equal names, which only damage makes, the first counts.
                names.entry(item.name.clone()).or_insert((inode, item.kind));
            }
        }
        self.directories.insert(directory, names);
    }
}

impl Ext4 {
    /// The object of that name and its kind.
    pub(super) fn find(&mut self, directory: u32, name: &[u8]) -> Outcome<(u32, Kind)> {
        if let Some(known) = self.names.get(directory, name) {
            return known.ok_or_else(|| ErrorKind::NotFound.into());
        }
        if self.names.asked.insert(directory) {
            let found = self.call(|engine| engine.lookup_at(directory, name))?;
            let mode = self.call(|engine| engine.stat_ino(found))?.mode;
            return Ok((found, inode::kind(mode)?));
        }
        self.entries(directory)?;
        match self.names.get(directory, name) {
            Some(known) => known.ok_or_else(|| ErrorKind::NotFound.into()),
            // Too many names to remember.
            None => {
                let found = self.call(|engine| engine.lookup_at(directory, name))?;
                let mode = self.call(|engine| engine.stat_ino(found))?.mode;
                Ok((found, inode::kind(mode)?))
            }
        }
    }

    /// All names of a directory.
    pub(super) fn entries(&mut self, directory: u32) -> Outcome<Vec<Item>> {
        let found = self.call(|engine| read_directory(engine, directory))?;
        let mut items = Vec::with_capacity(found.len());
        for entry in found {
            if entry.name == b"." || entry.name == b".." {
                continue;
            }
            check_name(&entry.name)?;
            let kind = match known_kind(entry.file_type) {
                Some(kind) => kind,
                None => inode::kind(self.call(|engine| engine.stat_ino(entry.inode))?.mode)?,
            };
            items.push(Item { name: entry.name, inode: Inode::from(entry.inode), kind });
        }
        self.names.store(directory, &items);
        Ok(items)
    }
}

/// A name with a slash in it would be taken for a path further up.
fn check_name(name: &[u8]) -> Outcome<()> {
    if name.is_empty() || name.len() > 255 || name.iter().any(|byte| *byte == b'/' || *byte == 0) {
        return Err(Failure::new(ErrorKind::Corrupt, "a directory holds a name with `/` or NUL in it"));
    }
    Ok(())
}

fn known_kind(entry_type: DirEntryType) -> Option<Kind> {
    match entry_type {
        DirEntryType::RegFile => Some(Kind::Regular),
        DirEntryType::Directory => Some(Kind::Directory),
        DirEntryType::CharDev => Some(Kind::CharDevice),
        DirEntryType::BlockDev => Some(Kind::BlockDevice),
        DirEntryType::Fifo => Some(Kind::Fifo),
        DirEntryType::Socket => Some(Kind::Socket),
        DirEntryType::Symlink => Some(Kind::Symlink),
        DirEntryType::Unknown => None,
    }
}

/// The engine lists directories mapped by extents or held in the inode; those of ext2 and ext3 are read here.
fn read_directory(engine: &Filesystem, directory: u32) -> fs_ext4::Result<Vec<DirEntry>> {
    let inode = engine.stat_ino(directory)?;
    if !inode.is_dir() {
        return Err(fs_ext4::Error::NotADirectory);
    }
    if inode.has_extents() || inode.has_inline_data() {
        return engine.read_dir_ino(directory);
    }
    let with_type = engine.sb.feature_incompat & fs_ext4::features::Incompat::FILETYPE.bits() != 0;
    let mut entries = Vec::new();
    for logical in 0..inode.size.div_ceil(u64::from(engine.sb.block_size())) {
        let Some(physical) = engine.map_inode_logical(&inode, logical)? else { continue };
        for entry in DirBlockIter::new(&engine.read_block(physical)?, with_type) {
            if entries.len() >= MOST_NAMES {
                return Err(fs_ext4::Error::Corrupt("a directory holds too many names"));
            }
            entries.push(entry?);
        }
    }
    Ok(entries)
}
