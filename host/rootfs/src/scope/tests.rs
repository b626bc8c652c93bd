use super::{Guard, Scope};
use crate::model::{Habits, Model};
use crate::operations::{self, TreeOptions};
use crate::testing::{CLOCK, Image, path};
use crate::tree::{Existing, Follow, Kind, Owner, Timestamp, Tree, WriteOptions};
use crate::{Error, ErrorKind, Fat, FatOptions, FileId, Result, UserTree};

const NEW: WriteOptions = WriteOptions {
    existing: Existing::Replace,
    mode: None,
    owner: None,
    replace_symlink: false,
    parents: false,
};
const PARENTS: WriteOptions = WriteOptions { parents: true, ..NEW };

fn empty() -> UserTree {
    let mut tree = UserTree::new(CLOCK);
    tree.mount_root(Box::new(Model::new(CLOCK, Habits::default())), "model").unwrap();
    tree
}

/// `/in` is where the scopes of these tests lead; around it lie the things that they do not cover.
fn tree() -> UserTree {
    let mut tree = empty();
    for directory in ["/in/deep", "/out/deep", "/etc/ssh", "/root/.ssh", "/target"] {
        operations::make_directories(&mut tree, path(directory), 0o755).unwrap();
    }
    for file in [
        "/in/file",
        "/in/deep/file",
        "/out/file",
        "/out/deep/file",
        "/etc/passwd",
        "/etc/shadow",
        "/etc/ssh/ssh_host_x_key",
    ] {
        tree.write(path(file), file.as_bytes(), &NEW).unwrap();
        tree.set_xattr(path(file), "user.a", b"value").unwrap();
    }
    for (target, link) in [
        ("/out", "/in/to-out"),
        ("../out/file", "/in/to-file"),
        ("/out/none", "/in/dangling"),
        ("/etc/shadow", "/in/to-shadow"),
        ("/in/deep", "/out/to-in"),
    ] {
        tree.make_symlink(target.as_bytes(), path(link)).unwrap();
    }
    tree.make_hard_link(path("/out/file"), path("/in/same-as-out")).unwrap();
    tree.make_hard_link(path("/etc/shadow"), path("/in/same-as-shadow")).unwrap();
    tree.make_hard_link(path("/in/file"), path("/in/same-as-in")).unwrap();
    tree
}

fn scope(read: Option<&[&str]>, write: &[&str]) -> Scope {
    Scope::parse(read, write, false).unwrap()
}

/// Everything that a call can give, as text.
#[track_caller]
fn denied<T: std::fmt::Debug>(result: Result<T>, line: &str) {
    let error = result.expect_err("it was allowed");
    let text = format!(
        "{error}: {}",
        std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    );
    assert_eq!(error.kind(), ErrorKind::NotGranted, "{text}");
    assert!(text.contains(line), "no `{line}` in: {text}");
}

