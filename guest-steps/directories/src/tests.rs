use super::*;
use step_sdk::testing::{MemoryHost, Tree, check_settings};
use step_sdk::{FailureCode, Kind, Owner};

const SOMEBODY: Owner = Owner { uid: 5, gid: 6 };

fn run(host: &MemoryHost, rest: &str) -> Result<()> {
    let settings = format!(r#"{{"directories":[{{"artifact":"d","destination":"/opt/x"{rest}}}]}}"#);
    Directories::run(&step_sdk::parse_settings(&settings)?, host)
}

/// Modes and owners in the source that must not show in the image.
fn source() -> Tree {
    Tree::new().file_with("/a", "a", 0o4711, SOMEBODY).directory("/empty", 0o700).file_with(
        "/sub/deep/b",
        "b",
        0o600,
        SOMEBODY,
    )
}

fn host(image: Tree, source: Tree) -> MemoryHost {
    MemoryHost::new(image).with_artifact("d", source)
}

#[test]
fn new_directories_and_files_get_0755_and_root_unless_told() {
    let host = host(Tree::new(), source());
    run(&host, "").unwrap();
    assert_eq!(
        host.manifest(),
        "\
d 0755 0:0 /opt
d 0755 0:0 /opt/x
f 0755 0:0 /opt/x/a \"a\"
d 0755 0:0 /opt/x/empty
d 0755 0:0 /opt/x/sub
d 0755 0:0 /opt/x/sub/deep
f 0755 0:0 /opt/x/sub/deep/b \"b\"
"
    );
}

#[test]
fn given_modes_hold_at_every_depth() {
    let image = Tree::new()
        .directory("/opt", 0o700)
        .directory("/opt/x", 0o700)
        .directory("/opt/x/sub", 0o2700)
        .file_with("/opt/x/sub/deep/b", "long old", 0o640, SOMEBODY)
        .directory("/opt/x/sub/other", 0o700)
        .owned_by("/opt/x/sub", SOMEBODY);
    let host = host(image, source());
    let inode = host.inode("/opt/x/sub/deep/b");
    run(&host, r#","newDirectoryMode":"0711","mergedDirectoryMode":"0750","childFileMode":"0604""#).unwrap();
    assert_eq!(
        host.manifest(),
        "\
d 0700 0:0 /opt
d 0750 0:0 /opt/x
f 0604 0:0 /opt/x/a \"a\"
d 0711 0:0 /opt/x/empty
d 0750 5:6 /opt/x/sub
d 0750 0:0 /opt/x/sub/deep
f 0604 5:6 /opt/x/sub/deep/b \"b\"
d 0700 0:0 /opt/x/sub/other
"
    );
    assert_eq!(host.inode("/opt/x/sub/deep/b"), inode);
}

#[test]
fn merged_directories_keep_their_mode_unless_told() {
    let host = host(Tree::new().directory("/opt/x", 0o1700), source());
    run(&host, "").unwrap();
    assert!(host.manifest().contains("d 1700 0:0 /opt/x\nf 0755 0:0 /opt/x/a"), "{}", host.manifest());
}

#[test]
fn missing_parents_get_the_mode_of_new_directories() {
    let host = host(Tree::new(), Tree::new());
    run(&host, r#","newDirectoryMode":"0700""#).unwrap();
    assert_eq!(host.manifest(), "d 0700 0:0 /opt\nd 0700 0:0 /opt/x\n");
}

#[test]
fn a_link_to_a_file_becomes_a_file() {
    let source = Tree::new().file("/sub/real", "r").symlink("/sub/link", "real").symlink("/up", "sub/link");
    for image in
        [Tree::new(), Tree::new().directory("/opt/x/sub", 0o755), Tree::new().symlink("/opt/x/up", "target")]
    {
        let host = host(image, source.clone());
        run(&host, "").unwrap();
        assert_eq!(host.text("/opt/x/sub/link").unwrap(), "r");
        assert_eq!(host.lstat("/opt/x/sub/link").unwrap().kind, Kind::Regular);
        assert_eq!(host.text("/opt/x/up").unwrap(), "r");
    }
}

#[test]
fn links_of_the_image_are_followed_inside_it() {
    let image = Tree::new()
        .directory("/usr/lib", 0o755)
        .file("/usr/conf", "old")
        .symlink("/opt/x/sub", "/usr/lib")
        .symlink("/opt/x/a", "../../usr/conf");
    let host = host(image, source());
    run(&host, "").unwrap();
    assert_eq!(host.text("/usr/lib/deep/b").unwrap(), "b");
    assert_eq!(host.text("/usr/conf").unwrap(), "a");
    assert_eq!(host.lstat("/opt/x/a").unwrap().kind, Kind::Symlink);
}

#[test]
fn what_cannot_be_copied_is_an_error() {
    let link_to_directory = || source().symlink("/l", "sub");
    let special = || source().special("/sub/fifo", Kind::Fifo);
    for (image, source, code) in [
        (Tree::new(), link_to_directory(), FailureCode::Unsupported),
        (Tree::new(), source().symlink("/sub/l", "/empty"), FailureCode::Unsupported),
        (Tree::new(), source().symlink("/l", "nowhere"), FailureCode::NotFound),
        (Tree::new(), source().symlink("/l", "l"), FailureCode::SymlinkLoop),
        (Tree::new(), special(), FailureCode::SpecialFile),
        (Tree::new(), Tree::of_file("x", 0o644), FailureCode::NotADirectory),
        (Tree::new().file("/opt", ""), source(), FailureCode::NotADirectory),
        (Tree::new().file("/opt/x", ""), source(), FailureCode::NotADirectory),
        (Tree::new().symlink("/opt/x", "nowhere"), source(), FailureCode::NotADirectory),
        (Tree::new().file("/opt/x/sub", ""), source(), FailureCode::NotADirectory),
        (Tree::new().symlink("/opt/x/sub", "nowhere"), source(), FailureCode::NotADirectory),
        (Tree::new().directory("/opt/x/a", 0o755), source(), FailureCode::IsADirectory),
        (Tree::new().special("/opt/x/a", Kind::BlockDevice), source(), FailureCode::SpecialFile),
    ] {
        let host = host(image, source);
        let failure = run(&host, "").unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.message.starts_with("cannot copy a directory to `/opt/x`: "), "{failure}");
    }
}

#[test]
fn a_second_run_gives_the_same_image() {
    let host = host(Tree::new().file_with("/opt/x/a", "", 0o600, SOMEBODY), source().symlink("/l", "a"));
    run(&host, "").unwrap();
    let once = host.manifest();
    run(&host, "").unwrap();
    assert_eq!(host.manifest(), once);
}

#[test]
fn a_thousand_files_cost_few_calls() {
    let mut source = Tree::new();
    for number in 0..1000 {
        source = source.file(&format!("/{}/{number}", number % 10), "x");
    }
    let new = host(Tree::new(), source.clone());
    run(&new, "").unwrap();
    assert!(new.calls() < 30, "{} calls", new.calls());
    let merged = host(Tree::new().directory("/opt/x/3", 0o755), source.clone());
    run(&merged, "").unwrap();
    assert!(merged.calls() < 150, "{} calls", merged.calls());
    run(&new, "").unwrap();
    assert!(new.calls() < 2200, "{} calls", new.calls());
}

#[test]
fn a_deep_tree_is_copied() {
    let deep = "/d".repeat(1000);
    let host =
        host(Tree::new(), Tree::new().file(&format!("{deep}/f"), "x").symlink(&format!("{deep}/l"), "f"));
    run(&host, "").unwrap();
    assert_eq!(host.text(&format!("/opt/x{deep}/l")).unwrap(), "x");
}

#[test]
fn schema_and_settings_agree() {
    let good = [
        r#"{"directories":[]}"#,
        r#"{"directories":[{"artifact":"directories/0","destination":"/opt/x","newDirectoryMode":"0755",
            "mergedDirectoryMode":"755","childFileMode":"0644"}]}"#,
        r#"{"directories":[{"artifact":"a","destination":"x","childFileMode":null}]}"#,
    ];
    let bad = [
        "{}",
        r#"{"directories":[{"artifact":"a"}]}"#,
        r#"{"directories":[{"artifact":"a","destination":1}]}"#,
        r#"{"directories":[{"artifact":"a","destination":"/x","childFileMode":"0o644"}]}"#,
        r#"{"directories":[{"artifact":"a","destination":"/x","newDirectoryMode":493}]}"#,
        r#"{"directories":[{"artifact":"a","destination":"/x","mergedDirectoryMode":""}]}"#,
        r#"{"directories":[{"artifact":"a","destination":"/x","mode":"0644"}]}"#,
    ];
    check_settings::<Directories>(&good, &bad).unwrap();
}
