//! Content of regular files, and whether there is room for it.

use super::{Ext4, inode};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};
use fs_ext4::Filesystem;

/// Bytes given to the engine at once. It holds them several times over.
const CHUNK: usize = 8 * 1024 * 1024;
/// Extents that fit the inode itself.
const EXTENTS_IN_INODE: u64 = 4;

/// Offsets within the superblock (the format documentation).
const SUPERBLOCK: u64 = 1024;
const FREE_BLOCKS_LOW: usize = 0x0C;
const FREE_BLOCKS_HIGH: usize = 0x158;

impl Ext4 {
    pub(super) fn read_content(&mut self, ino: u32, offset: u64, buffer: &mut [u8]) -> Outcome<usize> {
        self.call(|engine| {
            let inode = engine.stat_ino(ino)?;
            let left = inode.size.saturating_sub(offset).min(buffer.len() as u64);
            let Some(part) = usize::try_from(left).ok().and_then(|left| buffer.get_mut(..left)) else {
                return Ok(0);
            };
            if part.is_empty() {
                return Ok(0);
            }
            engine.read_ino(ino, offset, part)
        })
    }

    pub(super) fn data_from(&mut self, ino: u32, offset: u64) -> Outcome<Option<u64>> {
        self.call(|engine| {
            let inode = engine.stat_ino(ino)?;
            if offset >= inode.size {
                return Ok(None);
            }
            if !inode.has_extents() {
                return Ok(Some(offset));
            }
            let size = u64::from(engine.sb.block_size());
            let extents =
                fs_ext4::extent::collect_all(&inode.block, engine.dev.as_ref(), engine.sb.block_size())?;
            let starts = extents.iter().filter(|extent| !extent.uninitialized).filter_map(|extent| {
                let start = u64::from(extent.logical_block).saturating_mul(size);
                let end = start.saturating_add(u64::from(extent.length).saturating_mul(size));
                (end > offset).then_some(start.max(offset))
            });
            Ok(starts.min().filter(|start| *start < inode.size))
        })
    }

    pub(super) fn write_content(&mut self, ino: u32, offset: u64, data: &[u8]) -> Outcome<()> {
        let end = offset.checked_add(data.len() as u64).ok_or(ErrorKind::TooLarge)?;
        self.check_size(ino, end)?;
        let old_size = self.call(|engine| {
            let inode = engine.stat_ino(ino)?;
            let size = u64::from(engine.sb.block_size());
            let needed = blocks_with_tree(data.len() as u64 + size - 1, size);
            if needed <= free_blocks(engine)? {
                return Ok(inode.size);
            }
            // Not for certain: what is there already needs no new block.
            let (first, last) = (offset / size, end.div_ceil(size));
            let mut missing = 0;
            for block in first..last {
                if inode.has_inline_data() || engine.map_inode_logical(&inode, block)?.is_none() {
                    missing += 1;
                }
            }
            if missing > 0 && blocks_with_tree(missing * size, size) > free_blocks(engine)? {
                return Err(fs_ext4::Error::NoSpaceLeftOnDevice);
            }
            Ok(inode.size)
        })?;
        let result = self.put(ino, offset, data);
        if result.is_err() && offset >= old_size {
            // What a failed call appended goes again, if that is possible.
            let _ = self.change(|engine| engine.apply_truncate_ino(ino, old_size));
        }
        result
    }

    pub(super) fn replace_content(&mut self, ino: u32, data: &[u8]) -> Outcome<()> {
        self.check_size(ino, data.len() as u64)?;
        let old_size = self.call(|engine| {
            let inode = engine.stat_ino(ino)?;
            let size = u64::from(engine.sb.block_size());
            let given_back = if inode.has_inline_data() {
                0
            } else {
                (inode.blocks / (size / 512)).saturating_sub(u64::from(inode.file_acl != 0))
            };
            if blocks_with_tree(data.len() as u64, size) > free_blocks(engine)?.saturating_add(given_back) {
                return Err(fs_ext4::Error::NoSpaceLeftOnDevice);
            }
            Ok(inode.size.max(given_back))
        })?;
        // An empty file that stays empty gets the time of change by this too.
        if old_size > 0 || data.is_empty() {
            self.change(|engine| engine.apply_truncate_ino(ino, 0))?;
        }
        self.put(ino, 0, data)
    }

    pub(super) fn resize_content(&mut self, ino: u32, size: u64) -> Outcome<()> {
        self.check_size(ino, size)?;
        self.change(|engine| engine.apply_truncate_ino(ino, size))
    }

    pub(super) fn check_room(&mut self, bytes: u64) -> Outcome<()> {
        self.call(|engine| {
            if blocks_with_tree(bytes, u64::from(engine.sb.block_size())) > free_blocks(engine)? {
                return Err(fs_ext4::Error::NoSpaceLeftOnDevice);
            }
            Ok(())
        })
    }

    /// Gives the data to the engine in parts that end at multiples of the part size.
    fn put(&mut self, ino: u32, offset: u64, data: &[u8]) -> Outcome<()> {
        let mut position = offset;
        let mut rest = data;
        while !rest.is_empty() {
            let within = usize::try_from(position % CHUNK as u64).unwrap_or(0);
            let (part, after) = rest.split_at((CHUNK - within).min(rest.len()));
            self.change(|engine| engine.apply_pwrite_ino(ino, position, part))?;
            position += part.len() as u64;
            rest = after;
        }
        Ok(())
    }

    /// The file must be one that the engine can change, and the size one that the format can hold.
    fn check_size(&mut self, ino: u32, size: u64) -> Outcome<()> {
        let (inode, block_size) = self.call(|engine| Ok((engine.stat_ino(ino)?, engine.sb.block_size())))?;
        if inode::kind(inode.mode)? != crate::tree::Kind::Regular {
            return Err(ErrorKind::SpecialFile.into());
        }
        if !inode.has_extents() && !inode.has_inline_data() {
            return Err(Failure::new(
                ErrorKind::Unsupported,
                "the file is mapped in the way of ext3; remove it and write it anew",
            ));
        }
        // Blocks of a file have 32-bit numbers, the last of them reserved.
        if size > u64::from(u32::MAX) * u64::from(block_size) {
            return Err(ErrorKind::TooLarge.into());
        }
        Ok(())
    }
}

/// Blocks that content of `bytes` takes, with the extent tree's own in the worst case: every block an extent.
fn blocks_with_tree(bytes: u64, block_size: u64) -> u64 {
    let data = bytes.div_ceil(block_size);
    if data <= EXTENTS_IN_INODE {
        return data;
    }
    // Nodes may be left half full when they are split; five levels at most.
    let per_node = ((block_size.saturating_sub(16)) / 12 / 2).max(1);
    data + data.div_ceil(per_node) + 5
}

/// The number of free blocks as the superblock has it now. The engine takes from the reserved ones too.
pub(super) fn free_blocks(engine: &Filesystem) -> fs_ext4::Result<u64> {
    let mut superblock = [0; 1024];
    engine.dev.read_at(SUPERBLOCK, &mut superblock)?;
    let low = u64::from(inode::word(&superblock, FREE_BLOCKS_LOW));
    let high = if engine.sb.is_64bit() { u64::from(inode::word(&superblock, FREE_BLOCKS_HIGH)) } else { 0 };
    Ok(high << 32 | low)
}
