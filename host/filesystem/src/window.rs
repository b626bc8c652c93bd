//! A copy of one partition, for programs that cannot be told where in a file to look.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{SeekFrom, copy_file_range, seek};
use rustix::io::Errno;

/// Copies the `len` bytes at `offset` of `path`, but for holes, to a file on the same file system, with which it shares
/// extents where that can. The file has no name: it is gone when it is closed, or its owner killed.
pub(crate) fn copy_of_partition(path: &Path, offset: u64, len: u64) -> io::Result<File> {
    let source = File::open(path)?;
    let end =
        offset.checked_add(len).filter(|end| source.metadata().is_ok_and(|metadata| *end <= metadata.len()));
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let copy = tempfile::tempfile_in(directory)?;
    copy.set_len(len)?;
    let mut at = offset;
    while let Some((start, stop)) = next_data(&source, at, end)? {
        copy_range(&source, start, &copy, start - offset, stop - start)?;
        at = stop;
    }
    Ok(copy)
}

/// The next range within `at .. end` that is not a hole.
fn next_data(file: &File, at: u64, end: u64) -> io::Result<Option<(u64, u64)>> {
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) if start < end => start,
        Ok(_) | Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL | Errno::OPNOTSUPP) if at < end => return Ok(Some((at, end))),
        Err(error) => return Err(error.into()),
    };
    let stop = seek(file, SeekFrom::Hole(start))?;
    Ok(Some((start, stop.clamp(start + 1, end))))
}

fn copy_range(source: &File, from: u64, target: &File, to: u64, len: u64) -> io::Result<()> {
    let (mut from, mut to, end) = (from, to, from + len);
    while from < end {
        let count = usize::try_from(end - from).unwrap_or(usize::MAX).min(1 << 30);
        // Both files are on one file system, so this works wherever the call exists (Linux 4.5).
        match copy_file_range(source, Some(&mut from), target, Some(&mut to), count) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    #[test]
    fn the_copy_holds_the_partition_alone_and_keeps_holes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let disk = File::create(&path).unwrap();
        disk.write_all_at(b"before", (1 << 20) - 6).unwrap();
        disk.write_all_at(b"first", 1 << 20).unwrap();
        disk.write_all_at(b"last|after", (64 << 20) - 5).unwrap();

        let copy = copy_of_partition(&path, 1 << 20, 63 << 20).unwrap();
        let mut bytes = vec![0; 63 << 20];
        copy.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(copy.metadata().unwrap().len(), 63 << 20);
        assert_eq!((&bytes[..6], &bytes[bytes.len() - 5..]), (&b"first\0"[..], &b"last|"[..]));
        assert!(copy.metadata().unwrap().blocks() * 512 < 1 << 20);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

        assert!(copy_of_partition(&path, 1 << 20, u64::MAX).is_err());
        assert!(copy_of_partition(&path, 1 << 20, 64 << 20).is_err());
    }
}
