//! From a core module to a component: what `wasm-tools component embed` and `new` do, for the one contract that matters.

use crate::error::{Error, ErrorKind, Result};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata, metadata};
use wit_parser::{Resolve, SourceMap};

include!(concat!(env!("OUT_DIR"), "/contract.rs"));

/// WASI preview 1 for those who need it: `wasip1/adapter.wat`, and what it imports.
const ADAPTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/adapter.wasm"));
const ADAPTER_IMPORTS: &str = include_str!("wasip1/world.wit");
const ADAPTER_WORLD: &str = "adapter";
const ADAPTER_NAME: &str = "wasi_snapshot_preview1";

/// All that a step may import. What a module does not import does not get into its component.
const WORLD: &str = "privileged-step";

/// The start of a module and of a component: four bytes of magic, then version and layer.
const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";
const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// The step contract: file names and WIT, as this program was built with.
#[must_use]
pub fn contract() -> &'static [(&'static str, &'static str)] {
    CONTRACT
}

/// Makes a component of `wasm`, a module that imports and exports the functions of the step contract under the names of
/// the canonical ABI. A module made for `wasip1` gets wasmtime's adapter to the interfaces that a step may use. A
/// component comes back as it is.
///
/// # Errors
/// [`ErrorKind::NotWebAssembly`]; [`ErrorKind::ContractMismatch`] with the function that does not fit.
pub fn make_component(wasm: &[u8]) -> Result<Vec<u8>> {
    match wasm.first_chunk::<8>() {
        Some(&COMPONENT) => Ok(wasm.to_vec()),
        Some(&MODULE) => {
            encode(wasm).map_err(|error| Error::new(ErrorKind::ContractMismatch, format!("{error:#}")))
        }
        _ => Err(Error::new(ErrorKind::NotWebAssembly, "not a WebAssembly module or component")),
    }
}

fn encode(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut module = module.to_vec();
    // A module that a binding generator took part in says itself which world it is for.
    let (described, _) = metadata::decode(&module)?;
    if described.is_none() {
        describe(&mut module, CONTRACT, WORLD)?;
    }
    let mut adapter = ADAPTER.to_vec();
    describe(&mut adapter, &[("world.wit", ADAPTER_IMPORTS)], ADAPTER_WORLD)?;
    ComponentEncoder::default().module(&module)?.adapter(ADAPTER_NAME, &adapter)?.validate(true).encode()
}

/// Writes into a module which world its functions belong to.
fn describe(module: &mut Vec<u8>, wit: &[(&str, &str)], world: &str) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    let mut sources = SourceMap::default();
    for (name, text) in wit {
        sources.push_str(name, *text);
    }
    let group = sources.parse().map_err(|(_, error)| error)?;
    let package = resolve.push_group(group)?;
    let world = resolve.select_world(&[package], Some(world))?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
}
