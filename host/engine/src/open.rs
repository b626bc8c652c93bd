//! A disk image's tree without a run around it.

use crate::error::Result;
use crate::inspect::{Disk, open_tree};
use rootfs::{Timestamp, Tree};
use std::path::Path;

/// Opens the merged file tree of the raw disk image at `path`, as `customize` does with its working file. What is made
/// or changed through it gets the time `source_date_epoch` (seconds since 1970).
///
/// # Errors
/// [`crate::ErrorKind::ImageLayout`], [`crate::ErrorKind::NotSupportedYet`].
pub fn open_image(path: &Path, source_date_epoch: u64) -> Result<Box<dyn Tree>> {
    let disk = Disk::open(path)?;
    let (tree, _) = open_tree(&disk, timestamp(source_date_epoch))?;
    Ok(Box::new(tree))
}

/// The instant as the tree takes it.
pub(crate) fn timestamp(source_date_epoch: u64) -> Timestamp {
    Timestamp { seconds: i64::try_from(source_date_epoch).unwrap_or(i64::MAX), nanoseconds: 0 }
}
