//! The partition table as callers see it, whichever kind it is.

use std::fmt;

use units::{Guid, SectorSize};

use crate::{Error, ReadAt, Structure, gpt, mbr, superblock};

/// The partitions of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Which kind of table the disk has.
    pub kind: TableKind,
    /// What names the disk.
    pub disk_id: DiskId,
    /// The size of the sectors in which the table counts.
    pub sector_size: SectorSize,
    /// Ordered by number. No two overlap, except that logical partitions lie within an extended one.
    pub partitions: Vec<Partition>,
    /// Where the parts of a GPT lie; `None` for an MBR.
    pub gpt: Option<GptLayout>,
    /// What is wrong with the table, yet does not hinder its use.
    pub warnings: Vec<Warning>,
}

impl Table {
    /// The disk's GUID; `None` for an MBR.
    #[must_use]
    pub fn disk_guid(&self) -> Option<Guid> {
        match self.disk_id {
            DiskId::Gpt(guid) => Some(guid),
            DiskId::Mbr(_) => None,
        }
    }

    /// The partition with this number.
    #[must_use]
    pub fn partition(&self, number: u32) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.number == number)
    }
}

/// The kind of a partition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableKind {
    /// GUID partition table.
    Gpt,
    /// Master boot record.
    Mbr,
}

/// What names a disk. Prints as `blkid` prints PTUUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiskId {
    /// The GUID of a GPT.
    Gpt(Guid),
    /// The signature of an MBR.
    Mbr(u32),
}

impl fmt::Display for DiskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpt(guid) => guid.fmt(f),
            Self::Mbr(signature) => write!(f, "{signature:08x}"),
        }
    }
}

/// Where the parts of a GPT lie, in bytes from the start of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GptLayout {
    /// Which copy the partitions were read from.
    pub copy: Structure,
    /// The header of that copy.
    pub header_start: u64,
    /// The first entry of that copy.
    pub entries_start: u64,
    /// The number of entries, used or not.
    pub entry_count: u32,
    /// The bytes of one entry.
    pub entry_size: u32,
    /// The first byte that a partition may cover.
    pub usable_start: u64,
    /// The first byte after those that a partition may cover.
    pub usable_end: u64,
}

impl GptLayout {
    /// The first byte after the entries.
    #[must_use]
    pub fn entries_end(&self) -> u64 {
        // Both factors are bounded when the header is read.
        self.entries_start + u64::from(self.entry_count) * u64::from(self.entry_size)
    }
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 1; logical partitions of an MBR start at 5.
    pub number: u32,
    /// Bytes from the start of the disk.
    pub start: u64,
    /// Bytes; never zero.
    pub len: u64,
    /// What it is for.
    pub kind: PartitionType,
    /// What names it.
    pub id: PartitionId,
    /// Its name; empty in an MBR. Whatever is no text was replaced.
    pub name: String,
    /// The attribute bits of a GPT entry; for an MBR, 1 << 2 when it is marked as active.
    pub attributes: u64,
}

impl Partition {
    /// The first byte after the partition.
    #[must_use]
    pub fn end(&self) -> u64 {
        // The readers refuse partitions that leave the disk.
        self.start.saturating_add(self.len)
    }

    /// Whether it merely holds the logical partitions of an MBR.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        matches!(self.kind, PartitionType::Mbr(byte) if mbr::is_extended(byte))
    }
}

/// What a partition is for. Prints as `lsblk` prints PARTTYPE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartitionType {
    /// The type GUID of a GPT entry.
    Gpt(Guid),
    /// The type byte of an MBR entry.
    Mbr(u8),
}

impl fmt::Display for PartitionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpt(guid) => guid.fmt(f),
            Self::Mbr(byte) => write!(f, "{byte:#x}"),
        }
    }
}

/// What names a partition. Prints as `blkid` prints PARTUUID and fstab uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartitionId {
    /// The unique GUID of a GPT entry.
    Gpt(Guid),
    /// An MBR's signature and the partition's number.
    Mbr {
        /// The signature of the MBR.
        disk: u32,
        /// The number of the partition.
        number: u32,
    },
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpt(guid) => guid.fmt(f),
            Self::Mbr { disk, number } => write!(f, "{disk:08x}-{number:02x}"),
        }
    }
}

