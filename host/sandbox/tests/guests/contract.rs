//! Components that were built against a published version of the contract run for ever: `tests/contract` keeps them.

use crate::scene::{EPOCH, Limits, STEP, Scene};
use sandbox::{Artifact, Artifacts, CONTRACT_VERSION, Scope, StepRun};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract")
}

/// The folders that are called by a published version.
fn versions() -> Vec<String> {
    let names =
        fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<String> =
        names.filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).collect();
    versions.sort();
    versions
}

/// Name, component and what is to come of it, for every component of a version.
fn components(version: &str) -> Vec<(String, Vec<u8>, Value)> {
    let files = fs::read_dir(corpus().join(version)).unwrap().map(|entry| entry.unwrap().path());
    let mut components: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .map(|path| {
            let expected = fs::read_to_string(path.with_extension("json")).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(&path).unwrap(), serde_json::from_str(&expected).unwrap())
        })
        .collect();
    components.sort_by(|a, b| a.0.cmp(&b.0));
    components
}

fn artifacts(scene: &Scene) -> Artifacts {
    let top = scene.directory().join("artifacts");
    fs::create_dir_all(top.join("deep")).unwrap();
    fs::write(top.join("deep/leaf"), "leaf\n").unwrap();
    let mut artifacts = Artifacts::default();
    artifacts.insert("tree", Artifact::open_directory(&top).unwrap());
    artifacts.insert("note", Artifact::Inline(b"a note\n".as_slice().into()));
    artifacts
}

/// What a file of the image holds. Of the answers of `calls`, a failure's code counts and its words do not.
fn content(scene: &Scene, path: &str) -> Vec<String> {
    let plain = |line: &str| {
        let code = line.split_once(' ').filter(|_| path == "/answers" && !line.starts_with("ok"));
        code.map_or(line, |(code, _)| code).to_owned()
    };
    scene.read(path).lines().map(plain).collect()
}

#[test]
fn every_published_component_still_runs() {
    let base = Scene::new().bytes();
    let mut seen = 0;
    for version in versions() {
        for (name, wasm, expected) in components(&version) {
            let what = format!("{version}/{name}");
            let digest: String = Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(expected["sha256"], digest.as_str(), "{what} is not the component that was published");
            let scene = Scene::from(&base);
            let step = scene.sandbox.load(STEP, &wasm).unwrap();
            assert_eq!(step.describe().unwrap().name, expected["name"].as_str().unwrap(), "{what}");
            let run = StepRun {
                settings: expected["settings"].to_string(),
                tree: Arc::clone(&scene.tree),
                artifacts: artifacts(&scene),
                facts: crate::scene::facts(),
                limits: Limits::default(),
                scope: serde_json::from_value::<Scope>(expected["grant"].clone()).unwrap(),
                trace: None,
                touches: None,
            };
            step.run(run).unwrap();
            let files: BTreeMap<String, Vec<String>> =
                serde_json::from_value(expected["files"].clone()).unwrap();
            for (path, lines) in files {
                assert_eq!(content(&scene, &path), lines, "{what}: {path}");
            }
            scene.host_is_untouched();
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen} components");
}

#[test]
fn the_corpus_has_the_version_that_is_built_against() {
    assert!(versions().contains(&CONTRACT_VERSION.to_owned()), "{:?}", versions());
    assert_eq!(EPOCH, 1_704_164_646, "the expected answers hold it");
}

/// The contract without its comments and line ends.
fn meaning(directory: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().map(|line| line.split("//").next().unwrap());
        lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), text(&path))).collect()
}

#[test]
fn a_published_version_of_the_contract_does_not_change() {
    let current = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/step");
    let published = corpus().join(CONTRACT_VERSION).join("wit");
    let (current, published) = (meaning(&current), meaning(&published));
    assert!(current["world.wit"].contains(&format!("package customizer:step@{CONTRACT_VERSION};")));
    for (file, text) in &published {
        assert_eq!(current.get(file), Some(text), "{file} changed: that takes a new version");
    }
    assert_eq!(current.len(), published.len());
}

/// Every function of the contract is called by the corpus, so that none can break unseen.
#[test]
fn the_corpus_calls_every_function_of_the_contract() {
    let mut called = std::collections::BTreeSet::new();
    for (_, wasm, _) in components(CONTRACT_VERSION) {
        let inspection = crate::scene::new_sandbox().inspect(STEP, &wasm).unwrap();
        for import in inspection.imports {
            let interface = import.name.split(['/', '@']).nth(1).unwrap_or_default().to_owned();
            called.extend(import.functions.iter().map(|function| format!("{interface}.{function}")));
        }
    }
    for (file, text) in meaning(&corpus().join(CONTRACT_VERSION).join("wit")) {
        let interface = file.trim_end_matches(".wit");
        if ["step", "world", "failures", "commands", "packages"].contains(&interface) {
            continue;
        }
        let words: Vec<&str> = text.split(' ').collect();
        let mut resource = false;
        for (place, word) in words.iter().enumerate() {
            resource = (resource && *word != "}") || *word == "resource";
            if words.get(place + 1).is_some_and(|next| next.starts_with("func(")) {
                let name = word.trim_end_matches(':');
                let name = if resource { format!("file.{name}") } else { name.to_owned() };
                assert!(called.contains(&format!("{interface}.{name}")), "{interface}.{name} is not called");
            }
        }
    }
}
