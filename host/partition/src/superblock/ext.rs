//! ext2, ext3 and ext4: the superblock of 1024 bytes at byte 1024.

use super::{Kind, Superblock, text, uuid};
use crate::bytes::{array, has_at, u16_le, u32_le};

const START: usize = 1024;
const LEN: usize = 1024;

const COMPAT_HAS_JOURNAL: u32 = 0x4;
const INCOMPAT_FILETYPE: u32 = 0x2;
const INCOMPAT_RECOVER: u32 = 0x4;
const INCOMPAT_JOURNAL_DEVICE: u32 = 0x8;
const INCOMPAT_META_BG: u32 = 0x10;
const INCOMPAT_64BIT: u32 = 0x80;
const RO_COMPAT_SPARSE_SUPER: u32 = 0x1;
const RO_COMPAT_LARGE_FILE: u32 = 0x2;
const RO_COMPAT_BTREE_DIR: u32 = 0x4;
const RO_COMPAT_METADATA_CSUM: u32 = 0x400;

/// What ext3 knows; anything more is ext4.
const EXT3_INCOMPAT: u32 = INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_META_BG;
const EXT3_RO_COMPAT: u32 = RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE | RO_COMPAT_BTREE_DIR;

/// What the superblock of ext2, ext3 or ext4 tells beyond the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtFacts {
    /// Blocks in the file system.
    pub block_count: u64,
    /// Blocks that are not used.
    pub free_blocks: u64,
    /// Features that an unaware driver may ignore (`s_feature_compat`).
    pub compat: u32,
    /// Features that an unaware driver must refuse (`s_feature_incompat`).
    pub incompat: u32,
    /// Features with which an unaware driver may only read (`s_feature_ro_compat`).
    pub ro_compat: u32,
    /// Whether it was unmounted properly.
    pub state: ExtState,
    /// False when the superblock carries a checksum that does not match.
    pub checksum_is_right: bool,
}

/// How the file system was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtState {
    /// Unmounted properly.
    Clean,
    /// Not unmounted, or errors were found in it.
    Unclean,
}

impl ExtFacts {
    /// Whether there is a journal within.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.compat & COMPAT_HAS_JOURNAL != 0
    }

    /// Whether the journal holds changes that are not carried out yet.
    #[must_use]
    pub fn needs_recovery(&self) -> bool {
        self.incompat & INCOMPAT_RECOVER != 0
    }

    /// Whether block numbers have 64 bits.
    #[must_use]
    pub fn is_64bit(&self) -> bool {
        self.incompat & INCOMPAT_64BIT != 0
    }
}

pub(super) fn parse(head: &[u8]) -> Option<Superblock> {
    let block = head.get(START..START + LEN)?;
    if !has_at(block, 0x38, &[0x53, 0xef]) {
        return None;
    }
    let facts = facts(block)?;
    if facts.incompat & INCOMPAT_JOURNAL_DEVICE != 0 {
        return None; // a journal on its own: no file system
    }
    // 64 KiB is the largest block that any machine can use.
    let block_size =
        1024_u64.checked_shl(u32_le(block, 0x18)?).filter(|size| (1024..=65536).contains(size))?;
    Some(Superblock {
        uuid: uuid(array(block, 0x68)),
        label: text(block.get(0x78..0x88)),
        block_size: Some(block_size),
        size: Some(facts.block_count.checked_mul(block_size)?),
        ext: Some(facts),
        ..Superblock::new(kind(&facts))
    })
}

fn facts(block: &[u8]) -> Option<ExtFacts> {
    let incompat = u32_le(block, 0x60)?;
    let high = |at| if incompat & INCOMPAT_64BIT == 0 { Some(0) } else { u32_le(block, at) };
    let wide = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    let ro_compat = u32_le(block, 0x64)?;
    Some(ExtFacts {
        block_count: wide(u32_le(block, 0x4)?, high(0x150)?),
        free_blocks: wide(u32_le(block, 0xc)?, high(0x158)?),
        compat: u32_le(block, 0x5c)?,
        incompat,
        ro_compat,
        state: if u16_le(block, 0x3a)? == 1 { ExtState::Clean } else { ExtState::Unclean },
        checksum_is_right: ro_compat & RO_COMPAT_METADATA_CSUM == 0
            || u32_le(block, 0x3fc)? == checksum(block)?,
    })
}

/// CRC-32C of all but the checksum itself; ext4 leaves out the final inversion.
fn checksum(block: &[u8]) -> Option<u32> {
    Some(!crc32c::crc32c(block.get(..0x3fc)?))
}

fn kind(facts: &ExtFacts) -> Kind {
    let more_than_ext3 = facts.incompat & !EXT3_INCOMPAT != 0 || facts.ro_compat & !EXT3_RO_COMPAT != 0;
    match (more_than_ext3, facts.has_journal()) {
        (true, _) => Kind::Ext4,
        (false, true) => Kind::Ext3,
        (false, false) => Kind::Ext2,
    }
}
