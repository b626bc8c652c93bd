//! Interface `failures`: how errors of the host become failures of the contract.

use super::customizer::step::failures::Host;
use super::{Failure, FailureCode};
use crate::state::State;
use std::error::Error as _;

impl Host for State {}

impl Failure {
    pub(crate) fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<::rootfs::Error> for Failure {
    fn from(error: ::rootfs::Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self { code: code(error.kind()), message }
    }
}

fn code(kind: ::rootfs::ErrorKind) -> FailureCode {
    use ::rootfs::ErrorKind;
    match kind {
        ErrorKind::NotFound => FailureCode::NotFound,
        ErrorKind::AlreadyExists => FailureCode::AlreadyExists,
        ErrorKind::NotADirectory => FailureCode::NotADirectory,
        ErrorKind::IsADirectory => FailureCode::IsADirectory,
        ErrorKind::DirectoryNotEmpty => FailureCode::DirectoryNotEmpty,
        ErrorKind::SymlinkLoop => FailureCode::SymlinkLoop,
        ErrorKind::InvalidPath => FailureCode::InvalidPath,
        ErrorKind::SpecialFile => FailureCode::SpecialFile,
        ErrorKind::ForeignMount => FailureCode::ForeignMount,
        ErrorKind::Denied | ErrorKind::NotGranted => FailureCode::Denied,
        ErrorKind::NoSpace => FailureCode::NoSpace,
        ErrorKind::ReadOnly => FailureCode::ReadOnly,
        ErrorKind::TooLarge => FailureCode::TooLarge,
        ErrorKind::InvalidArgument => FailureCode::InvalidArgument,
        ErrorKind::Unsupported => FailureCode::Unsupported,
        _ => FailureCode::Other,
    }
}
