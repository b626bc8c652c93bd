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
    total: u64,
}

impl<'a> Copier<'a> {
    /// A copier into `target`, which is still empty, and will have `total` bytes. `progress` is told the place in it
    /// that was reached.
    ///
    /// A source with holes is copied as it is. One without is likely to have been through a program that wrote out
    /// its zeros: unless its extents can be shared, it is read, and zeros become holes.
    pub(crate) fn new(
        source: &'a File,
        target: &'a File,
        total: u64,
        progress: &'a dyn Fn(u64, u64),
    ) -> io::Result<Self> {
        // Whether extents can be shared is found out by trying.
        let shares = clone_whole(source, target);
        target.set_len(0)?;
        target.set_len(total)?;
        let metadata = source.metadata()?;
        let is_sparse = metadata.blocks().saturating_mul(512) < metadata.len() / 10 * 9;
        Ok(Self { source, target, by_kernel: shares || is_sparse, buffer: Vec::new(), progress, total })
    }

    /// Copies `len` bytes at `from` to `to`, but for holes.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the source ends early.
    pub(crate) fn copy(&mut self, from: u64, to: u64, len: u64) -> io::Result<()> {
        let end = from.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
        let mut at = from;
        while let Some((start, stop)) = next_data(self.source, at, end)? {
            let target = to.checked_add(start - from).ok_or(io::ErrorKind::InvalidInput)?;
            let copied = self.copy_in_kernel(start, target, stop - start)?;
            self.read_and_write(start + copied, target + copied, stop - start - copied)?;
            at = stop;
        }
        (self.progress)(to.saturating_add(len), self.total);
        Ok(())
    }

    /// Writes bytes that do not stand in the source, but for zeros.
    pub(crate) fn write(&mut self, bytes: &[u8], to: u64) -> io::Result<()> {
        write_nonzero(self.target, bytes, to)?;
        (self.progress)(to.saturating_add(bytes.len() as u64), self.total);
        Ok(())
    }

    /// Returns how many bytes were copied before it turned out that the kernel cannot.
    fn copy_in_kernel(&mut self, from: u64, to: u64, len: u64) -> io::Result<u64> {
        let mut copied = 0;
        while self.by_kernel && copied < len {
            let chunk = usize::try_from(len - copied).unwrap_or(KERNEL_CHUNK).min(KERNEL_CHUNK);
            let (mut source, mut target) = (from + copied, to + copied);
            match copy_file_range(self.source, Some(&mut source), self.target, Some(&mut target), chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    copied += count as u64;
                    (self.progress)(to + copied, self.total);
                }
                Err(Errno::INTR) => {}
                // Not between these file systems, or not on this kernel.
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                    self.by_kernel = false;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(copied)
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
            (self.progress)(to + copied, self.total);
        }
        Ok(())
    }
}

/// Writes `bytes` at `offset`, but for whole grains of zeros.
pub(super) fn write_nonzero(target: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
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

/// Whether all bytes are zero. Slices are compared by the C library, which is fast in every build.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    static ZEROS: [u8; ZERO_GRAIN] = [0; ZERO_GRAIN];
    bytes.chunks(ZERO_GRAIN).all(|chunk| ZEROS.get(..chunk.len()) == Some(chunk))
}

/// The next range within `at .. end` that may hold anything but zeros.
pub(super) fn next_data(file: &File, at: u64, end: u64) -> io::Result<Option<(u64, u64)>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_become_holes_and_all_else_is_kept() {
        for sizes in [vec![1], vec![4096, 1], vec![3 << 20, 4096, 100, 1 << 20], vec![0, 9000, 5]] {
            // Spans of zeros and of ones, in turn.
            let bytes: Vec<u8> =
                sizes.iter().enumerate().flat_map(|(index, len)| vec![index as u8 % 2; *len]).collect();
            let source = tempfile::tempfile().unwrap();
            source.write_all_at(&bytes, 0).unwrap();
            let target = tempfile::tempfile().unwrap();
            let len = bytes.len() as u64;
            Copier::new(&source, &target, len, &|_, _| {}).unwrap().copy(0, 0, len).unwrap();
            let mut copy = vec![9; bytes.len()];
            target.read_exact_at(&mut copy, 0).unwrap();
            assert!(copy == bytes, "{sizes:?}");
            let zeros: usize = sizes.iter().step_by(2).filter(|len| **len > 8192).sum();
            let allocated = target.metadata().unwrap().blocks() * 512;
            assert!(allocated <= (bytes.len() - zeros + 5 * 4096) as u64, "{sizes:?}: {allocated}");
        }
    }

    #[test]
    fn a_source_that_ends_early_is_an_error() {
        let (source, target) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        source.write_all_at(&[1; 10_000], 0).unwrap();
        let mut copier = Copier::new(&source, &target, 20_000, &|_, _| {}).unwrap();
        // A hole at the end of a file reads as zeros only if it is within the file.
        copier.copy(5000, 0, 5000).unwrap();
        source.set_len(8000).unwrap();
        assert!(copier.read_and_write(5000, 0, 5000).is_err());
    }

    #[test]
    fn progress_reaches_the_total() {
        let (source, target) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        source.set_len(3 << 20).unwrap();
        source.write_all_at(&[1; 4096], 1 << 20).unwrap();
        let seen = std::cell::RefCell::new(Vec::new());
        let progress = |done, total| seen.borrow_mut().push((done, total));
        Copier::new(&source, &target, 3 << 20, &progress).unwrap().copy(0, 0, 3 << 20).unwrap();
        let seen = seen.into_inner();
        assert_eq!(seen.last(), Some(&(3 << 20, 3 << 20)));
        assert!(seen.is_sorted(), "{seen:?}");
    }
}
