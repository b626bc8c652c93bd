//! Paths that lead out of the image, into devices or into the host: each is answered inside the image, or with an
//! error that names the path.

use crate::scene::{Call, PASSWD, Run, Scene, assert_error, call, call_with, settings};
use sandbox::ErrorKind;

/// Makes the calls and compares the answers: each must begin with the word and hold the text that stand beside it.
#[track_caller]
fn check(cases: &[(Call, &str, &str)]) {
    let scene = Scene::new();
    let calls: Vec<Call> = cases.iter().map(|(call, ..)| call.clone()).collect();
    let answers = scene.call(&calls, Default::default());
    assert_eq!(answers.len(), cases.len());
    for (number, (answer, (_, start, text))) in answers.iter().zip(cases).enumerate() {
        let fits = answer.starts_with(start) && answer.contains(text);
        assert!(fits, "call {number}: `{answer}` is not `{start} … {text} …`");
    }
    scene.all_is_well();
}

/// What reading the image's own file gives.
fn own_passwd() -> String {
    format!("ok {} bytes {PASSWD:?}", PASSWD.len())
}

#[test]
fn paths_that_climb_out_end_in_the_image() {
    let own = own_passwd();
    let paths = [
        "../../etc/passwd",
        "/../../../../../../etc/passwd",
        "etc/../../etc/passwd",
        "/up/etc/passwd",
        "/absolute/../../../etc/passwd",
        "//etc//./passwd",
    ];
    check(&paths.map(|path| (call("read", &[path]), own.as_str(), "")));
}

#[test]
fn paths_into_the_hosts_own_process_do_not_exist() {
    let paths =
        ["/proc/self/environ", "/proc/self/exe", "/proc/1/root/etc/passwd", "/dev/fd/3", "/to-environment"];
    check(&paths.map(|path| (call("read", &[path]), "NotFound", path)));
}

#[test]
fn links_to_host_files_are_resolved_in_the_image() {
    let scene = Scene::new();
    let host = scene.canary().into_os_string().into_string().unwrap();
    let calls = [
        call("read", &["/to-host"]),
        call("read", &["/to-host-directory/canary"]),
        call("read", &[&host]),
        call("list-directory", &["/to-host-directory"]),
        call("write", &["/to-host", "stolen"]),
        call("open-and-read", &["/to-host"]),
        call("remove-tree", &["/to-host-directory/"]),
        call_with("set-mode", &["/to-host"], &[0o777]),
        call("read-link", &["/to-host"]),
        call("write-with-parents", &["/to-host", "stolen"]),
        call("write-with-parents", &[&host, "stolen"]),
        call("read", &["/to-host"]),
        call("replace-link", &["/to-host", "a file now"]),
        call("read-link", &["/to-host"]),
    ];
    let answers = scene.call(&calls, Default::default());
    for answer in &answers[..8] {
        assert!(
            answer.starts_with("NotFound") && (answer.contains("/to-host") || answer.contains(&host)),
            "{answer}"
        );
    }
    assert_eq!(answers[8], format!("ok {host}"));
    // Parents are made for the path itself, not for where a link leads.
    assert!(answers[9].starts_with("NotFound"), "{}", answers[9]);
    // A file of the host's path can be made, in the image alone; the link leads to it from then on.
    assert_eq!(answers[10..13], ["ok ", "ok 6 bytes \"stolen\"", "ok "]);
    assert!(!answers[13].starts_with("ok"), "{}", answers[13]);
    assert!(scene.exists(&host));
    scene.all_is_well();
}

#[test]
fn links_made_by_the_step_lead_nowhere_else() {
    let scene = Scene::new();
    let host = scene.canary().into_os_string().into_string().unwrap();
    let calls = [
        call("make-symlink", &[&host, "/mine"]),
        call("write", &["/mine", "stolen"]),
        call("make-symlink", &["/proc/self", "/self"]),
        call("read", &["/self/environ"]),
        call("make-hard-link", &["/mine", "/mine-too"]),
        call("read", &["/mine-too"]),
        call("rename", &["/mine", "../../../../mine-moved"]),
        call("read-link", &["/mine-moved"]),
    ];
    let answers = scene.call(&calls, Default::default());
    assert_eq!(answers[0], "ok ");
    assert!(answers[1].starts_with("NotFound") && answers[1].contains("/mine"), "{}", answers[1]);
    assert!(answers[3].starts_with("NotFound") && answers[3].contains("/self/environ"), "{}", answers[3]);
    assert!(answers[5].starts_with("NotFound"), "{}", answers[5]);
    assert_eq!(answers[6..], ["ok ".to_owned(), format!("ok {host}")]);
    scene.all_is_well();
}

