//! Files that somebody else may have written, read within bounds.

use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Reads a regular file of at most `most` bytes; a pipe in its place is not waited for.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when it is no regular file, [`ErrorKind::FileTooLarge`], and those of reading.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    // The length is told by what is read: some files of the kernel have none.
    sandbox::open_regular_file(path)?.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it is larger than {}", size(most))));
    }
    Ok(content)
}

/// As [`read`], for text.
///
/// # Errors
/// Also [`ErrorKind::InvalidData`], when it is not UTF-8.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read(path, most)?).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_not_read_and_what_is_too_large_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("text");
        std::fs::write(&path, "a\n").unwrap();
        assert_eq!(read_text(&path, 2).unwrap(), "a\n");
        assert_eq!(read(&path, 1).unwrap_err().to_string(), "it is larger than 1 bytes");
        assert_eq!(read(&directory.path().join("none"), 9).unwrap_err().kind(), ErrorKind::NotFound);
        for other in [Path::new("/dev/zero"), directory.path()] {
            assert_eq!(read(other, 9).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", other.display());
        }
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 9).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
