//! Why a component could not be loaded or did not end well.

use crate::limits::Limit;
use std::fmt;

/// Small and stable.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The bytes are not a component that can be compiled.
    InvalidComponent,
    /// The component imports what the sandbox does not link; the message lists all of it.
    RefusedImports,
    /// The component does not export the step interface, or in another shape.
    ContractMismatch,
    /// The step said that it failed.
    StepFailed,
    /// The step panicked or ran into a trap.
    Trapped,
    /// The step called `exit`.
    Exited,
    /// The step ran into a limit.
    LimitExceeded(Limit),
    /// The run was cancelled from outside.
    Cancelled,
    /// The host could not set the sandbox up.
    Host,
}

/// What failed, in which step. The cause is reached through `source()`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    step: String,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What calls of this crate give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, step: &str, message: impl Into<String>) -> Self {
        Self { kind, step: step.to_owned(), message: message.into(), hint: None, source: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn caused_by(mut self, source: wasmtime::Error) -> Self {
        self.source = Some(source.into_boxed_dyn_error());
        self
    }

    /// Which kind of error.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The step's name.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.step
    }

    /// What the person can do.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, message) = (&self.step, &self.message);
        match &self.kind {
            ErrorKind::InvalidComponent => write!(f, "step `{step}` is not a usable component: {message}"),
            ErrorKind::RefusedImports => write!(f, "step `{step}` is refused: {message}"),
            ErrorKind::ContractMismatch => {
                write!(f, "step `{step}` does not fit the step contract: {message}")
            }
            ErrorKind::StepFailed => write!(f, "step `{step}` failed: {message}"),
            ErrorKind::Trapped => write!(f, "step `{step}` crashed: {message}"),
            ErrorKind::Exited => write!(f, "step `{step}` called `exit` instead of returning"),
            ErrorKind::LimitExceeded(limit) => write!(f, "step `{step}` exceeded its {limit}: {message}"),
            ErrorKind::Cancelled => write!(f, "step `{step}` was cancelled"),
            ErrorKind::Host => write!(f, "step `{step}` cannot be run: {message}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
