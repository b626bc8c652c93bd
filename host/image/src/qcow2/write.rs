//! Writes version 3 with clusters of 64 KiB: the header, then the data, then the second tables, the first table and
//! the reference counts. Each cluster is used once, so every count is one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::header::MAGIC;
use crate::fields::put;
use crate::raw::{Grains, Target, Used, pack, push};

const CLUSTER_BITS: u32 = 16;
/// Bytes.
const CLUSTER: u64 = 1 << CLUSTER_BITS;
/// Entries of a second table.
const L2_ENTRIES: u64 = CLUSTER / 8;
/// Counts of 16 bits in a cluster.
const COUNTS: u64 = CLUSTER / 2;
/// Counts have 2^4 bits.
const REFCOUNT_ORDER: u32 = 4;
/// Bytes, with the kind of compression and what fills it up to eight bytes.
const HEADER_LEN: u32 = 112;
/// In an entry: the cluster's reference count is exactly one.
const COPIED: u64 = 1 << 63;

/// Writes the disk that `used` reads to `target`.
pub(crate) fn write(used: &Used<'_>, target: &Target<'_>) -> io::Result<()> {
    let mut clusters = Vec::new();
    let mut next = 1;
    used.for_each_run(CLUSTER, |run| {
        let count = (run.bytes.len() as u64).div_ceil(CLUSTER);
        target.write(run, next * CLUSTER)?;
        push(&mut clusters, Grains { first: run.at / CLUSTER, count });
        next += count;
        Ok(())
    })?;
    finish(target.file, used.size, &clusters)
}

/// Turns the plain disk that `used` reads into an image; false, with the disk as it was, when that cannot be done.
pub(crate) fn convert_in_place(used: &Used<'_>) -> io::Result<bool> {
    let clusters = used.grains(CLUSTER)?;
    if !pack(used.source, CLUSTER, CLUSTER, &clusters)? {
        return Ok(false);
    }
    finish(used.source, used.size, &clusters)?;
    Ok(true)
}

/// Adds all that is not data to a file that holds `clusters` of the disk from its second cluster on.
fn finish(output: &File, size: u64, clusters: &[Grains]) -> io::Result<()> {
    let l1_entries = size.div_ceil(CLUSTER * L2_ENTRIES);
    let mut l1 = vec![0; usize::try_from(l1_entries).unwrap_or_default()];
    let data: u64 = clusters.iter().map(|clusters| clusters.count).sum();
    let l1_at = write_l2_tables(output, clusters, 1 + data, &mut l1)?;
    let counts = ReferenceCounts::after(write_all(output, &l1, l1_at)?);
    counts.write(output)?;
    output.set_len(counts.end * CLUSTER)?;
    // The header comes last: before, the file is no qcow2.
    output.write_all_at(&header(size, l1.len() as u64, l1_at, &counts), 0)
}

/// Writes the second tables from cluster `at` of the file on, and enters them in the first. The data of `clusters`
/// follows the header in order. Returns the first cluster after the tables.
fn write_l2_tables(output: &File, clusters: &[Grains], mut at: u64, l1: &mut [u64]) -> io::Result<u64> {
    let mut table: Option<(u64, Vec<u64>)> = None;
    let mut close = |table: Option<(u64, Vec<u64>)>| {
        let Some((index, entries)) = table else { return Ok(()) };
        let entry = usize::try_from(index).ok().and_then(|index| l1.get_mut(index));
        *entry.ok_or(io::ErrorKind::InvalidData)? = (at * CLUSTER) | COPIED;
        at = write_all(output, &entries, at)?;
        Ok::<_, io::Error>(())
    };
    let all = clusters.iter().flat_map(|clusters| clusters.first..clusters.end());
    for (place, cluster) in (1..).zip(all) {
        let index = cluster / L2_ENTRIES;
        if table.as_ref().is_none_or(|(open, _)| *open != index) {
            close(table.take())?;
            table = Some((index, vec![0; L2_ENTRIES as usize]));
        }
        let entries = table.as_mut().map(|(_, entries)| entries.as_mut_slice()).unwrap_or_default();
        if let Some(entry) = entries.get_mut(usize::try_from(cluster % L2_ENTRIES).unwrap_or(usize::MAX)) {
            *entry = (place * CLUSTER) | COPIED;
        }
    }
    close(table)?;
    Ok(at)
}

