//! The disk: its partitions and what each holds.

use crate::error::{Error, ErrorKind, Result};
use block::Window;
use partition::Partition;
use partition::superblock::{self, Superblock};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A disk image that is open for reading and writing.
pub(crate) struct Disk {
    file: Arc<File>,
    /// Partitions with what their first bytes tell.
    pub(crate) partitions: Vec<Content>,
}

/// A partition and what it holds.
pub(crate) struct Content {
    pub(crate) partition: Partition,
    pub(crate) superblock: Option<Superblock>,
}

impl Content {
    /// The number as messages show it.
    pub(crate) fn number(&self) -> u32 {
        self.partition.number
    }
}

impl Disk {
    /// Reads the partition table and every partition's superblock.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::ImageLayout, "open the working file").at(path).caused_by(error)
        };
        let file = File::options().read(true).write(true).open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let table = partition::read_table(&file, size).map_err(table_error)?;
        for warning in &table.warnings {
            tracing::warn!("partition table: {warning}");
        }
        let partitions = table
            .partitions
            .into_iter()
            .filter(|partition| !partition.is_extended())
            .map(|partition| probe(&file, partition))
            .collect::<Result<_>>()?;
        Ok(Self { file: Arc::new(file), partitions })
    }

    /// The bytes of a partition.
    pub(crate) fn window(&self, content: &Content) -> Result<Window> {
        Window::new(Arc::clone(&self.file), content.partition.start, content.partition.len).map_err(|error| {
            Error::new(ErrorKind::ImageLayout, format!("reach partition {}", content.number()))
                .caused_by(error)
        })
    }
}

fn probe(file: &File, partition: Partition) -> Result<Content> {
    let superblock = superblock::probe_partition(file, partition.start, partition.len).map_err(|error| {
        Error::new(ErrorKind::ImageLayout, format!("look at partition {}", partition.number)).caused_by(error)
    })?;
    Ok(Content { partition, superblock })
}

fn table_error(error: partition::Error) -> Error {
    let hint = error.hint();
    let wrapped = Error::new(ErrorKind::ImageLayout, "read the partition table").caused_by(error);
    match hint {
        Some(hint) => wrapped.hint_at(hint),
        None => wrapped,
    }
}
