//! What a component is and what it would need, found out without running more of it than `describe`.

use crate::abi::Contract;
use crate::error::Result;
use crate::imports::{self, Import};
use crate::sandbox::{Sandbox, digest};
use crate::step::{Description, Origin};

/// Bytes of a page of memory.
const PAGE: u64 = 64 << 10;

/// What there is to know about a component.
#[derive(Debug)]
pub struct Inspection {
    /// SHA-256 of the binary, hexadecimal.
    pub sha256: String,
    /// Bytes of the binary.
    pub size: u64,
    /// Bytes of native code and its tables on this machine.
    pub native_size: u64,
    /// The version of the step contract that serves it; `None`: it exports no step that is served here.
    pub contract: Option<&'static str>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// The names of what it exports.
    pub exports: Vec<String>,
    /// Bytes that the largest of its memories starts with, as far as that is fixed.
    pub initial_memory: Option<u64>,
    /// What it says of itself, or why it cannot be asked: it imports what is refused, or exports no step.
    pub description: Result<Description>,
}

impl Sandbox {
    /// Looks at the component `wasm` as the step `name`.
    ///
    /// # Errors
    /// As [`Sandbox::load`], but for refused imports and a missing step, which are part of what is found.
    pub fn inspect(&self, name: &str, wasm: &[u8]) -> Result<Inspection> {
        let digest = digest(name, wasm)?;
        let component = self.component(name, wasm, &digest)?;
        let ty = component.component_type();
        let engine = component.engine();
        let code = component.image_range();
        let step = self.link(name, &component, Origin::Digest(digest));
        Ok(Inspection {
            sha256: crate::trace::hex(&digest),
            size: wasm.len() as u64,
            native_size: (code.end as u64).saturating_sub(code.start as u64),
            contract: Contract::of(engine, &component).ok().map(|contract| contract.version),
            imports: imports::list(engine, &component),
            exports: ty.exports(engine).map(|(name, _)| name.to_owned()).collect(),
            initial_memory: component
                .resources_required()
                .and_then(|needed| needed.max_initial_memory_size)
                .map(|pages| pages.saturating_mul(PAGE)),
            description: step.and_then(|step| step.describe()),
        })
    }
}
