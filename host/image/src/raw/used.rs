//! What of a plain disk is worth storing: all that is not zero, found by reading, so that the result depends on the
//! content alone and not on which zeros happen to be holes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::copy_file_range;

use super::copy::{clone_whole, is_zero, next_data, write_nonzero};

/// Bytes read at a time: a multiple of all grains.
const BUFFER: u64 = 4 << 20;
/// Sharing extents works on whole blocks of the file system; none that can share has larger ones.
const SHARE_ALIGNMENT: u64 = 64 << 10;

/// A disk to be written as an image.
pub(crate) struct Used<'a> {
    pub(crate) source: &'a File,
    /// Bytes in the disk.
    pub(crate) size: u64,
    /// A new and empty file.
    pub(crate) output: &'a File,
    shares: bool,
    progress: &'a dyn Fn(u64, u64),
}

/// Grains that follow each other, of which none is all zeros.
pub(crate) struct Run<'a> {
    /// Where it starts in the disk, in bytes; a multiple of the grain.
    pub(crate) at: u64,
    /// Bytes: whole grains, but for the end of the disk.
    pub(crate) len: u64,
    bytes: &'a [u8],
    used: &'a Used<'a>,
}

impl<'a> Used<'a> {
    pub(crate) fn new(
        source: &'a File,
        size: u64,
        output: &'a File,
        progress: &'a dyn Fn(u64, u64),
    ) -> io::Result<Self> {
        // Whether extents can be shared is found out by trying.
        let shares = clone_whole(source, output);
        output.set_len(0)?;
        Ok(Self { source, size, output, shares, progress })
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
                self.split(at, bytes, grain, &mut store)?;
                at += len;
                (self.progress)(at, self.size);
            }
        }
        (self.progress)(self.size, self.size);
        Ok(())
    }

    /// Calls `store` for the runs within `bytes`, which are at `at` of the disk.
    fn split(
        &self,
        at: u64,
        bytes: &[u8],
        grain: u64,
        store: &mut impl FnMut(&Run<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut run_start = 0;
        let mut end = 0;
        let mut flush = |from: usize, to: usize| match bytes.get(from..to) {
            None | Some([]) => Ok(()),
            Some(run) => store(&Run { at: at + from as u64, len: run.len() as u64, bytes: run, used: self }),
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
}

impl Run<'_> {
    /// The file that is written.
    pub(crate) fn output(&self) -> &File {
        self.used.output
    }

    /// Writes `len` bytes at `from` of this run, or as many as it has, to `to` of the output. Zeros in it become holes.
    pub(crate) fn write_part(&self, from: u64, len: u64, to: u64) -> io::Result<()> {
        let len = len.min(self.len.saturating_sub(from));
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        let bytes = self.bytes.get(start..).unwrap_or_default();
        let bytes = bytes.get(..usize::try_from(len).unwrap_or(usize::MAX)).unwrap_or_default();
        if self.used.shares && to.is_multiple_of(SHARE_ALIGNMENT) && len.is_multiple_of(SHARE_ALIGNMENT) {
            self.share(self.at + from, len, to)
        } else {
            write_nonzero(self.used.output, bytes, to)
        }
    }

    /// The kernel shares the extents where it can.
    fn share(&self, mut from: u64, len: u64, mut to: u64) -> io::Result<()> {
        let end = from + len;
        while from < end {
            let left = usize::try_from(end - from).unwrap_or(usize::MAX);
            match copy_file_range(self.used.source, Some(&mut from), self.used.output, Some(&mut to), left) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
