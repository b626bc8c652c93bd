//! Checks that change nothing.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use program::{Output, Program};

use crate::error::Check;
use crate::window::copy_of_partition;
use crate::{Error, ErrorKind, Result};

/// Lines of a program's findings that an error keeps.
const LAST_LINES: usize = 12;
/// The longest line of findings, in characters.
const LINE_LENGTH: usize = 300;
/// Bytes that a check may print. A damaged file system can make it print a line for every file; the exit code is lost
/// if it is ended early, so this is generous.
const OUTPUT_LIMIT: usize = 64 << 20;
/// How long a check may take. The largest images take minutes; a file system made to harm could take for ever.
const TIME_LIMIT: Duration = Duration::from_secs(60 * 60);

/// The file system was checked, and nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Checked(());

/// Checks the ext2, ext3 or ext4 file system that starts at byte `offset` of the plain file `path`, by `e2fsck -fn`.
/// Nothing may write to it meanwhile.
///
/// # Errors
/// - [`ErrorKind::CorruptFilesystem`], with the last lines of what was found.
/// - [`ErrorKind::ProgramMissing`], [`ErrorKind::ProgramFailed`]: `e2fsck` could not do its work.
pub fn check_ext(path: &Path, offset: u64) -> Result<Checked> {
    let place = Place { check: Check::Ext, path, offset };
    let file = File::open(path).map_err(|error| place.io(error))?;
    // The first question mark starts the options: a file with one in its name goes by its descriptor.
    let mut target = match std::path::absolute(path) {
        Ok(path) if !path.as_os_str().as_bytes().contains(&b'?') => OsString::from(path),
        _ => path_of(&file).into(),
    };
    target.push(format!("?offset={offset}"));
    // 4: errors left uncorrected. 8 and more: the check itself failed.
    place.run(Program::E2fsck, &[OsString::from("-fn"), target], &[0, 4, 12])
}

/// Checks the FAT file system in the `len` bytes at `offset` of the plain file `path`, by `fsck.fat -n`.
/// A sparse copy without a name is made beside `path`, as the program takes no offset.
///
/// # Errors
/// As [`check_ext`]; [`ErrorKind::Io`] when the partition cannot be copied.
pub fn check_fat(path: &Path, offset: u64, len: u64) -> Result<Checked> {
    let place = Place { check: Check::Fat, path, offset };
    // 1: recoverable errors were found. 2: it was not used properly.
    place.run_on_copy(Program::FsckFat, &["-n"], len, &[0, 1])
}

/// Which file system is checked, and how.
struct Place<'a> {
    check: Check,
    path: &'a Path,
    offset: u64,
}

impl Place<'_> {
    fn run_on_copy(
        &self,
        program: Program,
        arguments: &[&str],
        len: u64,
        codes: &'static [i32],
    ) -> Result<Checked> {
        let copy = copy_of_partition(self.path, self.offset, len).map_err(|error| self.io(error))?;
        let mut arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        arguments.push(path_of(&copy).into());
        self.run(program, &arguments, codes)
    }

    /// Runs the check; of `codes`, zero means that nothing was found, and the others that something was.
    fn run(&self, program: Program, arguments: &[OsString], codes: &'static [i32]) -> Result<Checked> {
        let command = program.command().map_err(|error| self.failed(error))?;
        let command =
            command.args(arguments).success(codes).output_limit(OUTPUT_LIMIT).time_limit(TIME_LIMIT);
        let output = command.run().map_err(|error| self.failed(error))?;
        if output.code == 0 {
            return Ok(Checked(()));
        }
        Err(self.error(ErrorKind::CorruptFilesystem).with_findings(findings(&output)))
    }

    fn failed(&self, error: program::Error) -> Error {
        let kind = match error.kind() {
            program::ErrorKind::ProgramMissing => ErrorKind::ProgramMissing,
            _ => ErrorKind::ProgramFailed,
        };
        self.error(kind).caused_by(error)
    }

    fn io(&self, error: std::io::Error) -> Error {
        self.error(ErrorKind::Io).caused_by(error)
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.check, self.path, self.offset)
    }
}

/// A name by which a child of this process can open the file, even if it has no other.
fn path_of(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}

/// The last lines of what the program printed, safe to show: names of files in the image are among them.
fn findings(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines = stdout.lines().chain(output.stderr.lines()).map(printable).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.collect();
    lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n")
}

fn printable(line: &str) -> String {
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE_LENGTH).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_the_last_lines_without_control_characters() {
        let stdout = (0..1000).map(|line| format!("line \x1b{line}\n\n")).collect::<String>().into_bytes();
        let findings = findings(&Output { stdout, stderr: "words\n".to_owned(), code: 4 });
        assert_eq!(findings.lines().count(), LAST_LINES);
        assert!(findings.starts_with("line  989\n"), "{findings}");
        assert!(findings.ends_with("line  999\nwords"), "{findings}");
    }
}
