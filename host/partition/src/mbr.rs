//! The master boot record and the chain of logical partitions behind it.
//!
//! There is no standard; this follows what Linux and libfdisk accept.

use units::SectorSize;

use crate::bytes::{has_at, u8_at, u32_le};
use crate::table::{fetch, refuse_overlaps};
use crate::{DiskId, Error, Partition, PartitionId, PartitionType, ReadAt, Structure, Table, TableKind};

const SECTOR: u64 = SectorSize::B512.bytes();
/// The first of the four entries of a boot record, in bytes.
const ENTRIES: usize = 446;
/// The bytes of an entry.
const ENTRY: usize = 16;
/// The type of the entry that protects a GPT.
const PROTECTIVE: u8 = 0xee;
/// The most logical partitions that are read. Linux stops at 256 partitions.
const MAX_LOGICAL: usize = 252;

/// What a first sector says about the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It is no boot record.
    Other,
    /// A boot record without partitions.
    Blank,
    /// A boot record with partitions.
    Partitions,
    /// The disk has a GPT; `hybrid`: other entries are used, too.
    Protective { hybrid: bool },
}

/// One of the four entries of a boot record.
#[derive(Clone, Copy, Debug)]
struct Entry {
    active: bool,
    kind: u8,
    /// Sectors; from the disk's start in an MBR, from a base in an extended boot record.
    start: u64,
    /// Sectors.
    len: u64,
}

/// Whether a partition of this type holds logical ones.
pub(crate) fn is_extended(kind: u8) -> bool {
    matches!(kind, 0x05 | 0x0f | 0x85)
}

pub(crate) fn classify(sector: &[u8; 512]) -> Class {
    let Some(entries) = parse(sector) else { return Class::Other };
    let protective = entries.iter().flatten().filter(|entry| entry.kind == PROTECTIVE).count();
    let used = entries.iter().flatten().count();
    match (protective, used) {
        (0, 0) => Class::Blank,
        (0, _) => Class::Partitions,
        (protective, used) => Class::Protective { hybrid: used > protective },
    }
}

/// The entries that are used; `None` when the sector is no boot record.
fn parse(sector: &[u8; 512]) -> Option<[Option<Entry>; 4]> {
    if !has_at(sector, 510, &[0x55, 0xaa]) {
        return None;
    }
    let mut entries = [None; 4];
    for (index, slot) in entries.iter_mut().enumerate() {
        let at = ENTRIES + index * ENTRY;
        // Boot code of a file system ends in the same signature; its bytes here are rarely 0 or 0x80.
        let active = match u8_at(sector, at)? {
            0 => false,
            0x80 => true,
            _ => return None,
        };
        let entry = Entry {
            active,
            kind: u8_at(sector, at + 4)?,
            start: u64::from(u32_le(sector, at + 8)?),
            len: u64::from(u32_le(sector, at + 12)?),
        };
        *slot = (entry.kind != 0 && entry.len != 0).then_some(entry);
    }
    Some(entries)
}

/// Reads the partitions of an MBR disk of `size` bytes that starts with `sector`.
pub(crate) fn read(read: &dyn ReadAt, size: u64, sector: &[u8; 512]) -> Result<Table, Error> {
    let signature = u32_le(sector, 440).unwrap_or_default();
    let entries = parse(sector).ok_or(Error::NoTable)?;
    let mut disk = Disk { signature, sectors: size / SECTOR, partitions: Vec::new() };
    for (number, entry) in (1..).zip(entries) {
        if let Some(entry) = entry {
            disk.add(number, entry, entry.start)?;
        }
    }
    refuse_overlaps_of_primaries(&disk.partitions)?;
    let extended = entries.iter().flatten().find(|entry| is_extended(entry.kind));
    if let Some(extended) = extended {
        disk.add_logical(read, extended)?;
    }
    refuse_overlaps(&disk.partitions)?;
    Ok(Table {
        kind: TableKind::Mbr,
        disk_id: DiskId::Mbr(signature),
        sector_size: SectorSize::B512,
        partitions: disk.partitions,
        gpt: None,
        warnings: Vec::new(),
    })
}

/// Extended partitions overlap their logical ones, but may not overlap other primary ones.
fn refuse_overlaps_of_primaries(partitions: &[Partition]) -> Result<(), Error> {
    for (index, first) in partitions.iter().enumerate() {
        for second in partitions.iter().skip(index + 1) {
            if first.start < second.end() && second.start < first.end() {
                let offset = first.start.max(second.start);
                return Err(Error::Overlap { first: first.number, second: second.number, offset });
            }
        }
    }
    Ok(())
}

struct Disk {
    signature: u32,
    sectors: u64,
    partitions: Vec<Partition>,
}

