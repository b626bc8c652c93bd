//! Components to put into configurations: those of `tests/guests`.

use std::path::PathBuf;

use crate::Outcome;
use crate::scene::target_directory;

/// The component of a crate in `tests/guests`, built where the sandbox's tests build them.
///
/// # Errors
/// It cannot be built.
pub fn guest(name: &str) -> Outcome<PathBuf> {
    Ok(fixtures::guest(name, &target_directory()?.join("guests"))?)
}