/// Something that is wrong with a table, yet does not hinder its use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The primary GPT cannot be used; the backup was read.
    PrimaryUnusable(String),
    /// The backup GPT cannot be used.
    BackupUnusable(String),
    /// Both copies can be used, but differ; the primary was read.
    CopiesDiffer,
    /// The backup GPT is not at the end of the disk, as after the disk has grown.
    BackupNotAtEnd,
    /// The MBR has partitions besides the one that protects the GPT; they are ignored.
    HybridMbr,
    /// The disk has an MBR with partitions, and remains of a GPT, which are ignored.
    StaleGpt,
    /// The partition with this number lies outside of the sectors that the GPT says partitions may have.
    OutsideUsable(u32),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrimaryUnusable(why) => {
                write!(f, "the backup GPT is used, as the primary cannot be: {why}")
            }
            Self::BackupUnusable(why) => write!(f, "the backup GPT cannot be used: {why}"),
            Self::CopiesDiffer => f.write_str("the two copies of the GPT differ; the primary is used"),
            Self::BackupNotAtEnd => f.write_str("the backup GPT is not at the end of the disk"),
            Self::HybridMbr => f.write_str("the partitions of the hybrid MBR are ignored"),
            Self::StaleGpt => f.write_str("the remains of a GPT are ignored; the disk has an MBR"),
            Self::OutsideUsable(number) => {
                write!(f, "partition {number} lies outside of the range that the GPT gives to partitions")
            }
        }
    }
}

/// Partition types that matter here.
pub mod known_type {
    use units::Guid;

    /// EFI system partition, `c12a7328-f81f-11d2-ba4b-00a0c93ec93b`.
    pub const EFI_SYSTEM: Guid = Guid::from_bytes(0xc12a7328_f81f_11d2_ba4b_00a0c93ec93b_u128.to_be_bytes());
    /// BIOS boot partition, `21686148-6449-6e6f-744e-656564454649`.
    pub const BIOS_BOOT: Guid = Guid::from_bytes(0x21686148_6449_6e6f_744e_656564454649_u128.to_be_bytes());
    /// EFI system partition of an MBR.
    pub const MBR_EFI_SYSTEM: u8 = 0xef;
}

/// Reads the partition table of a disk of `size` bytes.
///
/// A disk is a GPT disk when its MBR says so by a protective entry; it is then read with sectors of 512 or 4096
/// bytes, whichever shows a header. A damaged copy is replaced by the other with a warning.
///
/// # Errors
/// [`Error::NoTable`] when there is none, also when the disk starts with a file system; [`Error::Read`]; the others
/// when there is one that cannot be trusted.
pub fn read_table(read: &dyn ReadAt, size: u64) -> Result<Table, Error> {
    if size < SectorSize::B512.bytes() {
        return Err(Error::NoTable);
    }
    let sector: [u8; 512] = fetch(read, 0)?;
    match mbr::classify(&sector) {
        mbr::Class::Protective { hybrid } => {
            let mut table = gpt::read(read, size)?;
            if hybrid {
                table.warnings.push(Warning::HybridMbr);
            }
            Ok(table)
        }
        mbr::Class::Partitions if !superblock::is_fat_boot_sector(&sector) => {
            let mut table = mbr::read(read, size, &sector)?;
            if gpt::has_signature(read, size) {
                table.warnings.push(Warning::StaleGpt);
            }
            Ok(table)
        }
        mbr::Class::Partitions => Err(Error::NoTable),
        mbr::Class::Blank | mbr::Class::Other if gpt::has_signature(read, size) => {
            Err(Error::NoProtectiveMbr)
        }
        mbr::Class::Blank | mbr::Class::Other => Err(Error::NoTable),
    }
}

/// Reads `N` bytes at `offset`.
pub(crate) fn fetch<const N: usize>(read: &dyn ReadAt, offset: u64) -> Result<[u8; N], Error> {
    let mut buffer = [0; N];
    read.read_exact_at(&mut buffer, offset).map_err(|source| Error::Read { offset, len: N, source })?;
    Ok(buffer)
}

/// Refuses partitions that share bytes; extended partitions are not looked at.
pub(crate) fn refuse_overlaps(partitions: &[Partition]) -> Result<(), Error> {
    let mut by_start: Vec<&Partition> =
        partitions.iter().filter(|partition| !partition.is_extended()).collect();
    by_start.sort_by_key(|partition| (partition.start, partition.number));
    // In this order the first overlap, if any, is between neighbours.
    for pair in by_start.windows(2) {
        if let [first, second] = pair
            && second.start < first.end()
        {
            return Err(Error::Overlap { first: first.number, second: second.number, offset: second.start });
        }
    }
    Ok(())
}
