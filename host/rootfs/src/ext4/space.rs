//! Taking and giving back single blocks for extended attributes, which the engine does by path only.

use super::inode::{put, word};
use fs_ext4::Filesystem;
use fs_ext4::alloc::{bit_is_set, plan_block_allocation};
use fs_ext4::bgd::{self, BgdFlags};
use fs_ext4::checksum::{group_desc_csum, linux_crc32c};
use fs_ext4::{Error, Result};

/// Offsets within a group descriptor and the superblock (the format documentation).
const DESC_FREE_BLOCKS: (usize, usize) = (0x0C, 0x2C);
const DESC_BITMAP_CHECKSUM: (usize, usize) = (0x18, 0x38);
const DESC_CHECKSUM: usize = 0x1E;
const DESC_WITH_HIGH_HALVES: u16 = 64;
const SUPERBLOCK: u64 = 1024;
const SB_FREE_BLOCKS_LOW: usize = 0x0C;
const SB_COMPAT: usize = 0x5C;
const SB_FREE_BLOCKS_HIGH: usize = 0x158;
const SB_CHECKSUM: usize = 0x3FC;
const SB_LEN: usize = 1024;

/// Takes a free block near the inode's group.
///
/// Groups whose bitmap is not initialized are left out: the engine keeps track of those itself.
pub(super) fn take_block(engine: &Filesystem, inode: u32) -> Result<u64> {
    let mut groups = bgd::read_all(engine.dev.as_ref(), &engine.sb, &engine.csum)?;
    for group in &mut groups {
        if group.flags().contains(BgdFlags::BLOCK_UNINIT) {
            group.free_blocks_count = 0;
        }
    }
    let near = inode.saturating_sub(1) / engine.sb.inodes_per_group.max(1);
    let plan = plan_block_allocation(&engine.sb, &groups, 1, near, |block| engine.read_block(block))?;
    set_block(engine, plan.first_block, true)?;
    Ok(plan.first_block)
}

/// Gives a block back.
pub(super) fn free_block(engine: &Filesystem, block: u64) -> Result<()> {
    set_block(engine, block, false)
}

/// Notes in the superblock that there are attributes in blocks of their own, unless it says so.
pub(super) fn note_attributes(engine: &Filesystem) -> Result<()> {
    let bit = fs_ext4::features::Compat::EXT_ATTR.bits();
    if engine.sb.feature_compat & bit != 0 {
        return Ok(());
    }
    edit_superblock(engine, |superblock| {
        let features = word(superblock, SB_COMPAT) | bit;
        put(superblock, SB_COMPAT, &features.to_le_bytes());
    })
}

/// Marks a block as used or free, in its bitmap and in all counts.
fn set_block(engine: &Filesystem, block: u64, used: bool) -> Result<()> {
    let superblock = &engine.sb;
    let invalid = Error::InvalidBlock(block);
    let per_group = u64::from(superblock.blocks_per_group);
    let Some(relative) = block.checked_sub(u64::from(superblock.first_data_block)) else {
        return Err(invalid);
    };
    if block >= superblock.blocks_count || per_group == 0 {
        return Err(invalid);
    }
    let (group, bit) = (relative / per_group, relative % per_group);
    let index = usize::try_from(group).map_err(|_| Error::InvalidBlock(block))?;
    let bit = u32::try_from(bit).map_err(|_| Error::InvalidBlock(block))?;
    let bitmap_block =
        engine.groups.get(index).map(|group| group.block_bitmap).ok_or(Error::InvalidBlock(block))?;

    let mut bitmap = engine.read_block(bitmap_block)?;
    if bit_is_set(&bitmap, bit) == used {
        return Err(Error::Corrupt("a block is not what its bitmap says"));
    }
    let byte = usize::try_from(bit / 8).map_err(|_| Error::InvalidBlock(block))?;
    match bitmap.get_mut(byte) {
        Some(byte) => *byte ^= 1 << (bit % 8),
        None => return Err(invalid),
    }
    write_block(engine, bitmap_block, &bitmap)?;
    let delta = if used { -1 } else { 1 };
    edit_descriptor(engine, group, &bitmap, delta)?;
    edit_superblock(engine, |superblock| {
        let low = u64::from(word(superblock, SB_FREE_BLOCKS_LOW));
        let high = u64::from(word(superblock, SB_FREE_BLOCKS_HIGH));
        let free = (high << 32 | low).saturating_add_signed(delta).to_le_bytes();
        let [a, b, c, d, e, f, g, h] = free;
        put(superblock, SB_FREE_BLOCKS_LOW, &[a, b, c, d]);
        if engine.sb.is_64bit() {
            put(superblock, SB_FREE_BLOCKS_HIGH, &[e, f, g, h]);
        }
    })
}

