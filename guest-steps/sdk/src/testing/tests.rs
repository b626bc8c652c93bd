use super::*;
use crate::{
    Device, Existing, FailureCode, Host, Kind, Level, Metadata, Owner, ROOT, Timestamp, TreeOptions,
    TreeReport, WriteOptions,
};

const SOMEBODY: Owner = Owner { uid: 5, gid: 6 };

fn code<T: std::fmt::Debug>(result: crate::Result<T>) -> FailureCode {
    result.unwrap_err().code
}

/// A tree with a link of every sort.
fn image() -> Tree {
    Tree::new()
        .file_with("/usr/lib/os-release", "ID=a\n", 0o640, SOMEBODY)
        .symlink("/etc/os-release", "../usr/lib/os-release")
        .symlink("/var/run", "/run")
        .file("/run/pid", "1")
        .symlink("/etc/escape", "../../../../usr/lib/os-release")
        .symlink("/etc/loop", "loop")
        .symlink("/etc/dangling", "/usr/lib/later")
        .special("/dev/sda", Kind::BlockDevice)
}

#[test]
fn paths_are_resolved_as_after_chroot() {
    let host = MemoryHost::new(image());
    for (path, resolved) in [
        ("/", "/"),
        ("..", "/"),
        ("/../../usr/./lib/", "/usr/lib"),
        ("etc/os-release", "/usr/lib/os-release"),
        ("/etc/escape", "/usr/lib/os-release"),
        ("/var/run/pid", "/run/pid"),
        ("/var/run/../usr", "/usr"),
        ("//run//pid", "/run/pid"),
    ] {
        assert_eq!(host.resolve(path).unwrap(), resolved, "{path}");
    }
}

#[test]
fn paths_that_lead_nowhere_fail_with_their_code() {
    let host = MemoryHost::new(image());
    let long = "x/".repeat(2049);
    let long_name = "x".repeat(256);
    for (path, expected) in [
        ("", FailureCode::InvalidPath),
        ("a\0b", FailureCode::InvalidPath),
        (&long, FailureCode::InvalidPath),
        (&long_name, FailureCode::InvalidPath),
        ("/missing", FailureCode::NotFound),
        ("/missing/below", FailureCode::NotFound),
        ("/etc/dangling", FailureCode::NotFound),
        ("/etc/loop", FailureCode::SymlinkLoop),
        ("/run/pid/", FailureCode::NotADirectory),
        ("/run/pid/.", FailureCode::NotADirectory),
        ("/run/pid/..", FailureCode::NotADirectory),
        ("/run/pid/x", FailureCode::NotADirectory),
        ("/etc/os-release/", FailureCode::NotADirectory),
    ] {
        assert_eq!(code(host.stat(path)), expected, "{path}");
    }
    assert_eq!(host.lstat("/etc/loop").unwrap().kind, Kind::Symlink);
    assert_eq!(host.find("/etc/dangling"), Ok(None));
    assert_eq!(host.lfind("/missing"), Ok(None));
    assert_eq!(code(host.find("/etc/loop")), FailureCode::SymlinkLoop);
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let mut tree = Tree::new().file("/0", "end");
    for number in 1..=41 {
        tree = tree.symlink(&format!("/{number}"), &format!("{}", number - 1));
    }
    let host = MemoryHost::new(tree);
    assert_eq!(host.text("/40").unwrap(), "end");
    assert_eq!(code(host.read("/41")), FailureCode::SymlinkLoop);
}

#[test]
fn writing_keeps_inode_mode_and_owner_unless_told() {
    let host = MemoryHost::new(image());
    let inode = host.inode("/etc/os-release").unwrap();
    host.write("/etc/os-release", b"new", &WriteOptions::default()).unwrap();
    let expected = Metadata {
        kind: Kind::Regular,
        mode: 0o640,
        owner: SOMEBODY,
        size: 3,
        links: 1,
        modified: Timestamp::default(),
        device: None,
    };
    assert_eq!(host.stat("/usr/lib/os-release").unwrap(), expected);
    assert_eq!(host.inode("/etc/os-release").unwrap(), inode);

    let append = WriteOptions {
        existing: Existing::Append,
        mode: Some(0o4755),
        owner: Some(ROOT),
        ..Default::default()
    };
    host.write("/etc/os-release", b"er", &append).unwrap();
    assert_eq!(host.text("/etc/os-release").unwrap(), "newer");
    assert_eq!(host.stat("/etc/os-release").unwrap().mode, 0o4755);

    let replace = WriteOptions { replace_symlink: true, ..Default::default() };
    host.write("/etc/os-release", b"mine", &replace).unwrap();
    assert_eq!(host.lstat("/etc/os-release").unwrap().kind, Kind::Regular);
    assert_eq!(host.text("/usr/lib/os-release").unwrap(), "newer");
}