/// Writes numbers from cluster `at` on; returns the first cluster after them.
fn write_all(output: &File, numbers: &[u64], at: u64) -> io::Result<u64> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    output.write_all_at(&bytes, at * CLUSTER)?;
    Ok(at + (bytes.len() as u64).div_ceil(CLUSTER))
}

/// Where the reference counts are, in clusters.
#[derive(Debug, PartialEq, Eq)]
struct ReferenceCounts {
    /// The clusters that hold counts; the table that points to them follows.
    blocks: std::ops::Range<u64>,
    /// The first cluster after the table, and of the file.
    end: u64,
}

impl ReferenceCounts {
    /// Behind the first `start` clusters, for all of these and for the counts themselves.
    fn after(start: u64) -> Self {
        let (mut blocks, mut table) = (1, 1);
        loop {
            let end = start + blocks + table;
            let (needed, needed_table) = (end.div_ceil(COUNTS), blocks.div_ceil(CLUSTER / 8));
            if needed <= blocks && needed_table <= table {
                return Self { blocks: start..start + blocks, end };
            }
            (blocks, table) = (needed.max(blocks), needed_table.max(table));
        }
    }

    fn table_clusters(&self) -> u64 {
        self.end - self.blocks.end
    }

    fn write(&self, output: &File) -> io::Result<()> {
        let mut left = self.end;
        for block in self.blocks.clone() {
            let counts = left.min(COUNTS);
            left -= counts;
            let bytes: Vec<u8> = (0..counts).flat_map(|_| 1_u16.to_be_bytes()).collect();
            output.write_all_at(&bytes, block * CLUSTER)?;
        }
        let pointers: Vec<u64> = self.blocks.clone().map(|block| block * CLUSTER).collect();
        write_all(output, &pointers, self.blocks.end).map(|_| ())
    }
}

fn header(size: u64, l1_entries: u64, l1_at: u64, counts: &ReferenceCounts) -> [u8; HEADER_LEN as usize + 8] {
    // An extension of type zero and length zero ends the list of extensions.
    let mut bytes = [0; HEADER_LEN as usize + 8];
    let u32_field = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes();
    put(&mut bytes, 0, MAGIC);
    put(&mut bytes, 4, &3_u32.to_be_bytes());
    put(&mut bytes, 20, &CLUSTER_BITS.to_be_bytes());
    put(&mut bytes, 24, &size.to_be_bytes());
    put(&mut bytes, 36, &u32_field(l1_entries));
    put(&mut bytes, 40, &(l1_at * CLUSTER).to_be_bytes());
    put(&mut bytes, 48, &(counts.blocks.end * CLUSTER).to_be_bytes());
    put(&mut bytes, 56, &u32_field(counts.table_clusters()));
    put(&mut bytes, 96, &REFCOUNT_ORDER.to_be_bytes());
    put(&mut bytes, 100, &HEADER_LEN.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_counts_have_room_for_themselves() {
        for start in [1, 2, COUNTS - 3, COUNTS - 2, COUNTS - 1, COUNTS, 5 * COUNTS - 6, 1 << 30] {
            let counts = ReferenceCounts::after(start);
            let blocks = counts.blocks.end - counts.blocks.start;
            assert_eq!(counts.blocks.start, start);
            assert!(blocks * COUNTS >= counts.end, "{start}");
            assert!(counts.table_clusters() * (CLUSTER / 8) >= blocks, "{start}");
            assert!((blocks - 1) * COUNTS < counts.end + 2, "{start}: no more than needed");
        }
    }
}
