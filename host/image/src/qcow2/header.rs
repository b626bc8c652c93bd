//! The header.

use crate::fields::{u32_be, u64_be};

pub(crate) const MAGIC: &[u8] = b"QFI\xfb";

/// `refcount` may be wrong: the image was not closed.
const INCOMPATIBLE_DIRTY: u64 = 1 << 0;
const INCOMPATIBLE_CORRUPT: u64 = 1 << 1;
const INCOMPATIBLE_EXTERNAL_DATA: u64 = 1 << 2;
const INCOMPATIBLE_COMPRESSION: u64 = 1 << 3;
const INCOMPATIBLE_EXTENDED_L2: u64 = 1 << 4;

/// The smallest and largest cluster, as powers of two: 512 bytes and 2 MiB.
const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;
/// The most entries of the first table: 32 MiB of them, as in QEMU.
const MAX_L1_ENTRIES: u32 = (32 << 20) / 8;

/// Why a qcow2 file is not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    #[error("the qcow2 header is cut short")]
    Short,
    #[error("it is qcow2 of version {0}; versions 2 and 3 are read")]
    Version(u32),
    #[error("it is a difference to a backing file, and does not hold the whole disk")]
    BackingFile,
    #[error("its data lies in another file")]
    ExternalData,
    #[error("it is encrypted")]
    Encrypted,
    #[error("it was not closed properly: the dirty bit is set")]
    Dirty,
    #[error("it is marked as corrupt")]
    MarkedCorrupt,
    #[error("it uses the unknown features {0:#x}")]
    UnknownFeatures(u64),
    #[error("it is compressed in the unknown way {0}")]
    UnknownCompression(u8),
    #[error("the qcow2 header has {field} {value}, which is not allowed")]
    Field { field: &'static str, value: u64 },
    #[error("the {what} at byte {offset} lies outside of the file, or is not aligned")]
    Place { what: &'static str, offset: u64 },
}

impl Error {
    /// Whether the file is damaged, rather than beyond what is read.
    pub(crate) fn is_damage(&self) -> bool {
        !matches!(
            self,
            Self::Version(_)
                | Self::BackingFile
                | Self::ExternalData
                | Self::Encrypted
                | Self::UnknownFeatures(_)
                | Self::UnknownCompression(_)
        )
    }
}

/// How compressed clusters are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Deflate,
    Zstd,
}

/// What a reader needs of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes in the disk.
    pub(crate) size: u64,
    pub(crate) cluster_bits: u32,
    /// Bytes from the start of the file.
    pub(crate) l1_offset: u64,
    pub(crate) l1_entries: u32,
    pub(crate) extended_l2: bool,
    pub(crate) compression: Compression,
    /// Version 3 has clusters that are marked as zero.
    pub(crate) version: u32,
}

impl Header {
    /// Understands the start of a file of `len` bytes.
    pub(crate) fn parse(head: &[u8], len: u64) -> Result<Self, Error> {
        let u32_field = |at| u32_be(head, at).ok_or(Error::Short);
        let u64_field = |at| u64_be(head, at).ok_or(Error::Short);
        let version = u32_field(4)?;
        if !matches!(version, 2 | 3) {
            return Err(Error::Version(version));
        }
        let incompatible = if version == 3 { u64_field(72)? } else { 0 };
        if u64_field(8)? != 0 {
            return Err(Error::BackingFile);
        }
        if u32_field(32)? != 0 {
            return Err(Error::Encrypted);
        }
        refuse_features(incompatible)?;
        let header = Self {
            size: u64_field(24)?,
            cluster_bits: u32_field(20)?,
            l1_offset: u64_field(40)?,
            l1_entries: u32_field(36)?,
            extended_l2: incompatible & INCOMPATIBLE_EXTENDED_L2 != 0,
            compression: compression(head, version, incompatible)?,
            version,
        };
        header.check(len)?;
        Ok(header)
    }

    /// Bytes in a cluster.
    pub(crate) fn cluster_size(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// Bytes in an entry of the second tables.
    pub(crate) fn l2_entry_size(&self) -> u64 {
        if self.extended_l2 { 16 } else { 8 }
    }

    /// Bytes of the disk that one second table describes.
    pub(crate) fn l2_reach(&self) -> u64 {
        self.cluster_size() / self.l2_entry_size() * self.cluster_size()
    }

    fn check(&self, len: u64) -> Result<(), Error> {
        let field = |field, value| Err(Error::Field { field, value });
        if !CLUSTER_BITS.contains(&self.cluster_bits) || (self.extended_l2 && self.cluster_bits < 14) {
            return field("cluster bits", u64::from(self.cluster_bits));
        }
        let needed = self.size.div_ceil(self.l2_reach());
        if self.l1_entries > MAX_L1_ENTRIES || u64::from(self.l1_entries) < needed {
            return field("first table's entry count", u64::from(self.l1_entries));
        }
        let end = self.l1_offset.checked_add(needed * 8);
        if needed > 0
            && (!self.l1_offset.is_multiple_of(self.cluster_size()) || end.is_none_or(|end| end > len))
        {
            return Err(Error::Place { what: "first table", offset: self.l1_offset });
        }
        Ok(())
    }
}

fn refuse_features(incompatible: u64) -> Result<(), Error> {
    let known = INCOMPATIBLE_DIRTY
        | INCOMPATIBLE_CORRUPT
        | INCOMPATIBLE_EXTERNAL_DATA
        | INCOMPATIBLE_COMPRESSION
        | INCOMPATIBLE_EXTENDED_L2;
    let refused = [
        (INCOMPATIBLE_EXTERNAL_DATA, Error::ExternalData),
        (INCOMPATIBLE_CORRUPT, Error::MarkedCorrupt),
        (INCOMPATIBLE_DIRTY, Error::Dirty),
    ];
    if incompatible & !known != 0 {
        return Err(Error::UnknownFeatures(incompatible & !known));
    }
    match refused.into_iter().find(|(bit, _)| incompatible & bit != 0) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

fn compression(head: &[u8], version: u32, incompatible: u64) -> Result<Compression, Error> {
    if version == 2 {
        return Ok(Compression::Deflate);
    }
    let header_len = u32_be(head, 100).ok_or(Error::Short)?;
    if header_len < 104 || !header_len.is_multiple_of(8) {
        return Err(Error::Field { field: "header length", value: u64::from(header_len) });
    }
    let kind = if header_len > 104 { *head.get(104).ok_or(Error::Short)? } else { 0 };
    match (incompatible & INCOMPATIBLE_COMPRESSION != 0, kind) {
        (false, 0) => Ok(Compression::Deflate),
        (true, 1) => Ok(Compression::Zstd),
        (_, kind) => Err(Error::UnknownCompression(kind)),
    }
}
