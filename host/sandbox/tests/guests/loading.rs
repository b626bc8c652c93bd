//! What is refused before any of its code runs, and what the code cache does.

use crate::scene::{Run, STEP, Scene, assert_error, component, new_sandbox};
use crate::wasm::{COMPONENT, MODULE, memory_module, renamed};
use sandbox::{CodeCache, ErrorKind, Sandbox};
use std::time::Instant;

#[track_caller]
fn assert_refused(wasm: &[u8], kind: &ErrorKind, words: &[&str]) {
    assert_error(new_sandbox().load(STEP, wasm).map(drop), kind, words);
}

#[test]
fn sockets_are_refused_with_every_interface_that_is_asked_for() {
    let interfaces =
        ["wasi:sockets/tcp@", "wasi:sockets/udp@", "wasi:sockets/network@", "no step has network access"];
    assert_refused(&component("sockets"), &ErrorKind::RefusedImports, &interfaces);
}

#[test]
fn http_is_refused() {
    let words = ["wasi:http/outgoing-handler@0.2", "no step has network access"];
    assert_refused(&component("http"), &ErrorKind::RefusedImports, &words);
}

#[test]
fn host_files_are_refused() {
    let words = ["wasi:filesystem/types@", "wasi:filesystem/preopens@", "no step sees host files"];
    assert_refused(&component("files"), &ErrorKind::RefusedImports, &words);
}

#[test]
fn a_capability_without_a_grant_is_refused_and_named() {
    let words = ["customizer:step/commands@0.1.0", "needs the grant `commands`"];
    assert_refused(&component("capability"), &ErrorKind::RefusedImports, &words);
}

#[test]
fn a_component_without_a_step_is_refused() {
    assert_refused(&component("without-step"), &ErrorKind::ContractMismatch, &["customizer:step/step"]);
}

#[test]
fn a_step_of_another_shape_is_refused() {
    let scene = Scene::new();
    let words = ["expected record of 5 fields, found 4 fields"];
    assert_error(scene.load("other-shape").describe(), &ErrorKind::ContractMismatch, &words);
    assert_error(scene.run(Run::new("other-shape", "{}")), &ErrorKind::ContractMismatch, &words);
    scene.all_is_well();
}

#[test]
fn what_is_no_component_is_refused() {
    let sound = component("other-shape");
    let cases: [(&str, Vec<u8>); 7] = [
        ("nothing", Vec::new()),
        ("text", b"(component)".to_vec()),
        ("garbage", (0..5000_u32).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 13) as u8).collect()),
        ("a core module", memory_module(1)),
        ("the header of a core module", MODULE.to_vec()),
        ("half a component", sound[..sound.len() / 2].to_vec()),
        ("a component without its last byte", sound[..sound.len() - 1].to_vec()),
    ];
    for (what, wasm) in cases {
        let error = new_sandbox().load(STEP, &wasm).map(drop).expect_err(what);
        assert_eq!(*error.kind(), ErrorKind::InvalidComponent, "{what}: {error}");
        assert!(error.to_string().contains("`trouble`"), "{what}: {error}");
        assert!(error.hint_text().is_some(), "{what}");
    }
}

#[test]
fn an_empty_component_has_no_step() {
    assert_refused(COMPONENT, &ErrorKind::ContractMismatch, &["customizer:step/step"]);
}

#[test]
fn a_damaged_component_is_an_error_and_no_crash() {
    let sound = component("other-shape");
    let sandbox = Sandbox::new(None).unwrap();
    let mut state = 1_u64;
    for _ in 0..40 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut damaged = sound.clone();
        // Most damage to the code is found early; the first bytes hold the types.
        let range = if state & 1 == 0 { damaged.len() } else { 2000 };
        let place = (state >> 20) as usize % range;
        damaged[place] ^= 1 << (state >> 60 & 7);
        // A byte of a name or of data may be anything; what counts is that the answer is one.
        let _ = sandbox.load(STEP, &damaged);
    }
}

#[test]
fn a_newer_contract_is_refused() {
    let newer = renamed(&component("calls"), "customizer:step/rootfs@0.1.0", "customizer:step/rootfs@0.2.0");
    let words = ["customizer:step/rootfs@0.2.0", "this host serves 0.1"];
    assert_refused(&newer, &ErrorKind::RefusedImports, &words);
}

#[test]
fn a_step_exported_under_a_newer_contract_is_refused() {
    let newer = renamed(&component("calls"), "customizer:step/step@0.1.0", "customizer:step/step@0.2.0");
    assert_refused(&newer, &ErrorKind::ContractMismatch, &["customizer:step/step"]);
}

#[test]
fn a_later_contract_of_the_same_line_is_served() {
    let scene = Scene::new();
    let later = renamed(&component("calls"), "@0.1.0", "@0.1.9");
    let step = scene.sandbox.load(STEP, &later).unwrap();
    let settings = crate::scene::settings(&[crate::scene::call("resolve", &["absolute/passwd"])]);
    scene.run_loaded(&step, &settings, Default::default(), Default::default()).unwrap();
    assert_eq!(scene.read("/answers"), "ok /etc/passwd\n");
}

#[test]
fn a_component_of_128_mib_is_refused_unread() {
    let mut huge = COMPONENT.to_vec();
    huge.resize((128 << 20) + 1, 0);
    assert_refused(&huge, &ErrorKind::InvalidComponent, &["134217729 bytes"]);
}

#[test]
fn a_step_describes_itself() {
    let description = new_sandbox().load(STEP, &component("calls")).unwrap().describe().unwrap();
    assert_eq!((description.name.as_str(), description.version.as_str()), ("calls", "0.1.0"));
    assert_eq!(description.summary, "Makes host calls");
    let schema: serde_json::Value = serde_json::from_str(&description.settings_schema).unwrap();
    assert_eq!(schema["required"], serde_json::json!(["calls"]));
}

#[test]
fn a_step_cannot_look_at_an_image_while_it_describes_itself() {
    let scene = Scene::new();
    let words = ["`describe` calls `rootfs`, but may call nothing but `log`"];
    assert_error(scene.load("nosy").describe(), &ErrorKind::ContractMismatch, &words);
    scene.run(Run::new("nosy", "{}")).unwrap();
    scene.all_is_well();
}

#[test]
fn compiled_code_is_kept_and_taken_and_made_anew_when_it_is_torn() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("code");
    let wasm = component("calls");
    let load = || {
        let sandbox = Sandbox::new(Some(CodeCache::open(&path).unwrap())).unwrap();
        let start = Instant::now();
        let loaded = sandbox.load(STEP, &wasm).unwrap();
        let elapsed = start.elapsed();
        loaded.describe().unwrap();
        elapsed
    };
    let file = || std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let cold = load();
    let [kept] = file().try_into().unwrap();
    let content = std::fs::read(&kept).unwrap();
    let warm = load();
    println!("load: {cold:?} cold, {warm:?} warm");
    assert_eq!(std::fs::read(&kept).unwrap(), content);
    std::fs::write(&kept, &content[..content.len() / 2]).unwrap();
    load();
    assert_eq!(std::fs::read(&kept).unwrap().len(), content.len());
}

#[test]
fn settings_that_do_not_fit_are_the_steps_own_failure() {
    let scene = Scene::new();
    for settings in ["", "null", r#"{"behaviour":"no-such-thing"}"#, &"[".repeat(100_000)] {
        assert_error(scene.run(Run::new("misbehave", settings)), &ErrorKind::StepFailed, &["settings"]);
    }
    scene.all_is_well();
}
