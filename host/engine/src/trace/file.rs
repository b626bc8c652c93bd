//! The file of `--trace-steps`. It holds what steps read in the image, so it is its owner's alone.

use crate::error::{Error, ErrorKind, Result};
use sandbox::TraceSink;
use std::fs::{OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes the file, or empties the one that is there.
pub(crate) fn open(path: &Path) -> Result<TraceSink> {
    let failed = |error| trace_error(path, error);
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(failed)?;
    // A file that was there may be open to others; only then is anything written to it.
    file.set_permissions(Permissions::from_mode(0o600)).and_then(|()| file.set_len(0)).map_err(failed)?;
    Ok(TraceSink::new(file))
}

/// Writes back what is held in memory, and says what could not be written.
pub(crate) fn end(trace: &TraceSink, path: &Path) -> Result<()> {
    trace.finish().map_err(|error| {
        let kept = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        // An empty file would look like the trace of a run without steps.
        let hint = match kept == 0 && std::fs::remove_file(path).is_ok() {
            true => "nothing could be written, so the file is removed".to_owned(),
            false => format!("what was written up to there stays: {kept} bytes"),
        };
        trace_error(path, error).hint_at(hint)
    })
}

fn trace_error(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::OutputImage, "write the trace").at(path).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_belongs_to_its_owner_alone_whatever_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace");
        std::fs::write(&path, "old and readable").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        drop(open(&path).unwrap());
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, 0));
        let error = open(directory.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutputImage);
        assert!(open(Path::new("/dev/null")).is_err());
    }

    /// A disk without room.
    struct Full;

    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_full_disk_leaves_no_empty_trace() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace");
        for (content, hint) in [("", "the file is removed"), ("{}\n", "stays: 3 bytes")] {
            std::fs::write(&path, content).unwrap();
            let error = end(&TraceSink::new(Full), &path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutputImage);
            assert!(error.hint().is_some_and(|found| found.contains(hint)), "{error:?}");
            assert_eq!(path.exists(), !content.is_empty());
        }
    }
}
