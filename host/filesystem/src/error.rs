//! What can go wrong with a file system.

use std::fmt;
use std::path::{Path, PathBuf};

/// The kind of a failure. Callers match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file could not be read, or no room was found for a copy.
    Io,
    /// A program is not installed.
    ProgramMissing,
    /// A program could not do its work.
    ProgramFailed,
    /// The file system is damaged.
    CorruptFilesystem,
}

/// Which checking program was at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Check {
    Ext,
    Fat,
}

/// A failure: what was done, with which file, at which byte. The cause is reached through `source()`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    check: Check,
    path: PathBuf,
    offset: u64,
    findings: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, check: Check, path: &Path, offset: u64) -> Self {
        Self { kind, check, path: path.to_owned(), offset, findings: None, source: None }
    }

    pub(crate) fn with_findings(mut self, findings: String) -> Self {
        self.findings = Some(findings);
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file at fault.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file system starts in the file, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The stable name of the failure, as telemetry and scripts know it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.check {
            Check::Ext => "FilesystemCheck:E2fsck",
            Check::Fat => "FilesystemCheck:Fsck",
        }
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.kind {
            ErrorKind::ProgramMissing => self.source.as_ref()?.downcast_ref::<program::Error>()?.hint(),
            ErrorKind::CorruptFilesystem => Some(
                "if the input image has the same fault, repair it there; if not, please report this"
                    .to_owned(),
            ),
            ErrorKind::Io | ErrorKind::ProgramFailed => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, offset) = (self.path.display(), self.offset);
        match self.kind {
            ErrorKind::CorruptFilesystem => {
                write!(f, "the file system at byte {offset} of `{path}` is damaged")?
            }
            _ => write!(f, "cannot check the file system at byte {offset} of `{path}`")?,
        }
        match &self.findings {
            Some(findings) => write!(f, ":\n{findings}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
