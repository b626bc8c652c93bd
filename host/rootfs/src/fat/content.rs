//! Content of files, along their chains of clusters.

use super::directory::{self, Slot};
use super::{Volume, io};
use crate::error::ErrorKind;
use crate::filesystem::Outcome;

/// The most bytes a file can have.
const LONGEST: u64 = u32::MAX as u64;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

impl Volume {
    pub(super) fn read_content(&mut self, raw: &Slot, offset: u64, buffer: &mut [u8]) -> Outcome<usize> {
        let left = u64::from(directory::size(raw)).saturating_sub(offset).min(buffer.len() as u64);
        let wanted = usize::try_from(left).unwrap_or(0);
        let Some(buffer) = buffer.get_mut(..wanted).filter(|part| !part.is_empty()) else { return Ok(0) };
        let chain = self.chain(self.first_cluster(raw))?;
        let mut rest = buffer;
        for (position, len) in self.runs(&chain, offset, left) {
            let (here, after) = rest.split_at_mut(usize::try_from(len).unwrap_or(0).min(rest.len()));
            self.cache.read(position, here).map_err(io)?;
            rest = after;
        }
        // A chain that is too short for the size: the rest does not exist.
        Ok(wanted - rest.len())
    }

    /// Writes into the file whose slot is `raw`, and brings the slot up to date. Nothing changes when there is no
    /// room.
    pub(super) fn write_content(&mut self, raw: &mut Slot, offset: u64, data: &[u8]) -> Outcome<()> {
        let old = u64::from(directory::size(raw));
        let end = offset.checked_add(data.len() as u64).ok_or(ErrorKind::TooLarge)?;
        let chain = self.grow(raw, end)?;
        if offset > old {
            self.zero_range(&chain, old, offset)?;
        }
        self.write_range(&chain, offset, data)?;
        if end > old {
            self.zero_slack(&chain, end)?;
        }
        Ok(())
    }

    pub(super) fn replace_content(&mut self, raw: &mut Slot, data: &[u8]) -> Outcome<()> {
        let chain = self.grow(raw, data.len() as u64)?;
        self.write_range(&chain, 0, data)?;
        self.shrink(raw, chain, data.len() as u64)
    }

    pub(super) fn resize_content(&mut self, raw: &mut Slot, size: u64) -> Outcome<()> {
        let old = u64::from(directory::size(raw));
        let chain = self.grow(raw, size)?;
        if size > old {
            self.zero_range(&chain, old, size)?;
            return self.zero_slack(&chain, size);
        }
        self.shrink(raw, chain, size)
    }

    /// Makes the chain long enough for `size` bytes; the size in the slot only grows.
    fn grow(&mut self, raw: &mut Slot, size: u64) -> Outcome<Vec<u32>> {
        if size > LONGEST {
            return Err(ErrorKind::TooLarge.into());
        }
        let mut chain = self.chain(self.first_cluster(raw))?;
        let needed = size.div_ceil(self.layout.cluster_size);
        let missing = needed.saturating_sub(chain.len() as u64);
        self.extend(&mut chain, missing)?;
        self.set_first_cluster(raw, chain.first().copied().unwrap_or(0));
        let old = directory::size(raw);
        directory::set_size(raw, old.max(u32::try_from(size).unwrap_or(u32::MAX)));
        Ok(chain)
    }

    fn shrink(&mut self, raw: &mut Slot, mut chain: Vec<u32>, size: u64) -> Outcome<()> {
        let needed = usize::try_from(size.div_ceil(self.layout.cluster_size)).unwrap_or(usize::MAX);
        self.cut(&mut chain, needed)?;
        self.set_first_cluster(raw, chain.first().copied().unwrap_or(0));
        directory::set_size(raw, u32::try_from(size).unwrap_or(u32::MAX));
        self.zero_slack(&chain, size)
    }

    /// What lies behind the end in the last cluster is of files that are gone.
    fn zero_slack(&mut self, chain: &[u32], size: u64) -> Outcome<()> {
        self.zero_range(chain, size, size.next_multiple_of(self.layout.cluster_size))
    }

    fn zero_range(&mut self, chain: &[u32], start: u64, end: u64) -> Outcome<()> {
        let len = end.saturating_sub(start);
        self.runs(chain, start, len).into_iter().try_for_each(|(position, len)| self.zero(position, len))
    }

    fn write_range(&mut self, chain: &[u32], offset: u64, data: &[u8]) -> Outcome<()> {
        let mut rest = data;
        for (position, len) in self.runs(chain, offset, data.len() as u64) {
            let (here, after) = rest.split_at(usize::try_from(len).unwrap_or(0).min(rest.len()));
            self.cache.write(position, here).map_err(io)?;
            rest = after;
        }
        Ok(())
    }

    /// Zeros `len` bytes from `position`.
    pub(super) fn zero(&mut self, position: u64, len: u64) -> Outcome<()> {
        let mut done = 0;
        while done < len {
            let step = usize::try_from(len - done).unwrap_or(ZEROS.len()).min(ZEROS.len());
            self.cache.write(position + done, ZEROS.get(..step).unwrap_or(&ZEROS)).map_err(io)?;
            done += step as u64;
        }
        Ok(())
    }

    /// Where the bytes of a range lie: runs of bytes of the volume, in order, neighbours joined.
    fn runs(&self, chain: &[u32], offset: u64, len: u64) -> Vec<(u64, u64)> {
        let size = self.layout.cluster_size;
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let skipped = usize::try_from(offset / size).unwrap_or(usize::MAX);
        let (mut within, mut left) = (offset % size, len);
        for cluster in chain.iter().skip(skipped) {
            if left == 0 {
                break;
            }
            let position = self.layout.position(*cluster) + within;
            let take = (size - within).min(left);
            match runs.last_mut() {
                Some((start, len)) if *start + *len == position => *len += take,
                _ => runs.push((position, take)),
            }
            within = 0;
            left -= take;
        }
        runs
    }
}
