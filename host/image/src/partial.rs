//! An output that is not complete yet: a file without a name where the system has such files, so that a killed run leaves
//! nothing, and else one beside the place where it will stand, under a name that tells what it is.
//!
//! A named file is locked while its writer lives. A file of that kind that is not locked was left by a run that was
//! killed, and is removed by the next one that writes the same output.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, FlockOperation, OFlags, flock, linkat};

/// Between the output's name and a number of eight digits.
const MARK: &str = ".imagecustomizer-partial-";
const DIGITS: usize = 8;
/// Names that are tried before giving up.
const ATTEMPTS: u32 = 100;

/// A file that is complete once it is renamed; dropped before that, it is removed.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) file: File,
    /// `None` while the file has no name.
    path: Option<PathBuf>,
}

impl Partial {
    /// A new, empty file that can become `output`, after what killed runs left has been removed.
    pub(crate) fn create(output: &Path) -> io::Result<Self> {
        let name = output.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let directory = directory_of(output);
        match nameless(directory) {
            Some(file) => Ok(Self { file, path: None }),
            None => Self::named(directory, name),
        }
    }

    fn named(directory: &Path, name: &OsStr) -> io::Result<Self> {
        with_free_name(directory, name, |path| {
            let mut options = File::options();
            let file = options.read(true).write(true).create_new(true).mode(0o644).open(&path)?;
            // Otherwise another run took it for a stale one in the moment before it was locked.
            let is_ours = lock(&file) && is_still_named(&file);
            Ok(is_ours.then_some(Self { file, path: Some(path) }))
        })
    }

    /// Has the disk hold all of the file, and gives it its name.
    pub(crate) fn finish(mut self, output: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        let path = match self.path.take() {
            Some(path) => path,
            None => give_name(&self.file, output)?,
        };
        let renamed = std::fs::rename(&path, output);
        // Gone once it is renamed; if not, dropping removes it.
        self.path = renamed.is_err().then_some(path);
        renamed
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // If it stays, the next run removes it.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A file in `directory` that has no name yet; `None` where the file system has no such files, or where it could not be
/// given a name later.
fn nameless(directory: &Path) -> Option<File> {
    let flags = i32::try_from(OFlags::TMPFILE.bits()).ok()?;
    let file = File::options().read(true).write(true).mode(0o644).custom_flags(flags).open(directory).ok()?;
    Path::new(&descriptor_path(&file)).exists().then_some(file)
}

/// Gives a nameless file a name that tells what it is, since a name that is taken cannot be given.
fn give_name(file: &File, output: &Path) -> io::Result<PathBuf> {
    let name = output.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    lock(file);
    with_free_name(directory_of(output), name, |path| {
        linkat(CWD, descriptor_path(file), CWD, &path, AtFlags::SYMLINK_FOLLOW)?;
        Ok(Some(path))
    })
}

/// Tries names until `make` succeeds with one that is free.
fn with_free_name<T>(
    directory: &Path,
    name: &OsStr,
    make: impl Fn(PathBuf) -> io::Result<Option<T>>,
) -> io::Result<T> {
    let mut error = io::ErrorKind::AlreadyExists.into();
    for attempt in 0..ATTEMPTS {
        match make(directory.join(partial_name(name, attempt))) {
            Ok(Some(made)) => return Ok(made),
            Ok(None) => {}
            Err(failure) if failure.kind() == io::ErrorKind::AlreadyExists => error = failure,
            Err(failure) => return Err(failure),
        }
    }
    Err(error)
}

/// Where the system shows an open file.
fn descriptor_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
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

/// Removes what killed runs left beside `output`. Failures are ignored: these files take space, but harm nothing.
pub(crate) fn remove_stale(output: &Path) {
    let Some(name) = output.file_name() else { return };
    let Ok(entries) = std::fs::read_dir(directory_of(output)) else { return };
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
