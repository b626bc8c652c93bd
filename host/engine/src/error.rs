//! Why a run failed.

use std::fmt;
use std::path::{Path, PathBuf};

/// Small and stable: callers match on it; exit codes, hints and telemetry derive from it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The configuration is wrong; see [`Error::diagnostics`].
    Config,
    /// The configuration or a flag asks for what is not built yet.
    NotSupportedYet,
    /// A file that is read is also to be written; nothing was written.
    InputOverwritten,
    /// The build directory cannot be used.
    BuildDirectory,
    /// Another run uses the build directory.
    BuildDirectoryInUse,
    /// The input image cannot be read, or is of a kind that is not accepted.
    InputImage,
    /// The partition table or a file system of the image cannot be used.
    ImageLayout,
    /// The image's operating system is not one that is supported, or not without a preview feature.
    Distribution,
    /// An input file of a step cannot be read.
    Artifact,
    /// A step could not be run or failed.
    Step,
    /// A file system of the result is damaged.
    Check,
    /// The output cannot be written.
    OutputImage,
    /// The run was cancelled.
    Cancelled,
    /// What should not happen.
    Internal,
}

/// What failed, and where. The cause is reached through `source()`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    /// Prints with the path, if there is one, behind it.
    operation: String,
    path: Option<PathBuf>,
    name: Option<&'static str>,
    hint: Option<Box<str>>,
    diagnostics: Option<Box<config::Diagnostics>>,
    step: Option<Box<plan::Step>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What calls of this crate give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        let operation = format!("cannot {}", operation.into());
        Self {
            kind,
            operation,
            path: None,
            name: None,
            hint: None,
            diagnostics: None,
            step: None,
            source: None,
        }
    }

    /// An error whose message is a statement of its own.
    pub(crate) fn saying(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { operation: message.into(), ..Self::new(kind, "") }
    }

    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_owned());
        self
    }

    pub(crate) fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    pub(crate) fn hint_at(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into_boxed_str());
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn with_diagnostics(mut self, diagnostics: config::Diagnostics) -> Self {
        self.diagnostics = Some(Box::new(diagnostics));
        self
    }

    /// Says that it happened while the step ran.
    pub(crate) fn in_step(mut self, step: &plan::Step) -> Self {
        self.step = Some(Box::new(step.clone()));
        self
    }

    /// The step that ran when it happened, or that could not be made ready to run.
    #[must_use]
    pub fn step(&self) -> Option<&plan::Step> {
        self.step.as_deref()
    }

    /// Which kind of error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable name, `Area:Condition`, where the reference program has one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.hint.as_deref().map(str::to_owned)
    }

    /// The mistakes in the configuration, with their places.
    #[must_use]
    pub fn diagnostics(&self) -> Option<&config::Diagnostics> {
        self.diagnostics.as_deref()
    }
}

impl From<config::Diagnostics> for Error {
    fn from(diagnostics: config::Diagnostics) -> Self {
        Self::saying(ErrorKind::Config, "invalid image config")
            .with_diagnostics(diagnostics)
            .named("Validation:InvalidImageConfig")
    }
}

impl From<plan::Error> for Error {
    fn from(error: plan::Error) -> Self {
        let hint = error.hint().map(str::to_owned);
        let name = error.name();
        let wrapped = Self::saying(ErrorKind::Distribution, "the image cannot be customized")
            .named(name)
            .caused_by(error);
        match hint {
            Some(hint) => wrapped.hint_at(hint),
            None => wrapped,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        match &self.path {
            Some(path) => write!(f, " `{}`", path.display()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
