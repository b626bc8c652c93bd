//! A file of the image in memory that is held open.

use super::memory_host::MemoryHost;
use super::tree::{Content, Ino, Tree};
use crate::failure::{Failure, FailureCode, Result};
use crate::host::{Metadata, OpenFile};

/// Stays good when the file's name goes away.
pub(super) struct MemoryFile<'host> {
    pub(super) host: &'host MemoryHost,
    pub(super) ino: Ino,
    pub(super) path: String,
}

/// Bytes of the largest file: what a test that goes wrong may take of the machine.
const MAX_SIZE: u64 = 1 << 30;

impl MemoryFile<'_> {
    fn resize(&self, image: &mut Tree, size: u64) -> Result<()> {
        let size = usize::try_from(size).ok().filter(|_| size <= MAX_SIZE).ok_or_else(|| {
            Failure::new(FailureCode::NoSpace, format!("`{}`: no room for {size} bytes", self.path))
        })?;
        self.data(image)?.resize(size, 0);
        Ok(())
    }

    fn data<'tree>(&self, image: &'tree mut Tree) -> Result<&'tree mut Vec<u8>> {
        match &mut image.inode_mut(self.ino)?.content {
            Content::File(data) => Ok(data),
            _ => Err(Failure::other("an open file became something else")),
        }
    }
}

impl OpenFile for MemoryFile<'_> {
    fn metadata(&self) -> Result<Metadata> {
        self.host.look(|image| image.metadata(self.ino))
    }

    fn read_at(&self, offset: u64, max: u32) -> Result<Vec<u8>> {
        self.host.look(|image| {
            let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
            Ok(self.data(image)?.iter().skip(skipped).take(max as usize).copied().collect())
        })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.host.change(|image| {
            let end = offset.saturating_add(data.len() as u64);
            if end > self.data(image)?.len() as u64 && !data.is_empty() {
                self.resize(image, end)?;
            }
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            for (place, byte) in self.data(image)?.iter_mut().skip(start).zip(data) {
                *place = *byte;
            }
            Ok(())
        })
    }

    fn set_size(&self, size: u64) -> Result<()> {
        self.host.change(|image| self.resize(image, size))
    }
}
