//! Why a component could not be loaded or did not end well.

use crate::backtrace::{Backtrace, Frame};
use crate::limits::Limit;
use crate::step::RunReport;
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
    /// A trace cannot be replayed.
    Trace,
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
    backtrace: Option<Box<Backtrace>>,
    report: Option<Box<RunReport>>,
}

/// Bytes of a message that are kept.
const LONGEST_MESSAGE: usize = 16 << 10;

/// What calls of this crate give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, step: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            step: step.to_owned(),
            message: printable(message.into()),
            hint: None,
            source: None,
            backtrace: None,
            report: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A hint in front of the one that may be there.
    pub(crate) fn hint_first(self, hint: &str) -> Self {
        let hint = self.hint.as_ref().map_or_else(|| hint.to_owned(), |other| format!("{hint}; {other}"));
        self.hint(hint)
    }

    pub(crate) fn caused_by(mut self, source: wasmtime::Error) -> Self {
        self.source = Some(source.into_boxed_dyn_error());
        self
    }

    pub(crate) fn caused_by_trace(mut self, source: crate::trace::TraceError) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Takes the place of a cause: it says the same, and where.
    pub(crate) fn with_backtrace(mut self, backtrace: Option<Backtrace>) -> Self {
        self.backtrace = backtrace.map(Box::new);
        self
    }

    pub(crate) fn with_report(mut self, report: RunReport) -> Self {
        self.report = Some(Box::new(report));
        self
    }

    /// What the run did up to its end; `None` when it did not begin.
    #[must_use]
    pub fn report(&self) -> Option<&RunReport> {
        self.report.as_deref()
    }

    /// The functions of the component that had not returned when it ended, innermost first; without those that only carry
    /// a panic out.
    #[must_use]
    pub fn backtrace(&self) -> &[Frame] {
        self.backtrace.as_deref().map_or(&[], Backtrace::frames)
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

/// `message` as a terminal may show it: a component decides what it says, so it is cut, and control characters but the
/// line end are replaced.
fn printable(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        let end = message.floor_char_boundary(LONGEST_MESSAGE);
        let left = message.len() - end;
        message.truncate(end);
        message.push_str(&format!("… ({left} more bytes)"));
    }
    if message.chars().any(is_harmful) {
        message =
            message.chars().map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    }
    message
}

fn is_harmful(character: char) -> bool {
    character.is_control() && character != '\n'
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
            ErrorKind::Trace => write!(f, "step `{step}` cannot be replayed: {message}"),
            ErrorKind::Host => write!(f, "step `{step}` cannot be run: {message}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let backtrace = self.backtrace.as_deref().map(|backtrace| backtrace as _);
        backtrace.or_else(|| self.source.as_deref().map(|source| source as _))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_and_cannot_work_the_terminal() {
        assert_eq!(printable("two\nlines".to_owned()), "two\nlines");
        assert_eq!(printable("\x1b[2J\r\u{9b}x".to_owned()), "\u{fffd}[2J\u{fffd}\u{fffd}x");
        let long = printable("é".repeat(LONGEST_MESSAGE));
        assert!(long.ends_with("é… (16384 more bytes)"), "{}", &long[long.len() - 40..]);
    }
}