#[test]
fn devices_and_pipes_are_never_opened() {
    let mut cases = Vec::new();
    for path in ["/dev/disk", "/dev/null", "/dev/pipe", "/to-disk", "../dev/disk"] {
        cases.extend([
            (call("read", &[path]), "SpecialFile", path),
            (call("open-and-read", &[path]), "SpecialFile", path),
            (call("write", &[path, "x"]), "SpecialFile", path),
            (call("create", &[path]), "SpecialFile", path),
            (call_with("open-and-set-size", &[path], &[0]), "SpecialFile", path),
        ]);
    }
    cases.extend([
        (call("stat", &["/dev/disk"]), "ok BlockDevice", " 8:0"),
        (call("copy-tree", &["/dev", "/copy"]), "Denied", "grant.nodes: true"),
        (call("read", &["/copy/disk"]), "NotFound", "/copy/disk"),
        (call("make-hard-link", &["/dev/disk", "/disk"]), "ok", ""),
        (call("read", &["/disk"]), "SpecialFile", "/disk"),
        (call("rename", &["/disk", "/etc/disk"]), "ok", ""),
        (call("read", &["/etc/disk"]), "SpecialFile", "/etc/disk"),
    ]);
    check(&cases);
}

#[test]
fn device_nodes_need_a_grant() {
    check(&[
        (call("make-device", &["/dev/mine"]), "Denied", "/dev/mine"),
        (call("make-fifo", &["/dev/mine"]), "Denied", "/dev/mine"),
        (call("lstat", &["/dev/mine"]), "NotFound", "/dev/mine"),
    ]);
}

