//! The boot sector: where tables, root directory and clusters lie.

use super::corrupt;
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};

/// Bytes of the boot sector that are read here, whatever the sector size.
pub(super) const BOOT_SECTOR: usize = 512;
/// Bytes of a slot in a directory.
pub(super) const SLOT: u64 = 32;
/// The lowest number of a cluster.
pub(super) const FIRST_CLUSTER: u32 = 2;
/// From this many clusters on the table has 16 bits per entry, and 32 from the second number on.
const FAT16_FROM: u64 = 4085;
const FAT32_FROM: u64 = 65525;

/// How wide an entry of the table is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Width {
    Bits12,
    Bits16,
    Bits32,
}

/// Where the root directory is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Root {
    /// A region of its own: bytes from the start of the volume, and its length.
    Region { start: u64, len: u64 },
    /// A chain of clusters like any other.
    Cluster(u32),
}

/// The geometry of a volume; all of it lies within the window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Layout {
    pub(super) width: Width,
    pub(super) root: Root,
    /// Bytes.
    pub(super) cluster_size: u64,
    /// Byte at which cluster 2 starts.
    pub(super) data_start: u64,
    /// One more than the highest cluster number.
    pub(super) cluster_end: u32,
    /// Byte at which each copy of the table that is kept up to date starts, the one that is read first.
    pub(super) tables: Vec<u64>,
    /// Byte at which the FSInfo sector starts, if there is one.
    pub(super) info: Option<u64>,
}

impl Layout {
    /// Reads the boot sector of a volume of `size` bytes.
    pub(super) fn parse(boot: &[u8; BOOT_SECTOR], size: u64) -> Outcome<Self> {
        let not_fat = |text: &'static str| Err(corrupt(text));
        if (byte(boot, 510), byte(boot, 511)) != (0x55, 0xAA) {
            return not_fat("the boot sector has no signature");
        }
        let sector = u64::from(half(boot, 11));
        let per_cluster = u64::from(byte(boot, 13));
        if !matches!(sector, 512 | 1024 | 2048 | 4096) || !per_cluster.is_power_of_two() {
            return not_fat("the boot sector names no possible sector or cluster size");
        }
        let reserved = u64::from(half(boot, 14));
        let copies = u64::from(byte(boot, 16));
        let root_len = (u64::from(half(boot, 17)) * SLOT).next_multiple_of(sector);
        let sectors = or_else(u64::from(half(boot, 19)), u64::from(word(boot, 32)));
        let table_len = or_else(u64::from(half(boot, 22)), u64::from(word(boot, 36))) * sector;
        let tables_start = reserved * sector;
        let root_start = tables_start + copies * table_len;
        let data_start = root_start + root_len;
        let end = sectors * sector;
        if reserved == 0 || copies == 0 || copies > 4 || table_len == 0 || data_start >= end || end > size {
            return not_fat("the boot sector's sizes contradict each other or the partition's");
        }
        let cluster_size = per_cluster * sector;
        let clusters = (end - data_start) / cluster_size;
        let width = match clusters {
            0 => return not_fat("there is no cluster"),
            1..FAT16_FROM => Width::Bits12,
            FAT16_FROM..FAT32_FROM => Width::Bits16,
            _ => Width::Bits32,
        };
        // Some tools make small volumes in the form of FAT32; the form is told by the missing root region.
        let width = if root_len == 0 { Width::Bits32 } else { width };
        if width == Width::Bits32 && root_len != 0 {
            return not_fat("too many clusters for a root directory of fixed size");
        }
        let bits = match width {
            Width::Bits12 => 12,
            Width::Bits16 => 16,
            Width::Bits32 => 32,
        };
        let cluster_end = u32::try_from(clusters + u64::from(FIRST_CLUSTER))
            .ok()
            .filter(|end| *end <= 0x0FFF_FFF7 && u64::from(*end) * bits <= table_len * 8)
            .ok_or_else(|| corrupt("the allocation table is too short for the volume"))?;
        let root = match width {
            Width::Bits32 => Root::Cluster(word(boot, 44) & 0x0FFF_FFFF),
            _ => Root::Region { start: root_start, len: root_len },
        };
        let tables = tables(boot, width, tables_start, table_len, copies)?;
        let info = info(boot, width, reserved, sector);
        Ok(Self { width, root, cluster_size, data_start, cluster_end, tables, info })
    }

    /// Byte at which a cluster starts; its number must be in range.
    pub(super) fn position(&self, cluster: u32) -> u64 {
        self.data_start + u64::from(cluster.saturating_sub(FIRST_CLUSTER)) * self.cluster_size
    }
}

/// FAT32 can have one of its tables in use alone.
fn tables(boot: &[u8], width: Width, start: u64, len: u64, copies: u64) -> Outcome<Vec<u64>> {
    let flags = half(boot, 40);
    if width == Width::Bits32 && flags & 0x80 != 0 {
        let active = u64::from(flags & 0xF);
        if active >= copies {
            return Err(corrupt("the boot sector names a table that is not there"));
        }
        return Ok(vec![start + active * len]);
    }
    Ok((0..copies).map(|copy| start + copy * len).collect())
}

fn info(boot: &[u8], width: Width, reserved: u64, sector: u64) -> Option<u64> {
    let number = u64::from(half(boot, 48));
    (width == Width::Bits32 && number != 0 && number < reserved).then_some(number * sector)
}

/// Refuses what looks like FAT to a quick glance but is not.
pub(super) fn refuse_relatives(boot: &[u8; BOOT_SECTOR]) -> Outcome<()> {
    for (name, words) in [(&b"EXFAT   "[..], "exFAT"), (b"NTFS    ", "NTFS")] {
        if boot.get(3..11) == Some(name) {
            return Err(Failure::new(ErrorKind::Unsupported, format!("the file system is {words}")));
        }
    }
    Ok(())
}

fn or_else(short: u64, long: u64) -> u64 {
    if short == 0 { long } else { short }
}

pub(super) fn byte(bytes: &[u8], offset: usize) -> u8 {
    bytes.get(offset).copied().unwrap_or(0)
}

pub(super) fn half(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([byte(bytes, offset), byte(bytes, offset.saturating_add(1))])
}

pub(super) fn word(bytes: &[u8], offset: usize) -> u32 {
    u32::from(half(bytes, offset)) | u32::from(half(bytes, offset.saturating_add(2))) << 16
}

pub(super) fn put(bytes: &mut [u8], offset: usize, value: &[u8]) {
    if let Some(place) = offset.checked_add(value.len()).and_then(|end| bytes.get_mut(offset..end)) {
        place.copy_from_slice(value);
    }
}
