//! A byte window of a file, with positioned reads and writes that cannot leave it.

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A byte range of an open file. Clones share the file; no cursor is shared or kept.
///
/// Every access is checked against the window: bytes before or after it can be neither read nor written.
#[derive(Clone, Debug)]
pub struct Window {
    file: Arc<File>,
    /// Bytes from the start of the file.
    offset: u64,
    /// Bytes.
    len: u64,
}

/// Why a window could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// The access reaches beyond the end of the window.
    #[error("access of {len} bytes at offset {offset} leaves the {size} bytes of the partition")]
    OutOfBounds {
        /// Bytes from the start of the window.
        offset: u64,
        /// Bytes asked for.
        len: u64,
        /// Bytes in the window.
        size: u64,
    },
    /// The file could not be read or written.
    #[error("cannot access the working file at byte {offset}")]
    Io {
        /// Bytes from the start of the file.
        offset: u64,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

impl Window {
    /// The bytes `offset .. offset + len` of `file`. The end may lie beyond the end of the file as long as it
    /// fits 64 bits: reads there fail.
    ///
    /// # Errors
    /// [`WindowError::OutOfBounds`] when `offset + len` overflows.
    pub fn new(file: Arc<File>, offset: u64, len: u64) -> Result<Self, WindowError> {
        if offset.checked_add(len).is_none() {
            return Err(WindowError::OutOfBounds { offset, len, size: u64::MAX });
        }
        Ok(Self { file, offset, len })
    }

    /// Bytes in the window.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the window holds no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes from the start of the file to the start of the window.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The file that the window is a part of.
    #[must_use]
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// A window within this one.
    ///
    /// # Errors
    /// [`WindowError::OutOfBounds`] when it would leave this one.
    pub fn slice(&self, offset: u64, len: u64) -> Result<Self, WindowError> {
        let start = self.position(offset, len)?;
        Ok(Self { file: Arc::clone(&self.file), offset: start, len })
    }

    /// Fills `buffer` from `offset` (bytes from the start of the window).
    ///
    /// # Errors
    /// [`WindowError::OutOfBounds`]; [`WindowError::Io`], also when the file ends early.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), WindowError> {
        let position = self.position(offset, buffer.len() as u64)?;
        self.file
            .read_exact_at(buffer, position)
            .map_err(|source| WindowError::Io { offset: position, source })
    }

    /// Writes all of `data` at `offset` (bytes from the start of the window).
    ///
    /// # Errors
    /// [`WindowError::OutOfBounds`], before anything is written; [`WindowError::Io`].
    pub fn write_all_at(&self, data: &[u8], offset: u64) -> Result<(), WindowError> {
        let position = self.position(offset, data.len() as u64)?;
        self.file.write_all_at(data, position).map_err(|source| WindowError::Io { offset: position, source })
    }

    /// Makes `len` bytes at `offset` a hole: they read as zeros and take no space. Where the file system that the
    /// file lies on has no holes, zeros are written over what is not zero.
    ///
    /// # Errors
    /// [`WindowError::OutOfBounds`], before anything is changed; [`WindowError::Io`].
    pub fn punch_hole(&self, offset: u64, len: u64) -> Result<(), WindowError> {
        let position = self.position(offset, len)?;
        if len == 0 {
            return Ok(());
        }
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(&*self.file, flags, position, len) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.write_zeros(offset, len),
            Err(error) => Err(WindowError::Io { offset: position, source: error.into() }),
        }
    }

    /// Overwrites what is not zero already, so that no block is allocated in vain.
    fn write_zeros(&self, offset: u64, len: u64) -> Result<(), WindowError> {
        const STEP: u64 = 64 * 1024;
        static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
        let mut buffer = vec![0; ZEROS.len()];
        let mut done = 0;
        while done < len {
            let take = STEP.min(len - done);
            let part = usize::try_from(take).unwrap_or(ZEROS.len());
            if let (Some(part), Some(zeros)) = (buffer.get_mut(..part), ZEROS.get(..part)) {
                self.read_exact_at(part, offset + done)?;
                if part != zeros {
                    self.write_all_at(zeros, offset + done)?;
                }
            }
            done += take;
        }
        Ok(())
    }

    /// Where in the file `len` bytes at `offset` lie.
    fn position(&self, offset: u64, len: u64) -> Result<u64, WindowError> {
        let out_of_bounds = WindowError::OutOfBounds { offset, len, size: self.len };
        match offset.checked_add(len) {
            Some(end) if end <= self.len => self.offset.checked_add(offset).ok_or(out_of_bounds),
            _ => Err(out_of_bounds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> Window {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"0123456789", 0).unwrap();
        Window::new(Arc::new(file), 2, 5).unwrap()
    }

    #[test]
    fn reads_and_writes_stay_inside() {
        let window = window();
        let mut buffer = [0; 5];
        window.read_exact_at(&mut buffer, 0).unwrap();
        assert_eq!(&buffer, b"23456");
        window.write_all_at(b"xy", 3).unwrap();
        for (offset, len) in [(4, 2), (6, 0), (u64::MAX, 1), (0, 6)] {
            let error = window.write_all_at(&vec![0; len], offset).unwrap_err();
            assert!(matches!(error, WindowError::OutOfBounds { .. }), "{offset} {len}");
        }
        let mut all = [0; 10];
        window.file().read_exact_at(&mut all, 0).unwrap();
        assert_eq!(&all, b"01234xy789");
    }

    #[test]
    fn a_hole_reads_as_zeros_and_stays_inside() {
        let window = window();
        window.punch_hole(1, 2).unwrap();
        assert!(window.punch_hole(4, 2).is_err());
        let mut all = [0; 10];
        window.file().read_exact_at(&mut all, 0).unwrap();
        assert_eq!(&all, b"012\0\x0056789");
        window.write_zeros(3, 2).unwrap();
        window.file().read_exact_at(&mut all, 0).unwrap();
        assert_eq!(&all, b"012\0\0\0\x00789");
    }

    #[test]
    fn a_slice_cannot_leave_its_window() {
        let window = window();
        assert_eq!(window.slice(1, 4).unwrap().offset(), 3);
        assert!(window.slice(1, 5).is_err());
        assert!(window.slice(u64::MAX, 2).is_err());
    }
}
