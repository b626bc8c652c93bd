//! After the steps: everything is written back, free space becomes holes, and every file system is checked.

use crate::error::{Error, ErrorKind, Result};
use crate::inspect::Disk;
use plan::{Plan, Seal};
use sandbox::SharedTree;
use std::path::Path;
use std::sync::PoisonError;

/// Seals the working file `image`. The tree is given up: nothing is written through it afterwards.
pub(crate) fn seal(plan: &Plan, tree: SharedTree, disk: &Disk, image: &Path) -> Result<()> {
    trim(&tree)?;
    drop(tree);
    plan.seal.iter().try_for_each(|seal| check(seal, disk, image))
}

fn trim(tree: &SharedTree) -> Result<()> {
    let mut tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
    let report = tree.trim().map_err(|error| {
        Error::new(ErrorKind::ImageLayout, "write the file systems back")
            .caused_by(error)
            .named("Filesystem:Trim")
    })?;
    tracing::debug!("{} bytes of free space are holes", report.bytes);
    Ok(())
}

fn check(seal: &Seal, disk: &Disk, image: &Path) -> Result<()> {
    let number = seal.file_system.partition;
    let Some(content) = disk.partitions.iter().find(|content| content.number() == number) else {
        return Err(Error::saying(ErrorKind::Internal, format!("partition {number} is gone")));
    };
    let (start, len) = (content.partition.start, content.partition.len);
    let checked = match seal.file_system.kind.as_str() {
        "vfat" => filesystem::check_fat(image, start, len),
        _ => filesystem::check_ext(image, start),
    };
    match checked {
        Ok(_) => Ok(()),
        Err(error) => {
            let hint = error.hint();
            let place = &seal.file_system.mount_point;
            let message = format!("the file system at `{place}` (partition {number}) did not pass its check");
            let wrapped = Error::saying(ErrorKind::Check, message).named("Filesystem:Check").caused_by(error);
            Err(match hint {
                Some(hint) => wrapped.hint_at(hint),
                None => wrapped,
            })
        }
    }
}
