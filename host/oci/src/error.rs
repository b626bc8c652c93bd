//! What can go wrong with a registry.

use std::fmt;

/// The result of asking a registry.
pub type Result<T> = std::result::Result<T, Error>;

/// The kind of a failure. Callers match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is no reference, or not one that can be used here.
    Reference,
    /// The registry does not have it.
    NotFound,
    /// The registry wants credentials, or others.
    Unauthorized,
    /// The registry knows who asks, and refuses.
    Denied,
    /// Credentials cannot be read.
    Credentials,
    /// The registry's name is not known.
    UnknownHost,
    /// The registry cannot be reached.
    Unreachable,
    /// Nobody trusted vouches for the registry.
    Tls,
    /// The registry is too slow.
    TimedOut,
    /// What came is not what was asked for.
    DigestMismatch,
    /// What came is larger than it may be.
    TooLarge,
    /// There is something else than a component.
    NotAComponent,
    /// The registry does not keep to the protocol.
    Protocol,
    /// The registry failed, or refused for a reason of its own.
    Registry,
    /// What was fetched could not be written.
    Io,
}

/// A failure: one line that shows no credentials, and what the person can do.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    may_pass: bool,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, may_pass: false }
    }

    pub(crate) fn hint_at(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Asking once more may help.
    pub(crate) fn that_may_pass(mut self) -> Self {
        self.may_pass = true;
        self
    }

    pub(crate) fn may_pass(&self) -> bool {
        self.may_pass
    }

    /// The same failure in changed words.
    pub(crate) fn reworded(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.message = change(&self.message);
        self
    }

    /// A registry that does not keep to the protocol.
    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
