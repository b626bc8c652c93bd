//! The GUID partition table: UEFI specification 2.10, section 5.3.

use units::{Guid, Lba, SectorSize};

use crate::bytes::{array, has_at, u16_le, u32_le, u64_le};
use crate::table::refuse_overlaps;
use crate::{
    DiskId, Error, GptLayout, Partition, PartitionId, PartitionType, ReadAt, Structure, Table, TableKind,
    Warning,
};

const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Bytes of the header that version 1.0 defines.
const HEADER_SIZE: u32 = 92;
/// The smallest entry, in bytes; all fields lie within.
const ENTRY_SIZE: u32 = 128;
/// The largest entry that is read, in bytes.
const MAX_ENTRY_SIZE: u32 = 4096;
/// The most bytes of entries that are read. The usual table has 16 KiB.
const MAX_ENTRIES_BYTES: u64 = 4 << 20;

/// A header that is right in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    structure: Structure,
    /// Bytes from the start of the disk.
    offset: u64,
    backup_lba: u64,
    first_usable: u64,
    last_usable: u64,
    disk: Guid,
    entries_lba: u64,
    entry_count: u32,
    entry_size: u32,
    entries_checksum: u32,
}

/// A header with its entries, both right in themselves.
struct GptCopy {
    header: Header,
    entries: Vec<u8>,
}

/// Whether a header's signature stands at one of the usual places.
pub(crate) fn has_signature(read: &dyn ReadAt, size: u64) -> bool {
    SectorSize::ALL.iter().any(|sector| {
        let last = size.checked_sub(sector.bytes());
        [Some(sector.bytes()), last].into_iter().flatten().any(|offset| {
            let mut signature = [0; 8];
            read.read_exact_at(&mut signature, offset).is_ok() && &signature == SIGNATURE
        })
    })
}

/// Reads the GPT of a disk of `size` bytes.
pub(crate) fn read(read: &dyn ReadAt, size: u64) -> Result<Table, Error> {
    let mut first_error = None;
    for sector in SectorSize::ALL {
        match read_with(read, size, sector) {
            Ok(table) => return Ok(table),
            // A header that is there but damaged says more than one that is not there.
            Err(error) => match &first_error {
                Some(previous) if is_unsigned(&error) || !is_unsigned(previous) => {}
                _ => first_error = Some(error),
            },
        }
    }
    Err(first_error.unwrap_or(Error::NoTable))
}

/// Whether no header was found at all.
fn is_unsigned(error: &Error) -> bool {
    match error {
        Error::Signature { .. } | Error::NoTable => true,
        Error::BothCopies { primary, backup } => is_unsigned(primary) && is_unsigned(backup),
        _ => false,
    }
}

fn read_with(read: &dyn ReadAt, size: u64, sector: SectorSize) -> Result<Table, Error> {
    let sectors = size / sector.bytes();
    // MBR, header and one sector of entries, twice but for the MBR.
    if sectors < 5 {
        return Err(Error::NoTable);
    }
    let disk = Disk { read, sector, sectors };
    let mut warnings = Vec::new();
    let primary = disk.read_copy(Structure::PrimaryHeader, 1);
    let backup_lba = match &primary {
        Ok(copy) if copy.header.backup_lba > 1 && copy.header.backup_lba < sectors => copy.header.backup_lba,
        _ => sectors - 1,
    };
    let backup = disk.read_copy(Structure::BackupHeader, backup_lba);
    let copy = match (primary, backup) {
        (Ok(primary), Ok(backup)) => {
            if !agree(&primary, &backup) {
                warnings.push(Warning::CopiesDiffer);
            }
            if backup_lba != sectors - 1 {
                warnings.push(Warning::BackupNotAtEnd);
            }
            primary
        }
        (Ok(primary), Err(error)) => {
            warnings.push(Warning::BackupUnusable(error.to_string()));
            primary
        }
        (Err(error), Ok(backup)) => {
            warnings.push(Warning::PrimaryUnusable(error.to_string()));
            backup
        }
        (Err(primary), Err(backup)) => {
            return Err(Error::BothCopies { primary: Box::new(primary), backup: Box::new(backup) });
        }
    };
    disk.table(&copy, warnings)
}

/// Whether two copies describe the same partitions.
fn agree(one: &GptCopy, other: &GptCopy) -> bool {
    let facts = |copy: &GptCopy| (copy.header.disk, copy.header.first_usable, copy.header.last_usable);
    facts(one) == facts(other) && one.entries == other.entries
}