#[test]
fn a_special_file_ends_the_step_with_an_error_that_names_it() {
    let scene = Scene::new();
    let settings = settings(&[call("read", &["/dev/disk"])]).replace("]}", r#"],"report_by_failing":true}"#);
    let before = scene.bytes();
    let result = scene.run(Run::new("calls", &settings));
    assert_error(result, &ErrorKind::StepFailed, &["/dev/disk", "never opened"]);
    assert!(scene.bytes() == before, "the image changed");
    scene.all_is_well();
}

#[test]
fn paths_that_are_none_are_refused() {
    let long = "/x".repeat(3000);
    let name = format!("/{}", "n".repeat(300));
    check(&[
        (call("read", &[""]), "InvalidPath", "empty"),
        (call("read", &["/etc\0/passwd"]), "InvalidPath", "/etc"),
        (call("read", &[&long]), "InvalidPath", "/x/x"),
        (call("write", &[&name, ""]), "InvalidPath", "/nnn"),
        (call("write", &["", ""]), "InvalidPath", "empty"),
        (call_with("make-directory", &[""], &[0o755]), "InvalidPath", "empty"),
    ]);
}

#[test]
fn odd_paths_have_their_own_errors() {
    check(&[
        (call("read", &["/round"]), "SymlinkLoop", "/round"),
        (call("read", &["/round/x"]), "SymlinkLoop", "/round/x"),
        (call("read", &["/etc/passwd/"]), "NotADirectory", "/etc/passwd/"),
        (call("read", &["/etc/passwd/x"]), "NotADirectory", "/etc/passwd/x"),
        (call("write", &["/etc/passwd/", "x"]), "NotADirectory", "/etc/passwd/"),
        (call("write", &["/etc/new/", "x"]), "IsADirectory", "/etc/new/"),
        (call("read", &["/etc"]), "IsADirectory", "/etc"),
        (call("read", &["/"]), "IsADirectory", "/"),
        (call("write", &["..", "x"]), "IsADirectory", ".."),
        (call("remove-directory", &["/"]), "InvalidArgument", "/"),
        (call("remove-file", &["/.."]), "IsADirectory", "/.."),
        (call("rename", &["/", "/etc/root"]), "InvalidArgument", "/"),
        (call("rename", &["/usr", "/usr/lib/usr"]), "InvalidArgument", "/usr"),
        (call("read-link", &["/etc/passwd"]), "InvalidArgument", "/etc/passwd"),
    ]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let far = u64::MAX;
    check(&[
        (call_with("set-mode", &["/etc/passwd"], &[0o177_777]), "InvalidArgument", "/etc/passwd"),
        (call_with("make-directory", &["/new"], &[0o1_000_000]), "InvalidArgument", "/new"),
        (call_with("set-modified", &["/etc/passwd"], &[0, 1_000_000_000]), "InvalidArgument", "/etc/passwd"),
        (
            call_with("set-modified", &["/etc/passwd"], &[i64::MAX as u64, 0]),
            "InvalidArgument",
            "/etc/passwd",
        ),
    ]);
    let scene = Scene::new();
    let calls = [
        format!(r#"{{"open-and-write":["/etc/hostname",{far},"x"]}}"#),
        format!(r#"{{"open-and-write":["/etc/hostname",{},"x"]}}"#, 1_u64 << 45),
        format!(r#"{{"open-and-set-size":["/etc/hostname",{far}]}}"#),
    ];
    scene.run(Run::new("calls", &format!(r#"{{"calls":[{}]}}"#, calls.join(",")))).unwrap();
    for answer in scene.read("/answers").lines() {
        assert!(!answer.starts_with("ok"), "{answer}");
    }
    assert_eq!(scene.read("/etc/hostname"), "image\n");
    scene.all_is_well();
}

#[test]
fn large_files_are_refused_whole_and_read_in_pieces() {
    check(&[
        (call("read", &["/large"]), "TooLarge", "/large"),
        (call("open-and-read", &["/large"]), "ok 16777216 bytes", ""),
    ]);
}

#[test]
fn names_that_are_not_utf_8_are_shown_and_removed_with_their_directory() {
    check(&[
        (call("list-directory", &["/names"]), "ok Regular", "(not addressable)"),
        (call("copy-tree", &["/names", "/copied"]), "ok 1 files, 1 directories", ""),
        (call("remove-tree", &["/names"]), "ok 1 files, 1 directories", ""),
        (call("lstat", &["/names"]), "NotFound", "/names"),
    ]);
}

#[test]
fn trees_cannot_be_copied_into_themselves() {
    check(&[
        (call("copy-tree", &["/usr", "/usr/copy"]), "InvalidArgument", "/usr/copy"),
        (call("copy-tree", &["/usr", "/usr/lib/copy"]), "InvalidArgument", "/usr/lib/copy"),
        (call("copy-tree", &["/", "/tmp/copy"]), "InvalidArgument", "/tmp/copy"),
        // A link is copied as a link; where it leads is not looked at.
        (
            call("copy-tree", &["/to-host-directory", "/tmp/stolen"]),
            "ok 0 files, 0 directories, 1 symlinks",
            "",
        ),
    ]);
}

#[test]
fn everything_can_be_removed_and_nothing_beyond() {
    let scene = Scene::new();
    let calls =
        ["/../..", "/", "/up", "/to-host-directory", "/etc", "/dev"].map(|path| call("remove-tree", &[path]));
    let answers = scene.call(&calls, Default::default());
    assert!(
        answers[2..].iter().all(|answer| answer.starts_with("ok") || answer.starts_with("NotFound")),
        "{answers:?}"
    );
    assert!(!scene.exists("/etc/passwd"));
    scene.host_is_untouched();
}

#[test]
fn extended_attributes_have_bounds() {
    let long = "v".repeat(1 << 20);
    check(&[
        (call("set-xattr", &["/etc/passwd", "user.small", "value"]), "ok", ""),
        (call("get-xattr", &["/etc/passwd", "user.small"]), "ok 5 bytes \"value\"", ""),
        (call("list-xattrs", &["/etc/passwd"]), "ok user.small", ""),
        (call("get-xattr", &["/etc/passwd", "user.none"]), "NotFound", "/etc/passwd"),
        (call("set-xattr", &["/etc/passwd", "user.large", &long]), "NoSpace", "/etc/passwd"),
        (call("set-xattr", &["/etc/passwd", "", "value"]), "InvalidArgument", "/etc/passwd"),
        (call("set-xattr", &["/etc/passwd", "no-such-space.x", "value"]), "InvalidArgument", "/etc/passwd"),
        (
            call("set-xattr", &["/etc/passwd", &format!("user.{}", "n".repeat(300)), "v"]),
            "InvalidPath",
            "/etc/passwd",
        ),
        (call("remove-xattr", &["/etc/passwd", "user.small"]), "ok", ""),
    ]);
}
