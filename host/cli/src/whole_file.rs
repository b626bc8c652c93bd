//! Files that are at their place as a whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that gets its name when it is whole; until then it is a hidden one beside.
pub(crate) struct WholeFile {
    path: PathBuf,
    file: NamedTempFile,
}

/// What becomes of a file that is at the place already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

impl WholeFile {
    /// Begins a file for `path`, whose directory is there.
    ///
    /// # Errors
    /// The directory cannot be written, or at `path`, or where a link there leads to, is something else than a file: a device
    /// would go away.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        // As an ordinary new file has it; the process's mask is taken off.
        let permissions = Permissions::from_mode(0o666);
        let file = tempfile::Builder::new().permissions(permissions).tempfile_in(directory(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Gives the file its name. A link at the place is replaced, not followed.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where something is to be kept; else the file cannot be renamed.
    pub(crate) fn finish(self, existing: Existing) -> io::Result<()> {
        let named = match existing {
            Existing::Replace => self.file.persist(&self.path),
            Existing::Keep => self.file.persist_noclobber(&self.path),
        };
        named.map(drop).map_err(|error| error.error)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file of `content`.
///
/// # Errors
/// As [`WholeFile::begin`] and [`WholeFile::finish`], and when there is no room.
pub(crate) fn write(path: &Path, content: &[u8], existing: Existing) -> io::Result<()> {
    let mut file = WholeFile::begin(path)?;
    file.write_all(content)?;
    file.finish(existing)
}

/// The directory that a file is in.
pub(crate) fn directory(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_when_that_is_asked_for() {
        let scene = tempfile::tempdir().unwrap();
        let path = scene.path().join("a");
        write(&path, b"one", Existing::Keep).unwrap();
        let error = write(&path, b"two", Existing::Keep).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, b"two", Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(scene.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_file_stays_where_it_is() {
        let scene = tempfile::tempdir().unwrap();
        let link = scene.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        for path in [scene.path(), &link] {
            assert!(write(path, b"x", Existing::Replace).is_err(), "{}", path.display());
        }
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(scene.path()).unwrap().count(), 1);
    }
}
