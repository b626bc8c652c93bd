//! From the table of blocks to the pieces of the disk. Section 2.5 of the specification.

use std::fs::File;

use super::header::Error;
use super::metadata::Layout;
use crate::detect::{Failure, read_up_to};
use crate::extent::{Budget, Joiner, Piece, Sink};
use crate::fields::u64_le;

/// Bytes of the table that are read at a time.
const CHUNK: u64 = 64 << 10;

/// Tells `sink` all pieces of the disk in `file`, which has `len` bytes.
pub(crate) fn pieces<'a>(
    file: &File,
    len: u64,
    layout: &Layout,
    sink: &'a mut Sink<'a>,
) -> Result<(), Failure> {
    let mut budget = Budget::new(len);
    let mut joiner = Joiner::new(sink);
    let mut table = Table { file, layout, start: 0, chunk: Vec::new() };
    for block in 0..layout.block_count() {
        let entry = table.entry(layout.entry_index(block))?;
        let to = block * layout.block_size;
        let size = layout.block_size.min(layout.virtual_size - to);
        if let Some(from) = place(entry, block, size, len)? {
            budget.spend(size)?;
            joiner.add(Piece::Stored { to, from, len: size })?;
        }
    }
    joiner.flush()
}

/// Where the block is in the file; `None` when it reads as zeros.
fn place(entry: u64, block: u64, size: u64, len: u64) -> Result<Option<u64>, Error> {
    let offset = entry >> 20 << 20;
    match entry & 7 {
        // Not present, undefined, zero, unmapped.
        0..=3 => Ok(None),
        6 if offset >= 1 << 20 && offset.checked_add(size).is_some_and(|end| end <= len) => Ok(Some(offset)),
        6 => Err(Error::Block { block, offset }),
        7 => Err(Error::HasParent),
        state => Err(Error::Field { field: "a block of state", value: state }),
    }
}

/// The table of blocks, read as it is walked through.
struct Table<'a> {
    file: &'a File,
    layout: &'a Layout,
    /// The entry that the chunk starts with.
    start: u64,
    chunk: Vec<u8>,
}

impl Table<'_> {
    fn entry(&mut self, index: u64) -> Result<u64, Failure> {
        if index < self.start || index >= self.start + self.chunk.len() as u64 / 8 {
            self.start = index / (CHUNK / 8) * (CHUNK / 8);
            let offset = self.layout.blocks.offset + self.start * 8;
            self.chunk = read_up_to(self.file, offset, usize::try_from(CHUNK).unwrap_or_default())?;
        }
        let at = usize::try_from((index - self.start) * 8).unwrap_or(usize::MAX);
        // The metadata was checked against the region, and that against the file.
        u64_le(&self.chunk, at).ok_or_else(|| Error::Missing("table of blocks").into())
    }
}
