//! What the sandbox costs. Prints figures and asserts nothing: `cargo nextest run --run-ignored only cost --no-capture`.

use crate::languages::{self, LANGUAGES};
use crate::scene::{Limits, STEP, Scene, component, facts, new_sandbox, open, system, tool};
use rootfs::{Follow, ImagePath, Tree, WriteOptions, operations};
use sandbox::{CodeCache, LoadedStep, Sandbox, Scope, StepRun, TraceSink};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};
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
    let mut all = Duration::ZERO;
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
        if name != "calls" {
            all += warm + again;
        }
        println!(
            "{name}: {} bytes, engine {engine:?}, cold {cold:?}, warm {warm:?}, describe {describe:?} then {again:?}",
            wasm.len()
        );
    }
    println!("all steps of STEPS: {all:?} CPU to load and instantiate them warm; at most 5 ms");
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

/// What the scope takes of a call: nothing where nothing is restricted.
#[test]
#[ignore = "measures"]
fn scopes() {
    let scene = Scene::new();
    let step = scene.load("calls");
    let answers = "/answers";
    let secret = "/etc/ssh/ssh_host_rsa_key";
    let many: Vec<String> = (0..100).map(|number| format!("/srv/{number}/**")).collect();
    let with_many: Vec<&str> = many.iter().map(String::as_str).chain(["/etc/**", answers]).collect();
    let scopes = [
        ("unrestricted", sandbox::Scope::unrestricted()),
        ("everything", crate::scene::everything()),
        ("three patterns", crate::scene::scope(None, &["/etc/**", answers, secret])),
        ("a hundred patterns", crate::scene::scope(Some(&with_many), &with_many)),
    ];
    for call in [
        r#"{"stat":"/etc/passwd"}"#,
        r#"{"read":"/etc/passwd"}"#,
        r#"{"write":["/etc/passwd","x"]}"#,
        r#"{"set-mode":["/etc/passwd",420]}"#,
    ] {
        for (name, scope) in &scopes {
            let run = |calls: usize, rounds: usize| {
                let list = vec![call; calls].join(",");
                let settings = format!(r#"{{"calls":[{list}],"rounds":{rounds}}}"#);
                let run = || {
                    scene.run_scoped(&step, &settings, Limits::default(), Default::default(), scope.clone())
                };
                (0..3).map(|_| timed(|| run().unwrap()).0).min().unwrap()
            };
            let first = run(1, 1);
            let per_call = (run(100, 300) - run(100, 1)) / 29_900;
            println!("{call}, {name}: {per_call:?} CPU per call, {first:?} for a run of one");
        }
    }
}

/// Files of the task, and bytes of each.
const FILES: u32 = 1000;
const BYTES: u32 = 100 << 10;

/// What `calls` does for `write-files`, natively.
fn write_files(tree: &mut dyn Tree, directory: &str) {
    operations::make_directories(tree, ImagePath::new(directory), 0o755).unwrap();
    let mut content: Vec<u8> = (0..BYTES).map(|place| place as u8).collect();
    for number in 0..FILES {
        let path = format!("{directory}/{number}");
        content[..4].copy_from_slice(&number.to_le_bytes());
        let missing = tree.metadata(ImagePath::new(&path), Follow::No).is_err();
        let options = WriteOptions { mode: missing.then_some(0o640), ..WriteOptions::default() };
        tree.write(ImagePath::new(&path), &content, &options).unwrap();
    }
}

/// An empty image with room for the task.
fn empty_tree(directory: &Path) -> Box<dyn Tree> {
    let image = directory.join("task.img");
    let _ = std::fs::remove_file(&image);
    File::create(&image).unwrap().set_len(256 << 20).unwrap();
    tool(system("mke2fs").args(["-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=1"]).arg(&image));
    open(&image)
}

/// A thousand files of 100 KiB: by native code on the tree, and by a step. The step's overhead is to be at most 5 %.
#[test]
#[ignore = "measures"]
fn a_thousand_files() {
    let directory = tempfile::tempdir().unwrap();
    let step = new_sandbox().load(STEP, &component("calls")).unwrap();
    let by_step = |scope: &Scope, trace: bool| {
        let tree = Arc::new(Mutex::new(empty_tree(directory.path())));
        let sink = trace.then(|| TraceSink::new(File::create(directory.path().join("trace")).unwrap()));
        let run = StepRun {
            settings: format!(r#"{{"calls":[{{"write-files":["/srv/task",{FILES},{BYTES}]}}]}}"#),
            tree: Arc::clone(&tree),
            artifacts: Default::default(),
            facts: facts(),
            limits: Limits::default(),
            scope: scope.clone(),
            trace: sink,
            touches: None,
        };
        let spent = timed(|| step.run(run).unwrap()).0;
        let mut tree = tree.lock().unwrap();
        let last = format!("/srv/task/{}", FILES - 1);
        assert_eq!(tree.metadata(ImagePath::new(&last), Follow::No).unwrap().size, u64::from(BYTES));
        spent
    };
    // On a thread of its own as the step, so that both begin without memory that the round before has left them.
    let native = || -> Duration {
        let mut tree = empty_tree(directory.path());
        let write = || write_files(tree.as_mut(), "/srv/task");
        timed(|| std::thread::scope(|scope| scope.spawn(write).join().unwrap())).0
    };
    let scoped = Scope::parse(None::<&[&str]>, &["/srv/**", "/answers"], false).unwrap();
    let tasks: [(&str, &dyn Fn() -> Duration); 4] = [
        ("native", &native),
        ("step", &|| by_step(&Scope::unrestricted(), false)),
        ("step within a scope", &|| by_step(&scoped, false)),
        ("step with a trace", &|| by_step(&Scope::unrestricted(), true)),
    ];
    let mut spent: [Vec<Duration>; 4] = Default::default();
    // In turn, and each as often first as any other, so that a busy minute and what is left behind by the one before hit
    // all of them alike.
    for round in 0..24 {
        for place in 0..tasks.len() {
            let task = (round + place) % tasks.len();
            spent[task].push(tasks[task].1());
        }
    }
    spent.iter_mut().for_each(|times| times.sort());
    let more = |time: Duration, native: Duration| (time.as_secs_f64() / native.as_secs_f64() - 1.0) * 100.0;
    for ((name, _), times) in tasks.iter().zip(&spent) {
        let (least, middle) = (times[0], times[times.len() / 2]);
        let (more_least, more_middle) = (more(least, spent[0][0]), more(middle, spent[0][times.len() / 2]));
        println!(
            "{name}: CPU for {FILES} files of {} KiB: least {least:?} ({more_least:+.1} %), median {middle:?} \
             ({more_middle:+.1} %)",
            BYTES >> 10
        );
    }
}
