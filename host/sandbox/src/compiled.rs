//! Turns compiled code back into a component: the one unsafe call of the sandbox.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads code that this build's own compiler made.
///
/// `code` must come from [`crate::CodeCache`] (files that only the user can write, whole by their digest) or have been
/// compiled into this program. wasmtime checks that it was made for an engine with the same settings.
///
/// # Errors
/// When it was made by another version or for other settings.
#[expect(unsafe_code, reason = "native code cannot be checked, only trusted")]
pub(crate) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the caller vouches for the origin of `code`: it is the unchanged output of `Component::serialize`.
    unsafe { Component::deserialize(engine, code) }
}
