//! Why the stored choice cannot be used or changed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// Neither `XDG_STATE_HOME` nor `HOME` says where the file would be.
    NoPlace,
    /// The path leads through a symbolic link, or to something that is no plain file or directory.
    Kind,
    /// It belongs to another user.
    Owner,
    /// Other users may change it.
    Permissions,
    /// It holds something else than a stored choice.
    Content,
    /// Another run held it for too long.
    Busy,
    /// The operating system refused.
    Io,
}

/// Where it went wrong, and why.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    path: PathBuf,
    source: Option<io::Error>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, path: &Path) -> Self {
        Self { kind, path: path.to_owned(), source: None }
    }

    pub(super) fn io(path: &Path, error: impl Into<io::Error>) -> Self {
        Self { kind: ErrorKind::Io, path: path.to_owned(), source: Some(error.into()) }
    }

    /// There is nowhere to keep a choice.
    pub fn no_place() -> Self {
        Self { kind: ErrorKind::NoPlace, path: PathBuf::new(), source: None }
    }

    /// What is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the person can do.
    pub fn hint(&self) -> Option<String> {
        let path = self.path.display();
        match self.kind {
            ErrorKind::NoPlace => {
                Some("set `HOME`, or switch off with `IMAGECUSTOMIZER_TELEMETRY=off`".into())
            }
            ErrorKind::Kind | ErrorKind::Owner => Some(format!("remove `{path}`")),
            ErrorKind::Permissions => Some(format!("chmod go-w `{path}`")),
            ErrorKind::Content => Some("choose again: `imagecustomizer telemetry on` or `off`".into()),
            ErrorKind::Busy => Some("try again".into()),
            ErrorKind::Io => Some("switch off with `IMAGECUSTOMIZER_TELEMETRY=off`".into()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.kind {
            ErrorKind::NoPlace => formatter.write_str("there is no home directory to keep the choice in"),
            ErrorKind::Kind => write!(formatter, "`{path}` is not what it should be, or a symbolic link"),
            ErrorKind::Owner => write!(formatter, "`{path}` belongs to another user"),
            ErrorKind::Permissions => write!(formatter, "`{path}` can be changed by other users"),
            ErrorKind::Content => write!(formatter, "`{path}` does not hold a stored choice"),
            ErrorKind::Busy => write!(formatter, "`{path}` is held by another run"),
            ErrorKind::Io => write!(formatter, "cannot use `{path}`"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as &(dyn std::error::Error + 'static))
    }
}