#[test]
fn writing_where_it_cannot_be_fails() {
    let host = MemoryHost::new(image());
    let plain = WriteOptions::default();
    let keep = WriteOptions { existing: Existing::Keep, ..plain };
    let write = |path: &str, options: &WriteOptions| code(host.write(path, b"", options));
    assert_eq!(write("/etc", &plain), FailureCode::IsADirectory);
    assert_eq!(write("/no/such", &plain), FailureCode::NotFound);
    assert_eq!(write("/dev/sda", &plain), FailureCode::SpecialFile);
    assert_eq!(write("/run/pid", &keep), FailureCode::AlreadyExists);
    assert_eq!(
        write("/run/new", &WriteOptions { mode: Some(0o10000), ..plain }),
        FailureCode::InvalidArgument
    );
    assert_eq!(host.changes(), 0);

    host.write("/etc/dangling", b"x", &plain).unwrap();
    assert_eq!(host.text("/usr/lib/later").unwrap(), "x");
    host.write("/a/b/c", b"x", &WriteOptions { parents: true, ..plain }).unwrap();
    assert_eq!(host.stat("/a/b").unwrap().mode, 0o755);
    assert_eq!(host.changes(), 2);
}

#[test]
fn directories_and_links_are_made_and_removed() {
    let host = MemoryHost::new(Tree::new().file("/f", "x").symlink("/link", "/d"));
    assert_eq!(code(host.make_directory("/d/e", 0o700, false)), FailureCode::NotFound);
    host.make_directory("/d/e", 0o700, true).unwrap();
    host.make_directory("/link/e", 0o755, true).unwrap();
    assert_eq!(code(host.make_directory("/d", 0o755, false)), FailureCode::AlreadyExists);
    assert_eq!(code(host.make_directory("/f", 0o755, true)), FailureCode::NotADirectory);
    assert_eq!(code(host.make_directory("/link", 0o755, false)), FailureCode::AlreadyExists);
    host.make_hard_link("/f", "/d/g").unwrap();
    host.make_symlink("f", "/s").unwrap();
    assert_eq!(host.read_link("/s").unwrap(), "f");
    assert_eq!(code(host.read_link("/f")), FailureCode::InvalidArgument);
    assert_eq!(code(host.make_symlink("f", "/link")), FailureCode::AlreadyExists);
    assert_eq!(code(host.remove_file("/d")), FailureCode::IsADirectory);
    assert_eq!(code(host.remove_directory("/d")), FailureCode::DirectoryNotEmpty);
    assert_eq!(code(host.remove_directory("/link")), FailureCode::NotADirectory);
    assert_eq!(code(host.remove_tree("/")), FailureCode::InvalidArgument);
    assert_eq!(
        host.manifest(),
        "d 0755 0:0 /d\nd 0700 0:0 /d/e\nf 0644 0:0 /d/g \"x\"\nf 0644 0:0 /f = /d/g\nl 0777 0:0 /link -> /d\nl 0777 0:0 /s -> f\n"
    );
    let report = TreeReport { files: 1, directories: 2, symlinks: 0, bytes: 1 };
    assert_eq!(host.remove_tree("/d"), Ok(report));
    host.remove_file("/link").unwrap();
    host.remove_file("/s").unwrap();
    assert_eq!(host.manifest(), "f 0644 0:0 /f \"x\"\n");
}

