//! The built-in steps: components embedded in this program, run through the same sandbox as anyone's.

use crate::error::{Error, ErrorKind, Result};
use crate::steps::step_error;
use plan::BuiltIn;
use sandbox::{LoadedStep, Sandbox};
use std::path::Path;

/// A component that was compiled into this program.
pub(crate) struct Embedded {
    name: &'static str,
    wasm: &'static [u8],
    /// Native code for this build's wasmtime, where the build made it beforehand.
    code: Option<&'static [u8]>,
}

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/builtin.rs"));
}

/// Prepares a built-in step: from embedded native code where there is some that fits, else from the code cache or by
/// compiling it.
pub(crate) fn load(sandbox: &Sandbox, step: BuiltIn) -> sandbox::Result<LoadedStep> {
    let name = step.name();
    let Some(embedded) = embedded::EMBEDDED.iter().find(|embedded| embedded.name == name) else {
        // A test compares the two lists, so this cannot be reached; an empty component says so if it is.
        return sandbox.load(name, &[]);
    };
    if let Some(loaded) = embedded.code.and_then(|code| sandbox.load_embedded(name, code, embedded.wasm)) {
        return loaded;
    }
    sandbox.load(name, embedded.wasm)
}

/// Name and binary of every built-in step, in no particular order.
pub fn components() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    embedded::EMBEDDED.iter().map(|embedded| (embedded.name, embedded.wasm))
}

/// Writes every built-in step into `directory`, which must exist: `NAME.wasm`, and `NAME.cwasm` with native code for this
/// build's wasmtime. A build with `IMAGECUSTOMIZER_STEPS_DIR` set to the directory embeds both.
///
/// # Errors
/// When a file cannot be written, or wasmtime does not compile for this machine's architecture.
pub fn precompile(directory: &Path) -> Result<()> {
    for (name, wasm) in components() {
        let code = Sandbox::precompile(name, wasm).map_err(step_error)?;
        for (extension, content) in [("wasm", wasm), ("cwasm", code.as_slice())] {
            let path = directory.join(format!("{name}.{extension}"));
            std::fs::write(&path, content)
                .map_err(|error| Error::new(ErrorKind::Internal, "write").at(&path).caused_by(error))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_step_is_embedded() {
        let mut embedded: Vec<_> = components().map(|(name, _)| name).collect();
        let mut planned: Vec<_> = BuiltIn::ALL.iter().map(|step| step.name()).collect();
        embedded.sort_unstable();
        planned.sort_unstable();
        assert_eq!(embedded, planned);
    }
}
