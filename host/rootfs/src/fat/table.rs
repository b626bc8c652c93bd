//! The allocation table: chains of clusters, and which clusters are free.

use super::layout::{FIRST_CLUSTER, Width, put, word};
use super::{Volume, corrupt, io};
use crate::error::ErrorKind;
use crate::filesystem::Outcome;

/// What the table says of a cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Link {
    Free,
    Next(u32),
    End,
}

const FREE: u32 = 0;
/// The end of a chain, in all bits that the width has.
const END: u32 = 0x0FFF_FFFF;
/// Offsets within the FSInfo sector.
const INFO_LEN: usize = 512;
const INFO_SIGNATURES: [(usize, u32); 2] = [(0, 0x4161_5252), (484, 0x6141_7272)];
const INFO_FREE: usize = 488;
const INFO_NEXT: usize = 492;

impl Volume {
    /// The clusters from `first` to the end of its chain.
    pub(super) fn chain(&mut self, first: u32) -> Outcome<Vec<u32>> {
        let mut chain = Vec::new();
        if first == 0 {
            return Ok(chain);
        }
        let most = self.layout.cluster_end as usize;
        let mut cluster = first;
        loop {
            if !(FIRST_CLUSTER..self.layout.cluster_end).contains(&cluster) {
                return Err(corrupt("a chain of clusters leaves the volume"));
            }
            if chain.len() >= most {
                return Err(corrupt("a chain of clusters runs in a circle"));
            }
            chain.push(cluster);
            match self.link(cluster)? {
                Link::Next(next) => cluster = next,
                Link::End => return Ok(chain),
                Link::Free => return Err(corrupt("a chain of clusters leads to a free one")),
            }
        }
    }

    /// Free clusters, counted once.
    pub(super) fn free_clusters(&mut self) -> Outcome<u64> {
        if let Some(free) = self.free {
            return Ok(free);
        }
        let mut free = 0;
        for cluster in FIRST_CLUSTER..self.layout.cluster_end {
            free += u64::from(self.link(cluster)? == Link::Free);
        }
        self.free = Some(free);
        Ok(free)
    }

