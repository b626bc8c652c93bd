//! FAT12, FAT16 and FAT32 in user space, with what a `vfat` mount makes of them: everything belongs to 0:0, modes
//! come from mount options, and there are no links, nodes or extended attributes.

mod content;
mod directory;
mod layout;
mod name;
mod options;
mod table;
#[cfg(test)]
mod tests;
mod time;

pub use options::FatOptions;

use crate::cache::Cache;
use crate::error::{Error, ErrorKind};
use crate::filesystem::{Attributes, Failure, FileSystem, Inode, Item, Outcome, TrimReport};
use crate::tree::{Device, Kind, Owner, Timestamp};
use block::{Window, WindowError};
use directory::{Entry, Place, Slot};
use layout::{BOOT_SECTOR, Layout};
use std::collections::{HashMap, HashSet};
use time::Stamp;

const ROOT: Inode = 1;
/// Entries of directories remembered at most.
const MOST_LISTED: usize = 50_000;

/// One FAT file system in a window of the working file.
#[derive(Debug)]
pub struct Fat {
    volume: Volume,
    options: FatOptions,
    stamp: Stamp,
    /// FAT has no inode numbers: each object gets one when it is met, and keeps it when it moves.
    objects: HashMap<Inode, u64>,
    numbers: HashMap<u64, Inode>,
    next_number: Inode,
    /// Directories that have been listed, kept up to date.
    listed: HashMap<Place, Vec<Entry>>,
    changed: bool,
}

/// The structures on disk.
#[derive(Debug)]
struct Volume {
    cache: Cache,
    layout: Layout,
    /// The number of free clusters, once it has been counted.
    free: Option<u64>,
    /// Where the search for a free cluster begins.
    next: u32,
}

impl Fat {
    /// Opens the file system. Everything made or changed gets the time `clock`, to the two seconds that FAT keeps.
    ///
    /// # Errors
    /// - [`ErrorKind::Unsupported`]: it is exFAT or NTFS.
    /// - [`ErrorKind::Corrupt`]: the boot sector makes no sense.
    /// - [`ErrorKind::Io`]: the working file cannot be read.
    pub fn open(window: Window, clock: Timestamp, options: FatOptions) -> Result<Box<dyn FileSystem>, Error> {
        Self::open_volume(window, clock, options)
            .map(|fat| Box::new(fat) as Box<dyn FileSystem>)
            .map_err(|failure| failure.without_path("open the FAT file system"))
    }

    fn open_volume(window: Window, clock: Timestamp, options: FatOptions) -> Outcome<Self> {
        let mut cache = Cache::new(window);
        let mut boot = [0; BOOT_SECTOR];
        cache.read(0, &mut boot).map_err(io)?;
        layout::refuse_relatives(&boot)?;
        let layout = Layout::parse(&boot, cache.len())?;
        Ok(Self {
            volume: Volume { cache, layout, free: None, next: layout::FIRST_CLUSTER },
            options,
            stamp: time::stamp(clock),
            objects: HashMap::new(),
            numbers: HashMap::new(),
            next_number: ROOT + 1,
            listed: HashMap::new(),
            changed: false,
        })
    }

