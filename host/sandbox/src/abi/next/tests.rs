//! Two major versions in one sandbox, on one image.
#![expect(clippy::disallowed_methods, reason = "tests run the standard tools")]

use crate::{Artifacts, ErrorKind, Limits, Sandbox, Scope, SharedTree, StepFacts, StepRun, Trace, TraceSink};
use block::Window;
use rootfs::{Ext4, ImagePath, Timestamp, Tree, UserTree, WriteOptions, operations};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

const NEXT: &[u8] = include_bytes!("../../../../../tests/contract/next/next.wasm");
const OLD: &[u8] = include_bytes!("../../../../../tests/contract/0.1.0/calls.wasm");

/// An image whose `/greeting` says hello.
fn tree(directory: &Path) -> SharedTree {
    let image = directory.join("image");
    File::create(&image).unwrap().set_len(8 << 20).unwrap();
    let made = Command::new("mke2fs")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .args(["-q", "-F", "-t", "ext4"])
        .arg(&image)
        .status();
    assert!(made.unwrap().success());
    let clock = Timestamp { seconds: 1_704_164_646, nanoseconds: 0 };
    let file = File::options().read(true).write(true).open(&image).unwrap();
    let mut tree = UserTree::new(clock);
    let window = Window::new(Arc::new(file), 0, 8 << 20).unwrap();
    tree.mount_root(Ext4::open(window, clock).unwrap(), "ext4").unwrap();
    tree.write(ImagePath::new("/greeting"), b"hello", &WriteOptions::default()).unwrap();
    Arc::new(Mutex::new(Box::new(tree)))
}

fn run(tree: &SharedTree, settings: &str, trace: Option<TraceSink>) -> StepRun {
    StepRun {
        settings: settings.to_owned(),
        tree: Arc::clone(tree),
        artifacts: Artifacts::default(),
        facts: StepFacts { architecture: "x86_64".to_owned(), source_date_epoch: 0, seed: [0; 32] },
        limits: Limits::default(),
        scope: Scope::unrestricted(),
        touches: None,
        trace,
    }
}

fn read(tree: &SharedTree, path: &str) -> String {
    let mut tree = tree.lock().unwrap();
    let content = operations::read_file(tree.as_mut(), ImagePath::new(path), 1 << 20).unwrap();
    String::from_utf8(content).unwrap()
}

#[test]
fn two_major_versions_work_on_one_image() {
    let directory = tempfile::tempdir().unwrap();
    let tree = tree(directory.path());
    let sandbox = Sandbox::new(None).unwrap();
    let (next, old) = (sandbox.load("next", NEXT).unwrap(), sandbox.load("old", OLD).unwrap());
    assert_eq!((next.contract(), old.contract()), ("99.0.0", "0.1.0"));
    assert_eq!(next.describe().unwrap().version, "99.0.0");
    assert_eq!(old.describe().unwrap().name, "calls");

    next.run(run(&tree, "\"/greeting\"", None)).unwrap();
    assert_eq!(read(&tree, "/next"), "HELLO");
    old.run(run(&tree, r#"{"calls":[{"read":"/next"}]}"#, None)).unwrap();
    assert_eq!(read(&tree, "/answers"), "ok 5 bytes \"HELLO\"\n");
    next.run(run(&tree, "/answers", None)).unwrap();
    assert_eq!(read(&tree, "/next"), "OK 5 BYTES \"HELLO\"\n");

    let error = next.run(run(&tree, "/no-such-file", None)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::StepFailed);
    assert!(error.to_string().contains("/no-such-file: Refusal::Missing"), "{error}");
}

#[test]
fn a_trace_of_another_major_version_is_replayed_by_it_alone() {
    let directory = tempfile::tempdir().unwrap();
    let tree = tree(directory.path());
    let sandbox = Sandbox::new(None).unwrap();
    let next = sandbox.load("step", NEXT).unwrap();
    let path = directory.path().join("trace");
    let sink = TraceSink::new(File::create(&path).unwrap());
    next.run(run(&tree, "/greeting", Some(sink.clone()))).unwrap();
    sink.finish().unwrap();

    let trace = Trace::open(&path).unwrap();
    let [recorded] = trace.runs() else { panic!("{:?}", trace.runs()) };
    let replayed = next.replay(recorded, Artifacts::default()).unwrap();
    assert_eq!((replayed.calls, replayed.difference), (3, None));
    let error = sandbox.load("step", OLD).unwrap().replay(recorded, Artifacts::default()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Trace);
    assert!(error.to_string().contains("contract 99.0.0"), "{error}");
}

#[test]
fn a_version_between_the_served_ones_is_refused_with_their_list() {
    let mut between = NEXT.to_vec();
    for place in 0..between.len() - 6 {
        if &between[place..place + 6] == b"99.0.0" {
            between[place] = b'8';
        }
    }
    let error = Sandbox::new(None).unwrap().load("step", &between).map(drop).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::RefusedImports);
    assert!(error.to_string().contains("this host serves 0.1, 99"), "{error}");
}