struct Disk<'a> {
    read: &'a dyn ReadAt,
    sector: SectorSize,
    sectors: u64,
}

impl Disk<'_> {
    /// Reads and checks the header at `lba`, and the entries it points to.
    fn read_copy(&self, structure: Structure, lba: u64) -> Result<GptCopy, Error> {
        let sector = self.fetch(self.bytes(lba)?, self.sector.bytes())?;
        let header = parse_header(&sector, structure, self.bytes(lba)?, lba)?;
        let field = |field, value| Error::Field { structure, offset: header.offset, field, value };
        let len = u64::from(header.entry_count) * u64::from(header.entry_size);
        let end = len.div_ceil(self.sector.bytes()).checked_add(header.entries_lba);
        if header.entries_lba < 2 || end.is_none_or(|end| end > self.sectors) {
            return Err(field("first sector of entries", header.entries_lba));
        }
        if header.last_usable >= self.sectors {
            return Err(field("last usable sector", header.last_usable));
        }
        let offset = self.bytes(header.entries_lba)?;
        let entries = self.fetch(offset, len)?;
        let (stored, computed) = (header.entries_checksum, crc32fast::hash(&entries));
        if stored != computed {
            let structure = match structure {
                Structure::PrimaryHeader => Structure::PrimaryEntries,
                _ => Structure::BackupEntries,
            };
            return Err(Error::Checksum { structure, offset, stored, computed });
        }
        Ok(GptCopy { header, entries })
    }

    fn bytes(&self, lba: u64) -> Result<u64, Error> {
        Lba(lba).checked_bytes(self.sector).ok_or(Error::NoTable)
    }

    /// `len` is bounded by the callers.
    fn fetch(&self, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
        let len = usize::try_from(len).unwrap_or_default();
        let mut buffer = vec![0; len];
        self.read.read_exact_at(&mut buffer, offset).map_err(|source| Error::Read { offset, len, source })?;
        Ok(buffer)
    }

    fn table(&self, copy: &GptCopy, mut warnings: Vec<Warning>) -> Result<Table, Error> {
        let header = &copy.header;
        let layout = GptLayout {
            copy: header.structure,
            header_start: header.offset,
            entries_start: self.bytes(header.entries_lba)?,
            entry_count: header.entry_count,
            entry_size: header.entry_size,
            usable_start: self.bytes(header.first_usable)?,
            usable_end: self.bytes(header.last_usable + 1)?,
        };
        let mut partitions = Vec::new();
        let entries = copy.entries.chunks_exact(usize::try_from(header.entry_size).unwrap_or(usize::MAX));
        for (number, entry) in (1..).zip(entries) {
            if let Some(partition) = self.partition(number, entry)? {
                if partition.start < layout.usable_start || partition.end() > layout.usable_end {
                    warnings.push(Warning::OutsideUsable(number));
                }
                self.refuse_on_table(&partition, &layout)?;
                partitions.push(partition);
            }
        }
        refuse_overlaps(&partitions)?;
        Ok(Table {
            kind: TableKind::Gpt,
            disk_id: DiskId::Gpt(header.disk),
            sector_size: self.sector,
            partitions,
            gpt: Some(layout),
            warnings,
        })
    }

    /// Parses one entry; `None` when it is not used.
    fn partition(&self, number: u32, entry: &[u8]) -> Result<Option<Partition>, Error> {
        let Some(fields) = parse_entry(entry) else { return Ok(None) };
        let (first, last) = (fields.first, fields.last);
        let highest = self.sectors - 1;
        if first == 0 || first > last || last > highest {
            return Err(Error::OutOfRange { number, first, last, lowest: 1, highest });
        }
        Ok(Some(Partition {
            number,
            start: self.bytes(first)?,
            len: self.bytes(last - first + 1)?,
            kind: PartitionType::Gpt(fields.kind),
            id: PartitionId::Gpt(fields.id),
            name: fields.name,
            attributes: fields.attributes,
        }))
    }

    /// Refuses a partition that covers a header or the entries in use: writing to it would destroy the table.
    fn refuse_on_table(&self, partition: &Partition, layout: &GptLayout) -> Result<(), Error> {
        let header_end = layout.header_start.saturating_add(self.sector.bytes());
        let parts = [
            (0, self.sector.bytes().saturating_mul(2)),
            (layout.header_start, header_end),
            (layout.entries_start, layout.entries_end()),
        ];
        if parts.iter().any(|(start, end)| partition.start < *end && *start < partition.end()) {
            let sector = self.sector.bytes();
            return Err(Error::OutOfRange {
                number: partition.number,
                first: partition.start / sector,
                last: (partition.end() - 1) / sector,
                lowest: layout.usable_start / sector,
                highest: (layout.usable_end / sector).saturating_sub(1),
            });
        }
        Ok(())
    }
}

