//! Free blocks become holes in the working file.

use super::{Ext4, engine_error};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome, TrimReport};
use fs_ext4::Filesystem;
use fs_ext4::alloc::bit_is_set;
use fs_ext4::bgd::{self, BgdFlags, BlockGroupDescriptor};

/// A run of blocks.
type Run = std::ops::Range<u64>;

impl Ext4 {
    /// Holes read as zeros, so what was freed leaves no trace and equal trees give equal bytes.
    pub(super) fn punch_free_blocks(&mut self) -> Outcome<TrimReport> {
        if let Some(reason) = &self.read_only {
            return Err(Failure::new(ErrorKind::ReadOnly, reason.clone()));
        }
        let (runs, size) = self.call(|engine| Ok((free_runs(engine)?, u64::from(engine.sb.block_size()))))?;
        self.unmount()?;
        self.device.write_back().map_err(|error| Failure::new(ErrorKind::Io, error))?;
        let window = self.device.window();
        let mut report = TrimReport::default();
        for run in runs {
            let (Some(offset), Some(len)) =
                (run.start.checked_mul(size), run.end.saturating_sub(run.start).checked_mul(size))
            else {
                return Err(engine_error::failure(fs_ext4::Error::InvalidBlock(run.start)));
            };
            window.punch_hole(offset, len).map_err(|error| Failure::new(ErrorKind::Io, error))?;
            report.bytes += len;
        }
        self.device.forget();
        Ok(report)
    }
}

/// All runs of free blocks, as the bitmaps have them now.
fn free_runs(engine: &Filesystem) -> fs_ext4::Result<Vec<Run>> {
    let superblock = &engine.sb;
    let groups = bgd::read_all(engine.dev.as_ref(), superblock, &engine.csum)?;
    let reserved = metadata(engine, &groups);
    let first = u64::from(superblock.first_data_block);
    let per_group = u64::from(superblock.blocks_per_group);
    let mut runs = Vec::new();
    for (index, group) in (0_u64..).zip(&groups) {
        let start = index.checked_mul(per_group).and_then(|blocks| blocks.checked_add(first));
        let Some(start) = start.filter(|start| *start < superblock.blocks_count) else { break };
        let end = superblock.blocks_count.min(start.saturating_add(per_group));
        if group.flags().contains(BgdFlags::BLOCK_UNINIT) {
            // Its bitmap holds nothing: all is free but the metadata.
            let head = superblock.group_head_metadata_blocks(index);
            push_without(&mut runs, start.saturating_add(head)..end, &reserved);
            continue;
        }
        let bitmap = engine.read_block(group.block_bitmap)?;
        let mut block = start;
        while block < end {
            let free_start = skip(&bitmap, start, block, end, true);
            let free_end = skip(&bitmap, start, free_start, end, false);
            push_without(&mut runs, free_start..free_end, &reserved);
            block = free_end;
        }
    }
    Ok(runs)
}

/// The first block from `block` whose bit is not `used`.
fn skip(bitmap: &[u8], start: u64, block: u64, end: u64, used: bool) -> u64 {
    let is = |block: u64| u32::try_from(block - start).is_ok_and(|bit| bit_is_set(bitmap, bit));
    (block..end).find(|block| is(*block) != used).unwrap_or(end)
}

/// Bitmaps and inode tables of all groups, in order: never freed, whatever a bitmap says.
fn metadata(engine: &Filesystem, groups: &[BlockGroupDescriptor]) -> Vec<Run> {
    let superblock = &engine.sb;
    let table = (u64::from(superblock.inodes_per_group) * u64::from(superblock.inode_size))
        .div_ceil(u64::from(superblock.block_size()).max(1));
    let mut runs = Vec::with_capacity(groups.len() * 3);
    for group in groups {
        for (start, len) in [(group.block_bitmap, 1), (group.inode_bitmap, 1), (group.inode_table, table)] {
            runs.push(start..start.saturating_add(len));
        }
    }
    runs.sort_unstable_by_key(|run| run.start);
    runs
}

/// Adds what of `run` is not reserved.
fn push_without(runs: &mut Vec<Run>, run: Run, reserved: &[Run]) {
    let mut start = run.start;
    let from = reserved.partition_point(|other| other.end <= run.start);
    for other in reserved.iter().skip(from).take_while(|other| other.start < run.end) {
        if start < other.start {
            runs.push(start..other.start);
        }
        start = start.max(other.end);
    }
    if start < run.end {
        runs.push(start..run.end);
    }
}
