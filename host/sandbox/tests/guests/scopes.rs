//! What a step asks for beyond its scope: each call is answered with `denied`, the resolved path and the line to add, as
//! `tests/golden/hostile/scopes.txt` has them; and the image stays as it was.

use crate::hostile::same_as_golden;
use crate::scene::{Call, Limits, Run, STEP, Scene, call, call_with, everything, scope, settings};
use crate::text::{FILES, Text};
use rootfs::{ImagePath, WriteOptions};
use sandbox::{ErrorKind, Scope, Touches};
use std::sync::{Arc, Mutex};

/// The image with things to come upon: secrets, further names of them, links to what is outside of `/tmp`.
fn scene() -> Scene {
    let scene = Scene::new();
    let mut tree = scene.tree.lock().unwrap();
    let path = ImagePath::new::<str>;
    for directory in ["/etc/ssh", "/root/.ssh"] {
        rootfs::operations::make_directories(tree.as_mut(), path(directory), 0o755).unwrap();
    }
    rootfs::operations::make_directories(tree.as_mut(), path("/tmp/mine/deep"), 0o755).unwrap();
    for file in
        ["/etc/shadow", "/etc/ssh/ssh_host_rsa_key", "/root/.ssh/id_rsa", "/tmp/mine/file", "/tmp/other"]
    {
        tree.write(path(file), file.as_bytes(), &WriteOptions::default()).unwrap();
    }
    tree.make_hard_link(path("/etc/shadow"), path("/tmp/same-as-shadow")).unwrap();
    tree.make_hard_link(path("/etc/hostname"), path("/tmp/same-as-hostname")).unwrap();
    tree.make_symlink(b"/etc/shadow", path("/tmp/to-shadow")).unwrap();
    tree.make_symlink(b"../etc", path("/tmp/to-etc")).unwrap();
    drop(tree);
    scene
}

/// Settings for calls that are told of by failing: nothing is written.
fn reporting(calls: &[Call]) -> String {
    let settings = settings(calls);
    format!(r#"{},"report_by_failing":true}}"#, settings.strip_suffix('}').unwrap())
}

/// Makes the calls under the scope, which covers nothing that they ask for; what the step saw.
fn refused(scope: &Scope, calls: &[Call]) -> String {
    let scene = scene();
    let listing = |scene: &Scene| {
        let mut tree = scene.tree.lock().unwrap();
        rootfs::operations::manifest(tree.as_mut(), ImagePath::new("/")).unwrap().to_string()
    };
    let before = listing(&scene);
    let settings = reporting(calls);
    let error = scene.run(Run { scope: scope.clone(), ..Run::new("calls", &settings) }).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::StepFailed, "{error}");
    assert_eq!(listing(&scene), before);
    scene.host_is_untouched();
    let text = error.to_string();
    let answers = text.strip_prefix(&format!("step `{STEP}` failed: ")).unwrap();
    assert_eq!(answers.lines().count(), calls.len(), "{answers}");
    for (answer, number) in answers.lines().zip(1..) {
        assert!(answer.starts_with("Denied ") && answer.contains("add `grant."), "call {number}: {answer}");
    }
    format!("{scope}\n{answers}hint: {}\n\n", error.hint_text().unwrap_or_default())
}

