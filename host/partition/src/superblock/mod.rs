//! What a partition holds, told from its superblock: the type, and the UUID and label in `blkid`'s spelling.

mod ext;
mod fat;
mod others;

use std::fmt;
use std::io;

use units::Guid;

pub use ext::{ExtFacts, ExtState};

use crate::ReadAt;
use crate::read::Section;

/// How much of a partition's start is looked at, in bytes. The farthest superblock is that of btrfs: at 64 KiB, one
/// sector of 4096 bytes.
const HEAD: u64 = (64 << 10) + 4096;

/// A file system, or something else that fills a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// ext2, without a journal.
    Ext2,
    /// ext3: ext2 with a journal.
    Ext3,
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
    /// Btrfs.
    Btrfs,
    /// FAT12, FAT16 or FAT32.
    Vfat,
    /// Swap space.
    Swap,
    /// SquashFS.
    Squashfs,
    /// EROFS.
    Erofs,
    /// LUKS, version 1 or 2.
    Luks,
    /// A dm-verity hash tree.
    VerityHash,
    /// ISO 9660.
    Iso9660,
    /// An LVM2 physical volume.
    Lvm2,
}

impl Kind {
    /// The name that `blkid` and fstab use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ext2 => "ext2",
            Self::Ext3 => "ext3",
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Vfat => "vfat",
            Self::Swap => "swap",
            Self::Squashfs => "squashfs",
            Self::Erofs => "erofs",
            Self::Luks => "crypto_LUKS",
            Self::VerityHash => "DM_verity_hash",
            Self::Iso9660 => "iso9660",
            Self::Lvm2 => "LVM2_member",
        }
    }

    /// Whether it is ext2, ext3 or ext4.
    #[must_use]
    pub const fn is_ext(self) -> bool {
        matches!(self, Self::Ext2 | Self::Ext3 | Self::Ext4)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a superblock tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// What it is.
    pub kind: Kind,
    /// The UUID or serial number as `blkid` prints it: `4066b9b6-…`, `ABCD-1234`; `None` when there is none.
    pub uuid: Option<String>,
    /// The label; `None` when there is none. Whatever is no text was replaced.
    pub label: Option<String>,
    /// Bytes in a block (FAT: a cluster); `None` where that says nothing.
    pub block_size: Option<u64>,
    /// Bytes that the file system covers, by its own account; `None` when it does not tell.
    pub size: Option<u64>,
    /// What only ext2, ext3 and ext4 have.
    pub ext: Option<ExtFacts>,
}

impl Superblock {
    /// With a kind alone.
    fn new(kind: Kind) -> Self {
        Self { kind, uuid: None, label: None, block_size: None, size: None, ext: None }
    }
}

/// Why a partition could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The partition could not be read.
    #[error("cannot read {len} bytes at byte {offset}")]
    Read {
        /// Bytes from the start of what was probed.
        offset: u64,
        /// How many bytes were asked for.
        len: usize,
        /// The medium's answer.
        #[source]
        source: io::Error,
    },
}

/// Tells what the `len` bytes of `read` hold; `None` when nothing is recognised.
///
/// # Errors
/// [`Error::Read`].
pub fn probe(read: &dyn ReadAt, len: u64) -> Result<Option<Superblock>, Error> {
    let head = fetch(read, 0, HEAD.min(len))?;
    if let Some(found) = parse(&head) {
        return Ok(Some(found));
    }
    fat::probe(read, len, &head)
}

/// Tells what the partition of `len` bytes at `offset` of a disk holds. Offsets in errors are of the partition.
///
/// # Errors
/// As [`probe`].
pub fn probe_partition(disk: &dyn ReadAt, offset: u64, len: u64) -> Result<Option<Superblock>, Error> {
    probe(&Section { inner: disk, offset, len }, len)
}

/// Everything but FAT, which has no magic number and is tried last.
fn parse(head: &[u8]) -> Option<Superblock> {
    let parsers = [
        others::luks,
        others::lvm2,
        others::verity_hash,
        others::xfs,
        others::squashfs,
        ext::parse,
        others::erofs,
        others::btrfs,
        others::iso9660,
        others::swap,
    ];
    parsers.iter().find_map(|parser| parser(head))
}

/// Whether a disk's first sector is that of a FAT file system rather than an MBR: both end in the same signature.
pub(crate) fn is_fat_boot_sector(sector: &[u8; 512]) -> bool {
    fat::BootSector::parse(sector).is_some()
}

fn fetch(read: &dyn ReadAt, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
    // Callers ask for 2 MiB at most: the largest root directory of FAT16.
    let len = usize::try_from(len).unwrap_or_default();
    let mut buffer = vec![0; len];
    read.read_exact_at(&mut buffer, offset).map_err(|source| Error::Read { offset, len, source })?;
    Ok(buffer)
}

/// The UUID for people; `None` when it is zero, which means that there is none.
fn uuid(bytes: Option<[u8; 16]>) -> Option<String> {
    bytes.map(Guid::from_bytes).filter(|guid| !guid.is_zero()).map(|guid| guid.to_string())
}

/// The text up to the first NUL, without blanks at its end; `None` when nothing is left.
fn text(bytes: Option<&[u8]>) -> Option<String> {
    let bytes = bytes?.split(|byte| *byte == 0).next()?;
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
