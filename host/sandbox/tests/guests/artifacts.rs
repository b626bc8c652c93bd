//! A step's input files: what it can read of them, and that nothing else of the host comes with them.

use crate::scene::{Limits, Run, Scene, assert_error, call, call_with, settings};
use sandbox::{Artifact, Artifacts, ErrorKind, Limit};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Instant;

/// A directory with a file, a tree, and links that stay inside and that do not.
fn directory(scene: &Scene) -> PathBuf {
    let top = scene.directory().join("artifacts");
    fs::create_dir_all(top.join("tree/deep")).unwrap();
    fs::write(top.join("file"), "content").unwrap();
    fs::write(top.join("tree/deep/leaf"), "leaf").unwrap();
    symlink("file", top.join("inside")).unwrap();
    symlink("../canary", top.join("outside")).unwrap();
    symlink(scene.canary(), top.join("absolute")).unwrap();
    symlink("..", top.join("above")).unwrap();
    top
}

fn artifacts(scene: &Scene) -> Artifacts {
    let top = directory(scene);
    let mut artifacts = Artifacts::default();
    artifacts.insert("directory", Artifact::open_directory(&top).unwrap());
    artifacts.insert("file", Artifact::open_file(&top.join("file")).unwrap());
    artifacts.insert("inline", Artifact::Inline(b"in the definition".as_slice().into()));
    artifacts
}

#[test]
fn files_directories_and_inline_content_can_be_read() {
    let scene = Scene::new();
    let calls = [
        call("artifact-names", &[]),
        call("artifact-read", &["file", ""]),
        call("artifact-read", &["inline", ""]),
        call("artifact-read", &["directory", "tree/deep/leaf"]),
        call("artifact-read", &["directory", "inside"]),
        call("artifact-list", &["directory", "tree"]),
        call_with("artifact-read-at", &["file", ""], &[4, 2]),
        call_with("artifact-read-at", &["inline", ""], &[u64::MAX, 5]),
        call("artifact-stat", &["inline", ""]),
    ];
    let answers = scene.call(&calls, artifacts(&scene));
    let expected = [
        "ok directory file inline",
        "ok 7 bytes \"content\"",
        "ok 17 bytes \"in the definition\"",
        "ok 4 bytes \"leaf\"",
        "ok 7 bytes \"content\"",
        "ok Directory \"deep\"",
        "ok 2 bytes \"en\"",
        "ok 0 bytes \"\"",
        "ok Regular 0644 0:0 17 bytes",
    ];
    assert_eq!(answers, expected);
    scene.all_is_well();
}

#[test]
fn nothing_outside_of_an_artifact_can_be_reached() {
    let scene = Scene::new();
    let canary = scene.canary().into_os_string().into_string().unwrap();
    let paths =
        ["outside", "absolute", "above/canary", "../canary", "tree/../../canary", &canary, "/etc/passwd"];
    let mut calls = Vec::new();
    for path in paths {
        calls.extend([
            call("artifact-read", &["directory", path]),
            call("artifact-stat", &["directory", path]),
            call("artifact-list", &["directory", path]),
            call("install", &["directory", path, "/tmp/stolen"]),
        ]);
    }
    calls.push(call("artifact-list", &["directory", "above"]));
    calls.push(call("artifact-read", &["no-such-artifact", ""]));
    calls.push(call("artifact-read", &["../artifacts/file", ""]));
    calls.push(call("artifact-read", &["file", "below"]));
    calls.push(call("lstat", &["/tmp/stolen"]));
    for answer in scene.call(&calls, artifacts(&scene)) {
        assert!(!answer.starts_with("ok") && !answer.contains("the host's own"), "{answer}");
    }
    scene.all_is_well();
}

#[test]
fn a_refused_link_is_named_with_its_artifact() {
    let scene = Scene::new();
    let answers = scene.call(&[call("artifact-read", &["directory", "outside"])], artifacts(&scene));
    assert!(answers[0].contains("directory") && answers[0].contains("outside"), "{}", answers[0]);
}

#[test]
fn a_directory_is_called_one_wherever_it_is() {
    let scene = Scene::new();
    let calls = [
        call("artifact-read", &["directory", "tree"]),
        call("artifact-read", &["directory", "."]),
        call("artifact-read", &["directory", ""]),
    ];
    for answer in scene.call(&calls, artifacts(&scene)) {
        assert!(answer.starts_with("IsADirectory "), "{answer}");
    }
}

