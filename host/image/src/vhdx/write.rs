//! Writes a dynamic VHDX with blocks of 2 MiB: the first MiB of headers, then the log, the metadata, the table of blocks
//! and the blocks, each at a whole MiB.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use units::Guid;

use super::header::{
    ALIGNMENT, BLOCKS_REGION, HEADER_SIGNATURE, LEN, METADATA_REGION, OFFSETS, REGION_SIGNATURE,
    REGION_TABLE_LEN, REGION_TABLE_OFFSETS, SIGNATURE, checksum,
};
use super::metadata::{self, Layout};
use crate::fields::put;
use crate::raw::{Grains, Target, Used, pack, push};
use crate::vhdx::header::Region;

const BLOCK: u64 = 2 << 20;
const SECTOR: u32 = 512;
const LOG_OFFSET: u64 = 1 << 20;
const LOG_LEN: u32 = 1 << 20;
const METADATA_OFFSET: u64 = 2 << 20;
const METADATA_LEN: u64 = 1 << 20;
const BLOCKS_OFFSET: u64 = 3 << 20;
/// Where the first item of the metadata is, in bytes of its region: behind the table of items.
const ITEMS: u32 = 64 << 10;
/// An entry's state: the block is there in full.
const FULLY_PRESENT: u64 = 6;
const CREATOR: &str = "imagecustomizer";

/// Writes the disk that `used` reads to `target`. Identifiers are made from `seed`.
pub(crate) fn write(used: &Used<'_>, target: &Target<'_>, seed: [u8; 16]) -> io::Result<()> {
    let layout = layout(used.size);
    let mut blocks = Vec::new();
    let mut next = front(&layout);
    used.for_each_run(BLOCK, |run| {
        target.write(run, next)?;
        let count = (run.bytes.len() as u64).div_ceil(BLOCK);
        push(&mut blocks, Grains { first: run.at / BLOCK, count });
        next += count * BLOCK;
        Ok(())
    })?;
    finish(target.file, &layout, &blocks, seed)
}

/// Turns the plain disk that `used` reads into an image; false, with the disk as it was, when that cannot be done.
pub(crate) fn convert_in_place(used: &Used<'_>, seed: [u8; 16]) -> io::Result<bool> {
    let layout = layout(used.size);
    let blocks = used.grains(BLOCK)?;
    if !pack(used.source, front(&layout), BLOCK, &blocks)? {
        return Ok(false);
    }
    finish(used.source, &layout, &blocks, seed)?;
    Ok(true)
}

/// The layout of a disk of `size` bytes.
fn layout(size: u64) -> Layout {
    let mut layout = Layout {
        virtual_size: size,
        block_size: BLOCK,
        logical_sector: u64::from(SECTOR),
        blocks: Region { offset: BLOCKS_OFFSET, len: 0 },
    };
    layout.blocks.len = (entry_count(&layout) * 8).next_multiple_of(ALIGNMENT);
    layout
}

/// Entries of the table of blocks.
fn entry_count(layout: &Layout) -> u64 {
    layout.block_count().checked_sub(1).map_or(1, |last| layout.entry_index(last) + 1)
}

/// Bytes in front of the first block.
fn front(layout: &Layout) -> u64 {
    layout.blocks.offset + layout.blocks.len
}

/// Adds all that is not data to a file that holds `blocks` of the disk behind the front.
fn finish(output: &File, layout: &Layout, blocks: &[Grains], seed: [u8; 16]) -> io::Result<()> {
    let mut table = vec![0; usize::try_from(entry_count(layout) * 8).unwrap_or_default()];
    let mut next = front(layout);
    for block in blocks.iter().flat_map(|blocks| blocks.first..blocks.end()) {
        let at = usize::try_from(layout.entry_index(block) * 8).unwrap_or(usize::MAX);
        put(&mut table, at, &(next | FULLY_PRESENT).to_le_bytes());
        next += BLOCK;
    }
    output.set_len(next)?;
    output.write_all_at(&table, layout.blocks.offset)?;
    output.write_all_at(&metadata_region(layout, derived(seed, 1)), METADATA_OFFSET)?;
    let regions = region_table(layout);
    for offset in REGION_TABLE_OFFSETS {
        output.write_all_at(&regions, offset)?;
    }
    for (sequence, offset) in (0..).zip(OFFSETS) {
        output.write_all_at(&header(sequence, derived(seed, 2), derived(seed, 3)), offset)?;
    }
    // The identifier comes last: before, the file is no VHDX.
    output.write_all_at(&identifier(), 0)
}

