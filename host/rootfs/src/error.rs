//! What can go wrong in an image's file tree.

use crate::path::{ImagePath, ImagePathBuf};
use std::fmt;

/// Small and stable: the step contract's failure codes derive from it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The path, or an extended attribute of that name, does not exist.
    NotFound,
    /// There is something at the path already.
    AlreadyExists,
    /// A directory was needed.
    NotADirectory,
    /// A directory is where a file was needed.
    IsADirectory,
    /// The directory holds something.
    DirectoryNotEmpty,
    /// More than 40 symbolic links on the way.
    SymlinkLoop,
    /// Empty, too long, or holding a NUL.
    InvalidPath,
    /// The object is a device, FIFO or socket: its content is never opened.
    SpecialFile,
    /// The path lies on a file system that this back end cannot serve.
    ForeignMount,
    /// The host may not read it, or a link leads out of what was given.
    Denied,
    /// A step's scope does not cover it.
    NotGranted,
    /// No free block or inode.
    NoSpace,
    /// The file system, or the file, may not be written.
    ReadOnly,
    /// The file or the answer is over a limit.
    TooLarge,
    /// A mode, a time, a name of an attribute or an offset is out of range.
    InvalidArgument,
    /// The file system cannot do that.
    Unsupported,
    /// The structures of the file system contradict themselves.
    Corrupt,
    /// The working file could not be read or written.
    Io,
}

/// What failed, at which path. The cause is reached through `source()`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    /// Prints as: cannot OPERATION `PATH`.
    operation: &'static str,
    path: Option<ImagePathBuf>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a call on a tree gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the given kind; `operation` is a verb: `read`, `make`, `rename`.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, path: None, source: None }
    }

    /// The path it happened at; the first one given stays.
    #[must_use]
    pub fn at(mut self, path: &ImagePath) -> Self {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// The same error of another operation: that on whose behalf it happened.
    #[must_use]
    pub fn during(mut self, operation: &'static str) -> Self {
        self.operation = operation;
        self
    }

    /// What caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Which kind of error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The path it happened at.
    #[must_use]
    pub fn path(&self) -> Option<&ImagePath> {
        self.path.as_deref()
    }
}

impl ErrorKind {
    /// The kind in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NotFound => "no such file or directory",
            Self::AlreadyExists => "there is something of that name already",
            Self::NotADirectory => "not a directory",
            Self::IsADirectory => "is a directory",
            Self::DirectoryNotEmpty => "the directory is not empty",
            Self::SymlinkLoop => "more than 40 symbolic links on the way",
            Self::InvalidPath => "the path is empty, too long or holds a NUL",
            Self::SpecialFile => "is a device, pipe or socket, whose content is never opened",
            Self::ForeignMount => "lies on a file system that cannot be opened here",
            Self::Denied => "may not be read, or leads out of what was given",
            Self::NotGranted => "not granted to this step",
            Self::NoSpace => "no space left in the image's file system",
            Self::ReadOnly => "the file system may not be written",
            Self::TooLarge => "larger than the limit",
            Self::InvalidArgument => "invalid argument",
            Self::Unsupported => "the file system cannot do that",
            Self::Corrupt => "the file system is damaged",
            Self::Io => "the working file cannot be read or written",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        if let Some(path) = &self.path {
            write!(f, " `{}`", path.display())?;
        }
        write!(f, ": {}", self.kind.text())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
