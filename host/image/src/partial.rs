//! An output that is not complete yet: a file beside the place where it will stand, under a name that tells what it is.
//!
//! The file is locked while its writer lives. A file of that kind that is not locked was left by a run that was killed,
//! and is removed by the next one that writes the same output.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, OFlags, flock};

/// Between the output's name and a number of eight digits.
const MARK: &str = ".imagecustomizer-partial-";
const DIGITS: usize = 8;
/// Names that are tried before giving up.
const ATTEMPTS: u32 = 100;

/// A file that is complete once it is renamed; dropped before that, it is removed.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) file: File,
    path: PathBuf,
    is_kept: bool,
}

impl Partial {
    /// A new, empty, locked file beside `output`, after those that killed runs left have been removed.
    pub(crate) fn create(output: &Path) -> io::Result<Self> {
        let name = output.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let directory = directory_of(output);
        remove_stale(directory, name);
        let mut error = io::ErrorKind::AlreadyExists.into();
        for attempt in 0..ATTEMPTS {
            let path = directory.join(partial_name(name, attempt));
            let mut options = File::options();
            match options.read(true).write(true).create_new(true).mode(0o644).open(&path) {
                Ok(file) if lock(&file) && is_still_named(&file) => {
                    return Ok(Self { file, path, is_kept: false });
                }
                // Another run took it for a stale one in the moment before it was locked.
                Ok(_) => {}
                Err(failure) if failure.kind() == io::ErrorKind::AlreadyExists => error = failure,
                Err(failure) => return Err(failure),
            }
        }
        Err(error)
    }

    /// Has the disk hold all of the file, and gives it its name.
    pub(crate) fn finish(mut self, output: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, output)?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_kept {
            // If it stays, the next run removes it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The directory in which `path` is.
pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `.disk.raw.imagecustomizer-partial-0123abcd`. The number need only differ from those of other runs at this moment.
fn partial_name(name: &OsStr, attempt: u32) -> OsString {
    let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    let number =
        nanoseconds.wrapping_mul(0x9e37_79b9) ^ std::process::id() ^ attempt.wrapping_mul(0x85eb_ca6b);
    let mut partial = OsString::from(".");
    partial.push(shortened(name));
    partial.push(format!("{MARK}{number:0DIGITS$x}"));
    partial
}

/// A file name may have 255 bytes: a long one is cut for the partial file.
fn shortened(name: &OsStr) -> &OsStr {
    let room = 255 - 1 - MARK.len() - DIGITS;
    OsStr::from_bytes(name.as_bytes().get(..room).unwrap_or(name.as_bytes()))
}

fn is_partial_of(candidate: &OsStr, name: &OsStr) -> bool {
    let rest = candidate.as_bytes().strip_prefix(b".");
    let rest = rest.and_then(|rest| rest.strip_prefix(shortened(name).as_bytes()));
    let digits = rest.and_then(|rest| rest.strip_prefix(MARK.as_bytes()));
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
}

/// Removes what killed runs left. Failures are ignored: these files take space, but harm nothing.
fn remove_stale(directory: &Path, name: &OsStr) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten().filter(|entry| is_partial_of(&entry.file_name(), name)) {
        let path = entry.path();
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
        if let Ok(file) = File::options().read(true).custom_flags(flags).open(&path)
            && file.metadata().is_ok_and(|metadata| metadata.is_file())
            && lock(&file)
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Locks the file until it is closed; false when another run has locked it.
fn lock(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

fn is_still_named(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
}
