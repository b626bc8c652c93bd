//! Texts of a project: small files, which somebody else may have written.

use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The longest text that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Reads a text, but neither waits for a pipe nor reads without end what stands in the place of a file.
///
/// # Errors
/// It is not a regular file, too long, or no UTF-8.
pub(super) fn read(path: &Path) -> Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut text = String::new();
    // The length is told by what is read: some files of the kernel have none.
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it has more than {LARGEST} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("text");
        std::fs::write(&path, "a\n").unwrap();
        assert_eq!(read(&path).unwrap(), "a\n");
        assert_eq!(read(&directory.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
        for other in [Path::new("/dev/zero"), directory.path()] {
            assert_eq!(read(other).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", other.display());
        }
    }
}
