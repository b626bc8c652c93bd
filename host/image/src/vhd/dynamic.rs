//! The dynamic kind: a copy of the footer, a header, a table of blocks, blocks that each start with a bitmap of their
//! sectors, and the footer.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::footer::{self, DiskType, Error, Footer, checksum};
use crate::detect::{Failure, read_up_to};
use crate::extent::{Budget, Joiner, Piece, Sink};
use crate::fields::{put, u32_be, u64_be};
use crate::raw::{Target, Used};

const COOKIE: &[u8] = b"cxsparse";
/// Bytes.
const LEN: usize = 1024;
const VERSION: u32 = 0x0001_0000;
const CHECKSUM_AT: usize = 36;
/// A block that reads as zeros.
const UNUSED: u32 = u32::MAX;
/// Bytes of a block that is written, and of the bitmap in front of it.
const BLOCK: u64 = 2 << 20;
const BITMAP: u64 = BLOCK / 512 / 8;
/// Where things are in a file that is written, in bytes.
const HEADER_OFFSET: u64 = footer::LEN as u64;
const TABLE_OFFSET: u64 = HEADER_OFFSET + LEN as u64;
/// Bytes of the table that are read at a time.
const CHUNK: u64 = 64 << 10;

/// What a reader needs of the header.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    table_offset: u64,
    /// Bytes.
    block_size: u64,
}

impl Header {
    /// Understands the header of a disk of `size` bytes in a file of `len` bytes.
    fn parse(bytes: &[u8], size: u64, len: u64) -> Result<Self, Error> {
        let field = |field, value| Err(Error::Field { field, value });
        if bytes.len() != LEN || !bytes.starts_with(COOKIE) {
            return field("no signature, but", u64_be(bytes, 0).unwrap_or_default());
        }
        let (stored, computed) =
            (u32_be(bytes, CHECKSUM_AT).unwrap_or_default(), checksum(bytes, CHECKSUM_AT));
        if stored != computed {
            return Err(Error::Checksum { what: "header of the dynamic VHD", stored, computed });
        }
        let version = u32_be(bytes, 24).unwrap_or_default();
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let block_size = u64::from(u32_be(bytes, 32).unwrap_or_default());
        if !block_size.is_power_of_two() || !(4 << 10..=256 << 20).contains(&block_size) {
            return field("block size", block_size);
        }
        let entries = u64::from(u32_be(bytes, 28).unwrap_or_default());
        if entries < size.div_ceil(block_size) {
            return field("entry count", entries);
        }
        let table_offset = u64_be(bytes, 16).unwrap_or_default();
        let end = table_offset.checked_add(size.div_ceil(block_size) * 4);
        if table_offset < footer::LEN as u64 || end.is_none_or(|end| end > len) {
            return field("a table at byte", table_offset);
        }
        Ok(Self { table_offset, block_size })
    }

    /// Bytes of the bitmap in front of each block: a bit for each sector, in whole sectors.
    fn bitmap_size(&self) -> u64 {
        (self.block_size / 512).div_ceil(8).next_multiple_of(512)
    }
}

/// Tells `sink` all pieces of the disk of `size` bytes in `file`, which has `len` bytes and its header at `offset`.
///
/// The bitmaps are not looked at, as in QEMU: a sector that was never written is stored as zeros.
pub(crate) fn pieces<'a>(
    file: &File,
    len: u64,
    size: u64,
    offset: u64,
    sink: &'a mut Sink<'a>,
) -> Result<(), Failure> {
    if offset.checked_add(LEN as u64).is_none_or(|end| end > len) {
        return Err(Error::Field { field: "its place at byte", value: offset }.into());
    }
    let header =
        Header::parse(&read_up_to(file, offset, LEN)?, size, len).map_err(|e| Failure::from(e).at(offset))?;
    let mut budget = Budget::new(len);
    let mut joiner = Joiner::new(sink);
    let count = size.div_ceil(header.block_size);
    // Blocks may not reach into the footer.
    let end = len.saturating_sub(footer::LEN as u64);
    for first in (0..count).step_by(CHUNK as usize / 4) {
        let chunk = (count - first).min(CHUNK / 4);
        let table_offset = header.table_offset.saturating_add(first * 4);
        let table = read_up_to(file, table_offset, usize::try_from(chunk * 4).unwrap_or_default())?;
        for (block, entry) in (first..).zip(table.chunks_exact(4)) {
            let sector = u32_be(entry, 0).unwrap_or(UNUSED);
            if sector == UNUSED {
                continue;
            }
            let to = block * header.block_size;
            let block_len = header.block_size.min(size - to);
            let from = u64::from(sector) * 512 + header.bitmap_size();
            if sector == 0 || from + block_len > end {
                return Err(Error::Block { block, offset: u64::from(sector) * 512 }.into());
            }
            budget.spend(block_len)?;
            joiner.add(Piece::Stored { to, from, len: block_len })?;
        }
    }
    joiner.flush()
}

/// Writes the disk that `used` reads to `target`, with blocks of 2 MiB. `made_at` is in seconds since 1970.
pub(crate) fn write(used: &Used<'_>, target: &Target<'_>, made_at: u64, id: [u8; 16]) -> io::Result<()> {
    let count = used.size.div_ceil(BLOCK);
    let mut table = vec![UNUSED; usize::try_from(count).unwrap_or_default()];
    let table_len = (count * 4).next_multiple_of(512);
    let mut next = TABLE_OFFSET + table_len;
    let output = target.file;
    used.for_each_run(BLOCK, |run| {
        let first = run.at / BLOCK;
        for index in 0..(run.bytes.len() as u64).div_ceil(BLOCK) {
            let entry = usize::try_from(first + index).ok().and_then(|block| table.get_mut(block));
            *entry.ok_or(io::ErrorKind::InvalidData)? =
                u32::try_from(next / 512).map_err(|_| io::ErrorKind::FileTooLarge)?;
            output.write_all_at(&[0xff; BITMAP as usize], next)?;
            target.write(&run.part(index * BLOCK, BLOCK), next + BITMAP)?;
            next += BITMAP + BLOCK;
        }
        Ok(())
    })?;
    let mut bytes: Vec<u8> = table.iter().flat_map(|sector| sector.to_be_bytes()).collect();
    bytes.resize(usize::try_from(table_len).unwrap_or_default(), 0xff);
    output.write_all_at(&bytes, TABLE_OFFSET)?;
    output.write_all_at(
        &header(u32::try_from(count).map_err(|_| io::ErrorKind::FileTooLarge)?),
        HEADER_OFFSET,
    )?;
    let footer = Footer { disk_type: DiskType::Dynamic, current_size: used.size, data_offset: HEADER_OFFSET };
    let footer = footer.write(made_at, id);
    output.write_all_at(&footer, next)?;
    // The copy in front comes last: before, the file is no VHD.
    output.write_all_at(&footer, 0)
}

fn header(blocks: u32) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    put(&mut bytes, 0, COOKIE);
    put(&mut bytes, 8, &u64::MAX.to_be_bytes());
    put(&mut bytes, 16, &TABLE_OFFSET.to_be_bytes());
    put(&mut bytes, 24, &VERSION.to_be_bytes());
    put(&mut bytes, 28, &blocks.to_be_bytes());
    put(&mut bytes, 32, &(BLOCK as u32).to_be_bytes());
    let sum = checksum(&bytes, CHECKSUM_AT);
    put(&mut bytes, CHECKSUM_AT, &sum.to_be_bytes());
    bytes
}
