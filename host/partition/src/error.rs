//! Why there is no usable partition table.

use std::fmt;
use std::io;

/// A part of a partition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Structure {
    /// The GPT header at the second sector.
    PrimaryHeader,
    /// The GPT header at the last sector.
    BackupHeader,
    /// The entries that the primary header points to.
    PrimaryEntries,
    /// The entries that the backup header points to.
    BackupEntries,
    /// The first sector of an MBR disk.
    Mbr,
    /// The chain of logical partitions of an MBR disk.
    ExtendedBootRecord,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrimaryHeader => "primary GPT header",
            Self::BackupHeader => "backup GPT header",
            Self::PrimaryEntries => "primary GPT entries",
            Self::BackupEntries => "backup GPT entries",
            Self::Mbr => "MBR",
            Self::ExtendedBootRecord => "extended boot record",
        })
    }
}

/// Why a partition table could not be read. Offsets are bytes from the start of the disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk could not be read.
    #[error("cannot read {len} bytes at byte {offset}")]
    Read {
        /// Where.
        offset: u64,
        /// How many bytes were asked for.
        len: usize,
        /// The medium's answer.
        #[source]
        source: io::Error,
    },
    /// There is neither a GPT nor an MBR.
    #[error("there is no partition table")]
    NoTable,
    /// There is a GPT, but the first sector does not say so; no system would use it.
    #[error("there is a GPT, but no protective MBR at byte 0")]
    NoProtectiveMbr,
    /// A structure lacks its signature.
    #[error("the {structure} at byte {offset} lacks its signature")]
    Signature {
        /// Which structure.
        structure: Structure,
        /// Where it starts.
        offset: u64,
    },
    /// A checksum does not match.
    #[error(
        "the checksum of the {structure} at byte {offset} is {stored:#010x}, but {computed:#010x} is right"
    )]
    Checksum {
        /// Which structure.
        structure: Structure,
        /// Where it starts.
        offset: u64,
        /// What the disk holds.
        stored: u32,
        /// What it should hold.
        computed: u32,
    },
    /// A field holds a value that is not allowed.
    #[error("the {structure} at byte {offset} has {field} {value}, which is not allowed")]
    Field {
        /// Which structure.
        structure: Structure,
        /// Where the structure starts.
        offset: u64,
        /// Which field.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// A partition begins after its end, leaves the disk, or covers the table itself.
    #[error(
        "partition {number} covers the sectors {first} to {last}, which do not lie within {lowest} to {highest}"
    )]
    OutOfRange {
        /// The partition.
        number: u32,
        /// Its first sector.
        first: u64,
        /// Its last sector.
        last: u64,
        /// The first sector that a partition may have.
        lowest: u64,
        /// The last one.
        highest: u64,
    },
    /// Two partitions share bytes.
    #[error("partitions {first} and {second} overlap at byte {offset}")]
    Overlap {
        /// The partition that starts first.
        first: u32,
        /// The other one.
        second: u32,
        /// The first byte that both cover.
        offset: u64,
    },
    /// The MBR says that the disk has a GPT, and neither copy can be used.
    #[error("neither copy of the GPT can be used; the backup: {backup}")]
    BothCopies {
        /// What is wrong with the primary copy.
        #[source]
        primary: Box<Error>,
        /// What is wrong with the backup.
        backup: Box<Error>,
    },
    /// The logical partitions do not end, or point at each other.
    #[error("the chain of logical partitions returns to byte {offset}, or is longer than {limit}")]
    EndlessChain {
        /// Where the chain was left.
        offset: u64,
        /// The most logical partitions that are read.
        limit: usize,
    },
}

impl Error {
    /// The byte of the disk at which the trouble lies, where it lies at one.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Read { offset, .. }
            | Self::Signature { offset, .. }
            | Self::Checksum { offset, .. }
            | Self::Field { offset, .. }
            | Self::Overlap { offset, .. }
            | Self::EndlessChain { offset, .. } => Some(*offset),
            Self::BothCopies { primary, .. } => primary.offset(),
            Self::NoProtectiveMbr => Some(0),
            Self::NoTable | Self::OutOfRange { .. } => None,
        }
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Checksum { .. }
            | Self::BothCopies { .. }
            | Self::Overlap { .. }
            | Self::OutOfRange { .. } => Some(
                "the image is damaged or was cut short: fetch it again, or look at it with `sfdisk --verify`",
            ),
            Self::NoTable => {
                Some("only images of whole disks can be used, not images of a single file system")
            }
            Self::NoProtectiveMbr => Some("have `gdisk` write the protective MBR anew"),
            _ => None,
        }
    }
}
