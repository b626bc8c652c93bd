//! Files of the host that somebody else named: nothing is opened that is no regular file, and nothing is waited for.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens the regular file at `path` for reading, following links as the system does.
///
/// # Errors
/// When it is missing, unreadable or no regular file.
pub fn open_regular_file(path: &Path) -> Result<File> {
    // The opening of a device may do something, and that of a pipe waits; so the type is looked at before. What takes the
    // file's place in between is not waited for, and refused too.
    check(&std::fs::metadata(path)?)?;
    let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Opening does not wait for the other end of a pipe.
pub(crate) const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

fn check(metadata: &Metadata) -> Result<()> {
    if metadata.is_file() { Ok(()) } else { Err(not_regular()) }
}

/// What a place that holds something else is refused with.
pub(crate) fn not_regular() -> Error {
    Error::new(ErrorKind::InvalidInput, "it is not a regular file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_devices_and_directories_are_refused_and_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let (file, pipe) = (directory.path().join("file"), directory.path().join("pipe"));
        std::fs::write(&file, "x").unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(open_regular_file(&file).is_ok());
        for other in [pipe.as_path(), Path::new("/dev/zero"), directory.path()] {
            let error = open_regular_file(other).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}", other.display());
        }
        let error = open_regular_file(&directory.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
