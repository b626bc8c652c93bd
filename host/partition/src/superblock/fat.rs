//! FAT12, FAT16 and FAT32. There is no magic number: the boot sector is believed when its fields fit together.

use super::{Error, Kind, Superblock, fetch, text};
use crate::ReadAt;
use crate::bytes::{array, has_at, u8_at, u16_le, u32_le};

/// Bytes of a directory entry.
const ENTRY: usize = 32;
/// Clusters of a FAT32 root directory that are searched for the label.
const MAX_ROOT_CLUSTERS: usize = 100;
/// Bytes of a FAT12 or FAT16 root directory that are searched: the most that 16 bits of entries can say.
const MAX_ROOT_BYTES: u64 = 65535 * ENTRY as u64;
/// FAT12 has fewer clusters than this, FAT16 fewer than the next.
const FAT16_MIN_CLUSTERS: u64 = 4085;
const FAT32_MIN_CLUSTERS: u64 = 65525;

/// The fields of a boot sector that make sense together. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BootSector {
    cluster_size: u64,
    size: u64,
    fat_start: u64,
    /// Where the root directory of FAT12 and FAT16 starts, and its length; zero for FAT32.
    root_start: u64,
    root_len: u64,
    data_start: u64,
    clusters: u64,
    /// FAT32 alone.
    root_cluster: Option<u32>,
    serial: Option<u32>,
}

impl BootSector {
    pub(super) fn parse(sector: &[u8]) -> Option<Self> {
        let jump = has_at(sector, 0, &[0xe9]) || (has_at(sector, 0, &[0xeb]) && has_at(sector, 2, &[0x90]));
        let media = u8_at(sector, 21)?;
        // Atari leaves out the signature; nothing that boots here does.
        if !jump || !has_at(sector, 510, &[0x55, 0xaa]) || !(media == 0xf0 || media >= 0xf8) {
            return None;
        }
        let sector_size = u64::from(u16_le(sector, 11)?);
        let cluster_sectors = u64::from(u8_at(sector, 13)?);
        let reserved = u64::from(u16_le(sector, 14)?);
        let fats = u64::from(u8_at(sector, 16)?);
        let valid_sector = sector_size.is_power_of_two() && (512..=4096).contains(&sector_size);
        if !valid_sector || !cluster_sectors.is_power_of_two() || reserved == 0 || fats == 0 {
            return None;
        }
        let short_fat = u64::from(u16_le(sector, 22)?);
        let is_fat32 = short_fat == 0;
        let fat_sectors = if is_fat32 { u64::from(u32_le(sector, 36)?) } else { short_fat };
        let sectors = match u64::from(u16_le(sector, 19)?) {
            0 => u64::from(u32_le(sector, 32)?),
            sectors => sectors,
        };
        let root_len = u64::from(u16_le(sector, 17)?) * ENTRY as u64;
        // 32-bit numbers times 8-bit and 12-bit ones: no overflow.
        let root_sector = reserved + fats * fat_sectors;
        let data_sector = root_sector + root_len.div_ceil(sector_size);
        let clusters = sectors.checked_sub(data_sector)? / cluster_sectors;
        if fat_sectors == 0 || clusters == 0 || (is_fat32 && root_len != 0) {
            return None;
        }
        // The table must have room for all clusters, at 12, 16 or 32 bits each.
        let bits = match (is_fat32, clusters) {
            (true, _) => 32,
            (false, FAT32_MIN_CLUSTERS..) => return None,
            (false, FAT16_MIN_CLUSTERS..) => 16,
            (false, _) => 12,
        };
        if (clusters + 2) * bits > fat_sectors * sector_size * 8 {
            return None;
        }
        let extended = if is_fat32 { 66 } else { 38 };
        Some(Self {
            cluster_size: cluster_sectors * sector_size,
            size: sectors * sector_size,
            fat_start: reserved * sector_size,
            root_start: root_sector * sector_size,
            root_len,
            data_start: data_sector * sector_size,
            clusters,
            root_cluster: is_fat32.then(|| u32_le(sector, 44)).flatten(),
            // 0x28 marks a serial number alone, 0x29 one with label and type.
            serial: matches!(u8_at(sector, extended), Some(0x28 | 0x29))
                .then(|| u32_le(sector, extended + 1))
                .flatten(),
        })
    }
}

pub(super) fn probe(read: &dyn ReadAt, len: u64, head: &[u8]) -> Result<Option<Superblock>, Error> {
    let Some(boot) = head.get(..512).and_then(BootSector::parse) else { return Ok(None) };
    let label = match boot.root_cluster {
        Some(first) => label_in_chain(read, len, &boot, first)?,
        None => {
            let root_len = boot.root_len.min(MAX_ROOT_BYTES);
            let fits = boot.root_start.checked_add(root_len).is_some_and(|end| end <= len);
            if fits { label_in(&fetch(read, boot.root_start, root_len)?) } else { None }
        }
    };
    Ok(Some(Superblock {
        uuid: boot.serial.filter(|serial| *serial != 0).map(serial_text),
        label,
        block_size: Some(boot.cluster_size),
        size: Some(boot.size),
        ..Superblock::new(Kind::Vfat)
    }))
}

/// As DOS prints it: `ABCD-1234`.
fn serial_text(serial: u32) -> String {
    format!("{:04X}-{:04X}", serial >> 16, serial & 0xffff)
}

/// Follows the root directory's clusters through the table. Whatever leads nowhere ends the search: a label is no
/// reason to refuse a file system.
fn label_in_chain(
    read: &dyn ReadAt,
    len: u64,
    boot: &BootSector,
    first: u32,
) -> Result<Option<String>, Error> {
    let mut cluster = u64::from(first);
    for _ in 0..MAX_ROOT_CLUSTERS {
        let Some(index) = cluster.checked_sub(2).filter(|index| *index < boot.clusters) else { break };
        let start = boot.data_start + index * boot.cluster_size;
        let entry = boot.fat_start + cluster * 4;
        if start + boot.cluster_size > len || entry + 4 > len {
            break;
        }
        let directory = fetch(read, start, boot.cluster_size)?;
        if let Some(label) = label_in(&directory) {
            return Ok(Some(label));
        }
        // A first byte of zero marks the end of the directory.
        if directory.chunks_exact(ENTRY).any(|entry| entry.first() == Some(&0)) {
            break;
        }
        let next = fetch(read, entry, 4)?;
        cluster = u64::from(u32_le(&next, 0).unwrap_or_default() & 0x0fff_ffff);
    }
    Ok(None)
}

/// The name of the volume entry. Long names carry its attribute as well, with three others.
fn label_in(directory: &[u8]) -> Option<String> {
    const VOLUME: u8 = 0x08;
    const DIRECTORY: u8 = 0x10;
    const LONG_NAME: u8 = 0x0f;
    const DELETED: u8 = 0xe5;
    let entry =
        directory.chunks_exact(ENTRY).take_while(|entry| entry.first() != Some(&0)).find(|entry| {
            let attributes = u8_at(entry, 11).unwrap_or_default();
            entry.first() != Some(&DELETED)
                && attributes & 0x3f != LONG_NAME
                && attributes & (VOLUME | DIRECTORY) == VOLUME
                && u16_le(entry, 20) == Some(0)
                && u16_le(entry, 26) == Some(0)
        })?;
    let mut name: [u8; 11] = array(entry, 0)?;
    if let [first @ 0x05, ..] = &mut name {
        *first = DELETED; // how a name that starts with that byte is written
    }
    if &name == b"NO NAME    " { None } else { text(Some(&name)) }
}
