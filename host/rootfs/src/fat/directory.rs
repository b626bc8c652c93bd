//! Directories: runs of slots, one with the short name for each object, those with its long name before it.

use super::layout::{FIRST_CLUSTER, Root, SLOT, Width, byte, half, put, word};
use super::name::{self, PER_SLOT, Short};
use super::time::Stamp;
use super::{Volume, corrupt, io};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};

pub(super) const READ_ONLY: u8 = 0x01;
const VOLUME_LABEL: u8 = 0x08;
pub(super) const DIRECTORY: u8 = 0x10;
pub(super) const ARCHIVE: u8 = 0x20;
const LONG_NAME: u8 = 0x0F;
const ATTRIBUTES: u8 = 0x3F;
/// First bytes of slots that hold nothing: one free slot, and the first of nothing but free ones.
const DELETED: u8 = 0xE5;
const END: u8 = 0x00;
/// Stands for a first byte that would say "deleted".
const KANJI: u8 = 0x05;
const LAST_LONG: u8 = 0x40;
const LOWER_BASE: u8 = 0x08;
const LOWER_EXTENSION: u8 = 0x10;
/// Bytes of a directory at most: 65,536 slots.
const LONGEST: u64 = 65_536 * SLOT;
const SLOT_LEN: usize = 32;
/// Where the units of a long name lie in its slots.
const LONG_UNITS: [usize; PER_SLOT] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/// The 32 bytes of a slot.
pub(super) type Slot = [u8; SLOT_LEN];

/// One object in a directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) short: Short,
    /// Bytes from the start of the volume to each of its slots, the short name's last.
    pub(super) slots: Vec<u64>,
    pub(super) raw: Slot,
}

impl Entry {
    /// Where its short name is: what the object is known by.
    pub(super) fn place(&self) -> u64 {
        self.slots.last().copied().unwrap_or_default()
    }
}

/// Where a directory's slots are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Place {
    Region { start: u64, len: u64 },
    Chain(u32),
}

/// The fields of a short name's slot.
pub(super) fn attributes(raw: &Slot) -> u8 {
    byte(raw, 11)
}

pub(super) fn size(raw: &Slot) -> u32 {
    word(raw, 28)
}

pub(super) fn modified(raw: &Slot) -> Stamp {
    Stamp { date: half(raw, 24), time: half(raw, 22) }
}

pub(super) fn set_modified(raw: &mut Slot, stamp: Stamp) {
    put(raw, 22, &stamp.time.to_le_bytes());
    put(raw, 24, &stamp.date.to_le_bytes());
    put(raw, 18, &stamp.date.to_le_bytes());
}

pub(super) fn set_size(raw: &mut Slot, size: u32) {
    put(raw, 28, &size.to_le_bytes());
}

/// A slot for a new object.
pub(super) fn new_slot(attributes: u8, stamp: Stamp) -> Slot {
    let mut raw = [0; SLOT_LEN];
    put(&mut raw, 11, &[attributes]);
    put(&mut raw, 14, &stamp.time.to_le_bytes());
    put(&mut raw, 16, &stamp.date.to_le_bytes());
    set_modified(&mut raw, stamp);
    raw
}

impl Volume {
    /// The first cluster of an object; 0 when it has none.
    pub(super) fn first_cluster(&self, raw: &Slot) -> u32 {
        let low = u32::from(half(raw, 26));
        match self.layout.width {
            Width::Bits32 => (u32::from(half(raw, 20)) << 16 | low) & 0x0FFF_FFFF,
            _ => low,
        }
    }

    pub(super) fn set_first_cluster(&self, raw: &mut Slot, cluster: u32) {
        let [a, b, c, d] = cluster.to_le_bytes();
        put(raw, 26, &[a, b]);
        let high = if self.layout.width == Width::Bits32 { [c, d] } else { [0, 0] };
        put(raw, 20, &high);
    }

    /// Where the slots of a directory are, told by its own slot; `None` is the root.
    pub(super) fn directory_place(&self, raw: Option<&Slot>) -> Outcome<Place> {
        let Some(raw) = raw else {
            return Ok(match self.layout.root {
                Root::Region { start, len } => Place::Region { start, len },
                Root::Cluster(cluster) => Place::Chain(cluster),
            });
        };
        if attributes(raw) & DIRECTORY == 0 {
            return Err(ErrorKind::NotADirectory.into());
        }
        match self.first_cluster(raw) {
            0 => Err(corrupt("a directory has no clusters")),
            cluster => Ok(Place::Chain(cluster)),
        }
    }

    /// What `..` in a directory below this one says.
    pub(super) fn dotdot(&self, parent: Place) -> u32 {
        match parent {
            Place::Chain(cluster) if self.layout.root != Root::Cluster(cluster) => cluster,
            _ => 0,
        }
    }

