//! The error of this crate.

use std::fmt;

/// What was wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file is neither a WebAssembly module nor a component.
    NotWebAssembly,
    /// The module does not fit the step contract.
    ContractMismatch,
    /// A step cannot have this name.
    InvalidName,
    /// There is no project in this language.
    UnknownLanguage,
}

/// What was wrong, and what the library that noticed says about it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What fallible calls give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.kind {
            ErrorKind::NotWebAssembly => "the build has to write a WebAssembly module or component",
            ErrorKind::ContractMismatch => {
                "compare the module's imports and exports with the files in `wit/`"
            }
            ErrorKind::InvalidName => {
                "take lower-case words of letters and digits joined by `-`, at most 64 bytes"
            }
            ErrorKind::UnknownLanguage => "take `rust`, `js`, `python`, `c` or `go`",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
