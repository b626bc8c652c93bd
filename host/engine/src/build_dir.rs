//! The build directory: one run at a time, and nothing left behind by a killed one (invariant I-8).

use crate::error::{Error, ErrorKind, Result};
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The run's own directory below the build directory; removed when the run ends.
pub(crate) struct WorkDir {
    path: PathBuf,
    /// The directory around it, when that was made for this run alone.
    around: Option<PathBuf>,
    /// Holds the lock until it is closed, which the kernel does also when the process is killed.
    _lock: File,
}

/// Name of the run's own directory: all in it belongs to the tool.
const NAME: &str = "imagecustomizer.work";

impl WorkDir {
    /// Makes the build directory if missing, takes its lock, and clears away what a killed run left.
    pub(crate) fn open(build_dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(build_dir).map_err(failed("make the build directory", build_dir))?;
        Self::locked_by(build_dir, None)
    }

    /// For work that has no build directory: a directory beside the output, of a name that no other output gets.
    pub(crate) fn beside(output: &Path) -> Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(output.file_name().unwrap_or_default());
        name.push(".imagecustomizer-work");
        let path = output.with_file_name(name);
        std::fs::create_dir_all(&path).map_err(failed("make", &path))?;
        Self::locked_by(&path, Some(path.clone()))
    }

    /// The directory itself is locked: there is no lock file to leave behind.
    fn locked_by(locked: &Path, around: Option<PathBuf>) -> Result<Self> {
        let lock = File::open(locked).map_err(failed("open the build directory", locked))?;
        let in_use = || {
            let error = Error::new(ErrorKind::BuildDirectoryInUse, "use the build directory");
            Err(error.at(locked).caused_by("another run is using it"))
        };
        match lock.try_lock() {
            // A run that ended in between has taken its directory with it: this lock would keep nobody out.
            Ok(()) if around.is_some() && !is_named(&lock, locked) => return in_use(),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return in_use(),
            Err(TryLockError::Error(error)) => return Err(failed("lock the build directory", locked)(error)),
        }
        let path = locked.join(NAME);
        match std::fs::remove_dir_all(&path) {
            Ok(()) => tracing::debug!("cleared `{}`", path.display()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("clear", &path)(error)),
        }
        std::fs::create_dir(&path).map_err(failed("make", &path))?;
        Ok(Self { path, around, _lock: lock })
    }

    /// A path in the run's own directory.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Whether `path` still leads to the open directory, and not over a link.
fn is_named(directory: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (directory.metadata(), std::fs::symlink_metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::new(ErrorKind::BuildDirectory, operation).at(path).caused_by(error)
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let removed = std::fs::remove_dir_all(&self.path);
        let removed = removed.and_then(|()| self.around.as_ref().map_or(Ok(()), std::fs::remove_dir));
        if let Err(error) = removed {
            tracing::warn!("cannot remove `{}`: {error}; the next run will", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_until_the_first_ends() {
        let directory = tempfile::tempdir().unwrap();
        let build = directory.path().join("a/build");
        let first = WorkDir::open(&build).unwrap();
        let refused = WorkDir::open(&build).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::BuildDirectoryInUse);
        drop(first);
        WorkDir::open(&build).unwrap();
    }

    #[test]
    fn what_a_killed_run_left_is_cleared_and_other_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("mine"), "x").unwrap();
        let work = WorkDir::open(directory.path()).unwrap();
        std::fs::write(work.join("image.raw"), "old").unwrap();
        drop(std::mem::replace(&mut std::mem::ManuallyDrop::new(work)._lock, File::open("/").unwrap()));
        let work = WorkDir::open(directory.path()).unwrap();
        assert!(!work.join("image.raw").exists());
        drop(work);
        let left: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["mine"]);
    }

    #[test]
    fn a_second_run_for_the_same_output_is_refused_until_the_first_ends() {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("image.raw");
        let first = WorkDir::beside(&output).unwrap();
        std::fs::write(first.join("image.raw"), "x").unwrap();
        let refused = WorkDir::beside(&output).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::BuildDirectoryInUse);
        assert!(first.join("image.raw").exists());
        drop(first);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        drop(WorkDir::beside(&output).unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_of_that_name_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let mine = directory.path().join("mine");
        std::fs::create_dir(&mine).unwrap();
        std::os::unix::fs::symlink(&mine, directory.path().join(".o.imagecustomizer-work")).unwrap();
        assert!(WorkDir::beside(&directory.path().join("o")).is_err());
        assert_eq!(std::fs::read_dir(&mine).unwrap().count(), 0);
    }
}