#[test]
fn renaming_replaces_as_rename_does() {
    let host =
        MemoryHost::new(Tree::new().file("/a", "a").file("/b", "b").file("/d/x", "x").directory("/e", 0o755));
    host.rename("/a", "/b").unwrap();
    assert_eq!(host.text("/b").unwrap(), "a");
    assert_eq!(code(host.rename("/b", "/e")), FailureCode::IsADirectory);
    assert_eq!(code(host.rename("/e", "/b")), FailureCode::NotADirectory);
    assert_eq!(code(host.rename("/e", "/d")), FailureCode::DirectoryNotEmpty);
    assert_eq!(code(host.rename("/d", "/d/x/y")), FailureCode::NotADirectory);
    assert_eq!(code(host.rename("/d", "/d/y")), FailureCode::InvalidArgument);
    host.rename("/d", "/e").unwrap();
    assert_eq!(host.manifest(), "f 0644 0:0 /b \"a\"\nd 0755 0:0 /e\nf 0644 0:0 /e/x \"x\"\n");
}

#[test]
fn trees_are_copied_and_installed() {
    let artifact = Tree::new()
        .file_with("/bin/tool", "tool", 0o4750, SOMEBODY)
        .symlink("/bin/alias", "tool")
        .file("/conf", "conf");
    let image = Tree::new().file_with("/opt/conf", "old", 0o600, SOMEBODY).directory("/opt", 0o700);
    let host = MemoryHost::new(image).with_artifact("tree", artifact);
    let keep = TreeOptions::default();
    let options = TreeOptions {
        owner: Some(ROOT),
        file_mode: Some(0o755),
        directory_mode: Some(0o711),
        overwrite: true,
    };
    let report = host.install("tree", "", "/opt", &options).unwrap();
    assert_eq!(report, TreeReport { files: 2, directories: 1, symlinks: 1, bytes: 8 });
    assert_eq!(code(host.install("tree", "", "/opt", &keep)), FailureCode::AlreadyExists);
    host.install("tree", "bin/alias", "/tool", &keep).unwrap();
    // As the host does: what lies above is made, and the artifact's owner does not count.
    let report = host.install("tree", "bin/tool", "/no/such/tool", &keep).unwrap();
    assert_eq!(report, TreeReport { files: 1, directories: 2, symlinks: 0, bytes: 4 });
    assert_eq!(host.stat("/no/such/tool").unwrap().owner, ROOT);
    let (seen, top) =
        (host.artifact_stat("tree", "bin/tool").unwrap(), host.artifact_stat("tree", "").unwrap());
    assert_eq!((seen.owner, seen.mode, seen.links), (ROOT, 0o4750, 1));
    assert_eq!((top.links, top.size), (1, 0));
    assert_eq!(code(host.copy_tree("/opt/bin", "/not/there", &keep)), FailureCode::NotFound);
    assert_eq!(code(host.install("none", "", "/x", &keep)), FailureCode::NotFound);
    assert_eq!(code(host.copy_tree("/opt", "/opt/bin/x", &keep)), FailureCode::InvalidArgument);
    host.copy_tree("/opt/bin", "/copy", &keep).unwrap();
    assert_eq!(
        host.manifest(),
        "\
d 0711 0:0 /copy
l 0777 0:0 /copy/alias -> tool
f 0755 0:0 /copy/tool \"tool\"
d 0755 0:0 /no
d 0755 0:0 /no/such
f 4750 0:0 /no/such/tool \"tool\"
d 0700 0:0 /opt
d 0711 0:0 /opt/bin
l 0777 0:0 /opt/bin/alias -> tool
f 0755 0:0 /opt/bin/tool \"tool\"
f 0755 0:0 /opt/conf \"conf\"
f 4750 0:0 /tool \"tool\"
"
    );
}

#[test]
fn artifacts_are_read_and_listed() {
    let host = MemoryHost::new(Tree::new())
        .with_artifact("b", Tree::of_file("content", 0o600))
        .with_artifact("a", Tree::new().file("/x/y", "").symlink("/link", "x"));
    assert_eq!(host.artifact_names(), ["a", "b"]);
    assert_eq!(host.artifact_read("b").unwrap(), b"content");
    assert_eq!(host.artifact_read_at("b", "", 5, 9).unwrap(), b"nt");
    assert_eq!(host.artifact_stat("b", "").unwrap().size, 7);
    let entries = host.artifact_list("a", "").unwrap();
    assert_eq!(
        entries.iter().map(|e| (e.name.as_str(), e.kind)).collect::<Vec<_>>(),
        [("link", Kind::Symlink), ("x", Kind::Directory)]
    );
    assert_eq!(host.artifact_stat("a", "link").unwrap().kind, Kind::Directory);
    assert_eq!(code(host.artifact_read_at("a", "x", 0, 1)), FailureCode::IsADirectory);
}

