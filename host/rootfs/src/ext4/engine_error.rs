//! The engine's errors in the tree's terms.

use crate::error::ErrorKind;
use crate::filesystem::Failure;
use fs_ext4::Error as Engine;

/// The kind an engine's error stands for, with the error as its cause.
pub(super) fn failure(error: Engine) -> Failure {
    let kind = kind(&error);
    Failure::new(kind, error)
}

fn kind(error: &Engine) -> ErrorKind {
    match error {
        Engine::Io(_) => ErrorKind::Io,
        Engine::NotFound => ErrorKind::NotFound,
        Engine::NotADirectory => ErrorKind::NotADirectory,
        Engine::IsADirectory => ErrorKind::IsADirectory,
        Engine::AlreadyExists => ErrorKind::AlreadyExists,
        Engine::DirectoryNotEmpty => ErrorKind::DirectoryNotEmpty,
        Engine::ReadOnly | Engine::JournalNotReplayed => ErrorKind::ReadOnly,
        Engine::NameTooLong => ErrorKind::InvalidPath,
        Engine::NoSpaceLeftOnDevice => ErrorKind::NoSpace,
        Engine::InvalidArgument(text) if text.contains("not supported") || text.contains("legacy") => {
            ErrorKind::Unsupported
        }
        Engine::InvalidArgument(_) => ErrorKind::InvalidArgument,
        Engine::UnsupportedIncompat(_)
        | Engine::UnsupportedRoCompat(_)
        | Engine::Unsupported(_)
        | Engine::TooManyLinks => ErrorKind::Unsupported,
        // The engine says these three things with its word for damage.
        Engine::Corrupt(text) if is_full(text) => ErrorKind::NoSpace,
        Engine::Corrupt(text) | Engine::CorruptExtentTree(text) if is_limit(text) => ErrorKind::Unsupported,
        _ => ErrorKind::Corrupt,
    }
}

fn is_full(text: &str) -> bool {
    text.contains("contiguous free run") || text.contains("no group has a free inode")
}

fn is_limit(text: &str) -> bool {
    text.contains("not yet supported") || text.contains("not supported") || text.contains("multi-level")
}
