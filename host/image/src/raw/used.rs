//! What of a plain disk is worth storing: all that is not zero, found by reading, so that the result depends on the
//! content alone and not on which zeros happen to be holes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::copy_file_range;

use super::copy::{clone_whole, is_zero, next_data, write_nonzero};
use super::in_place::{Grains, push};

/// Bytes read at a time: a multiple of all grains.
const BUFFER: u64 = 4 << 20;

/// A disk to be written as an image.
pub(crate) struct Used<'a> {
    pub(crate) source: &'a File,
    /// Bytes in the disk.
    pub(crate) size: u64,
    pub(crate) progress: &'a dyn Fn(u64, u64),
}

/// Grains that follow each other, of which none is all zeros.
pub(crate) struct Run<'a> {
    /// Where it starts in the disk, in bytes; a multiple of the grain.
    pub(crate) at: u64,
    /// The bytes: whole grains, but for the end of the disk.
    pub(crate) bytes: &'a [u8],
}

impl Run<'_> {
    /// The part of `len` bytes at `from` of this run, or as much as it has of that.
    pub(crate) fn part(&self, from: u64, len: u64) -> Run<'_> {
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(self.bytes.len());
        let rest = self.bytes.get(from..).unwrap_or_default();
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(rest.len());
        Run { at: self.at + from as u64, bytes: rest.get(..len).unwrap_or_default() }
    }
}

impl Used<'_> {
    /// The grains of `grain` bytes that are not all zeros.
    pub(crate) fn grains(&self, grain: u64) -> io::Result<Vec<Grains>> {
        let mut all = Vec::new();
        self.for_each_run(grain, |run| {
            push(&mut all, Grains { first: run.at / grain, count: (run.bytes.len() as u64).div_ceil(grain) });
            Ok(())
        })?;
        Ok(all)
    }

    /// Calls `store` for all runs of grains of `grain` bytes that are not all zeros, in order. Runs have 4 MiB at most.
    pub(crate) fn for_each_run(
        &self,
        grain: u64,
        mut store: impl FnMut(&Run<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; usize::try_from(BUFFER).unwrap_or_default()];
        let mut at = 0;
        while let Some((start, stop)) = next_data(self.source, at, self.size)? {
            // Data may start and end within a grain; holes around it are read as zeros.
            at = at.max(start / grain * grain);
            let stop = stop.next_multiple_of(grain).min(self.size);
            while at < stop {
                let len = (stop - at).min(BUFFER);
                let bytes = buffer.get_mut(..usize::try_from(len).unwrap_or_default()).unwrap_or_default();
                self.source.read_exact_at(bytes, at)?;
                split(at, bytes, grain, &mut store)?;
                at += len;
                (self.progress)(at, self.size);
            }
        }
        (self.progress)(self.size, self.size);
        Ok(())
    }
}

/// Calls `store` for the runs within `bytes`, which are at `at` of the disk.
fn split(
    at: u64,
    bytes: &[u8],
    grain: u64,
    store: &mut impl FnMut(&Run<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut run_start = 0;
    let mut end = 0;
    let mut flush = |from: usize, to: usize| match bytes.get(from..to) {
        None | Some([]) => Ok(()),
        Some(bytes) => store(&Run { at: at + from as u64, bytes }),
    };
    for part in bytes.chunks(usize::try_from(grain).unwrap_or(usize::MAX)) {
        if is_zero(part) {
            flush(run_start, end)?;
            run_start = end + part.len();
        }
        end += part.len();
    }
    flush(run_start, end)
}

/// The file that an image is written to.
pub(crate) struct Target<'a> {
    pub(crate) file: &'a File,
    source: &'a File,
    shares: bool,
}

impl<'a> Target<'a> {
    /// `file` is empty; runs come from `source`.
    pub(crate) fn new(file: &'a File, source: &'a File) -> io::Result<Self> {
        // Whether extents can be shared is found out by trying.
        let shares = clone_whole(source, file);
        file.set_len(0)?;
        Ok(Self { file, source, shares })
    }

    /// Writes a run at `to`. Zeros in it become holes.
    pub(crate) fn write(&self, run: &Run<'_>, to: u64) -> io::Result<()> {
        /// Extents are whole blocks of the file system; none that can share them has larger ones.
        const ALIGNMENT: u64 = 64 << 10;
        let len = run.bytes.len() as u64;
        if self.shares && [run.at, to, len].iter().all(|number| number.is_multiple_of(ALIGNMENT)) {
            return self.share(run.at, len, to);
        }
        write_nonzero(self.file, run.bytes, to)
    }

    fn share(&self, mut from: u64, len: u64, mut to: u64) -> io::Result<()> {
        let end = from + len;
        while from < end {
            let left = usize::try_from(end - from).unwrap_or(usize::MAX);
            match copy_file_range(self.source, Some(&mut from), self.file, Some(&mut to), left) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