#[test]
fn a_directory_of_this_machine_becomes_a_tree() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = std::env::temp_dir().join(format!("step-sdk-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("sub")).unwrap();
    std::fs::write(directory.join("sub/file"), "x").unwrap();
    std::fs::set_permissions(directory.join("sub/file"), PermissionsExt::from_mode(0o4710)).unwrap();
    symlink("sub/file", directory.join("link")).unwrap();
    let tree = Tree::from_directory(&directory).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let manifest = tree.manifest();
    assert!(
        manifest.contains(" /link -> sub/file\n") && manifest.contains("/sub/file \"x\"\n"),
        "{manifest}"
    );
    assert!(manifest.contains("f 4710 "), "{manifest}");
}

#[test]
fn log_clock_and_randomness_are_those_of_the_test() {
    let host = MemoryHost::new(Tree::new())
        .with_epoch(7)
        .with_seed(1)
        .with_step_name("s")
        .with_architecture("aarch64");
    host.log(Level::Warn, "careful", &[("path", "/x")]);
    let record = LogRecord {
        level: Level::Warn,
        message: "careful".into(),
        fields: vec![("path".into(), "/x".into())],
    };
    assert_eq!(host.log_records(), [record]);
    assert_eq!(
        (host.source_date_epoch(), host.step_name(), host.architecture()),
        (7, "s".into(), "aarch64".into())
    );
    let bytes = |seed| {
        let mut bytes = [0; 20];
        MemoryHost::new(Tree::new()).with_seed(seed).random(&mut bytes);
        bytes
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn extended_attributes_belong_to_the_object() {
    let host = MemoryHost::new(Tree::new().file("/f", "").hard_link("/f", "/same").symlink("/link", "f"));
    host.set_xattr("/f", "user.b", b"2").unwrap();
    host.set_xattr("/same", "user.a", b"1").unwrap();
    assert_eq!(host.list_xattrs("/f").unwrap(), ["user.a", "user.b"]);
    assert_eq!(host.xattr("/same", "user.b").unwrap(), b"2");
    assert!(host.list_xattrs("/link").unwrap().is_empty());
    assert!(host.manifest().contains("/f \"\" user.a=\"1\" user.b=\"2\"\n"), "{}", host.manifest());
    host.remove_xattr("/f", "user.a").unwrap();
    assert_eq!(code(host.remove_xattr("/f", "user.a")), FailureCode::NotFound);
    assert_eq!(code(host.xattr("/f", "user.a")), FailureCode::NotFound);
}

#[test]
fn nodes_are_devices_with_a_number_and_pipes_without() {
    let host = MemoryHost::new(Tree::new());
    let null = Some(Device { major: 1, minor: 3 });
    host.make_node("/null", Kind::CharDevice, 0o666, null).unwrap();
    host.make_node("/pipe", Kind::Fifo, 0o600, None).unwrap();
    assert_eq!(host.manifest(), "c 0666 0:0 /null 1:3\np 0600 0:0 /pipe\n");
    assert_eq!(host.stat("/null").unwrap().device, null);
    for (kind, device) in
        [(Kind::CharDevice, None), (Kind::Fifo, null), (Kind::Regular, None), (Kind::Socket, None)]
    {
        assert_eq!(code(host.make_node("/new", kind, 0o600, device)), FailureCode::InvalidArgument);
    }
    assert_eq!(code(host.make_node("/pipe", Kind::Fifo, 0o600, None)), FailureCode::AlreadyExists);
}

#[test]
fn metadata_counts_names_and_holds_the_time() {
    let host = MemoryHost::new(Tree::new().file("/d/e/f", "").hard_link("/d/e/f", "/same"));
    assert_eq!((host.stat("/same").unwrap().links, host.stat("/d").unwrap().links), (2, 3));
    let time = Timestamp { seconds: -1, nanoseconds: 999_999_999 };
    host.set_modified("/same", time, true).unwrap();
    assert_eq!(host.stat("/d/e/f").unwrap().modified, time);
    let more = Timestamp { nanoseconds: 1_000_000_000, ..time };
    assert_eq!(code(host.set_modified("/same", more, true)), FailureCode::InvalidArgument);
}

#[test]
fn an_open_file_is_read_and_written_in_parts() {
    let host = MemoryHost::new(Tree::new().file("/f", "0123456789"));
    let file = host.open("/f").unwrap();
    assert_eq!(file.read_at(8, 10).unwrap(), b"89");
    assert_eq!(file.read_at(u64::MAX, 10).unwrap(), b"");
    file.write_at(9, b"abc").unwrap();
    file.write_at(14, b"z").unwrap();
    file.write_at(u64::MAX, b"").unwrap();
    assert_eq!(code(file.write_at(u64::MAX, b"x")), FailureCode::NoSpace);
    assert_eq!(host.read("/f").unwrap(), b"012345678abc\0\0z");
    host.remove_file("/f").unwrap();
    file.set_size(3).unwrap();
    assert_eq!((file.metadata().unwrap().size, file.metadata().unwrap().links), (3, 0));
    let made = host.create("/new", &WriteOptions { mode: Some(0o600), ..WriteOptions::default() }).unwrap();
    made.write_at(0, b"x").unwrap();
    assert_eq!(host.manifest(), "f 0600 0:0 /new \"x\"\n");
    assert_eq!(code(host.open("/").map(drop)), FailureCode::IsADirectory);
}

#[test]
fn a_grant_covers_the_place_that_is_changed() {
    let tree = || {
        Tree::new()
            .file("/etc/a", "old")
            .hard_link("/etc/a", "/srv/same")
            .symlink("/etc/link", "/usr/b")
            .directory("/usr", 0o755)
            .file("/srv/tree/deep/x", "")
    };
    let host = |patterns: &[&str]| {
        MemoryHost::new(tree()).with_write_grant(patterns).with_artifact("a", Tree::of_file("x", 0o644))
    };
    let parents = WriteOptions { parents: true, ..WriteOptions::default() };
    type Act = fn(&MemoryHost, &WriteOptions) -> crate::Result<()>;
    let cases: [(&[&str], Act, Option<&str>); 12] = [
        (&["/etc/a"], |host, o| host.write("/etc/a", b"new", o), Some("/srv/same")),
        (&[], |host, o| host.write("/etc/a", b"new", o), Some("/etc/a")),
        (&["/etc/a"], |host, o| host.write("/srv/same", b"new", o), Some("/srv/same")),
        (&["/etc/a", "/srv/same"], |host, o| host.write("/srv/same", b"new", o), None),
        (&["/etc/**"], |host, o| host.write("/etc/link", b"new", o), Some("/usr/b")),
        (&["/usr/b"], |host, o| host.write("/etc/link", b"new", o), None),
        (&["/opt/d/f"], |host, o| host.write("/opt/d/f", b"", o), Some("/opt")),
        (&["/opt/**"], |host, o| host.write("/opt/d/f", b"", o), None),
        (&["/srv/tree/*"], |host, _| host.remove_tree("/srv/tree").map(drop), Some("/srv/tree")),
        (&["/etc/a"], |host, _| host.rename("/etc/a", "/etc/z"), Some("/etc/z")),
        (&["/etc"], |host, _| host.set_mode("/etc", 0o700), None),
        (
            &["/etc/*"],
            |host, _| host.install("a", "", "/usr/c", &TreeOptions::default()).map(drop),
            Some("/usr/c"),
        ),
    ];
    for (patterns, act, refused) in cases {
        let host = host(patterns);
        let before = host.manifest();
        match (act(&host, &parents), refused) {
            (Ok(()), None) => assert_ne!(host.manifest(), before, "{patterns:?}"),
            (Err(failure), Some(path)) => {
                assert_eq!(failure.code, FailureCode::Denied, "{failure}");
                assert!(failure.message.contains(&format!("grant.write: [{path}]")), "{failure}");
                assert_eq!(host.manifest(), before, "{patterns:?}");
            }
            (result, _) => panic!("{patterns:?}: {result:?}"),
        }
    }
}
