//! What can be found out about a component without running it.

use crate::scene::{STEP, assert_error, component, new_sandbox};
use crate::wasm::COMPONENT;
use sandbox::{Capability, ErrorKind, Inspection};

fn inspect(guest: &str) -> Inspection {
    new_sandbox().inspect(STEP, &component(guest)).unwrap()
}

#[test]
fn a_step_is_known_by_its_digest_sizes_and_contract() {
    let inspection = inspect("calls");
    assert_eq!(inspection.size, component("calls").len() as u64);
    assert!(inspection.native_size > inspection.size / 2, "{} bytes", inspection.native_size);
    assert_eq!(inspection.sha256, new_sandbox().load(STEP, &component("calls")).unwrap().sha256());
    assert_eq!(inspection.contract, Some("0.1.0"));
    assert_eq!(inspection.exports, ["customizer:step/step@0.1.0"]);
    assert!(inspection.initial_memory.is_some_and(|bytes| bytes >= 1 << 20), "{inspection:?}");
    let description = inspection.description.unwrap();
    assert_eq!((description.name.as_str(), description.summary.as_str()), ("calls", "Makes host calls"));
}

#[test]
fn every_import_says_what_it_needs() {
    let inspection = inspect("calls");
    let import = |name: &str| inspection.imports.iter().find(|import| import.name.starts_with(name)).unwrap();
    let rootfs = import("customizer:step/rootfs@");
    assert_eq!(rootfs.needs, [Capability::Write, Capability::Nodes]);
    assert!(
        ["read", "make-node", "file.read-at"].iter().all(|name| rootfs.functions.contains(&(*name).into()))
    );
    assert_eq!(import("customizer:step/artifacts@").needs, [Capability::Write]);
    assert_eq!(import("customizer:step/log@").needs, []);
    assert!(inspection.imports.iter().all(|import| import.refused.is_none()), "{:?}", inspection.imports);

    let nosy = inspect("nosy");
    let rootfs = nosy.imports.iter().find(|import| import.name.contains("rootfs")).unwrap();
    assert_eq!(
        (rootfs.functions.as_slice(), rootfs.needs.as_slice()),
        (["read".to_owned()].as_slice(), [].as_slice())
    );
}

#[test]
fn what_cannot_be_run_can_be_looked_at() {
    let sockets = inspect("sockets");
    let refused: Vec<_> = sockets.imports.iter().filter(|import| import.refused.is_some()).collect();
    assert!(refused.iter().any(|import| import.name.starts_with("wasi:sockets/tcp@")), "{refused:?}");
    assert_eq!(sockets.description.unwrap_err().kind(), &ErrorKind::RefusedImports);

    let capability = inspect("capability");
    assert!(capability.imports.iter().any(|import| import.needs == [Capability::Commands]));

    let without = inspect("without-step");
    assert_eq!(
        (without.contract, without.description.unwrap_err().kind()),
        (None, &ErrorKind::ContractMismatch)
    );

    let empty = new_sandbox().inspect(STEP, COMPONENT).unwrap();
    assert_eq!((empty.imports.len(), empty.exports.len(), empty.contract), (0, 0, None));
}

#[test]
fn what_is_no_component_is_refused() {
    assert_error(new_sandbox().inspect(STEP, b"text"), &ErrorKind::InvalidComponent, &[]);
}