#[test]
fn what_a_scope_does_not_cover_is_denied_with_the_line_to_add() {
    let mine = scope(None, &["/tmp/mine/**"]);
    let writing = [
        call("write", &["/etc/motd", "x"]),
        call("write", &["/tmp/mine/../../etc/motd", "x"]),
        call("write", &["/tmp/to-etc/motd", "x"]),
        call("write", &["/tmp/to-etc/../etc/motd", "x"]),
        call("write", &["/absolute/motd", "x"]),
        call("write-with-parents", &["/srv/new/file", "x"]),
        call("write", &["/etc/a name, with: odd [characters]", "x"]),
        call("write", &["/etc/new\nline", "x"]),
        call("replace-link", &["/tmp/to-etc", "x"]),
        call("create", &["/etc/motd"]),
        call("open-and-write", &["/etc/passwd"]).with("0,\"x\""),
        call_with("open-and-set-size", &["/etc/passwd"], &[0]),
        call_with("make-directory", &["/srv"], &[0o755]),
        call_with("make-directory", &["/tmp/to-etc/new/"], &[0o755]),
        call_with("make-directories", &["/srv/a/b"], &[0o755]),
        call("make-symlink", &["x", "/etc/link"]),
        call("make-hard-link", &["/etc/passwd", "/tmp/mine/passwd"]),
        call("make-hard-link", &["/tmp/mine/file", "/tmp/file"]),
        call("make-device", &["/dev/mine"]),
        call("make-device", &["/tmp/mine/device"]),
        call("make-fifo", &["/tmp/mine/pipe"]),
        call("rename", &["/tmp/mine/file", "/tmp/file"]),
        call("rename", &["/tmp/other", "/tmp/mine/other"]),
        call("rename", &["/tmp/mine", "/tmp/yours"]),
        call("remove-file", &["/tmp/other"]),
        call("remove-file", &["/tmp/to-etc/passwd"]),
        call("remove-directory", &["/names"]),
        call("remove-tree", &["/etc"]),
        call("copy-tree", &["/tmp/mine", "/tmp/copy"]),
        call_with("set-mode", &["/etc/passwd"], &[0o666]),
        call_with("set-owner", &["/etc/passwd"], &[1]),
        call_with("set-modified", &["/etc/passwd"], &[0, 0]),
        call("set-xattr", &["/etc/passwd", "user.a", "x"]),
        call("remove-xattr", &["/etc/passwd", "user.a"]),
        call("swap-and-write", &["/tmp/other", "/tmp/mine/file", "/tmp/mine/file", "x"]),
    ];
    let reading = [
        call("read", &["/etc/passwd"]),
        call("read", &["/tmp/to-etc/passwd"]),
        call("read", &["/tmp/mine/../../etc/passwd"]),
        call("open-and-read", &["/etc/passwd"]),
        call("list-xattrs", &["/etc/passwd"]),
        call("get-xattr", &["/etc/passwd", "user.a"]),
    ];
    let secrets = [
        call("read", &["/etc/shadow"]),
        call("read", &["/tmp/to-shadow"]),
        call("read", &["/tmp/same-as-shadow"]),
        call("open-and-read", &["/etc/../etc/./shadow"]),
        call("read", &["/root/.ssh/id_rsa"]),
        call("write", &["/root/.ssh/authorized_keys", "x"]),
        call("write", &["/tmp/to-shadow", "x"]),
        call("write", &["/tmp/same-as-shadow", "x"]),
        call("make-hard-link", &["/etc/shadow", "/tmp/mine/shadow"]),
        call("rename", &["/etc/shadow", "/tmp/mine/shadow"]),
        call("rename", &["/etc/ssh", "/tmp/mine/ssh"]),
        call("rename", &["/tmp/mine/file", "/etc/shadow"]),
        call("remove-tree", &["/root/.ssh"]),
        call("get-xattr", &["/etc/shadow", "user.a"]),
        call_with("set-mode", &["/etc/shadow"], &[0o644]),
    ];
    let names = [
        call("write", &["/tmp/same-as-hostname", "x"]),
        call_with("set-owner", &["/tmp/same-as-hostname"], &[1]),
        call("make-hard-link", &["/tmp/same-as-hostname", "/tmp/mine/name"]),
    ];
    let text = refused(&mine, &writing)
        + &refused(&scope(Some(&["/tmp/mine/**"]), &[]), &reading)
        + &refused(&everything(), &secrets)
        + &refused(&scope(None, &["/tmp/**"]), &names);
    same_as_golden("scopes.txt", &text);
}

