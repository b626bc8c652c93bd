//! What can go wrong with a program.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// The kind of a failure. Callers match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The program is not installed.
    ProgramMissing,
    /// The program could not be started, or talked to.
    Io,
    /// The program ended with a status other than success, or by a signal.
    ProgramFailed,
    /// The program ran longer than it was given, and was killed.
    TimedOut,
    /// The program printed more than was expected of it, and was killed.
    OutputTooLong,
}

/// A failure of a program: which, with which arguments, how it ended and its last words.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    /// Boxed to keep `Result`s small.
    details: Box<Details>,
}

#[derive(Debug)]
struct Details {
    program: String,
    package: Option<&'static str>,
    command_line: Option<String>,
    status: Option<ExitStatus>,
    limit: Option<Duration>,
    stderr: String,
    source: Option<io::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, program: &str) -> Self {
        let details = Details {
            program: program.to_owned(),
            package: None,
            command_line: None,
            status: None,
            limit: None,
            stderr: String::new(),
            source: None,
        };
        Self { kind, details: Box::new(details) }
    }

    pub(crate) fn with_package(mut self, package: &'static str) -> Self {
        self.details.package = Some(package);
        self
    }

    pub(crate) fn with_command_line(mut self, command_line: String) -> Self {
        self.details.command_line = Some(command_line);
        self
    }

    pub(crate) fn with_status(mut self, status: ExitStatus, stderr: String) -> Self {
        self.details.status = Some(status);
        self.details.stderr = stderr;
        self
    }

    pub(crate) fn with_limit(mut self, limit: Duration) -> Self {
        self.details.limit = Some(limit);
        self
    }

    pub(crate) fn with_source(mut self, source: io::Error) -> Self {
        self.details.source = Some(source);
        self
    }

    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The name of the program.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.details.program
    }

    /// The program and its arguments, for a person to read. It may hold paths.
    #[must_use]
    pub fn command_line(&self) -> Option<&str> {
        self.details.command_line.as_deref()
    }

    /// How the program ended, if it did by itself.
    #[must_use]
    pub fn status(&self) -> Option<ExitStatus> {
        self.details.status
    }

    /// The last KiB of its standard error, without control characters but line ends.
    #[must_use]
    pub fn stderr(&self) -> &str {
        &self.details.stderr
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let package = self.details.package?;
        Some(format!("install it: on Debian and Ubuntu, `apt-get install {package}`"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.details.program;
        match self.kind {
            ErrorKind::ProgramMissing => write!(f, "`{program}` is not installed")?,
            ErrorKind::Io => write!(f, "cannot run `{program}`")?,
            ErrorKind::ProgramFailed => match self.details.status {
                Some(status) => write!(f, "`{program}` failed: {status}")?,
                None => write!(f, "`{program}` failed")?,
            },
            ErrorKind::TimedOut => match self.details.limit {
                Some(limit) => write!(f, "`{program}` did not end within {} s", limit.as_secs_f32())?,
                None => write!(f, "`{program}` did not end in time")?,
            },
            ErrorKind::OutputTooLong => write!(f, "`{program}` printed more than expected")?,
        }
        match self.details.stderr.trim() {
            "" => Ok(()),
            stderr => write!(f, ": {stderr}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.details.source.as_ref().map(|source| source as _)
    }
}
