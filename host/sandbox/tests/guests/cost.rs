//! What the sandbox costs. Prints figures and asserts nothing: `cargo nextest run --run-ignored only cost --no-capture`.

use crate::languages::{self, LANGUAGES};
use crate::scene::{Limits, STEP, Scene, component};
use sandbox::{CodeCache, LoadedStep, Sandbox};
use std::path::Path;
use std::time::Duration;

/// CPU time of the process so far.
fn cpu() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let start = cpu();
    let value = act();
    (cpu() - start, value)
}

#[test]
#[ignore = "measures"]
fn host_calls() {
    let scene = Scene::new();
    let step = scene.load("calls");
    let run = |calls: usize, rounds: usize, call: &str| {
        let list = vec![call; calls].join(",");
        let settings = format!(r#"{{"calls":[{list}],"rounds":{rounds}}}"#);
        let run = || scene.run_loaded(&step, &settings, Limits::default(), Default::default()).unwrap();
        (0..5).map(|_| timed(run).0).min().unwrap()
    };
    for call in
        [r#""nothing""#, r#""architecture""#, r#"{"stat":"/etc/passwd"}"#, r#"{"read":"/etc/passwd"}"#]
    {
        let per_call = (run(100, 1000, call) - run(100, 1, call)) / 99_900;
        println!("{call}: {per_call:?} CPU per call, with what the guest itself does around it (`nothing`)");
    }
}

#[test]
#[ignore = "measures"]
fn loading() {
    let directory = tempfile::tempdir().unwrap();
    let mut components = vec![("calls".to_owned(), component("calls"))];
    if let Ok(steps) = std::env::var("STEPS") {
        for entry in std::fs::read_dir(Path::new(&steps)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "wasm") {
                components
                    .push((path.file_stem().unwrap().display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    components.sort();
    for (name, wasm) in components {
        let sandbox =
            || Sandbox::new(Some(CodeCache::open(&directory.path().join("code")).unwrap())).unwrap();
        let load = |sandbox: &Sandbox| -> LoadedStep { sandbox.load(STEP, &wasm).unwrap() };
        let (engine, first) = timed(sandbox);
        let (cold, step) = timed(|| load(&first));
        let (describe, _) = timed(|| step.describe().unwrap());
        let again = (0..20).map(|_| timed(|| step.describe().unwrap()).0).min().unwrap();
        let second = sandbox();
        let warm = (0..5).map(|_| timed(|| load(&second)).0).min().unwrap();
        println!(
            "{name}: {} bytes, engine {engine:?}, cold {cold:?}, warm {warm:?}, describe {describe:?} then {again:?}",
            wasm.len()
        );
    }
}

/// A table in Markdown: the size of each component of `cargo xtask languages`, and what it costs to get it going.
#[test]
#[ignore = "measures"]
fn five_languages() {
    let directory = tempfile::tempdir().unwrap();
    let millis = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1000.0);
    println!("| Language | Component, KiB | First load, ms | Later loads, ms | Describe, ms | Run, ms |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for language in LANGUAGES {
        let wasm = languages::component(language);
        let sandbox =
            || Sandbox::new(Some(CodeCache::open(&directory.path().join("code")).unwrap())).unwrap();
        let load = |sandbox: &Sandbox| timed(|| sandbox.load(STEP, &wasm).unwrap()).0;
        let first = load(&sandbox());
        let later = (0..10).map(|_| load(&sandbox())).min().unwrap();
        let scene = Scene::new();
        let step = scene.sandbox.load(STEP, &wasm).unwrap();
        let describe = (0..10).map(|_| timed(|| step.describe().unwrap()).0).min().unwrap();
        let run = || {
            let settings = r#"{"text":"hello"}"#;
            timed(|| scene.run_loaded(&step, settings, Limits::default(), Default::default()).unwrap()).0
        };
        let run = (0..10).map(|_| run()).min().unwrap();
        let size = wasm.len().div_ceil(1024);
        let times = [first, later, describe, run].map(millis).join(" | ");
        println!("| {language} | {size} | {times} |");
    }
}
