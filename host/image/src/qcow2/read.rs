//! From the two levels of tables to the pieces of the disk.

use std::fs::File;
use std::io::Read;

use super::header::{Compression, Error, Header};
use crate::detect::{Failure, read_up_to};
use crate::extent::{Budget, Joiner, Piece, Sink};
use crate::fields::u64_be;

/// The bits of an entry that are an offset.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
/// In the second tables: the cluster is compressed.
const COMPRESSED: u64 = 1 << 62;
/// In the second tables of version 3: the cluster reads as zeros, whatever the offset says.
const ZERO: u64 = 1;
/// The parts that a cluster has when there are extended entries.
const SUBCLUSTERS: u64 = 32;

/// Tells `sink` all pieces of the disk in `file`, which has `len` bytes and starts with `header`.
pub(crate) fn pieces<'a>(
    file: &File,
    len: u64,
    header: &Header,
    sink: &'a mut Sink<'a>,
) -> Result<(), Failure> {
    let mut walk = Walk { file, len, header, budget: Budget::new(len), joiner: Joiner::new(sink) };
    walk.budget.spend(header.cluster_size())?;
    let tables = header.size.div_ceil(header.l2_reach());
    // At most 32 MiB: the header was checked.
    let l1 = read_up_to(file, header.l1_offset, usize::try_from(tables * 8).unwrap_or_default())?;
    for (index, entry) in (0..).zip(l1.chunks_exact(8)) {
        let offset = u64_be(entry, 0).unwrap_or_default() & OFFSET;
        if offset != 0 {
            walk.table(offset, index * header.l2_reach())?;
        }
    }
    walk.joiner.flush()
}

struct Walk<'a> {
    file: &'a File,
    len: u64,
    header: &'a Header,
    budget: Budget,
    joiner: Joiner<'a>,
}

impl Walk<'_> {
    /// Reads the second table at `offset`, which describes the disk from `to` on.
    fn table(&mut self, offset: u64, mut to: u64) -> Result<(), Failure> {
        let cluster_size = self.header.cluster_size();
        self.check(offset, cluster_size, cluster_size, "second table")?;
        self.budget.spend(cluster_size)?;
        let table = read_up_to(self.file, offset, usize::try_from(cluster_size).unwrap_or_default())?;
        let entry_size = usize::try_from(self.header.l2_entry_size()).unwrap_or(8);
        for entry in table.chunks_exact(entry_size) {
            if to >= self.header.size {
                break;
            }
            let word = u64_be(entry, 0).unwrap_or_default();
            if word & COMPRESSED != 0 {
                self.compressed(word, to)?;
            } else if self.header.extended_l2 {
                self.subclusters(word, u64_be(entry, 8).unwrap_or_default(), to)?;
            } else if self.header.version == 2 || word & ZERO == 0 {
                self.stored(word & OFFSET, to)?;
            }
            to = to.saturating_add(cluster_size);
        }
        Ok(())
    }

    /// A whole cluster as it is.
    fn stored(&mut self, offset: u64, to: u64) -> Result<(), Failure> {
        if offset == 0 {
            return Ok(());
        }
        let len = self.header.cluster_size().min(self.header.size - to);
        self.check(offset, len, self.header.cluster_size(), "cluster")?;
        self.budget.spend(len)?;
        self.joiner.add(Piece::Stored { to, from: offset, len })
    }

    /// A cluster of which each part is stored, or zero, by a bitmap: the lower half tells which are stored, the upper
    /// which are zero although they may be stored.
    fn subclusters(&mut self, word: u64, bitmap: u64, to: u64) -> Result<(), Failure> {
        let offset = word & OFFSET;
        let part = self.header.cluster_size() / SUBCLUSTERS;
        for index in 0..SUBCLUSTERS {
            let start = to.saturating_add(index * part);
            let is_stored = bitmap >> index & 1 == 1 && bitmap >> (index + SUBCLUSTERS) & 1 == 0;
            if !is_stored || start >= self.header.size {
                continue;
            }
            let len = part.min(self.header.size - start);
            self.check(
                offset,
                self.header.cluster_size().min(self.header.size - to),
                self.header.cluster_size(),
                "cluster",
            )?;
            self.budget.spend(len)?;
            self.joiner.add(Piece::Stored { to: start, from: offset + index * part, len })?;
        }
        Ok(())
    }

    /// A compressed cluster: the entry holds the byte at which it starts, and how many more sectors of 512 bytes it
    /// touches.
    fn compressed(&mut self, word: u64, to: u64) -> Result<(), Failure> {
        let offset_bits = 62 - (self.header.cluster_bits - 8);
        let from = word & ((1 << offset_bits) - 1);
        let sectors = ((word & (COMPRESSED - 1)) >> offset_bits) + 1;
        let packed = (sectors * 512 - from % 512).min(self.len.saturating_sub(from));
        if packed == 0 {
            return Err(Error::Place { what: "compressed cluster", offset: from }.into());
        }
        let len = self.header.cluster_size().min(self.header.size - to);
        // Neighbours share sectors, so what they take is not known; it is some bytes.
        self.budget.spend(1)?;
        self.joiner.add(Piece::Packed { to, from, packed, len })
    }

    fn check(&self, offset: u64, len: u64, alignment: u64, what: &'static str) -> Result<(), Failure> {
        let fits = offset.checked_add(len).is_some_and(|end| end <= self.len);
        if fits && offset != 0 && offset.is_multiple_of(alignment) {
            return Ok(());
        }
        Err(Error::Place { what, offset }.into())
    }
}

/// Decompresses one cluster; `cluster` is overwritten. What follows the cluster in `packed` is not looked at.
pub(crate) fn decompress(compression: Compression, packed: &[u8], cluster: &mut [u8]) -> std::io::Result<()> {
    match compression {
        // As raw deflate, without the header and checksum of zlib.
        Compression::Deflate => flate2::read::DeflateDecoder::new(packed).read_exact(cluster),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?.single_frame();
            // A frame of one cluster needs no more window than that: 2 MiB.
            decoder.window_log_max(21)?;
            decoder.read_exact(cluster)
        }
    }
}
