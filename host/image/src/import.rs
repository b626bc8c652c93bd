//! From an image to the working file: the plain bytes of the disk, sparse, in a file of our own.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::detect::{Detected, Failure, Layout, Opened, read_up_to};
use crate::error::Operation;
use crate::extent::{Piece, ended_early};
use crate::raw::{Copier, clone_whole};
use crate::{Error, ErrorKind, Result, qcow2, vhd, vhdx};

/// Writes the disk that the image `input` holds to the new file `work`, sparse, and padded with zeros to a multiple
/// of 512 bytes. `progress` is told of the bytes done and their total.
///
/// `input` is opened for reading only. When this fails, `work` is gone again.
///
/// # Errors
/// As [`crate::detect`]; [`ErrorKind::Io`], also when `work` exists; [`ErrorKind::Corrupt`]: what only shows when all
/// is read; [`ErrorKind::InputChanged`]; [`ErrorKind::NoRoom`].
pub fn import(input: &Path, work: &Path, progress: &dyn Fn(u64, u64)) -> Result<Detected> {
    let opened = Opened::open(input, Operation::Import)?;
    let io_error = Error::io(Operation::Import, work);
    let target =
        File::options().read(true).write(true).create_new(true).mode(0o600).open(work).map_err(io_error)?;
    match fill(&opened, &target, progress) {
        Ok(()) => Ok(opened.detected),
        Err(failure) => {
            // The error that is returned says more than one about a file that cannot be removed.
            let _ = std::fs::remove_file(work);
            Err(blame(failure, input, work))
        }
    }
}

/// The failure with the file at fault: only writing runs out of room.
fn blame(failure: Failure, input: &Path, work: &Path) -> Error {
    let path = if failure.kind == ErrorKind::NoRoom { work } else { input };
    failure.into_error(Operation::Import, path)
}

fn fill(opened: &Opened, target: &File, progress: &dyn Fn(u64, u64)) -> std::result::Result<(), Failure> {
    let (file, len) = (&opened.file, opened.len);
    let size = opened.detected.virtual_size.bytes();
    if let Layout::Plain { len } = &opened.layout {
        if clone_whole(file, target) {
            // Cuts off the footer of a fixed VHD.
            target.set_len(*len)?;
            target.set_len(size)?;
            progress(size, size);
            return Ok(());
        }
        return Copier::new(file, target, size, progress)?.copy(0, 0, *len).map_err(ended_early);
    }
    let mut pieces =
        Pieces { opened, copier: Copier::new(file, target, size, progress)?, cluster: Vec::new() };
    let mut sink = |piece| pieces.take(piece);
    match &opened.layout {
        Layout::Plain { .. } => {}
        Layout::Qcow2(header) => qcow2::pieces(file, len, header, &mut sink)?,
        Layout::Vhdx(layout) => vhdx::pieces(file, len, layout, &mut sink)?,
        Layout::VhdDynamic { size, header } => vhd::pieces(file, len, *size, *header, &mut sink)?,
    }
    progress(size, size);
    Ok(())
}

/// Puts pieces of the disk in their place.
struct Pieces<'a> {
    opened: &'a Opened,
    copier: Copier<'a>,
    /// A cluster that was decompressed.
    cluster: Vec<u8>,
}

impl Pieces<'_> {
    fn take(&mut self, piece: Piece) -> std::result::Result<(), Failure> {
        match piece {
            Piece::Stored { to, from, len } => self.copier.copy(from, to, len).map_err(ended_early),
            Piece::Packed { to, from, packed, len } => self.decompress(to, from, packed, len),
        }
    }

    fn decompress(&mut self, to: u64, from: u64, packed: u64, len: u64) -> std::result::Result<(), Failure> {
        let Layout::Qcow2(header) = &self.opened.layout else { return Ok(()) };
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or_default();
        // Both are at most a cluster and a sector: 2 MiB.
        let packed = read_up_to(&self.opened.file, from, size(packed))?;
        self.cluster.resize(size(header.cluster_size()), 0);
        qcow2::decompress(header.compression, &packed, &mut self.cluster)
            .map_err(|cause| Failure::new(ErrorKind::Corrupt, cause).at(from))?;
        self.copier.write(self.cluster.get(..size(len)).unwrap_or_default(), to)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_full_disk_is_not_the_fault_of_the_input() {
        for (kind, expected) in [
            (io::ErrorKind::StorageFull, (ErrorKind::NoRoom, "cannot write the working file `work`")),
            (io::ErrorKind::QuotaExceeded, (ErrorKind::NoRoom, "cannot write the working file `work`")),
            (io::ErrorKind::PermissionDenied, (ErrorKind::Io, "cannot read the image `input`")),
        ] {
            let failure = ended_early(io::Error::from(kind));
            let error = blame(failure, Path::new("input"), Path::new("work"));
            assert_eq!((error.kind(), error.to_string().as_str()), expected);
            assert_eq!(error.hint().is_some(), error.kind() == ErrorKind::NoRoom);
        }
    }
}