    /// All slots of a directory with their places.
    fn slots(&mut self, place: Place) -> Outcome<Vec<(u64, Slot)>> {
        let parts: Vec<(u64, u64)> = match place {
            Place::Region { start, len } => vec![(start, len)],
            Place::Chain(first) => {
                let chain = self.chain(first)?;
                if chain.len() as u64 * self.layout.cluster_size > LONGEST {
                    return Err(corrupt("a directory is longer than any may be"));
                }
                chain
                    .iter()
                    .map(|cluster| (self.layout.position(*cluster), self.layout.cluster_size))
                    .collect()
            }
        };
        let mut slots = Vec::new();
        for (start, len) in parts {
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
            self.cache.read(start, &mut bytes).map_err(io)?;
            let places = (0..).map(|index| start + index * SLOT);
            slots.extend(places.zip(bytes.as_chunks::<SLOT_LEN>().0.iter().copied()));
        }
        Ok(slots)
    }

    /// The objects in a directory, without `.`, `..` and the label.
    pub(super) fn entries(&mut self, place: Place) -> Outcome<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut long = LongName::default();
        for (position, raw) in self.slots(place)? {
            match byte(&raw, 0) {
                END => break,
                DELETED => long.clear(),
                _ if attributes(&raw) & ATTRIBUTES == LONG_NAME => long.add(position, &raw),
                _ if attributes(&raw) & VOLUME_LABEL != 0 => long.clear(),
                _ => {
                    let entry = long.finish(position, raw);
                    if entry.name != b"." && entry.name != b".." {
                        entries.push(entry);
                    }
                }
            }
        }
        Ok(entries)
    }

    /// Makes room for `count` slots in a row, lengthening the directory as needed, and gives their places. Nothing
    /// but the directory's length is changed.
    pub(super) fn room(&mut self, place: Place, count: usize) -> Outcome<Vec<u64>> {
        let slots = self.slots(place)?;
        let end = slots.iter().position(|(_, raw)| byte(raw, 0) == END).unwrap_or(slots.len());
        let is_free =
            |index: usize| index >= end || slots.get(index).is_some_and(|(_, raw)| byte(raw, 0) == DELETED);
        let mut start = 0;
        for index in 0..slots.len() {
            if !is_free(index) {
                start = index + 1;
            } else if index + 1 - start == count {
                let places: Vec<u64> =
                    slots.iter().skip(start).take(count).map(|(position, _)| *position).collect();
                // Behind the end there may be anything; it must not come to light.
                if start + count > end {
                    self.end_at(slots.get(start + count).map(|(position, _)| *position))?;
                }
                return Ok(places);
            }
        }
        let Place::Chain(first) = place else {
            return Err(Failure::new(ErrorKind::NoSpace, "the root directory of this FAT is full"));
        };
        let missing = (count - (slots.len() - start)) as u64 * SLOT;
        let more = missing.div_ceil(self.layout.cluster_size);
        if slots.len() as u64 * SLOT + more * self.layout.cluster_size > LONGEST {
            return Err(Failure::new(ErrorKind::NoSpace, "the directory cannot have more entries"));
        }
        let mut chain = self.chain(first)?;
        let old = chain.len();
        self.extend(&mut chain, more)?;
        for cluster in chain.iter().skip(old) {
            self.zero(self.layout.position(*cluster), self.layout.cluster_size)?;
        }
        self.room(place, count)
    }

    fn end_at(&mut self, position: Option<u64>) -> Outcome<()> {
        match position {
            Some(position) => self.cache.write(position, &[END]).map_err(io),
            None => Ok(()),
        }
    }

    /// Slots that an object of that name takes, the short name's among them.
    pub(super) fn slots_for(text: &str) -> usize {
        match name::as_short(text) {
            Some(_) => 1,
            None => text.encode_utf16().count().div_ceil(PER_SLOT) + 1,
        }
    }

    /// Writes an object's name and fields into the slots at `places`. `taken` tells which short names are in use.
    pub(super) fn put_entry(
        &mut self,
        places: &[u64],
        text: &str,
        mut raw: Slot,
        taken: &dyn Fn(&Short) -> bool,
    ) -> Outcome<Entry> {
        let plain = name::as_short(text).filter(|_| places.len() == 1);
        let short = match plain {
            Some(short) => short,
            None => name::make_short(text, taken)
                .ok_or_else(|| Failure::new(ErrorKind::NoSpace, "no short name is left for the file"))?,
        };
        put(&mut raw, 0, &short);
        put(&mut raw, 12, &[0]);
        let checksum = name::checksum(&short);
        let mut units: Vec<u16> = text.encode_utf16().collect();
        let numbers = places.len().saturating_sub(1);
        if units.len() < numbers * PER_SLOT {
            units.push(0);
            units.resize(numbers * PER_SLOT, 0xFFFF);
        }
        for (place, number) in places.iter().zip((1..=numbers).rev()) {
            let part = units.get((number - 1) * PER_SLOT..number * PER_SLOT).unwrap_or_default();
            let slot = long_slot(number, number == numbers, checksum, part);
            self.cache.write(*place, &slot).map_err(io)?;
        }
        let last = places.last().copied().ok_or(ErrorKind::NoSpace)?;
        self.cache.write(last, &raw).map_err(io)?;
        Ok(Entry { name: text.as_bytes().to_vec(), short, slots: places.to_vec(), raw })
    }

    /// Marks the slots as free.
    pub(super) fn clear_slots(&mut self, slots: &[u64]) -> Outcome<()> {
        slots.iter().try_for_each(|position| self.cache.write(*position, &[DELETED]).map_err(io))
    }

    /// Writes `.` and `..` into a new directory's cluster.
    pub(super) fn put_dots(&mut self, cluster: u32, dotdot: u32, stamp: Stamp) -> Outcome<()> {
        let position = self.layout.position(cluster);
        self.zero(position, self.layout.cluster_size)?;
        for (index, (text, target)) in (0..).zip([(b".          ", cluster), (b"..         ", dotdot)]) {
            let mut raw = new_slot(DIRECTORY, stamp);
            put(&mut raw, 0, text);
            self.set_first_cluster(&mut raw, target);
            self.cache.write(position + index * SLOT, &raw).map_err(io)?;
        }
        Ok(())
    }

    /// Sets what `..` in the directory says.
    pub(super) fn set_dotdot(&mut self, first: u32, dotdot: u32) -> Outcome<()> {
        if !(FIRST_CLUSTER..self.layout.cluster_end).contains(&first) {
            return Err(corrupt("a directory has no clusters"));
        }
        let position = self.layout.position(first) + SLOT;
        let mut raw = [0; SLOT_LEN];
        self.cache.read(position, &mut raw).map_err(io)?;
        if raw.get(..3) != Some(b".. ") {
            return Err(corrupt("a directory lacks its entry for the one above"));
        }
        self.set_first_cluster(&mut raw, dotdot);
        self.cache.write(position, &raw).map_err(io)
    }
}

