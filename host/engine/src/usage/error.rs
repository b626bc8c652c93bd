//! What a failure is called in telemetry.

use crate::error::{Error, ErrorKind};
use config::Rule;
use std::io;
use telemetry::registry::{ErrorType, Outcome};

/// How deep causes are looked at.
const MAX_CAUSES: usize = 16;

impl Error {
    /// The kind of failure, as telemetry tells it: a member of a closed set, whatever the message says.
    #[must_use]
    pub fn reported(&self) -> ErrorType {
        match self.kind() {
            ErrorKind::Config => self.broken_rule().map_or(ErrorType::ConfigInvalid, named_by),
            ErrorKind::NotSupportedYet => ErrorType::NotSupported,
            ErrorKind::InputOverwritten => ErrorType::Usage,
            ErrorKind::BuildDirectoryInUse => ErrorType::BuildDirectory,
            ErrorKind::BuildDirectory => self.resource().unwrap_or(ErrorType::BuildDirectory),
            ErrorKind::InputImage => match self.io_kind() {
                Some(io::ErrorKind::NotFound) => ErrorType::InputNotFound,
                _ => self.resource().unwrap_or(ErrorType::InputFormat),
            },
            ErrorKind::ImageLayout => ErrorType::ImageLayout,
            ErrorKind::Distribution => ErrorType::Distribution,
            ErrorKind::Artifact => ErrorType::Artifact,
            ErrorKind::Step => ErrorType::StepFailed,
            ErrorKind::Check => ErrorType::Filesystem,
            ErrorKind::OutputImage => self.resource().unwrap_or(ErrorType::OutputWrite),
            // Told by the outcome.
            ErrorKind::Cancelled => ErrorType::None,
            ErrorKind::Internal => ErrorType::Internal,
        }
    }

    /// The first rule that the configuration breaks.
    fn broken_rule(&self) -> Option<Rule> {
        self.diagnostics()?.iter().next().map(|diagnostic| diagnostic.rule)
    }

    /// A lack that says more than where it was met.
    fn resource(&self) -> Option<ErrorType> {
        match self.io_kind()? {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Some(ErrorType::Space)
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some(ErrorType::Permission)
            }
            _ => None,
        }
    }

    /// The kind of the first error of the operating system among the causes.
    fn io_kind(&self) -> Option<io::ErrorKind> {
        let mut next = std::error::Error::source(self);
        for _ in 0..MAX_CAUSES {
            let cause = next?;
            if let Some(error) = cause.downcast_ref::<io::Error>() {
                return Some(error.kind());
            }
            next = cause.source();
        }
        None
    }
}

/// Files that are not there, and registries that do not answer, are met while the configuration is checked, and are no
/// fault of it.
fn named_by(rule: Rule) -> ErrorType {
    match rule {
        Rule::InputFileOption | Rule::InputFileConfig | Rule::InputFileNotFile => ErrorType::InputNotFound,
        Rule::OutputIsFolder | Rule::OutputFileOption | Rule::OutputFileConfig => ErrorType::OutputWrite,
        Rule::StepComponentFetch => ErrorType::Download,
        _ => ErrorType::ConfigInvalid,
    }
}

/// Whose failure it is.
pub(super) fn outcome(error: ErrorType) -> Outcome {
    match error {
        ErrorType::None => Outcome::Success,
        ErrorType::Usage
        | ErrorType::ConfigInvalid
        | ErrorType::NotSupported
        | ErrorType::BuildDirectory
        | ErrorType::InputNotFound
        | ErrorType::InputFormat
        | ErrorType::ImageLayout
        | ErrorType::Distribution
        | ErrorType::Artifact
        | ErrorType::Auth
        | ErrorType::PackageResolve
        | ErrorType::ScriptFailed => Outcome::UserError,
        ErrorType::GuestError => Outcome::GuestError,
        ErrorType::Download
        | ErrorType::Space
        | ErrorType::Permission
        | ErrorType::Mount
        | ErrorType::Partition
        | ErrorType::Filesystem
        | ErrorType::PackageInstall
        | ErrorType::Bootloader
        | ErrorType::Selinux
        | ErrorType::Verity
        | ErrorType::Uki
        | ErrorType::StepFailed
        | ErrorType::Convert
        | ErrorType::OutputWrite
        | ErrorType::Timeout
        | ErrorType::Internal
        | ErrorType::Other => Outcome::HostError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_configuration_names_is_told_apart_from_the_configuration() {
        assert_eq!(named_by(Rule::StepComponentFetch), ErrorType::Download);
        assert_eq!(named_by(Rule::StepComponentSha256), ErrorType::ConfigInvalid);
    }

    #[test]
    fn a_lack_of_something_is_told_apart_from_where_it_was_met() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let cases = [
            (ErrorKind::Config, None, ErrorType::ConfigInvalid),
            (ErrorKind::OutputImage, None, ErrorType::OutputWrite),
            (ErrorKind::OutputImage, Some(full()), ErrorType::Space),
            (ErrorKind::InputImage, Some(io::ErrorKind::NotFound.into()), ErrorType::InputNotFound),
            (ErrorKind::InputImage, Some(io::ErrorKind::UnexpectedEof.into()), ErrorType::InputFormat),
            (ErrorKind::BuildDirectory, Some(io::ErrorKind::PermissionDenied.into()), ErrorType::Permission),
        ];
        for (kind, cause, expected) in cases {
            let mut error = Error::new(kind, "open");
            if let Some(cause) = cause {
                error = error.caused_by(cause);
            }
            assert_eq!(error.reported(), expected, "{kind:?}");
        }
    }
}
