//! Copies between files by the cheapest way that the file systems offer: shared extents, a copy within the kernel, or
//! reading and writing.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use rustix::fs::{SeekFrom, copy_file_range, ioctl_ficlone, seek};
use rustix::io::Errno;

/// Bytes that are looked at for zeros at a time: the block of the usual file systems.
const ZERO_GRAIN: usize = 4 << 10;
/// Bytes read and written at a time.
const BUFFER: usize = 1 << 20;
/// Bytes copied in one call of the kernel; between calls the progress is told.
const KERNEL_CHUNK: usize = 64 << 20;

/// Makes `target` share all extents of `source`; false when the file systems cannot.
pub(crate) fn clone_whole(source: &File, target: &File) -> bool {
    ioctl_ficlone(target, source).is_ok()
}

/// Copies parts of one file into another, which reads as zeros where nothing was written.
pub(crate) struct Copier<'a> {
    source: &'a File,
    target: &'a File,
    by_kernel: bool,
    buffer: Vec<u8>,
    progress: &'a dyn Fn(u64, u64),
    done: u64,
    total: u64,
}

impl<'a> Copier<'a> {
    /// A copier that tells `progress` of the bytes handled, out of `total`.
    ///
    /// A source with holes is copied as it is. One without is likely to have been through a program that wrote out
    /// its zeros: it is read, and zeros become holes.
    pub(crate) fn new(
        source: &'a File,
        target: &'a File,
        total: u64,
        progress: &'a dyn Fn(u64, u64),
    ) -> io::Result<Self> {
        let metadata = source.metadata()?;
        let allocated = metadata.blocks().saturating_mul(512);
        let is_sparse = allocated < metadata.len() / 10 * 9;
        Ok(Self { source, target, by_kernel: is_sparse, buffer: Vec::new(), progress, done: 0, total })
    }

    /// Copies `len` bytes at `from` to `to`, but for holes. The progress advances by `len`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the source ends early.
    pub(crate) fn copy(&mut self, from: u64, to: u64, len: u64) -> io::Result<()> {
        let end = from.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
        let mut at = from;
        while let Some((start, stop)) = next_data(self.source, at, end)? {
            self.advance(start - at);
            let target = to.checked_add(start - from).ok_or(io::ErrorKind::InvalidInput)?;
            self.copy_data(start, target, stop - start)?;
            at = stop;
        }
        self.advance(end - at);
        Ok(())
    }

    /// Counts bytes as handled that need no copying.
    pub(crate) fn advance(&mut self, len: u64) {
        self.done = self.done.saturating_add(len);
        (self.progress)(self.done, self.total);
    }

    fn copy_data(&mut self, from: u64, to: u64, len: u64) -> io::Result<()> {
        let mut copied = 0;
        while self.by_kernel && copied < len {
            let chunk = usize::try_from(len - copied).unwrap_or(KERNEL_CHUNK).min(KERNEL_CHUNK);
            let (mut source, mut target) = (from + copied, to + copied);
            match copy_file_range(self.source, Some(&mut source), self.target, Some(&mut target), chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    copied += count as u64;
                    self.advance(count as u64);
                }
                Err(Errno::INTR) => {}
                // Not between these file systems, or not on this kernel.
                Err(
                    Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM | Errno::BADF,
                ) => {
                    self.by_kernel = false;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.read_and_write(from + copied, to + copied, len - copied)
    }

    fn read_and_write(&mut self, from: u64, to: u64, len: u64) -> io::Result<()> {
        self.buffer.resize(BUFFER, 0);
        let mut copied = 0;
        while copied < len {
            let chunk = usize::try_from(len - copied).unwrap_or(BUFFER).min(BUFFER);
            let bytes = self.buffer.get_mut(..chunk).unwrap_or_default();
            self.source.read_exact_at(bytes, from + copied)?;
            write_nonzero(self.target, bytes, to + copied)?;
            copied += chunk as u64;
            self.done = self.done.saturating_add(chunk as u64);
            (self.progress)(self.done, self.total);
        }
        Ok(())
    }
}

/// Writes `bytes` at `offset`, but for whole grains of zeros.
pub(crate) fn write_nonzero(target: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut run_start = 0;
    let mut at = 0;
    for grain in bytes.chunks(ZERO_GRAIN) {
        if is_zero(grain) {
            target.write_all_at(bytes.get(run_start..at).unwrap_or_default(), offset + run_start as u64)?;
            run_start = at + grain.len();
        }
        at += grain.len();
    }
    target.write_all_at(bytes.get(run_start..).unwrap_or_default(), offset + run_start as u64)
}

/// Whether all bytes are zero. Written so that the compiler compares many bytes at a time.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| *word == [0; 64]) && rest.iter().all(|byte| *byte == 0)
}

/// The next range within `at .. end` that may hold anything but zeros.
pub(crate) fn next_data(file: &File, at: u64, end: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= end {
        return Ok(None);
    }
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        // The file system does not tell: everything may be data.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((at, end))),
        Err(error) => return Err(error.into()),
    };
    if start >= end {
        return Ok(None);
    }
    let stop = seek(file, SeekFrom::Hole(start))?;
    Ok(Some((start, stop.clamp(start + 1, end))))
}
