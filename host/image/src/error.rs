//! What can go wrong with an image.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The kind of a failure. Callers match on it; exit codes, hints and telemetry derive from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file could not be read or written.
    Io,
    /// The input is not a regular file.
    InputNotFile,
    /// The input changed while it was read.
    InputChanged,
    /// The input is of a format, or uses a feature of one, that is not read.
    Unsupported,
    /// The size of a VHD is given by its geometry, which cannot tell every size.
    GeometrySized,
    /// The structure of the input is damaged.
    Corrupt,
    /// The disk is larger than the format, or this program, allows.
    TooLarge,
    /// There is no room for the working file.
    NoRoom,
    /// The output is a directory.
    OutputIsDirectory,
    /// The output is neither a regular file nor a directory.
    OutputNotFile,
}

/// What an operation was for: it decides the stable name of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Detect,
    Import,
    Export,
}

/// A failure: what was done, to which file, at which byte. The cause is reached through `source()`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: Operation,
    path: PathBuf,
    offset: Option<u64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: Operation, path: &Path) -> Self {
        Self { kind, operation, path: path.to_owned(), offset: None, source: None }
    }

    pub(crate) fn io(operation: Operation, path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::new(ErrorKind::Io, operation, &path).caused_by(source)
    }

    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
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

    /// Where in the file, in bytes, if it is known.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// The stable name of the failure, as telemetry and scripts know it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (self.kind, self.operation) {
            (ErrorKind::Unsupported | ErrorKind::GeometrySized, _) => "Validation:UnsupportedQemuImageFormat",
            (ErrorKind::InputNotFile, _) => "Validation:InputImageFileNotFile",
            (ErrorKind::OutputIsDirectory, _) => "Validation:OutputImageFileIsDirectory",
            (ErrorKind::Corrupt, Operation::Detect) => "ImageInfo:FormatCheck",
            (_, Operation::Detect) => "ImageConversion:DetectFormat",
            (_, Operation::Import) => "ImageConversion:ConvertInput",
            (_, Operation::Export) => "ImageConversion:ConvertToOutput",
        }
    }

    /// What the person can do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let hint = match self.kind {
            ErrorKind::GeometrySized => {
                "write the VHD anew with its size in bytes: `qemu-img convert -O vpc -o force_size=on …`"
            }
            ErrorKind::Unsupported => "convert it to raw or qcow2 first: `qemu-img convert -O qcow2 …`",
            ErrorKind::Corrupt => "the image is damaged or was cut short: fetch it again",
            ErrorKind::InputNotFile => "name a file, not a device or directory",
            ErrorKind::InputChanged => {
                "make sure that nothing writes to the image, such as a running machine"
            }
            ErrorKind::NoRoom => "make room there, or name a build directory on another file system",
            ErrorKind::OutputIsDirectory => "name a file within the directory",
            ErrorKind::OutputNotFile => "name a regular file, or one that does not exist yet",
            ErrorKind::Io | ErrorKind::TooLarge => return None,
        };
        Some(hint)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.operation {
            Operation::Import if self.kind == ErrorKind::NoRoom => {
                write!(f, "cannot write the working file `{path}`")?;
            }
            Operation::Detect => write!(f, "cannot tell the format of `{path}`")?,
            Operation::Import => write!(f, "cannot read the image `{path}`")?,
            Operation::Export => write!(f, "cannot write the image `{path}`")?,
        }
        match self.offset {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A reason without a cause of its own, for the end of a chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Reason {
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it is a directory")]
    Directory,
    #[error("the format is {0}, which is not read")]
    Format(&'static str),
    #[error("its disk has {size}, more than the {limit} that are allowed")]
    TooLarge { size: units::ByteSize, limit: units::ByteSize },
    #[error("too many links lead from it to the next")]
    LinkLoop,
    #[error("it has no file name")]
    NoFileName,
}
