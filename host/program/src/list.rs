//! All programs that the host may start. The Dockerfile and `imagecustomizer doctor` follow this list.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::{Command, Error, ErrorKind, Result};

/// Where programs are looked for after the directories of the caller's `PATH`: an ordinary user's lacks the `sbin`
/// directories, in which the programs for file systems live.
const STANDARD_DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// A program of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Program {
    /// Checks ext2, ext3 and ext4 file systems.
    E2fsck,
    /// Checks FAT file systems.
    FsckFat,
}

impl Program {
    /// Every program, in the order of their names.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &[Self::E2fsck, Self::FsckFat]
    }

    /// The name of its file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::E2fsck => "e2fsck",
            Self::FsckFat => "fsck.fat",
        }
    }

    /// The package of Debian (and Ubuntu) that holds it.
    #[must_use]
    pub const fn debian_package(self) -> &'static str {
        match self {
            Self::E2fsck => "e2fsprogs",
            Self::FsckFat => "dosfstools",
        }
    }

    /// Where the program is installed; `None` when it is not.
    #[must_use]
    pub fn find(self) -> Option<PathBuf> {
        find(self.name())
    }

    /// A call of the program, without arguments yet.
    ///
    /// # Errors
    /// [`ErrorKind::ProgramMissing`]: it is not installed.
    pub fn command(self) -> Result<Command> {
        let file = self.find().ok_or_else(|| {
            Error::new(ErrorKind::ProgramMissing, self.name()).with_package(self.debian_package())
        })?;
        Ok(Command::new(self.name(), file, search_path(std::env::var_os("PATH").as_deref())))
    }
}

/// Where a program of this file name is installed.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = search_path(std::env::var_os("PATH").as_deref());
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| is_executable(file))
}

/// The `PATH` that programs are looked for in and get: the absolute directories of `inherited`, then the standard
/// ones. A relative directory could lead into the directory of a config or an image.
pub(crate) fn search_path(inherited: Option<&OsStr>) -> OsString {
    let mut directories: Vec<PathBuf> = inherited
        .map(|path| std::env::split_paths(path).filter(|directory| directory.is_absolute()).collect())
        .unwrap_or_default();
    for standard in STANDARD_DIRECTORIES.map(PathBuf::from) {
        if !directories.contains(&standard) {
            directories.push(standard);
        }
    }
    // Fails only for a directory with a colon in its name, which `split_paths` cannot have yielded.
    std::env::join_paths(directories).unwrap_or_else(|_| STANDARD_DIRECTORIES.join(":").into())
}

/// Whether `file` is a regular file that somebody may execute; links are followed.
fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_listed_once_and_in_order() {
        let names: Vec<&str> = Program::all().iter().map(|program| program.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(Program::all().is_sorted());
        assert_eq!(names.len(), Program::FsckFat as usize + 1);
    }

    #[test]
    fn relative_directories_of_the_path_are_left_out() {
        let path = search_path(Some(OsStr::new("/opt/x/bin:.:bin::/usr/bin")));
        assert_eq!(path, "/opt/x/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin");
        assert_eq!(search_path(None), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    }

    #[test]
    fn an_installed_program_is_found_by_an_absolute_path() {
        assert!(Program::E2fsck.find().unwrap().is_absolute());
    }
}