fn long_slot(number: usize, last: bool, checksum: u8, units: &[u16]) -> Slot {
    let mut slot = [0; SLOT_LEN];
    let order = u8::try_from(number).unwrap_or(0) | if last { LAST_LONG } else { 0 };
    put(&mut slot, 0, &[order]);
    put(&mut slot, 11, &[LONG_NAME]);
    put(&mut slot, 13, &[checksum]);
    for (offset, unit) in LONG_UNITS.iter().zip(units) {
        put(&mut slot, *offset, &unit.to_le_bytes());
    }
    slot
}

/// The slots of a long name as they come: its last part first.
#[derive(Default)]
struct LongName {
    slots: Vec<u64>,
    units: Vec<u16>,
    /// The number that the next slot must have; 0 when the name is complete.
    next: u8,
    checksum: u8,
}

impl LongName {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, position: u64, raw: &Slot) {
        let order = byte(raw, 0);
        let checksum = byte(raw, 13);
        if order & LAST_LONG != 0 {
            self.clear();
            self.next = order & !LAST_LONG;
            self.checksum = checksum;
        }
        let number = order & !LAST_LONG;
        if self.next == 0 || number != self.next || checksum != self.checksum || number > 20 {
            self.clear();
            return;
        }
        self.next -= 1;
        let mut units: Vec<u16> = LONG_UNITS.iter().map(|offset| half(raw, *offset)).collect();
        units.append(&mut self.units);
        self.units = units;
        self.slots.push(position);
    }

    /// The object whose short name follows; the long one counts only if it is complete and belongs to it.
    fn finish(&mut self, position: u64, raw: Slot) -> Entry {
        let mut short: Short = [b' '; 11];
        short.iter_mut().zip(raw).for_each(|(place, byte)| *place = byte);
        let mut long = std::mem::take(self);
        let complete = long.next == 0 && !long.slots.is_empty() && long.checksum == name::checksum(&short);
        if let Some(first) = short.first_mut().filter(|first| **first == KANJI) {
            *first = DELETED;
        }
        let flags = byte(&raw, 12);
        let units: Vec<u16> = long.units.into_iter().take_while(|unit| *unit != 0).collect();
        let long_name = if complete { name::long_bytes(&units) } else { None };
        if !complete {
            long.slots.clear();
        }
        long.slots.push(position);
        let name = long_name.unwrap_or_else(|| {
            name::short_text(&short, flags & LOWER_BASE != 0, flags & LOWER_EXTENSION != 0).into_bytes()
        });
        Entry { name, short, slots: long.slots, raw }
    }
}