impl Disk {
    /// Adds a partition whose first sector is `first`, counted from the start of the disk.
    fn add(&mut self, number: u32, entry: Entry, first: u64) -> Result<(), Error> {
        // Sums of 33-bit numbers: no overflow.
        let last = first + entry.len - 1;
        if first == 0 || last >= self.sectors {
            let highest = self.sectors.saturating_sub(1);
            return Err(Error::OutOfRange { number, first, last, lowest: 1, highest });
        }
        self.partitions.push(Partition {
            number,
            start: first * SECTOR,
            len: entry.len * SECTOR,
            kind: PartitionType::Mbr(entry.kind),
            id: PartitionId::Mbr { disk: self.signature, number },
            name: String::new(),
            attributes: if entry.active { 1 << 2 } else { 0 },
        });
        Ok(())
    }

    /// Follows the chain of extended boot records within `extended`. In each, the first entry that is used and not
    /// extended is a logical partition, counted from the record; the first extended one leads to the next record,
    /// counted from the start of the extended partition.
    fn add_logical(&mut self, read: &dyn ReadAt, extended: &Entry) -> Result<(), Error> {
        let end = extended.start + extended.len;
        let mut record = extended.start;
        let mut visited = Vec::new();
        let mut number = 5;
        loop {
            let offset = record * SECTOR;
            if visited.contains(&record) || visited.len() >= MAX_LOGICAL {
                return Err(Error::EndlessChain { offset, limit: MAX_LOGICAL });
            }
            visited.push(record);
            let structure = Structure::ExtendedBootRecord;
            let entries = parse(&fetch(read, offset)?).ok_or(Error::Signature { structure, offset })?;
            if let Some(entry) = entries.iter().flatten().find(|entry| !is_extended(entry.kind)) {
                let first = record + entry.start;
                if first <= record || first + entry.len > end {
                    let (last, highest) = (first + entry.len - 1, end - 1);
                    return Err(Error::OutOfRange { number, first, last, lowest: record + 1, highest });
                }
                self.add(number, *entry, first)?;
                number += 1;
            }
            let Some(next) = entries.iter().flatten().find(|entry| is_extended(entry.kind)) else {
                return Ok(());
            };
            record = extended.start + next.start;
            if record >= end {
                let (structure, value) = (Structure::ExtendedBootRecord, next.start);
                return Err(Error::Field { structure, offset, field: "next record", value });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Gpt, boot_record, noise};
    use crate::{Warning, read_table};

    /// A disk of 1000 sectors with these boot records.
    fn disk(records: &[(usize, [u8; 512])]) -> Vec<u8> {
        let mut disk = vec![0; 1000 * 512];
        for (at, record) in records {
            disk[at * 512..(at + 1) * 512].copy_from_slice(record);
        }
        disk
    }

    fn table(disk: &[u8]) -> Result<Table, Error> {
        read_table(&disk, disk.len() as u64)
    }

    /// Number, first sector and sectors of each partition.
    fn places(table: &Table) -> Vec<(u32, u64, u64)> {
        table.partitions.iter().map(|part| (part.number, part.start / 512, part.len / 512)).collect()
    }

    const LINUX: u8 = 0x83;

    #[test]
    fn primary_partitions_keep_their_numbers() {
        let record = boot_record(&[(0, 0, 0, 0), (0x80, LINUX, 10, 20), (0, LINUX, 30, 0), (0, 7, 40, 960)]);
        let table = table(&disk(&[(0, record)])).unwrap();
        assert_eq!(places(&table), [(2, 10, 20), (4, 40, 960)]);
        assert_eq!(table.disk_id.to_string(), "12345678");
        assert_eq!(table.partitions[0].id.to_string(), "12345678-02");
        assert_eq!(table.partitions[0].kind.to_string(), "0x83");
        assert_eq!((table.partitions[0].attributes, table.partitions[1].attributes), (4, 0));
    }

    #[test]
    fn logical_partitions_follow_the_chain() {
        let table = table(&disk(&[
            (0, boot_record(&[(0, LINUX, 10, 20), (0, 0x0f, 100, 500)])),
            (100, boot_record(&[(0, LINUX, 1, 50), (0, 5, 100, 100)])),
            (200, boot_record(&[(0, LINUX, 2, 60)])),
        ]))
        .unwrap();
        assert_eq!(places(&table), [(1, 10, 20), (2, 100, 500), (5, 101, 50), (6, 202, 60)]);
        assert!(table.partitions[1].is_extended());
    }

    #[test]
    fn chains_that_make_no_sense_are_refused() {
        let mbr = boot_record(&[(0, 5, 100, 500)]);
        let with =
            |first: &[(u8, u8, u32, u32)]| table(&disk(&[(0, mbr), (100, boot_record(first))])).unwrap_err();
        assert!(matches!(with(&[(0, LINUX, 1, 5), (0, 5, 0, 9)]), Error::EndlessChain { offset: 51200, .. }));
        assert!(matches!(with(&[(0, LINUX, 1, 5), (0, 5, 500, 9)]), Error::Field { .. }));
        assert!(matches!(with(&[(0, LINUX, 1, 5), (0, 5, u32::MAX, 9)]), Error::Field { .. }));
        assert!(matches!(
            with(&[(0, LINUX, 1, 5), (0, 5, 300, 9)]),
            Error::Signature { offset: 204_800, .. }
        ));
        assert!(matches!(with(&[(0, LINUX, 1, 500)]), Error::OutOfRange { number: 5, .. }));
        assert!(matches!(with(&[(0, LINUX, 0, 5)]), Error::OutOfRange { number: 5, .. }));
        assert!(matches!(with(&[(0, LINUX, u32::MAX, u32::MAX)]), Error::OutOfRange { .. }));
        assert!(matches!(table(&disk(&[(0, mbr)])).unwrap_err(), Error::Signature { offset: 51200, .. }));
    }

    #[test]
    fn a_chain_of_all_sectors_ends() {
        let mut records = vec![(0, boot_record(&[(0, 5, 1, 999)]))];
        for at in 1..999 {
            records.push((at, boot_record(&[(0, 5, at as u32, 1)])));
        }
        assert!(matches!(
            table(&disk(&records)).unwrap_err(),
            Error::EndlessChain { limit: MAX_LOGICAL, .. }
        ));
    }

    #[test]
    fn partitions_that_make_no_sense_are_refused() {
        let with = |entries: &[(u8, u8, u32, u32)]| table(&disk(&[(0, boot_record(entries))])).unwrap_err();
        for (first, len) in [(0, 10), (1, 1000), (999, 2), (u32::MAX, u32::MAX)] {
            assert!(
                matches!(with(&[(0, LINUX, first, len)]), Error::OutOfRange { number: 1, .. }),
                "{first}"
            );
        }
        for kind in [LINUX, 5] {
            let error = with(&[(0, LINUX, 10, 20), (0, kind, 29, 1)]);
            assert!(matches!(error, Error::Overlap { first: 1, second: 2, offset: 14848 }), "{error:?}");
        }
    }

    #[test]
    fn no_table_is_no_table() {
        let mut odd_flag = boot_record(&[(0, LINUX, 10, 20)]);
        odd_flag[446] = 0x12;
        for record in [[0; 512], odd_flag, boot_record(&[])] {
            assert!(matches!(table(&disk(&[(0, record)])).unwrap_err(), Error::NoTable));
        }
        assert!(matches!(table(&[]).unwrap_err(), Error::NoTable));
        assert!(matches!(table(&[0x55; 511]).unwrap_err(), Error::NoTable));
    }

    #[test]
    fn hybrids_are_read_by_their_gpt_and_stale_gpts_ignored() {
        let mut disk = Gpt::new(512).bytes();
        disk[446 + 16 + 4] = LINUX;
        disk[446 + 16 + 8..446 + 16 + 16].copy_from_slice(&[40, 0, 0, 0, 20, 0, 0, 0]);
        let hybrid = table(&disk).unwrap();
        assert_eq!((hybrid.kind, hybrid.warnings), (TableKind::Gpt, vec![Warning::HybridMbr]));
        disk[450] = 7;
        disk[458..462].copy_from_slice(&10_u32.to_le_bytes());
        let stale = table(&disk).unwrap();
        assert_eq!((stale.kind, stale.warnings), (TableKind::Mbr, vec![Warning::StaleGpt]));
    }

    #[test]
    fn random_records_are_read_without_harm() {
        let mut seed = 42;
        for _ in 0..20_000 {
            let mut entries = || {
                let mut entry = || {
                    let kind = [LINUX, 5, 0x0f, 0, 0xee][noise(&mut seed) as usize % 5];
                    let mut number = || match noise(&mut seed) % 8 {
                        0 => noise(&mut seed) as u32,
                        _ => (noise(&mut seed) % 64) as u32,
                    };
                    (0x80 * (kind & 1), kind, number(), number())
                };
                boot_record(&[entry(), entry(), entry(), entry()])
            };
            let mut disk = vec![0; 64 * 512];
            for record in disk.chunks_exact_mut(512) {
                record.copy_from_slice(&entries());
            }
            if let Ok(table) = table(&disk) {
                for partition in &table.partitions {
                    assert!(partition.len > 0 && partition.end() <= disk.len() as u64);
                }
            }
        }
    }
}
