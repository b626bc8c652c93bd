//! The one error of the step contract.

use std::fmt;

/// What a host call, or a step, may end with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FailureCode {
    /// The path or artifact does not exist.
    NotFound,
    /// There is something already.
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
    /// A device, FIFO or socket: its content is never opened.
    SpecialFile,
    /// Lies on a mount that is not part of the image.
    ForeignMount,
    /// The image is full.
    NoSpace,
    /// May not be written.
    ReadOnly,
    /// Over the host's limit for one call.
    TooLarge,
    /// Not granted to the step.
    Denied,
    /// A value out of range.
    InvalidArgument,
    /// Cannot be done.
    Unsupported,
    /// Took too long.
    TimedOut,
    /// See the message.
    Other,
}

/// A failure: a code for programs and a message for a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What went wrong.
    pub code: FailureCode,
    /// Names the path or thing; ends up in the build log. Never holds a secret.
    pub message: String,
}

/// What fallible calls give.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure with the given code.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A failure that no code names.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(FailureCode::Other, message)
    }

    /// Puts what was being done in front of the message.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
