//! The lock: what it says of steps, and what is refused when something differs from it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use imagecustomizer_engine::{
    Cancellation, Error, LockOptions, StepOptions, Usage, ValidateOptions, lock, validate_config,
};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const STEP: &str = "\
- name: own
  component: own.wasm
  settings: { calls: [] }
  grant: { write: [/srv/**, /etc/motd] }
";

/// A directory with two components and a configuration of these `steps`.
fn scene(steps: &str) -> TempDir {
    let scene = tempfile::tempdir().unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("guests");
    std::fs::copy(fixtures::guest("calls", &target).unwrap(), scene.path().join("own.wasm")).unwrap();
    std::fs::copy(fixtures::guest("misbehave", &target).unwrap(), scene.path().join("other.wasm")).unwrap();
    write_config(&scene, steps);
    scene
}

fn write_config(scene: &TempDir, steps: &str) {
    let text = format!("previewFeatures: [custom-steps]\nsteps:\n{steps}");
    std::fs::write(scene.path().join("config.yaml"), text).unwrap();
}

fn cache() -> Option<PathBuf> {
    Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-cache"))
}

fn write_lock(scene: &TempDir) -> String {
    let options = LockOptions {
        config_file: scene.path().join("config.yaml"),
        steps: StepOptions::default(),
        code_cache: cache(),
        cancel: Cancellation::default(),
    };
    let (path, lock) = lock(&options).unwrap();
    assert_eq!(path, scene.path().join("imagecustomizer.lock"));
    let text = lock.to_text().unwrap();
    std::fs::write(path, &text).unwrap();
    text
}

fn validate_locked(scene: &TempDir) -> Result<(), Error> {
    validate_config(&ValidateOptions {
        config_file: scene.path().join("config.yaml"),
        files: true,
        passwords: config::PasswordPolicy::Any,
        steps: StepOptions { locked: true, ..StepOptions::default() },
        code_cache: cache(),
        cancel: Cancellation::default(),
        usage: Usage::default(),
        written: Vec::new(),
    })
}

/// What differs, as messages.
fn differences(scene: &TempDir) -> Vec<String> {
    let error = validate_locked(scene).unwrap_err();
    let problems = error.diagnostics().unwrap();
    assert!(problems.iter().all(|problem| problem.rule.id() == "step-locked"), "{problems}");
    problems.iter().map(|problem| problem.message.clone()).collect()
}

#[test]
fn a_lock_says_what_the_steps_are_and_is_met_by_them() {
    let scene = scene(&format!(
        "{STEP}- {{ name: a, component: ./own.wasm, settings: {{ calls: [] }}, grant: {{ read: [] }} }}\n"
    ));
    let text = write_lock(&scene);
    let digest = Sha256::digest(std::fs::read(scene.path().join("own.wasm")).unwrap());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let lock: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (a, own) = (&lock["steps"][0], &lock["steps"][1]);
    assert_eq!((&a["name"], &own["name"]), (&"a".into(), &"own".into()), "in the order of the names");
    assert_eq!((&a["component"], &own["component"]), (&"./own.wasm".into(), &"own.wasm".into()));
    assert_eq!((own["sha256"].as_str(), own["contract"].as_str()), (Some(&*digest), Some("0.1.0")));
    assert!(own["imports"].as_array().unwrap().contains(&"customizer:step/rootfs@0.1.0".into()), "{text}");
    let grant =
        r#"{"read":null,"write":["/etc/motd","/srv/**"],"nodes":false,"commands":false,"packages":false}"#;
    assert_eq!(own["grant"].to_string(), grant);
    assert_eq!(a["grant"]["read"], serde_json::json!([]));
    validate_locked(&scene).unwrap();
    assert_eq!(write_lock(&scene), text, "the same again");
}

#[test]
fn every_difference_from_the_lock_is_named() {
    let scene = scene(STEP);
    write_lock(&scene);
    let more = STEP.replace("/srv/**", "/srv/**, /root/x");
    let cases = [
        (
            STEP.replace("own.wasm", "other.wasm"),
            "the component of step `own` is `other.wasm`, but `own.wasm` in",
        ),
        (
            more,
            "the `grant.write` of step `own` is `/etc/motd, /root/x, /srv/**`, but `/etc/motd, /srv/**` in",
        ),
        (
            STEP.replace("write:", "read: [], write:"),
            "the `grant.read` of step `own` is `nothing`, but `everything",
        ),
        (
            STEP.replace("write:", "nodes: true, write:"),
            "the `grant.nodes` of step `own` is `true`, but `false` in",
        ),
    ];
    for (steps, message) in cases {
        write_config(&scene, &steps);
        let found = differences(&scene);
        assert!(found.len() == 1 && found[0].starts_with(message), "{found:?}");
    }
    write_config(&scene, &STEP.replace("name: own", "name: renamed"));
    let expected = [
        "step `renamed` is not in `imagecustomizer.lock`",
        "step `own` of `imagecustomizer.lock` is not in the configuration",
    ];
    assert_eq!(differences(&scene), expected);
    write_config(&scene, &STEP.replace("calls: []", "calls: [nothing]"));
    validate_locked(&scene).unwrap();
}

#[test]
fn another_component_under_the_same_name_is_not_even_compiled() {
    let scene = scene(STEP);
    write_lock(&scene);
    std::fs::write(scene.path().join("own.wasm"), "no component at all").unwrap();
    let found = differences(&scene);
    assert!(found.len() == 1 && found[0].starts_with("the component's sha256 of step `own` is"), "{found:?}");
}

#[test]
fn a_lock_that_was_written_by_hand_does_not_pass() {
    let scene = scene(STEP);
    let text = write_lock(&scene);
    let path = scene.path().join("imagecustomizer.lock");
    for (old, new, message) in [
        (
            "\"contract\": \"0.1.0\"",
            "\"contract\": \"0.0.9\"",
            "the contract version of step `own` is `0.1.0`",
        ),
        (
            "customizer:step/rootfs@0.1.0",
            "customizer:step/rootfs@0.1.1",
            "the imports of step `own` are not those in `imagecustomizer.lock`: `customizer:step/rootfs@0.1.0` is new, `customizer:step/rootfs@0.1.1` is missing",
        ),
    ] {
        std::fs::write(&path, text.replace(old, new)).unwrap();
        let found = differences(&scene);
        assert!(found.len() == 1 && found[0].starts_with(message), "{found:?}");
    }
}