    /// Runs of free clusters: the first, and one more than the last.
    pub(super) fn free_runs(&mut self) -> Outcome<Vec<(u32, u32)>> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for cluster in FIRST_CLUSTER..self.layout.cluster_end {
            if self.link(cluster)? == Link::Free {
                match runs.last_mut() {
                    Some((_, end)) if *end == cluster => *end += 1,
                    _ => runs.push((cluster, cluster + 1)),
                }
            }
        }
        Ok(runs)
    }

    /// Lengthens `chain` by `count` clusters, or fails with nothing changed. The new clusters hold old data.
    pub(super) fn extend(&mut self, chain: &mut Vec<u32>, count: u64) -> Outcome<()> {
        let free = self.free_clusters()?;
        if count > free {
            return Err(ErrorKind::NoSpace.into());
        }
        for _ in 0..count {
            let near = chain.last().map_or(self.next, |last| last + 1);
            let cluster = self.find_free(near)?;
            self.set(cluster, END)?;
            if let Some(last) = chain.last() {
                self.set(*last, cluster)?;
            }
            chain.push(cluster);
            self.next = cluster + 1;
        }
        self.free = Some(free - count);
        Ok(())
    }

    /// Cuts `chain` to `len` clusters and frees the others.
    pub(super) fn cut(&mut self, chain: &mut Vec<u32>, len: usize) -> Outcome<()> {
        let free = self.free_clusters()?;
        let gone = chain.split_off(len.min(chain.len()));
        if let (Some(last), false) = (chain.last(), gone.is_empty()) {
            self.set(*last, END)?;
        }
        for cluster in &gone {
            self.set(*cluster, FREE)?;
        }
        if let Some(first) = gone.iter().min() {
            self.next = self.next.min(*first);
        }
        self.free = Some(free.saturating_add(gone.len() as u64).min(u64::from(self.layout.cluster_end)));
        Ok(())
    }

    /// Writes the counts of FAT32's FSInfo sector, which checkers compare with the table.
    pub(super) fn store_info(&mut self) -> Outcome<()> {
        let Some(position) = self.layout.info else { return Ok(()) };
        let mut info = [0; INFO_LEN];
        self.cache.read(position, &mut info).map_err(io)?;
        if INFO_SIGNATURES.iter().any(|(offset, signature)| word(&info, *offset) != *signature) {
            return Ok(());
        }
        let free = u32::try_from(self.free_clusters()?).unwrap_or(u32::MAX);
        if word(&info, INFO_FREE) == free {
            return Ok(());
        }
        put(&mut info, INFO_FREE, &free.to_le_bytes());
        put(&mut info, INFO_NEXT, &self.next.to_le_bytes());
        self.cache.write(position, &info).map_err(io)
    }

    fn find_free(&mut self, near: u32) -> Outcome<u32> {
        let end = self.layout.cluster_end;
        let near = if (FIRST_CLUSTER..end).contains(&near) { near } else { FIRST_CLUSTER };
        for cluster in (near..end).chain(FIRST_CLUSTER..near) {
            if self.link(cluster)? == Link::Free {
                return Ok(cluster);
            }
        }
        Err(ErrorKind::NoSpace.into())
    }

    fn link(&mut self, cluster: u32) -> Outcome<Link> {
        let table = self.layout.tables.first().copied().unwrap_or_default();
        let (offset, len) = self.place(cluster);
        let mut bytes = [0; 4];
        self.cache.read(table + offset, bytes.get_mut(..len).unwrap_or_default()).map_err(io)?;
        let raw = u32::from_le_bytes(bytes);
        let (value, width) = match self.layout.width {
            Width::Bits12 if cluster.is_multiple_of(2) => (raw & 0xFFF, 0xFFF),
            Width::Bits12 => (raw >> 4 & 0xFFF, 0xFFF),
            Width::Bits16 => (raw & 0xFFFF, 0xFFFF),
            Width::Bits32 => (raw & 0x0FFF_FFFF, 0x0FFF_FFFF),
        };
        // The eight highest values end a chain; the one below them marks a bad cluster, which no chain may hold.
        Ok(match value {
            FREE => Link::Free,
            value if value >= width - 7 => Link::End,
            value => Link::Next(value),
        })
    }

    /// Where in the table an entry lies, and how many bytes hold it.
    fn place(&self, cluster: u32) -> (u64, usize) {
        let cluster = u64::from(cluster);
        match self.layout.width {
            Width::Bits12 => (cluster + cluster / 2, 2),
            Width::Bits16 => (cluster * 2, 2),
            Width::Bits32 => (cluster * 4, 4),
        }
    }

    fn set(&mut self, cluster: u32, value: u32) -> Outcome<()> {
        let (offset, len) = self.place(cluster);
        let tables = std::mem::take(&mut self.layout.tables);
        let result = tables.iter().try_for_each(|table| {
            let mut bytes = [0; 4];
            let place = bytes.get_mut(..len).unwrap_or_default();
            self.cache.read(table + offset, place).map_err(io)?;
            let old = u32::from_le_bytes(bytes);
            let new = match self.layout.width {
                Width::Bits12 if cluster.is_multiple_of(2) => (old & 0xF000) | (value & 0xFFF),
                Width::Bits12 => (old & 0x000F) | (value & 0xFFF) << 4,
                Width::Bits16 => value & 0xFFFF,
                Width::Bits32 => (old & 0xF000_0000) | (value & 0x0FFF_FFFF),
            };
            let bytes = new.to_le_bytes();
            self.cache.write(table + offset, bytes.get(..len).unwrap_or_default()).map_err(io)
        });
        self.layout.tables = tables;
        result
    }
}