#[test]
fn a_tree_is_installed_with_its_links_as_links() {
    let scene = Scene::new();
    let calls = [
        call("install", &["directory", "", "/opt"]),
        call("read", &["/opt/tree/deep/leaf"]),
        call("read-link", &["/opt/outside"]),
        call("read", &["/opt/outside"]),
        call("install", &["inline", "", "/etc/inline"]),
        call("install", &["file", "", "/to-host"]),
        call("install", &["file", "", "/dev/disk"]),
        call("install", &["file", "", "/etc"]),
        call("install", &["directory", "inside", "../../../etc/followed"]),
        call("read", &["/etc/followed"]),
    ];
    let answers = scene.call(&calls, artifacts(&scene));
    assert_eq!(
        answers[..3],
        ["ok 2 files, 3 directories, 4 symlinks, 11 bytes", "ok 4 bytes \"leaf\"", "ok ../canary"]
    );
    assert!(answers[3].starts_with("NotFound"), "{}", answers[3]);
    assert_eq!(answers[4], "ok 1 files, 0 directories, 0 symlinks, 17 bytes");
    assert!(answers[5].starts_with("NotFound"), "{}", answers[5]);
    assert!(answers[6].starts_with("SpecialFile") && answers[6].contains("/dev/disk"), "{}", answers[6]);
    assert!(answers[7].starts_with("IsADirectory") && answers[7].contains("/etc"), "{}", answers[7]);
    assert_eq!(answers[9], "ok 7 bytes \"content\"");
    scene.all_is_well();
}

#[test]
fn a_pipe_among_the_input_files_is_refused_and_not_waited_for() {
    let scene = Scene::new();
    let artifacts = artifacts(&scene);
    let pipe = scene.directory().join("artifacts/tree/pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(Artifact::open_file(&pipe).is_err());
    let calls = [
        call("artifact-read", &["directory", "tree/pipe"]),
        call("install", &["directory", "tree/pipe", "/tmp/pipe"]),
        call("install", &["directory", "", "/tmp/tree"]),
    ];
    for answer in scene.call(&calls, artifacts) {
        assert!(answer.starts_with("SpecialFile") && answer.contains("pipe"), "{answer}");
    }
    scene.all_is_well();
}

#[test]
fn a_thousand_files_are_installed_by_one_call() {
    let scene = Scene::new();
    let top = scene.directory().join("artifacts");
    fs::create_dir(&top).unwrap();
    for number in 0..1000 {
        fs::write(top.join(format!("{number:04}")), vec![b'x'; 4096]).unwrap();
    }
    let mut artifacts = Artifacts::default();
    artifacts.insert("many", Artifact::open_directory(&top).unwrap());
    let start = Instant::now();
    let answers = scene.call(&[call("install", &["many", "", "/opt/many"])], artifacts);
    println!("1,000 files of 4 KiB: {:?}", start.elapsed());
    let made = answers[0].strip_prefix("ok 1000 files, ").expect(&answers[0]);
    assert!(made.ends_with(" 0 symlinks, 4096000 bytes"), "{}", answers[0]);
    assert_eq!(scene.read("/opt/many/0999").len(), 4096);
    scene.all_is_well();
}

#[test]
fn what_is_installed_counts_as_written() {
    let scene = Scene::new();
    let mut artifacts = Artifacts::default();
    artifacts.insert("large", Artifact::Inline(vec![1; 100_000].into()));
    let settings = settings(&vec![call("install", &["large", "", "/tmp/large"]); 20]);
    let limits = Limits { written: 1_000_000, ..Limits::default() };
    let result = scene.run(Run { limits, artifacts, ..Run::new("calls", &settings) });
    assert_error(result, &ErrorKind::LimitExceeded(Limit::Written), &["bytes written"]);
    scene.all_is_well();
}

#[test]
fn what_is_no_file_or_directory_is_no_artifact() {
    let scene = Scene::new();
    assert!(Artifact::open_file(scene.directory()).is_err());
    assert!(Artifact::open_file(std::path::Path::new("/dev/null")).is_err());
    assert!(Artifact::open_file(&scene.directory().join("missing")).is_err());
    assert!(Artifact::open_directory(&scene.canary()).is_err());
}
