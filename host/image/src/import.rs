//! From an image to the working file: the plain bytes of the disk, sparse, in a file of our own.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::detect::{Detected, Opened};
use crate::error::{Operation, Reason};
use crate::raw::{Copier, clone_whole};
use crate::{Error, ErrorKind, InputFormat, Result, qemu_img};

/// Writes the disk that the image `input` holds to the new file `work`, sparse, and padded with zeros to a multiple
/// of 512 bytes. `progress` is told of the bytes done and their total.
///
/// `input` is opened for reading only. When this fails, `work` is gone again.
///
/// # Errors
/// As [`crate::detect`]; [`ErrorKind::Io`], also when `work` exists; [`ErrorKind::InputChanged`].
pub fn import(input: &Path, work: &Path, progress: &dyn Fn(u64, u64)) -> Result<Detected> {
    let opened = Opened::open(input, Operation::Import)?;
    let target = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(work)
        .map_err(Error::io(Operation::Import, work))?;
    let result = fill(&opened, input, &target, work, progress);
    if result.is_err() {
        // The error that is returned says more than one about a file that cannot be removed.
        let _ = std::fs::remove_file(work);
    }
    result.map(|()| opened.detected)
}

fn fill(
    opened: &Opened,
    input: &Path,
    target: &File,
    work: &Path,
    progress: &dyn Fn(u64, u64),
) -> Result<()> {
    let size = opened.detected.virtual_size.bytes();
    match opened.detected.format {
        InputFormat::Raw | InputFormat::VhdFixed => copy_plain(opened, input, target, size, progress)?,
        format => {
            qemu_img::to_raw(input, format, work)?;
            progress(size, size);
        }
    }
    target.set_len(size).map_err(Error::io(Operation::Import, work))
}

/// Copies the first `size` bytes; a fixed VHD's footer is left behind.
fn copy_plain(
    opened: &Opened,
    input: &Path,
    target: &File,
    size: u64,
    progress: &dyn Fn(u64, u64),
) -> Result<()> {
    if clone_whole(&opened.file, target) {
        progress(size, size);
        return Ok(());
    }
    let len = size.min(opened.len);
    let mut copier =
        Copier::new(&opened.file, target, size, progress).map_err(Error::io(Operation::Import, input))?;
    copier.copy(0, 0, len).map_err(|source| match source.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Error::new(ErrorKind::InputChanged, Operation::Import, input).caused_by(Reason::EndsEarly(len))
        }
        _ => Error::io(Operation::Import, input)(source),
    })
}
