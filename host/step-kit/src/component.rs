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
/// the canonical ABI. A module made for `wasip1` gets this crate's own adapter to the interfaces that a step may use. A
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that exports a step which does nothing; `body` is what else it holds.
    fn module(body: &str) -> Vec<u8> {
        let text = format!(
            r#"(module
                {body}
                (memory (export "memory") 1)
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
                (func (export "customizer:step/step@0.1.0#describe") (result i32) i32.const 8)
                (func (export "customizer:step/step@0.1.0#run") (param i32 i32) (result i32) i32.const 8))"#
        );
        wat::parse_str(text).unwrap()
    }

    /// Names of the instances that a component imports.
    fn imports(component: &[u8]) -> Vec<String> {
        let decoded = wit_component::decode(component).unwrap();
        let (resolve, world) = match decoded {
            wit_component::DecodedWasm::Component(resolve, world) => (resolve, world),
            wit_component::DecodedWasm::WitPackage(..) => panic!("no component"),
        };
        resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect()
    }

    #[test]
    fn a_component_imports_what_its_module_imports_and_no_more() {
        for (body, expected) in [
            ("", vec![]),
            (
                r#"(import "customizer:step/context@0.1.0" "source-date-epoch" (func (result i64)))"#,
                vec!["customizer:step/context@0.1.0"],
            ),
            (
                r#"(import "customizer:step/packages@0.1.0" "update-all" (func (param i32)))"#,
                vec!["customizer:step/failures@0.1.0", "customizer:step/packages@0.1.0"],
            ),
            (
                r#"(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))"#,
                vec!["wasi:random/random@0.2.0"],
            ),
            (
                r#"(import "wasi_snapshot_preview1" "path_open"
                    (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"#,
                vec![],
            ),
        ] {
            let component = make_component(&module(body)).unwrap();
            let imports: Vec<String> = imports(&component)
                .into_iter()
                // Types of the export come as an import.
                .filter(|name| expected.len() > 1 || name != "customizer:step/failures@0.1.0")
                .collect();
            assert_eq!(imports, expected, "{body}");
        }
    }

    #[test]
    fn every_function_of_wasip1_has_an_answer() {
        let text = include_str!("wasip1/adapter.wat");
        let mut names: Vec<&str> =
            text.split("(export \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 46, "{names:?}");
    }

    #[test]
    fn a_component_stays_as_it_is() {
        let component = make_component(&module("")).unwrap();
        assert_eq!(make_component(&component).unwrap(), component);
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_says_what() {
        let unknown = module(r#"(import "customizer:step/rootfs@0.1.0" "format-disk" (func (param i32)))"#);
        let shape =
            module(r#"(import "customizer:step/context@0.1.0" "source-date-epoch" (func (result i32)))"#);
        let files = module(r#"(import "wasi_snapshot_preview1" "open" (func (param i32)))"#);
        let no_exports = wat::parse_str("(module)").unwrap();
        for (wasm, kind, word) in [
            (&b"#!/bin/sh"[..], ErrorKind::NotWebAssembly, "not a WebAssembly"),
            (&b"\0asm"[..], ErrorKind::NotWebAssembly, "not a WebAssembly"),
            (&b"\0asm\x01\0\0\0\xff\xff\xff"[..], ErrorKind::ContractMismatch, ""),
            (&unknown, ErrorKind::ContractMismatch, "format-disk"),
            (&shape, ErrorKind::ContractMismatch, "source-date-epoch"),
            (&files, ErrorKind::ContractMismatch, "open"),
            (&no_exports, ErrorKind::ContractMismatch, "describe"),
        ] {
            let error = make_component(wasm).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(word), "no {word:?} in: {error}");
        }
    }
}