    /// The number of the object whose short name is at `place`.
    fn number(&mut self, place: u64) -> Inode {
        if let Some(number) = self.numbers.get(&place) {
            return *number;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.insert(place, number);
        self.objects.insert(number, place);
        number
    }

    fn forget(&mut self, place: u64) {
        if let Some(number) = self.numbers.remove(&place) {
            self.objects.remove(&number);
        }
    }

    /// The slot of an object; `None` is the root, which has none.
    fn slot(&mut self, inode: Inode) -> Outcome<Option<(u64, Slot)>> {
        if inode == ROOT {
            return Ok(None);
        }
        let place = *self.objects.get(&inode).ok_or(ErrorKind::NotFound)?;
        let mut raw = [0; 32];
        self.volume.cache.read(place, &mut raw).map_err(io)?;
        Ok(Some((place, raw)))
    }

    fn directory(&mut self, inode: Inode) -> Outcome<Place> {
        let slot = self.slot(inode)?;
        self.volume.directory_place(slot.as_ref().map(|(_, raw)| raw))
    }

    fn entries(&mut self, place: Place) -> Outcome<&[Entry]> {
        if !self.listed.contains_key(&place) {
            let entries = self.volume.entries(place)?;
            if self.listed.values().map(Vec::len).sum::<usize>() + entries.len() > MOST_LISTED {
                self.listed.clear();
            }
            self.listed.insert(place, entries);
        }
        Ok(self.listed.get(&place).map_or(&[], Vec::as_slice))
    }

    /// Brings the listing up to date with a slot that changed.
    fn relist(&mut self, place: u64, raw: Slot) {
        let mut entries = self.listed.values_mut().flatten();
        if let Some(entry) = entries.find(|entry| entry.place() == place) {
            entry.raw = raw;
        }
    }

    /// An object by its name, or by the short one beside it.
    fn find(&mut self, place: Place, wanted: &[u8]) -> Outcome<Entry> {
        let entries = self.entries(place)?;
        let by_name = entries.iter().find(|entry| name::same(&entry.name, wanted));
        // A short name has at most 8 and 3 characters; longer ones need not be compared with all of them.
        let short = std::str::from_utf8(wanted).ok().filter(|text| text.chars().count() <= 12);
        let is_short = |entry: &&Entry| {
            short.is_some_and(|text| {
                name::same(name::short_text(&entry.short, false, false).as_bytes(), text.as_bytes())
            })
        };
        let by_short = || entries.iter().filter(|_| short.is_some()).find(is_short);
        by_name.or_else(by_short).cloned().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Adds an object to a directory, all or nothing.
    fn add(&mut self, place: Place, wanted: &[u8], raw: Slot) -> Outcome<Inode> {
        let text = name::check(wanted)?;
        self.changed = true;
        let taken: HashSet<_> = self.entries(place)?.iter().map(|entry| entry.short).collect();
        let listed = self.listed.remove(&place);
        let needed = Volume::slots_for(text);
        // An upper-case name may be the short name beside a long one; then it needs a long one too.
        let clash = name::as_short(text).is_some_and(|short| taken.contains(&short));
        let needed = if clash { text.encode_utf16().count().div_ceil(name::PER_SLOT) + 1 } else { needed };
        let places = self.volume.room(place, needed)?;
        let entry = self.volume.put_entry(&places, text, raw, &|short| taken.contains(short))?;
        let number = self.number(entry.place());
        if let Some(mut entries) = listed {
            entries.push(entry);
            self.listed.insert(place, entries);
        }
        Ok(number)
    }

    /// Changes the content of a file and its slot with it.
    fn on_file(
        &mut self,
        inode: Inode,
        change: impl FnOnce(&mut Volume, &mut Slot) -> Outcome<()>,
    ) -> Outcome<()> {
        let (place, mut raw) = self.slot(inode)?.ok_or(ErrorKind::IsADirectory)?;
        if directory::attributes(&raw) & directory::DIRECTORY != 0 {
            return Err(ErrorKind::IsADirectory.into());
        }
        self.changed = true;
        change(&mut self.volume, &mut raw)?;
        directory::set_modified(&mut raw, self.stamp);
        self.relist(place, raw);
        self.volume.cache.write(place, &raw).map_err(io)
    }

    /// Takes an entry away and frees its clusters.
    fn remove(&mut self, entry: &Entry) -> Outcome<()> {
        self.changed = true;
        let first = self.volume.first_cluster(&entry.raw);
        let mut chain = self.volume.chain(first)?;
        self.listed.remove(&Place::Chain(first));
        for entries in self.listed.values_mut() {
            entries.retain(|other| other.place() != entry.place());
        }
        self.volume.clear_slots(&entry.slots)?;
        self.volume.cut(&mut chain, 0)?;
        self.forget(entry.place());
        Ok(())
    }

    fn kind(raw: &Slot) -> Kind {
        if directory::attributes(raw) & directory::DIRECTORY != 0 { Kind::Directory } else { Kind::Regular }
    }
}

fn io(error: WindowError) -> Failure {
    match error {
        WindowError::OutOfBounds { .. } => Failure::new(ErrorKind::Corrupt, error),
        other => Failure::new(ErrorKind::Io, other),
    }
}

fn corrupt(text: &'static str) -> Failure {
    Failure::new(ErrorKind::Corrupt, text)
}

fn unsupported(text: &'static str) -> Failure {
    Failure::new(ErrorKind::Unsupported, text)
}

impl FileSystem for Fat {
    fn name(&self) -> &'static str {
        "vfat"
    }

    fn read_only(&self) -> Option<String> {
        None
    }

    fn ignores_case(&self) -> bool {
        true
    }

    fn root(&self) -> Inode {
        ROOT
    }

    fn attributes(&mut self, inode: Inode) -> Outcome<Attributes> {
        let slot = self.slot(inode)?;
        let Some((_, raw)) = slot else {
            return Ok(self.options.attributes(inode, Kind::Directory, 0, false, Timestamp::default()));
        };
        let kind = Self::kind(&raw);
        let size = if kind == Kind::Regular { u64::from(directory::size(&raw)) } else { 0 };
        let read_only = directory::attributes(&raw) & directory::READ_ONLY != 0;
        let modified = time::timestamp(directory::modified(&raw));
        Ok(self.options.attributes(inode, kind, size, read_only, modified))
    }

    fn lookup(&mut self, directory: Inode, name: &[u8]) -> Outcome<Inode> {
        let place = self.directory(directory)?;
        let entry = self.find(place, name)?;
        Ok(self.number(entry.place()))
    }

    fn list(&mut self, directory: Inode) -> Outcome<Vec<Item>> {
        let place = self.directory(directory)?;
        let entries = self.entries(place)?.to_vec();
        let mut items = Vec::with_capacity(entries.len());
        for entry in entries {
            let inode = self.number(entry.place());
            items.push(Item { kind: Self::kind(&entry.raw), name: entry.name, inode });
        }
        Ok(items)
    }

    fn read_link(&mut self, _: Inode) -> Outcome<Vec<u8>> {
        Err(ErrorKind::InvalidArgument.into())
    }

    fn read(&mut self, inode: Inode, offset: u64, buffer: &mut [u8]) -> Outcome<usize> {
        let (_, raw) = self.slot(inode)?.ok_or(ErrorKind::IsADirectory)?;
        self.volume.read_content(&raw, offset, buffer)
    }

    fn write(&mut self, inode: Inode, offset: u64, data: &[u8]) -> Outcome<()> {
        if data.is_empty() {
            return Ok(());
        }
        self.on_file(inode, |volume, raw| volume.write_content(raw, offset, data))
    }

    fn replace(&mut self, inode: Inode, data: &[u8]) -> Outcome<()> {
        self.on_file(inode, |volume, raw| volume.replace_content(raw, data))
    }

    fn set_size(&mut self, inode: Inode, size: u64) -> Outcome<()> {
        self.on_file(inode, |volume, raw| volume.resize_content(raw, size))
    }

    fn has_room(&mut self, bytes: u64) -> Outcome<()> {
        if bytes.div_ceil(self.volume.layout.cluster_size) > self.volume.free_clusters()? {
            return Err(ErrorKind::NoSpace.into());
        }
        Ok(())
    }

    fn make_file(&mut self, directory: Inode, name: &[u8], _: u32) -> Outcome<Inode> {
        let place = self.directory(directory)?;
        self.add(place, name, directory::new_slot(directory::ARCHIVE, self.stamp))
    }

    fn make_directory(&mut self, directory: Inode, name: &[u8], _: u32) -> Outcome<Inode> {
        name::check(name)?;
        let place = self.directory(directory)?;
        let mut chain = Vec::new();
        self.volume.extend(&mut chain, 1)?;
        self.changed = true;
        let first = chain.first().copied().ok_or(ErrorKind::NoSpace)?;
        let mut raw = directory::new_slot(directory::DIRECTORY, self.stamp);
        self.volume.set_first_cluster(&mut raw, first);
        let dotdot = self.volume.dotdot(place);
        let made = self.volume.put_dots(first, dotdot, self.stamp).and_then(|()| self.add(place, name, raw));
        if made.is_err() {
            self.volume.cut(&mut chain, 0)?;
        }
        made
    }

    fn make_symlink(&mut self, _: Inode, _: &[u8], _: &[u8]) -> Outcome<Inode> {
        Err(unsupported("FAT has no symbolic links"))
    }

    fn make_node(&mut self, _: Inode, _: &[u8], _: Kind, _: u32, _: Option<Device>) -> Outcome<Inode> {
        Err(unsupported("FAT has no special files"))
    }

    fn link(&mut self, _: Inode, _: Inode, _: &[u8]) -> Outcome<()> {
        Err(unsupported("FAT has no hard links"))
    }

    fn rename(&mut self, from: (Inode, &[u8]), to: (Inode, &[u8])) -> Outcome<()> {
        let text = name::check(to.1)?;
        let (old_place, new_place) = (self.directory(from.0)?, self.directory(to.0)?);
        let entry = self.find(old_place, from.1)?;
        let replaced = match self.find(new_place, to.1) {
            Ok(found) if found.place() != entry.place() => Some(found),
            Ok(_) => None,
            Err(failure) if failure.kind() == ErrorKind::NotFound => None,
            Err(failure) => return Err(failure),
        };
        let mut gone = vec![entry.place()];
        gone.extend(replaced.as_ref().map(Entry::place));
        let others = self.entries(new_place)?.iter().filter(|other| !gone.contains(&other.place()));
        let taken: Vec<_> = others.map(|other| other.short).collect();
        self.changed = true;
        let clash = name::as_short(text).is_some_and(|short| taken.contains(&short));
        let long = text.encode_utf16().count().div_ceil(name::PER_SLOT) + 1;
        let places = self.volume.room(new_place, if clash { long } else { Volume::slots_for(text) })?;
        if let Some(replaced) = &replaced {
            self.remove(replaced)?;
        }
        self.listed.remove(&old_place);
        self.listed.remove(&new_place);
        let moved = self.volume.put_entry(&places, text, entry.raw, &|short| taken.contains(short))?;
        self.volume.clear_slots(&entry.slots)?;
        if Self::kind(&entry.raw) == Kind::Directory && old_place != new_place {
            let dotdot = self.volume.dotdot(new_place);
            self.volume.set_dotdot(self.volume.first_cluster(&entry.raw), dotdot)?;
        }
        let number = self.number(entry.place());
        self.numbers.remove(&entry.place());
        self.numbers.insert(moved.place(), number);
        self.objects.insert(number, moved.place());
        Ok(())
    }

    fn unlink(&mut self, directory: Inode, name: &[u8]) -> Outcome<()> {
        let place = self.directory(directory)?;
        let entry = self.find(place, name)?;
        self.remove(&entry)
    }

    fn remove_directory(&mut self, directory: Inode, name: &[u8]) -> Outcome<()> {
        let place = self.directory(directory)?;
        let entry = self.find(place, name)?;
        let own = self.volume.directory_place(Some(&entry.raw))?;
        if !self.volume.entries(own)?.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        self.remove(&entry)
    }

    fn set_mode(&mut self, inode: Inode, _: u32) -> Outcome<()> {
        // A vfat mount takes any mode and stores none.
        self.slot(inode).map(|_| ())
    }

    fn set_owner(&mut self, inode: Inode, owner: Owner) -> Outcome<()> {
        self.slot(inode)?;
        if owner == Owner::default() { Ok(()) } else { Err(unsupported("FAT stores no owner")) }
    }

    fn set_modified(&mut self, inode: Inode, time: Timestamp) -> Outcome<()> {
        let Some((place, mut raw)) = self.slot(inode)? else { return Ok(()) };
        self.changed = true;
        directory::set_modified(&mut raw, time::stamp(time));
        self.relist(place, raw);
        self.volume.cache.write(place, &raw).map_err(io)
    }

    fn list_xattrs(&mut self, _: Inode) -> Outcome<Vec<String>> {
        Ok(Vec::new())
    }

    fn xattr(&mut self, _: Inode, _: &str) -> Outcome<Vec<u8>> {
        Err(ErrorKind::NotFound.into())
    }

    fn set_xattr(&mut self, _: Inode, _: &str, _: &[u8]) -> Outcome<()> {
        Err(unsupported("FAT has no extended attributes"))
    }

    fn remove_xattr(&mut self, _: Inode, _: &str) -> Outcome<()> {
        Err(ErrorKind::NotFound.into())
    }

    fn flush(&mut self) -> Outcome<()> {
        if self.changed {
            self.volume.store_info()?;
            self.changed = false;
        }
        self.volume.cache.flush().map_err(io)
    }

    fn trim(&mut self) -> Outcome<TrimReport> {
        self.flush()?;
        let mut report = TrimReport::default();
        let size = self.volume.layout.cluster_size;
        for (start, end) in self.volume.free_runs()? {
            let len = u64::from(end - start) * size;
            let position = self.volume.layout.position(start);
            self.volume.cache.window().punch_hole(position, len).map_err(io)?;
            report.bytes += len;
        }
        self.volume.cache.forget();
        Ok(report)
    }
}