type Step = (&'static str, fn(&mut dyn Tree, &str) -> Result<()>);

/// Every call that changes what is at a path that exists.
const CHANGES: [Step; 12] = [
    ("write", |tree, at| tree.write(path(at), b"new", &NEW)),
    ("append", |tree, at| tree.write(path(at), b"new", &WriteOptions { existing: Existing::Append, ..NEW })),
    ("create", |tree, at| tree.create(path(at), &NEW).and_then(|file| tree.close(file))),
    ("write a handle", |tree, at| with(tree, at, |tree, file| tree.write_at(file, 0, b"x"))),
    ("cut a handle", |tree, at| with(tree, at, |tree, file| tree.set_size(file, 0))),
    ("mode", |tree, at| tree.set_mode(path(at), 0o600)),
    ("owner", |tree, at| tree.set_owner(path(at), Owner { uid: 1, gid: 1 }, Follow::Yes)),
    ("time", |tree, at| tree.set_modified(path(at), Timestamp { seconds: 1, nanoseconds: 0 }, Follow::Yes)),
    ("set attribute", |tree, at| tree.set_xattr(path(at), "user.b", b"x")),
    ("remove attribute", |tree, at| tree.remove_xattr(path(at), "user.a")),
    ("rename", |tree, at| tree.rename(path(at), path("/in/renamed"))),
    ("link", |tree, at| tree.make_hard_link(path(at), path("/in/linked"))),
];

fn with(tree: &mut dyn Tree, at: &str, act: impl FnOnce(&mut dyn Tree, FileId) -> Result<()>) -> Result<()> {
    let file = tree.open(path(at))?;
    let result = act(tree, file);
    tree.close(file)?;
    result
}

#[test]
fn every_change_outside_is_denied_however_the_path_gets_there() {
    for (name, change) in CHANGES {
        for at in
            ["/out/file", "/in/../out/file", "/in/to-out/file", "/out/to-in/../../out/file", "//out/./file"]
        {
            let mut tree = tree();
            let mut guard = Guard::new(scope(None, &["/in/**"]));
            println!("{name} {at}");
            denied(change(&mut guard.over(&mut tree), at), "add `grant.write: [/out/file]`");
            assert_eq!(guard.denied(), 1, "{name} {at}");
        }
        for at in ["/out/to-in/file", "/in/to-out/../in/deep/file"] {
            let mut tree = tree();
            let mut guard = Guard::new(scope(None, &["/in/**"]));
            change(&mut guard.over(&mut tree), at).unwrap_or_else(|error| panic!("{name} {at}: {error}"));
            assert_eq!(guard.denials(), [], "{name} {at}");
        }
    }
}

#[test]
fn what_is_followed_and_what_is_not_decides_what_is_touched() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/in/**"]));
    let mut scoped = guard.over(&mut tree);
    denied(scoped.write(path("/in/to-file"), b"x", &NEW), "/out/file");
    denied(scoped.write(path("/in/dangling"), b"x", &NEW), "/out/none");
    denied(scoped.set_mode(path("/in/to-file"), 0o600), "/out/file");
    denied(scoped.set_owner(path("/in/to-out/"), Owner::default(), Follow::No), "add `grant.write: [/out]`");
    scoped.set_owner(path("/in/to-out"), Owner { uid: 1, gid: 1 }, Follow::No).unwrap();
    scoped.write(path("/in/to-file"), b"mine", &WriteOptions { replace_symlink: true, ..NEW }).unwrap();
    scoped.remove_file(path("/in/dangling")).unwrap();
    scoped.rename(path("/in/to-out"), path("/in/moved")).unwrap();
    assert_eq!(operations::read_file(&mut scoped, path("/out/file"), 99).unwrap(), b"/out/file");
}

#[test]
fn names_are_made_and_removed_only_inside() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/in/**"]));
    let mut scoped = guard.over(&mut tree);
    denied(scoped.make_directory(path("/out/new"), 0o755), "grant.write: [/out/new/**]");
    denied(scoped.make_directory(path("/in/to-out/new/"), 0o755), "grant.write: [/out/new/**]");
    denied(scoped.make_symlink(b"x", path("/out/new")), "grant.write: [/out/new]");
    denied(scoped.make_node(path("/out/new"), Kind::Fifo, 0o600, None), "grant.write: [/out/new]");
    denied(scoped.make_node(path("/in/new"), Kind::Fifo, 0o600, None), "add `grant.nodes: true`");
    denied(scoped.remove_file(path("/out/file")), "grant.write: [/out/file]");
    denied(scoped.remove_directory(path("/out")), "grant.write: [/out]");
    denied(scoped.rename(path("/in/file"), path("/out/new")), "grant.write: [/out/new]");
    denied(scoped.rename(path("/in/file"), path("/out/file")), "grant.write: [/out/file]");
    denied(scoped.make_hard_link(path("/in/deep/file"), path("/out/new")), "grant.write: [/out/new]");
    assert!(scoped.metadata(path("/out/new"), Follow::No).is_err());
}

#[test]
fn parents_are_made_only_inside_and_none_is_left_by_a_call_that_was_denied() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/in/**", "/new/a", "/new/a/b/c", "/one/**"]));
    let mut scoped = guard.over(&mut tree);
    denied(scoped.write(path("/new/a/b/c"), b"x", &PARENTS), "grant.write: [/new/**]");
    denied(scoped.write(path("/in/x/y/../../../out/z/f"), b"x", &PARENTS), "grant.write: [/out/z/**]");
    denied(scoped.create(path("/in/x/to/../../to-out/new/f"), &PARENTS), "grant.write: [/out/new/**]");
    for none in ["/new", "/in/x", "/out/z", "/out/new"] {
        assert!(scoped.metadata(path(none), Follow::No).is_err(), "{none}");
    }
    scoped.write(path("/in/x/y/f"), b"x", &PARENTS).unwrap();
    scoped.write(path("/one/two/f"), b"x", &PARENTS).unwrap();
}

#[test]
fn trees_are_copied_moved_and_removed_object_by_object() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/in/**", "/target", "/out/deep"]));
    let mut scoped = guard.over(&mut tree);
    let options = TreeOptions { overwrite: true, ..TreeOptions::default() };
    denied(scoped.rename(path("/in/deep"), path("/target/deep")), "grant.write: [/target/deep]");
    denied(scoped.rename(path("/out/deep"), path("/in/moved")), "grant.write: [/out/deep/file]");
    scoped.remove_directory(path("/target")).unwrap();
    denied(scoped.rename(path("/in/deep"), path("/target")), "grant.write: [/target/file]");
    denied(operations::remove_tree(&mut scoped, path("/out/deep")), "grant.write: [/out/deep/file]");
    denied(
        operations::copy_tree(&mut scoped, path("/in/deep"), path("/out/deep"), &options),
        "/out/deep/file",
    );
    operations::copy_tree(&mut scoped, path("/out/deep"), path("/in/copy"), &options).unwrap();
    denied(operations::copy_tree(&mut scoped, path("/etc"), path("/in/etc"), &options), "/etc/shadow");
    assert!(scoped.metadata(path("/in/etc/shadow"), Follow::No).is_err());
}

#[test]
fn reading_is_content_and_attributes() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(Some(&["/in/deep/**"]), &["/in/file"]));
    let mut scoped = guard.over(&mut tree);
    let line = "add `grant.read: [/out/file]`";
    for at in ["/out/file", "/in/to-file", "/in/deep/../../out/file"] {
        denied(scoped.open(path(at)), line);
    }
    denied(scoped.xattr(path("/out/file"), "user.a"), line);
    denied(scoped.list_xattrs(path("/out/file")), line);
    assert!(scoped.metadata(path("/out/file"), Follow::Yes).is_ok());
    assert!(scoped.list_directory(path("/out")).is_ok());
    assert!(scoped.read_link(path("/in/to-file")).is_ok());
    for at in ["/in/deep/file", "/out/to-in/file", "/in/file"] {
        operations::read_file(&mut scoped, path(at), 99).unwrap();
        scoped.xattr(path(at), "user.a").unwrap();
    }
    assert_eq!(scoped.open(path("/none")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn secrets_are_neither_read_nor_written_under_any_name() {
    let lines = ["grant.read: [/**, /etc/shadow]", "grant.write: [/etc/shadow]"];
    for at in ["/etc/shadow", "/in/to-shadow", "/in/same-as-shadow", "/in/../etc/shadow"] {
        let mut tree = tree();
        let mut guard = Guard::new(scope(None, &["/**"]));
        let mut scoped = guard.over(&mut tree);
        denied(scoped.open(path(at)), lines[0]);
        denied(
            scoped.xattr(path(if at == "/in/to-shadow" { "/etc/shadow" } else { at }), "user.a"),
            lines[0],
        );
        for (name, change) in CHANGES {
            let follows = !matches!(name, "set attribute" | "remove attribute" | "rename" | "link");
            if follows || at != "/in/to-shadow" {
                println!("{name} {at}");
                let read_first = name.ends_with("handle");
                denied(change(&mut scoped, at), lines[usize::from(!read_first)]);
            }
        }
    }
    // A named one is as any file.
    for (read, write) in [(Some(&["/etc/shadow", "/in/**"][..]), &[][..]), (None, &["/etc/shadow", "/in/**"])]
    {
        let mut tree = tree();
        let mut guard = Guard::new(scope(read, write));
        for at in ["/etc/shadow", "/in/to-shadow", "/in/same-as-shadow"] {
            operations::read_file(&mut guard.over(&mut tree), path(at), 99).unwrap();
        }
    }
}

#[test]
fn secrets_are_not_made_or_replaced_unless_they_are_named() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/**"]));
    let mut scoped = guard.over(&mut tree);
    denied(scoped.write(path("/root/.ssh/authorized_keys"), b"key", &NEW), "/root/.ssh/authorized_keys]`");
    denied(scoped.rename(path("/in/file"), path("/etc/shadow")), "/etc/shadow]`");
    denied(scoped.rename(path("/in/file"), path("/etc/gshadow")), "/etc/gshadow]`");
    denied(scoped.make_symlink(b"/in/file", path("/etc/machine-id")), "/etc/machine-id]`");
    denied(scoped.rename(path("/etc/ssh"), path("/in/ssh")), "/etc/ssh/ssh_host_x_key]`");
    denied(operations::remove_tree(&mut scoped, path("/etc/ssh")), "/etc/ssh/ssh_host_x_key]`");
    scoped.make_directory(path("/in/.ssh"), 0o700).unwrap();
    scoped.write(path("/in/.ssh/authorized_keys"), b"key", &NEW).unwrap();
    // Where it would become one it has to be named: here by moving its directory, here by what a link says.
    denied(scoped.rename(path("/in/.ssh"), path("/root/.ssh")), "/root/.ssh/authorized_keys]`");
    scoped.make_directory(path("/etc/ssl"), 0o755).unwrap();
    scoped.make_directory(path("/etc/ssl/private"), 0o755).unwrap();
    denied(scoped.write(path("/etc/ssl/private/x"), b"key", &NEW), "/etc/ssl/private/x]`");
}

#[test]
fn an_image_that_keeps_its_secrets_elsewhere_keeps_them() {
    let mut tree = empty();
    operations::make_directories(&mut tree, path("/var/roothome/.ssh"), 0o755).unwrap();
    operations::make_directories(&mut tree, path("/var/home/me/.ssh"), 0o755).unwrap();
    operations::make_directories(&mut tree, path("/usr/etc"), 0o755).unwrap();
    tree.make_symlink(b"var/roothome", path("/root")).unwrap();
    tree.make_symlink(b"var/home", path("/home")).unwrap();
    tree.make_symlink(b"/usr/etc", path("/etc")).unwrap();
    for file in ["/root/.ssh/id", "/home/me/.ssh/id", "/etc/shadow"] {
        tree.write(path(file), b"secret", &NEW).unwrap();
    }
    let mut guard = Guard::new(scope(None, &["/var/**"]));
    let mut scoped = guard.over(&mut tree);
    for (at, line) in [
        ("/root/.ssh/id", "/var/roothome/.ssh/id]`"),
        ("/var/roothome/.ssh/id", "/var/roothome/.ssh/id]`"),
        ("/home/me/.ssh/id", "/var/home/me/.ssh/id]`"),
        ("/etc/shadow", "/usr/etc/shadow]`"),
    ] {
        denied(scoped.open(path(at)), line);
    }
    denied(
        scoped.write(path("/root/.ssh/authorized_keys"), b"x", &NEW),
        "/var/roothome/.ssh/authorized_keys]`",
    );
    let mut guard = Guard::new(scope(Some(&["/var/roothome/.ssh/id"]), &[]));
    assert!(guard.over(&mut tree).open(path("/root/.ssh/id")).is_ok());
}

/// An image whose `/root` is a link that leads through others, and whose private keys are links.
fn linked() -> UserTree {
    let mut tree = empty();
    for directory in ["/var/roothome/.ssh", "/srv/keys/more", "/etc/ssl/private", "/in", "/hop"] {
        operations::make_directories(&mut tree, path(directory), 0o755).unwrap();
    }
    for (target, link) in [
        ("/hop/../via/home", "/root"),
        ("/var", "/via"),
        ("roothome", "/var/home"),
        ("/srv/keys/one", "/etc/ssl/private/one"),
        ("/srv/keys/more", "/etc/ssl/private/more"),
        ("/", "/etc/ssl/private/all"),
    ] {
        tree.make_symlink(target.as_bytes(), path(link)).unwrap();
    }
    for file in ["/var/roothome/.ssh/id", "/srv/keys/one", "/srv/keys/more/two", "/srv/keys/other"] {
        tree.write(path(file), b"content", &NEW).unwrap();
    }
    tree.make_hard_link(path("/srv/keys/more/two"), path("/srv/same-as-two")).unwrap();
    tree.make_symlink(b"/in", path("/in/link")).unwrap();
    tree
}

#[test]
fn what_makes_a_file_a_secret_can_be_taken_away_but_not_what_it_is() {
    type Hide = fn(&mut dyn Tree) -> Result<()>;
    let hide: [(&str, Hide); 9] = [
        ("nothing", |_| Ok(())),
        ("the link is removed", |tree| tree.remove_file(path("/root"))),
        ("the link is renamed", |tree| tree.rename(path("/root"), path("/in/root"))),
        ("the link is replaced", |tree| tree.rename(path("/in/link"), path("/root"))),
        ("a file replaces the link", |tree| {
            tree.write(path("/root"), b"", &WriteOptions { replace_symlink: true, ..NEW })
        }),
        ("the links swap", |tree| {
            tree.rename(path("/root"), path("/in/old"))?;
            tree.rename(path("/in/link"), path("/root"))?;
            tree.rename(path("/in/old"), path("/in/link"))
        }),
        ("a link on the way is removed", |tree| tree.remove_file(path("/via"))),
        ("a directory on the way is removed", |tree| tree.remove_directory(path("/hop"))),
        ("a directory on the way is renamed", |tree| tree.rename(path("/hop"), path("/in/hop"))),
    ];
    for (name, act) in hide {
        println!("{name}");
        let mut tree = linked();
        let mut guard = Guard::new(scope(None, &["/root", "/via", "/hop", "/in", "/in/*"]));
        let mut scoped = guard.over(&mut tree);
        act(&mut scoped).unwrap();
        denied(scoped.open(path("/var/roothome/.ssh/id")), "/var/roothome/.ssh/id]`");
    }
}

#[test]
fn a_link_among_secrets_makes_what_it_leads_to_a_secret() {
    let mut tree = linked();
    let mut guard = Guard::new(scope(None, &["/**"]));
    let mut scoped = guard.over(&mut tree);
    denied(scoped.open(path("/etc/ssl/private/one")), "/srv/keys/one]`");
    denied(scoped.open(path("/srv/keys/one")), "/srv/keys/one]`");
    denied(scoped.open(path("/srv/keys/more/two")), "/srv/keys/more/two]`");
    denied(scoped.open(path("/srv/same-as-two")), "/srv/keys/more/two]`");
    denied(scoped.rename(path("/srv/keys"), path("/in/keys")), "/srv/keys/one]`");
    denied(scoped.make_hard_link(path("/srv/keys/one"), path("/in/one")), "/srv/keys/one]`");
    // A link to the root makes no secret of the whole image.
    scoped.open(path("/srv/keys/other")).unwrap();
    scoped.write(path("/in/new"), b"x", &NEW).unwrap();
}

#[test]
fn a_file_with_a_name_outside_is_not_changed_through_the_one_inside() {
    for (name, change) in CHANGES.iter().filter(|(name, _)| *name != "rename") {
        let mut tree = tree();
        let mut guard = Guard::new(scope(None, &["/in/**"]));
        println!("{name}");
        let result = change(&mut guard.over(&mut tree), "/in/same-as-out");
        denied(result, "it is the same file as `/out/file`: add `grant.write: [/out/file]`");
        let mut guard = Guard::new(scope(None, &["/in/**"]));
        change(&mut guard.over(&mut tree), "/in/same-as-in").unwrap();
    }
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/in/**"]));
    // Its name inside can go: what it is outside does not change.
    guard.over(&mut tree).remove_file(path("/in/same-as-out")).unwrap();
}

#[test]
fn a_hard_link_takes_leave_to_write_at_both_ends() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/in/**"]));
    let mut scoped = guard.over(&mut tree);
    denied(scoped.make_hard_link(path("/etc/passwd"), path("/in/passwd")), "grant.write: [/etc/passwd]");
    denied(scoped.make_hard_link(path("/etc/shadow"), path("/in/mine")), "grant.write: [/etc/shadow]");
}

#[test]
fn a_handle_writes_only_what_may_be_written_and_stays_what_it_was() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/in/**"]));
    let mut scoped = guard.over(&mut tree);
    let (inside, outside) =
        (scoped.open(path("/in/deep/file")).unwrap(), scoped.open(path("/out/file")).unwrap());
    denied(scoped.write_at(outside, 0, b"x"), "grant.write: [/out/file]");
    denied(scoped.set_size(outside, 0), "grant.write: [/out/file]");
    // Links and names are changed under the handles: they stay with their files.
    scoped.rename(path("/in/deep/file"), path("/in/deep/moved")).unwrap();
    scoped.make_symlink(b"/out/file", path("/in/deep/file")).unwrap();
    scoped.write_at(inside, 0, b"mine").unwrap();
    denied(scoped.write_at(outside, 0, b"x"), "grant.write: [/out/file]");
    scoped.close(outside).unwrap();
    let again = scoped.create(path("/in/other"), &NEW).unwrap();
    assert_eq!(again, outside, "the number is used again");
    scoped.write_at(again, 0, b"x").unwrap();
    scoped.close(again).unwrap();
    assert_eq!(scoped.write_at(again, 0, b"x").unwrap_err().kind(), ErrorKind::InvalidArgument);
    scoped.write_at(inside, 4, b"!").unwrap();
    scoped.close(inside).unwrap();
    assert!(operations::read_file(&mut scoped, path("/in/deep/moved"), 99).unwrap().starts_with(b"mine!"));
    assert_eq!(operations::read_file(&mut scoped, path("/out/file"), 99).unwrap(), b"/out/file");
}

#[test]
fn names_that_a_file_system_takes_for_one_are_one() {
    let image = Image::fat(8 << 20, &["-F", "12"]);
    let mut tree = empty();
    tree.make_directory(path("/boot"), 0o755).unwrap();
    let fat = Fat::open(image.window(), CLOCK, FatOptions::default()).unwrap();
    tree.attach(path("/boot"), fat, "vfat", None).unwrap();
    tree.make_directory(path("/boot/EFI"), 0o755).unwrap();
    tree.write(path("/boot/EFI/Grub.cfg"), b"x", &NEW).unwrap();
    tree.write(path("/boot/EFI/a long name.text"), b"x", &NEW).unwrap();
    let mut guard =
        Guard::new(scope(Some(&["/boot/EFI/Grub.cfg"]), &["/boot/EFI/Grub.cfg", "/boot/EFI/*.TEX"]));
    let mut scoped = guard.over(&mut tree);
    for at in ["/boot/EFI/Grub.cfg", "/boot/efi/grub.CFG", "/boot/efi/../EFI/GRUB.cfg"] {
        scoped.write(path(at), b"y", &NEW).unwrap();
        operations::read_file(&mut scoped, path(at), 9).unwrap();
    }
    denied(scoped.write(path("/boot/efi/new"), b"x", &NEW), "grant.write: [/boot/EFI/new]");
    denied(scoped.rename(path("/boot/efi/grub.cfg"), path("/boot/efi/GRUB.CFG")), "/boot/EFI/GRUB.CFG]`");
    // The short name that old systems see is a name too.
    let short = scoped.write(path("/boot/EFI/ALONGN~1.TEX"), b"y", &NEW);
    assert!(
        short.as_ref().is_err_and(|error: &Error| error.kind() == ErrorKind::NotGranted)
            || scoped.metadata(path("/boot/EFI/a long name.text"), Follow::No).unwrap().size == 1,
        "{short:?}"
    );
}

#[test]
fn a_secret_that_no_pattern_can_name_is_told_so() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &["/etc/**"]));
    let below = WriteOptions { parents: true, ..NEW };
    for (at, line) in [("/etc/shadow", Some("grant.write: [/etc/shadow]")), ("/etc/credstore/a*b", None)] {
        guard.over(&mut tree).write(path(at), b"", &below).unwrap_err();
        assert_eq!(guard.denials().last().unwrap().line.as_deref(), line, "{at}");
    }
    let told = guard.denials().last().unwrap().to_string();
    assert!(told.contains("no pattern can name it"), "{told}");
}

#[test]
fn denials_are_kept_once_counted_all_and_can_be_written_into_yaml() {
    let mut tree = tree();
    let mut guard = Guard::new(scope(None, &[]));
    for name in ["a b", "a,b", "#a", "a\"b", "a\\b", "a*b", "ä", "a\nb"] {
        let at = format!("/in/{name}");
        for _ in 0..2 {
            guard.over(&mut tree).write(path(&at), b"", &NEW).unwrap_err();
        }
    }
    assert_eq!((guard.denied(), guard.denials().len()), (16, 8));
    let lines: Vec<&str> = guard.denials().iter().map(|denial| denial.line.as_deref().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "grant.write: [\"/in/a b\"]",
            "grant.write: [\"/in/a,b\"]",
            "grant.write: [\"/in/#a\"]",
            "grant.write: [\"/in/a\\\"b\"]",
            "grant.write: [\"/in/a\\\\b\"]",
            "grant.write: [\"/in/a?b\"]",
            "grant.write: [\"/in/ä\"]",
            "grant.write: [\"/in/a?b\"]",
        ]
    );
    for number in 0..100 {
        guard.over(&mut tree).write(path(&format!("/in/{number}")), b"", &NEW).unwrap_err();
    }
    assert_eq!((guard.denied(), guard.denials().len()), (116, 20));
    assert_eq!(guard.denials()[8].to_string(), "cannot write `/in/0`: add `grant.write: [/in/0]`");
}

#[test]
fn a_way_that_was_asked_for_is_forgotten_when_the_tree_changes() {
    use crate::tree::Aim;
    let mut tree = tree();
    let asked = tree.locate(path("/in/to-file"), Aim::Target).unwrap();
    assert_eq!(asked.path.as_bytes(), b"/out/file");
    tree.remove_file(path("/in/to-file")).unwrap();
    tree.make_symlink(b"/in/deep/file", path("/in/to-file")).unwrap();
    assert_eq!(operations::read_file(&mut tree, path("/in/to-file"), 99).unwrap(), b"/in/deep/file");
    for aim in [Aim::Target, Aim::Itself, Aim::Name] {
        for at in ["/in/to-out", "/in/to-out/", "/in/deep/", "/", "/in/deep/..", "/in/none", "/in/file/"] {
            let mut other = self::tree();
            let _ = other.locate(path(at), aim);
            for follow in [Follow::Yes, Follow::No] {
                let (one, two) = (other.metadata(path(at), follow), self::tree().metadata(path(at), follow));
                assert_eq!(one.map_err(|e| e.kind()), two.map_err(|e| e.kind()), "{at} {aim:?}");
                let _ = other.locate(path(at), aim);
            }
            let _ = other.locate(path(at), aim);
            let (one, two) = (other.remove_directory(path(at)), self::tree().remove_directory(path(at)));
            assert_eq!(one.map_err(|e| e.kind()), two.map_err(|e| e.kind()), "{at} {aim:?}");
        }
    }
}