fn edit_descriptor(engine: &Filesystem, group: u64, bitmap: &[u8], delta: i64) -> Result<()> {
    let (block, offset) = engine.sb.descriptor_location(group);
    let mut table = engine.read_block(block)?;
    let size = usize::from(engine.sb.desc_size);
    let with_high = engine.sb.desc_size >= DESC_WITH_HIGH_HALVES;
    let Some(descriptor) = offset.checked_add(size).and_then(|end| table.get_mut(offset..end)) else {
        return Err(Error::Corrupt("a group descriptor lies outside its block"));
    };
    let mut free = u64::from(half(descriptor, DESC_FREE_BLOCKS.0));
    if with_high {
        free |= u64::from(half(descriptor, DESC_FREE_BLOCKS.1)) << 16;
    }
    put_halves(descriptor, DESC_FREE_BLOCKS, with_high, free.saturating_add_signed(delta));
    if engine.csum.enabled {
        let covered = usize::try_from(engine.sb.blocks_per_group.div_ceil(8)).unwrap_or(usize::MAX);
        let covered = bitmap.get(..covered.min(bitmap.len())).unwrap_or(bitmap);
        let checksum = linux_crc32c(engine.csum.seed, covered);
        put_halves(descriptor, DESC_BITMAP_CHECKSUM, with_high, u64::from(checksum));
    }
    let number = u32::try_from(group).map_err(|_| Error::Corrupt("too many groups"))?;
    if let Some(checksum) = group_desc_csum(&engine.sb, &engine.csum, number, descriptor) {
        put(descriptor, DESC_CHECKSUM, &checksum.to_le_bytes());
    }
    write_block(engine, block, &table)
}

fn edit_superblock(engine: &Filesystem, change: impl FnOnce(&mut [u8])) -> Result<()> {
    let mut superblock = [0; SB_LEN];
    engine.dev.read_at(SUPERBLOCK, &mut superblock)?;
    change(&mut superblock);
    if engine.csum.enabled
        && let Some(covered) = superblock.get(..SB_CHECKSUM)
    {
        let checksum = linux_crc32c(!0, covered);
        put(&mut superblock, SB_CHECKSUM, &checksum.to_le_bytes());
    }
    engine.dev.write_at(SUPERBLOCK, &superblock)
}

/// Writes a whole block.
pub(super) fn write_block(engine: &Filesystem, block: u64, bytes: &[u8]) -> Result<()> {
    let offset = block.checked_mul(u64::from(engine.sb.block_size())).ok_or(Error::InvalidBlock(block))?;
    engine.dev.write_at(offset, bytes)
}

fn half(bytes: &[u8], offset: usize) -> u16 {
    match offset.checked_add(2).and_then(|end| bytes.get(offset..end)) {
        Some([low, high]) => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}

fn put_halves(descriptor: &mut [u8], places: (usize, usize), with_high: bool, value: u64) {
    let [a, b, c, d, ..] = value.to_le_bytes();
    put(descriptor, places.0, &[a, b]);
    if with_high {
        put(descriptor, places.1, &[c, d]);
    }
}