/// An identifier that depends on the seed and its purpose, marked as random (version 4).
fn derived(seed: [u8; 16], purpose: u8) -> Guid {
    let mut bytes = seed;
    let [_, _, _, _, _, _, version, _, variant, .., last] = &mut bytes;
    *last ^= purpose;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    Guid::from_bytes(bytes)
}

fn identifier() -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend(CREATOR.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

fn header(sequence: u64, file: Guid, data: Guid) -> Vec<u8> {
    let mut bytes = vec![0; LEN];
    put(&mut bytes, 0, HEADER_SIGNATURE);
    put(&mut bytes, 8, &sequence.to_le_bytes());
    put(&mut bytes, 16, &file.mixed_endian());
    put(&mut bytes, 32, &data.mixed_endian());
    put(&mut bytes, 66, &1_u16.to_le_bytes());
    put(&mut bytes, 68, &LOG_LEN.to_le_bytes());
    put(&mut bytes, 72, &LOG_OFFSET.to_le_bytes());
    seal(bytes)
}

fn region_table(layout: &Layout) -> Vec<u8> {
    let mut bytes = vec![0; REGION_TABLE_LEN];
    let metadata = Region { offset: METADATA_OFFSET, len: METADATA_LEN };
    let regions = [(BLOCKS_REGION, layout.blocks), (METADATA_REGION, metadata)];
    put(&mut bytes, 0, REGION_SIGNATURE);
    put(&mut bytes, 8, &(regions.len() as u32).to_le_bytes());
    for (index, (id, region)) in regions.into_iter().enumerate() {
        let at = 16 + 32 * index;
        put(&mut bytes, at, &id.mixed_endian());
        put(&mut bytes, at + 16, &region.offset.to_le_bytes());
        put(&mut bytes, at + 24, &u32::try_from(region.len).unwrap_or(u32::MAX).to_le_bytes());
        put(&mut bytes, at + 28, &1_u32.to_le_bytes());
    }
    seal(bytes)
}

/// Puts the checksum in.
fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&bytes);
    put(&mut bytes, 4, &sum.to_le_bytes());
    bytes
}

fn metadata_region(layout: &Layout, disk: Guid) -> Vec<u8> {
    const REQUIRED: u32 = 4;
    const OF_THE_DISK: u32 = 2;
    let parameters = BLOCK.to_le_bytes(); // the block size, then 32 flags, none of them set
    let items: [(Guid, u32, &[u8]); 5] = [
        (metadata::FILE_PARAMETERS, REQUIRED, &parameters),
        (metadata::DISK_SIZE, REQUIRED | OF_THE_DISK, &layout.virtual_size.to_le_bytes()),
        (metadata::DISK_ID, REQUIRED | OF_THE_DISK, &disk.mixed_endian()),
        (metadata::LOGICAL_SECTOR, REQUIRED | OF_THE_DISK, &SECTOR.to_le_bytes()),
        (metadata::PHYSICAL_SECTOR, REQUIRED | OF_THE_DISK, &SECTOR.to_le_bytes()),
    ];
    let mut bytes = vec![0; ITEMS as usize + 64];
    put(&mut bytes, 0, metadata::SIGNATURE);
    put(&mut bytes, 10, &(items.len() as u16).to_le_bytes());
    let mut offset = ITEMS;
    for (index, (id, flags, value)) in items.into_iter().enumerate() {
        let at = 32 + 32 * index;
        let len = value.len() as u32;
        put(&mut bytes, at, &id.mixed_endian());
        put(&mut bytes, at + 16, &offset.to_le_bytes());
        put(&mut bytes, at + 20, &len.to_le_bytes());
        put(&mut bytes, at + 24, &flags.to_le_bytes());
        put(&mut bytes, offset as usize, value);
        offset += len;
    }
    bytes
}
