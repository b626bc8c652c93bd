//! What the engine reads and writes: the cache over the window, and its fixed clock.

use crate::cache::Cache;
use block::{Window, WindowError};
use fs_ext4::block_io::BlockDevice;
use fs_ext4::runtime::Runtime;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The working file as a block device. The engine's flushes are barriers within a file that nobody else reads,
/// so they do nothing; [`Device::write_back`] is the one that counts.
#[derive(Debug)]
pub(super) struct Device {
    cache: Mutex<Cache>,
    writable: bool,
}

impl Device {
    pub(super) fn new(window: Window, writable: bool) -> Self {
        Self { cache: Mutex::new(Cache::new(window)), writable }
    }

    /// Writes all that the cache holds to the working file.
    pub(super) fn write_back(&self) -> Result<(), WindowError> {
        self.cache().flush()
    }

    /// Drops what the cache holds of the file, which was written to directly.
    pub(super) fn forget(&self) {
        self.cache().forget();
    }

    pub(super) fn window(&self) -> Window {
        self.cache().window().clone()
    }

    /// No code that can panic runs while the lock is held, so a poisoned lock guards a whole cache.
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlockDevice for Device {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> fs_ext4::Result<()> {
        self.cache().read(offset, buf).map_err(|error| engine_error(error, offset))
    }

    fn size_bytes(&self) -> u64 {
        self.cache().len()
    }

    fn write_at(&self, offset: u64, buf: &[u8]) -> fs_ext4::Result<()> {
        if !self.writable {
            return Err(fs_ext4::Error::ReadOnly);
        }
        self.cache().write(offset, buf).map_err(|error| engine_error(error, offset))
    }

    fn is_writable(&self) -> bool {
        self.writable
    }
}

/// An access beyond the end comes from a block number in the image that cannot be.
///
/// Not the engine's `OutOfBounds`: inside it that means "this directory block is full".
fn engine_error(error: WindowError, offset: u64) -> fs_ext4::Error {
    match error {
        WindowError::OutOfBounds { .. } => fs_ext4::Error::InvalidBlock(offset),
        other => fs_ext4::Error::Io(io::Error::other(other)),
    }
}

/// One time for everything, and inode generations that count from it: equal calls give equal bytes.
#[derive(Debug)]
pub(super) struct Clock {
    seconds: i64,
    generation: AtomicU32,
}

impl Clock {
    pub(super) fn new(seconds: i64) -> Self {
        // Any start will do; the low bits of the time keep runs of different dates apart.
        let start = u32::try_from(seconds.rem_euclid(i64::from(u32::MAX))).unwrap_or(1);
        Self { seconds, generation: AtomicU32::new(start | 1) }
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Takes back the generations that a failed call used up.
    pub(super) fn set_generation(&self, generation: u32) {
        self.generation.store(generation, Ordering::Relaxed);
    }
}

impl Runtime for Clock {
    fn now_unix_seconds(&self) -> i64 {
        self.seconds
    }

    fn next_inode_generation(&self) -> u32 {
        self.generation.fetch_add(1, Ordering::Relaxed)
    }
}
