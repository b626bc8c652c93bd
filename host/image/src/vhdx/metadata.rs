//! The metadata region: what the disk is like. Section 2.6 of the specification.

use units::Guid;

use super::header::{Error, Region};
use crate::fields::{array, u16_le, u32_le, u64_le};

pub(crate) const SIGNATURE: &[u8] = b"metadata";
pub(crate) const FILE_PARAMETERS: Guid =
    Guid::from_bytes(0xcaa16737_fa36_4d43_b3b6_33f0aa44e76b_u128.to_be_bytes());
pub(crate) const DISK_SIZE: Guid =
    Guid::from_bytes(0x2fa54224_cd1b_4876_b211_5dbed83bf4b8_u128.to_be_bytes());
pub(crate) const DISK_ID: Guid = Guid::from_bytes(0xbeca12ab_b2e6_4523_93ef_c309e000c746_u128.to_be_bytes());
pub(crate) const LOGICAL_SECTOR: Guid =
    Guid::from_bytes(0x8141bf1d_a96f_4709_ba47_f233a8faab5f_u128.to_be_bytes());
pub(crate) const PHYSICAL_SECTOR: Guid =
    Guid::from_bytes(0xcda348c7_445d_4471_9cc9_e9885251c556_u128.to_be_bytes());
const PARENT_LOCATOR: Guid = Guid::from_bytes(0xa8d35f2d_b30b_454d_abf7_d3d84834ab0c_u128.to_be_bytes());
const MAX_ITEMS: u16 = 2047;
/// The file parameters' bit that tells of a parent.
const HAS_PARENT: u32 = 2;

/// What a reader needs to know of a VHDX. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) virtual_size: u64,
    pub(crate) block_size: u64,
    pub(crate) logical_sector: u64,
    /// Where the table of blocks is.
    pub(crate) blocks: Region,
}

impl Layout {
    /// Blocks in the disk.
    pub(crate) fn block_count(&self) -> u64 {
        self.virtual_size.div_ceil(self.block_size)
    }

    /// After so many entries of blocks, the table has one that only differencing disks use.
    pub(crate) fn chunk(&self) -> u64 {
        (self.logical_sector << 23) / self.block_size
    }

    /// Where in the table the entry of a block is, counted in entries.
    pub(crate) fn entry_index(&self, block: u64) -> u64 {
        block + block / self.chunk()
    }
}

/// Understands the metadata region; `blocks` is passed through.
pub(crate) fn parse(region: &[u8], blocks: Region) -> Result<Layout, Error> {
    if !region.starts_with(SIGNATURE) {
        return Err(Error::Missing("metadata"));
    }
    let count = u16_le(region, 10).unwrap_or_default().min(MAX_ITEMS);
    let (mut parameters, mut size, mut logical_sector) = (None, None, None);
    let entries = region.get(32..).unwrap_or_default().chunks_exact(32);
    for entry in entries.take(usize::from(count)) {
        let id = array(entry, 0).map(Guid::from_mixed_endian).unwrap_or_default();
        let at = u32_le(entry, 16).and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
        let is_required = u32_le(entry, 24).unwrap_or_default() & 4 != 0;
        match id {
            FILE_PARAMETERS => {
                parameters = u32_le(region, at).zip(at.checked_add(4).and_then(|at| u32_le(region, at)))
            }
            DISK_SIZE => size = u64_le(region, at),
            LOGICAL_SECTOR => logical_sector = u32_le(region, at),
            DISK_ID | PHYSICAL_SECTOR => {}
            PARENT_LOCATOR => return Err(Error::HasParent),
            id if is_required => return Err(Error::Required { what: "metadata", id }),
            _ => {}
        }
    }
    let (block_size, flags) = parameters.ok_or(Error::Missing("file parameters"))?;
    if flags & HAS_PARENT != 0 {
        return Err(Error::HasParent);
    }
    let layout = Layout {
        virtual_size: size.ok_or(Error::Missing("disk size"))?,
        block_size: u64::from(block_size),
        logical_sector: u64::from(logical_sector.ok_or(Error::Missing("sector size"))?),
        blocks,
    };
    check(&layout)?;
    Ok(layout)
}

fn check(layout: &Layout) -> Result<(), Error> {
    let field = |field, value| Err(Error::Field { field, value });
    if !matches!(layout.logical_sector, 512 | 4096) {
        return field("sector size", layout.logical_sector);
    }
    if !layout.block_size.is_power_of_two() || !(1 << 20..=256 << 20).contains(&layout.block_size) {
        return field("block size", layout.block_size);
    }
    if layout.virtual_size > crate::MAX_VIRTUAL_SIZE.bytes() || !layout.virtual_size.is_multiple_of(512) {
        return field("disk size", layout.virtual_size);
    }
    let count = layout.block_count();
    let entries = if count == 0 { 0 } else { layout.entry_index(count - 1) + 1 };
    if entries * 8 > layout.blocks.len {
        return field("table of blocks of bytes", layout.blocks.len);
    }
    Ok(())
}