#[test]
fn handles_stay_with_their_files_whatever_is_put_in_their_place() {
    let scene = scene();
    let calls = [
        call("swap-and-write", &["/tmp/mine/file", "/tmp/mine/file", "/tmp/mine/deep/moved", "mine"]),
        call("write", &["/tmp/mine/file", "new"]),
        call("link-and-write", &["/tmp/mine/file", "/tmp/mine/file", "/etc/passwd", "gone"]),
        call("write", &["/tmp/mine/file", "through the link"]),
        call("open-and-write", &["/tmp/mine/file"]).with("0,\"through the link\""),
        call("write", &["/answers", ""]),
    ];
    let settings = reporting(&calls);
    let run = Run { scope: scope(None, &["/tmp/mine/**"]), ..Run::new("calls", &settings) };
    let text = scene.run(run).unwrap_err().to_string();
    let answers: Vec<&str> = text.lines().collect();
    assert!(answers[0].ends_with("ok ") && answers[1] == "ok ", "{text}");
    // The file that was open is gone with its name; what the link leads to is outside.
    assert!(answers[2].starts_with("NotFound"), "{text}");
    for answer in &answers[3..5] {
        assert!(answer.starts_with("Denied") && answer.contains("grant.write: [/etc/passwd]"), "{text}");
    }
    assert_eq!(scene.read("/etc/passwd"), crate::scene::PASSWD);
    assert!(scene.read("/tmp/mine/deep/moved").starts_with("mine"));
    scene.host_is_untouched();
}

#[test]
fn what_was_denied_and_swallowed_is_counted() {
    let scene = scene();
    let calls = settings(&[call("read", &["/etc/shadow"]), call("write", &["/etc/motd", "x"])]);
    let report = scene.run(Run { scope: scope(None, &["/answers"]), ..Run::new("calls", &calls) }).unwrap();
    assert_eq!(report.denied, 2);
    let none = scene.run(Run { scope: everything(), ..Run::new("calls", r#"{"calls":[]}"#) }).unwrap();
    assert_eq!(none.denied, 0);
}

#[test]
fn a_run_that_is_watched_says_what_it_needs_and_needs_no_more() {
    let calls = settings(&[
        call("read", &["/tmp/to-shadow"]),
        call("write-with-parents", &["/etc/motd.d/deep/x", "x"]),
        call("read", &["/etc/passwd"]),
        call("make-device", &["/dev/mine"]),
    ]);
    let watched = scene();
    let touches = Arc::new(Mutex::new(Touches::default()));
    let step = watched.load("calls");
    step.run(sandbox::StepRun {
        settings: calls.clone(),
        tree: Arc::clone(&watched.tree),
        artifacts: Default::default(),
        facts: crate::scene::facts(),
        limits: Default::default(),
        scope: Scope::unrestricted(),
        trace: None,
        touches: Some(Arc::clone(&touches)),
    })
    .unwrap();
    let learned = touches.lock().unwrap().smallest_scope();
    assert_eq!(
        learned.to_string(),
        "reads /etc/passwd, /etc/shadow, writes /answers, /dev/mine, /etc/motd.d/**, makes device nodes"
    );
    let again = scene();
    let report = again.run(Run { scope: learned, ..Run::new("calls", &calls) }).unwrap();
    assert_eq!(report.denied, 0);
    assert_eq!(again.read("/answers"), watched.read("/answers"));
}

#[test]
fn a_step_that_crashes_over_a_denied_call_says_which_it_was() {
    let scene = scene();
    // `raw` stands at 1024: a step that takes it for granted that a file can be opened.
    let run = "(call $open (i32.const 1024) (i32.const 3) (i32.const 2048)) unreachable";
    let step = scene.sandbox.load(STEP, &Text { run, ..FILES }.binary()).unwrap();
    scene.call(&[call("write", &["/raw", "x"])], Default::default());
    let nothing = self::scope(Some(&[]), &[]);
    let error = scene.run_scoped(&step, "{}", Limits::default(), Default::default(), nothing).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Trapped);
    assert_eq!(error.hint_text(), Some("cannot open `/raw`: add `grant.read: [/raw]`"));
    let report = error.report().unwrap();
    assert_eq!((report.denied, report.host_calls), (1, 1));
}