/// Checks a header by itself. `sector` is the whole sector that starts at byte `offset`, which is sector `lba`.
fn parse_header(sector: &[u8], structure: Structure, offset: u64, lba: u64) -> Result<Header, Error> {
    let too_short = || Error::Signature { structure, offset };
    if !has_at(sector, 0, SIGNATURE) {
        return Err(too_short());
    }
    let u32_field = |at| u32_le(sector, at).ok_or_else(too_short);
    let u64_field = |at| u64_le(sector, at).ok_or_else(too_short);
    let refuse = |field, value| Err(Error::Field { structure, offset, field, value });

    let size = u32_field(12)?;
    let covered = usize::try_from(size).ok().and_then(|size| sector.get(..size));
    let (true, Some(covered)) = (size >= HEADER_SIZE, covered) else {
        return refuse("header size", u64::from(size));
    };
    let (stored, computed) = (u32_field(16)?, header_checksum(covered));
    if stored != computed {
        return Err(Error::Checksum { structure, offset, stored, computed });
    }
    let header = Header {
        structure,
        offset,
        backup_lba: u64_field(32)?,
        first_usable: u64_field(40)?,
        last_usable: u64_field(48)?,
        disk: Guid::from_mixed_endian(array(sector, 56).ok_or_else(too_short)?),
        entries_lba: u64_field(72)?,
        entry_count: u32_field(80)?,
        entry_size: u32_field(84)?,
        entries_checksum: u32_field(88)?,
    };
    let (revision, own) = (u32_field(8)?, u64_field(24)?);
    if revision >> 16 != 1 {
        return refuse("revision", u64::from(revision));
    }
    if own != lba {
        return refuse("own sector", own);
    }
    if !header.entry_size.is_power_of_two() || !(ENTRY_SIZE..=MAX_ENTRY_SIZE).contains(&header.entry_size) {
        return refuse("entry size", u64::from(header.entry_size));
    }
    let entries_bytes = u64::from(header.entry_count) * u64::from(header.entry_size);
    if header.entry_count == 0 || entries_bytes > MAX_ENTRIES_BYTES {
        return refuse("entry count", u64::from(header.entry_count));
    }
    if header.first_usable > header.last_usable {
        return refuse("first usable sector", header.first_usable);
    }
    Ok(header)
}

/// The checksum of a header, computed as if its own field were zero.
fn header_checksum(header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header.get(..16).unwrap_or_default());
    hasher.update(&[0; 4]);
    hasher.update(header.get(20..).unwrap_or_default());
    hasher.finalize()
}

struct EntryFields {
    kind: Guid,
    id: Guid,
    first: u64,
    last: u64,
    attributes: u64,
    name: String,
}

/// Understands the bytes of one entry; `None` when its type says that it is not used.
fn parse_entry(entry: &[u8]) -> Option<EntryFields> {
    let kind = Guid::from_mixed_endian(array(entry, 0)?);
    if kind.is_zero() {
        return None;
    }
    let units = (0..36).map_while(|index| u16_le(entry, 56 + 2 * index)).take_while(|unit| *unit != 0);
    Some(EntryFields {
        kind,
        id: Guid::from_mixed_endian(array(entry, 16)?),
        first: u64_le(entry, 32)?,
        last: u64_le(entry, 40)?,
        attributes: u64_le(entry, 48)?,
        name: char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_table;
    use crate::sample::{DISK, Gpt, TYPE, noise, seal};

    fn table(disk: &[u8]) -> Result<Table, Error> {
        read_table(&disk, disk.len() as u64)
    }

    #[test]
    fn both_sector_sizes_are_read() {
        for (sector_size, sector) in [(SectorSize::B512, 512), (SectorSize::B4096, 4096)] {
            let table = table(&Gpt::new(sector).bytes()).unwrap();
            let sector = sector as u64;
            assert_eq!(table.sector_size, sector_size);
            assert_eq!((table.kind, table.disk_guid()), (TableKind::Gpt, Some(DISK)));
            assert_eq!(table.warnings, []);
            let [first, second] = &table.partitions[..] else { panic!("{:?}", table.partitions) };
            assert_eq!((first.number, first.start, first.len), (1, 40 * sector, 20 * sector));
            assert_eq!((second.number, second.start, second.len), (2, 60 * sector, 40 * sector));
            assert_eq!((&*first.name, &*second.name), ("p0", "p1"));
            assert_eq!(first.kind, PartitionType::Gpt(TYPE));
            let layout = table.gpt.unwrap();
            assert_eq!((layout.entries_start, layout.entries_end()), (2 * sector, 2 * sector + 16384));
            assert_eq!((layout.usable_start, layout.usable_end), (34 * sector, 166 * sector));
        }
    }

    /// Where a copy's header and entries are in the sample of 512-byte sectors, in bytes.
    const PRIMARY: (usize, usize) = (512, 1024);
    const BACKUP: (usize, usize) = (199 * 512, (199 - 32) * 512);

    #[test]
    fn a_damaged_copy_is_replaced_by_the_other_with_a_warning() {
        let good = table(&Gpt::new(512).bytes()).unwrap();
        for ((header, entries), is_primary) in [(PRIMARY, true), (BACKUP, false)] {
            for at in [header, header + 16, header + 60, entries + 40, entries + 127 * 128] {
                let mut disk = Gpt::new(512).bytes();
                disk[at] ^= 1;
                let table = table(&disk).unwrap();
                assert_eq!(table.partitions, good.partitions);
                match (&table.warnings[..], is_primary) {
                    ([Warning::PrimaryUnusable(_)], true) | ([Warning::BackupUnusable(_)], false) => {}
                    (warnings, _) => panic!("{at}: {warnings:?}"),
                }
            }
        }
    }

    #[test]
    fn two_damaged_copies_are_an_error_that_names_the_byte() {
        let mut disk = Gpt::new(512).bytes();
        disk[PRIMARY.0 + 60] ^= 1;
        disk[BACKUP.1] ^= 1;
        let error = table(&disk).unwrap_err();
        let Error::BothCopies { primary, backup } = &error else { panic!("{error:?}") };
        let structure = Structure::PrimaryHeader;
        assert!(matches!(**primary, Error::Checksum { structure: s, offset: 512, .. } if s == structure));
        let structure = Structure::BackupEntries;
        assert!(matches!(**backup, Error::Checksum { structure: s, offset: 85504, .. } if s == structure));
        assert_eq!(error.offset(), Some(512));
    }

    #[test]
    fn copies_that_differ_are_told() {
        let mut disk = Gpt::new(512).bytes();
        let other = Gpt { partitions: vec![(40, 59)], ..Gpt::new(512) }.bytes();
        disk[BACKUP.1..].copy_from_slice(&other[BACKUP.1..]);
        let table = table(&disk).unwrap();
        assert_eq!(table.partitions.len(), 2);
        assert_eq!(table.warnings, [Warning::CopiesDiffer]);
    }

    #[test]
    fn a_disk_that_has_grown_is_read_with_a_warning() {
        let mut disk = Gpt::new(512).bytes();
        disk.resize(300 * 512, 0);
        assert_eq!(table(&disk).unwrap().warnings, [Warning::BackupNotAtEnd]);
    }

    #[test]
    fn a_disk_that_was_cut_short_is_refused() {
        let mut disk = Gpt::new(512).bytes();
        disk.truncate(90 * 512);
        assert!(matches!(table(&disk).unwrap_err(), Error::BothCopies { .. }));
    }

    #[test]
    fn a_gpt_without_its_mbr_is_refused_by_name() {
        let mut disk = Gpt::new(512).bytes();
        disk[510] = 0;
        assert!(matches!(table(&disk).unwrap_err(), Error::NoProtectiveMbr));
        let mut disk = Gpt::new(512).bytes();
        disk[450] = 0;
        assert!(matches!(table(&disk).unwrap_err(), Error::NoProtectiveMbr));
    }

    #[test]
    fn a_protective_mbr_alone_is_refused() {
        let mut disk = Gpt::new(512).bytes();
        disk[512..].fill(0);
        assert!(matches!(table(&disk).unwrap_err(), Error::BothCopies { .. }));
    }

    #[test]
    fn fields_that_make_no_sense_are_refused() {
        // Offset in the header, width, value, name in the error.
        let cases: [(usize, usize, u64, &str); 13] = [
            (8, 4, 0x20000, "revision"),
            (12, 4, 91, "header size"),
            (12, 4, 513, "header size"),
            (12, 4, u32::MAX as u64, "header size"),
            (24, 8, 2, "own sector"),
            (40, 8, 166, "first usable sector"),
            (48, 8, u64::MAX, "last usable sector"),
            (72, 8, 1, "first sector of entries"),
            (72, 8, u64::MAX, "first sector of entries"),
            (72, 8, 199, "first sector of entries"),
            (80, 4, u32::MAX as u64, "entry count"),
            (84, 4, 127, "entry size"),
            (84, 4, 1 << 31, "entry size"),
        ];
        for (at, width, value, name) in cases {
            let mut disk = Gpt::new(512).bytes();
            disk[BACKUP.0] = 0;
            disk[PRIMARY.0 + at..PRIMARY.0 + at + width].copy_from_slice(&value.to_le_bytes()[..width]);
            seal(&mut disk[PRIMARY.0..PRIMARY.0 + 92]);
            let error = table(&disk).unwrap_err();
            let Error::BothCopies { primary, .. } = &error else { panic!("{error:?}") };
            assert!(matches!(**primary, Error::Field { field, .. } if field == name), "{name}: {primary:?}");
        }
    }

    #[test]
    fn partitions_that_make_no_sense_are_refused() {
        let with = |partitions: &[(u64, u64)]| {
            table(&Gpt { partitions: partitions.to_vec(), ..Gpt::new(512) }.bytes()).unwrap_err()
        };
        for bad in [(60, 59), (60, 200), (60, u64::MAX), (u64::MAX, 60), (0, 60), (1, 60), (20, 60)] {
            let error = with(&[(40, 41), bad]);
            assert!(matches!(error, Error::OutOfRange { number: 2, .. }), "{bad:?}: {error:?}");
        }
        for (one, other, offset) in
            [((40, 60), (60, 70), 60), ((40, 60), (40, 60), 40), ((50, 52), (40, 99), 50)]
        {
            let error = with(&[one, (100, 110), other]);
            assert!(matches!(error, Error::Overlap { offset: at, .. } if at == offset * 512), "{error:?}");
        }
    }

    #[test]
    fn a_partition_outside_of_the_usable_range_is_told() {
        let disk = Gpt { first_usable: 50, ..Gpt::new(512) }.bytes();
        assert_eq!(table(&disk).unwrap().warnings, [Warning::OutsideUsable(1)]);
    }

    #[test]
    fn larger_entries_and_other_counts_are_read() {
        for (entry_size, entry_count) in [(256, 32), (4096, 4), (128, 4), (128, 5)] {
            let disk = Gpt { entry_size, entry_count, ..Gpt::new(512) }.bytes();
            assert_eq!(table(&disk).unwrap().partitions.len(), 2, "{entry_size} {entry_count}");
        }
    }

    #[test]
    fn a_name_that_is_no_text_is_replaced() {
        let mut entry = [0_u8; 128];
        entry[0] = 1;
        entry[56..62].copy_from_slice(&[0x41, 0, 0x00, 0xd8, 0x42, 0]);
        assert_eq!(parse_entry(&entry).unwrap().name, "A\u{fffd}B");
        entry[56..].fill(0x41);
        assert_eq!(parse_entry(&entry).unwrap().name.chars().count(), 36);
    }

    /// Whatever is written over a table, with checksums made right again: an answer, and one that keeps its promises.
    #[test]
    fn damaged_tables_are_read_without_harm() {
        let mut seed = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..20_000 {
            let mut disk = Gpt::new(512).bytes();
            for _ in 0..1 + noise(&mut seed) % 4 {
                let place = noise(&mut seed) as usize;
                let at = if place.is_multiple_of(2) { 512 + place / 2 % 92 } else { 1024 + place / 2 % 300 };
                disk[at] = [0, 1, 0x7f, 0x80, 0xff, noise(&mut seed) as u8][place % 6];
            }
            let sum = crc32fast::hash(&disk[1024..1024 + 16384]);
            disk[600..604].copy_from_slice(&sum.to_le_bytes());
            seal(&mut disk[512..604]);
            if noise(&mut seed).is_multiple_of(2) {
                disk[BACKUP.0] = 0;
            }
            if let Ok(table) = table(&disk) {
                for partition in &table.partitions {
                    assert!(partition.len > 0 && partition.end() <= disk.len() as u64);
                }
            }
        }
    }
}
