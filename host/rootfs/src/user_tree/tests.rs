use crate::error::ErrorKind;
use crate::testing::{CLOCK, Image, path, path_buf};
use crate::tree::{Follow, Kind, Owner, Tree, WriteOptions};

const MIB: u64 = 1024 * 1024;

fn kind<T: std::fmt::Debug>(result: crate::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn what_is_made_can_be_read_after_a_flush() {
    let image = Image::ext(16 * MIB, &["-t", "ext4"]);
    let mut tree = image.ext4_tree();
    tree.make_directory(path("/etc"), 0o755).unwrap();
    tree.write(path("/etc/hostname"), b"web-1", &WriteOptions::default()).unwrap();
    tree.make_symlink(b"hostname", path("/etc/name")).unwrap();
    tree.set_owner(path("etc/name"), Owner { uid: 70_000, gid: 5 }, Follow::No).unwrap();
    tree.set_xattr(path("/etc/hostname"), "user.a", b"1").unwrap();
    tree.set_xattr(path("/etc/hostname"), "security.selinux", &[7; 900]).unwrap();
    tree.flush().unwrap();
    image.check_ext();
    tree.write(path("/etc/name"), b"web-22", &WriteOptions::default()).unwrap();
    tree.flush().unwrap();
    drop(tree);
    image.check_ext();

    let mut tree = image.ext4_tree();
    let metadata = tree.metadata(path("/etc/hostname"), Follow::Yes).unwrap();
    assert_eq!((metadata.kind, metadata.size, metadata.mode), (Kind::Regular, 6, 0o644));
    assert_eq!(metadata.modified, CLOCK);
    assert_eq!(tree.metadata(path("/etc/name"), Follow::No).unwrap().owner, Owner { uid: 70_000, gid: 5 });
    assert_eq!(tree.xattr(path("/etc/hostname"), "security.selinux").unwrap(), [7; 900]);
    assert_eq!(tree.list_xattrs(path("/etc/hostname")).unwrap(), ["security.selinux", "user.a"]);
    tree.remove_xattr(path("/etc/hostname"), "security.selinux").unwrap();
    assert_eq!(kind(tree.xattr(path("/etc/hostname"), "security.selinux")), ErrorKind::NotFound);
    tree.flush().unwrap();
    image.check_ext();
}

/// A tree with a few links to follow.
fn maze() -> (Image, crate::UserTree) {
    let image = Image::ext(16 * MIB, &["-t", "ext4"]);
    let mut tree = image.ext4_tree();
    for directory in ["/etc", "/usr", "/usr/lib", "/deep", "/deep/down"] {
        tree.make_directory(path(directory), 0o755).unwrap();
    }
    tree.write(path("/etc/passwd"), b"inside", &NEW).unwrap();
    tree.write(path("/usr/lib/os-release"), b"os", &NEW).unwrap();
    for (link, target) in [
        ("/lib", "usr/lib"),
        ("/abs", "/usr"),
        ("/etc/os-release", "../usr/lib/os-release"),
        ("/escape", "../../../../../../etc/passwd"),
        ("/loop", "loop"),
        ("/loop-a", "/loop-b"),
        ("/loop-b", "loop-a"),
        ("/dangling", "/etc/new"),
        ("/up", "/deep/down/.."),
        ("/slash", "etc/passwd/"),
        ("/dirslash", "usr/"),
        ("/nowhere", "missing/dir/file"),
    ] {
        tree.make_symlink(target.as_bytes(), path(link)).unwrap();
    }
    (image, tree)
}

const NEW: WriteOptions = WriteOptions {
    existing: crate::Existing::Replace,
    mode: None,
    owner: None,
    replace_symlink: false,
    parents: false,
};

#[test]
fn paths_are_resolved_inside_the_image() {
    let (_image, mut tree) = maze();
    for (given, expected) in [
        ("/", "/"),
        ("//", "/"),
        (".", "/"),
        ("..", "/"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("etc/passwd", "/etc/passwd"),
        ("/etc/./../etc//passwd", "/etc/passwd"),
        ("/lib/os-release", "/usr/lib/os-release"),
        ("/abs/lib/", "/usr/lib"),
        ("/abs/../etc", "/etc"),
        ("/lib/..", "/usr"),
        ("/up/down", "/deep/down"),
        ("/etc/os-release", "/usr/lib/os-release"),
        ("/escape", "/etc/passwd"),
        ("/dirslash/lib", "/usr/lib"),
        ("/dirslash", "/usr"),
    ] {
        assert_eq!(tree.resolve(path(given)).unwrap().display(), expected, "{given}");
    }
    for (given, expected) in [
        ("", ErrorKind::InvalidPath),
        ("/a\0b", ErrorKind::InvalidPath),
        ("/loop", ErrorKind::SymlinkLoop),
        ("/loop-a/x", ErrorKind::SymlinkLoop),
        ("/dangling", ErrorKind::NotFound),
        ("/nowhere", ErrorKind::NotFound),
        ("/etc/passwd/", ErrorKind::NotADirectory),
        ("/etc/passwd/..", ErrorKind::NotADirectory),
        ("/etc/passwd/.", ErrorKind::NotADirectory),
        ("/slash", ErrorKind::NotADirectory),
        ("/escape/", ErrorKind::NotADirectory),
        ("/missing/..", ErrorKind::NotFound),
    ] {
        assert_eq!(kind(tree.resolve(path(given))), expected, "{given}");
    }
}

#[test]
fn a_chain_of_forty_links_is_followed_and_one_more_is_not() {
    let (_image, mut tree) = maze();
    tree.make_symlink(b"/etc/passwd", path("/1")).unwrap();
    for number in 2..=41 {
        let target = format!("{}", number - 1);
        tree.make_symlink(target.as_bytes(), path(&format!("/{number}"))).unwrap();
    }
    assert_eq!(tree.resolve(path("/40")).unwrap().display(), "/etc/passwd");
    assert_eq!(kind(tree.resolve(path("/41"))), ErrorKind::SymlinkLoop);
}

#[test]
fn a_last_link_is_followed_or_not_as_the_call_says() {
    let (_image, mut tree) = maze();
    assert_eq!(tree.metadata(path("/escape"), Follow::No).unwrap().kind, Kind::Symlink);
    assert_eq!(tree.metadata(path("/escape"), Follow::Yes).unwrap().size, 6);
    assert_eq!(tree.metadata(path("/abs/"), Follow::No).unwrap().kind, Kind::Directory);
    assert_eq!(tree.read_link(path("/escape")).unwrap(), b"../../../../../../etc/passwd");
    assert_eq!(kind(tree.read_link(path("/etc"))), ErrorKind::InvalidArgument);
    // Writing goes to what the link means, even if that is not there yet.
    tree.write(path("/dangling"), b"made", &NEW).unwrap();
    assert_eq!(tree.metadata(path("/etc/new"), Follow::No).unwrap().size, 4);
    tree.write(path("/escape"), b"replaced", &WriteOptions { replace_symlink: true, ..NEW }).unwrap();
    assert_eq!(tree.metadata(path("/escape"), Follow::No).unwrap().kind, Kind::Regular);
    assert_eq!(tree.metadata(path("/etc/passwd"), Follow::No).unwrap().size, 6);
    // Removing and renaming never follow.
    tree.rename(path("/abs"), path("/etc/renamed")).unwrap();
    assert_eq!(tree.read_link(path("/etc/renamed")).unwrap(), b"/usr");
    tree.remove_file(path("/lib")).unwrap();
    assert!(tree.metadata(path("/usr/lib/os-release"), Follow::No).is_ok());
    tree.make_hard_link(path("/dirslash"), path("/second")).unwrap();
    assert_eq!(tree.metadata(path("/second"), Follow::No).unwrap().kind, Kind::Symlink);
}

#[test]
fn slashes_at_the_end_demand_a_directory() {
    let (_image, mut tree) = maze();
    tree.make_directory(path("/made/"), 0o755).unwrap();
    assert_eq!(kind(tree.make_directory(path("/dangling"), 0o755)), ErrorKind::AlreadyExists);
    assert_eq!(kind(tree.make_directory(path("/"), 0o755)), ErrorKind::AlreadyExists);
    assert_eq!(kind(tree.make_directory(path("/made/.."), 0o755)), ErrorKind::AlreadyExists);
    assert_eq!(kind(tree.write(path("/file/"), b"", &NEW)), ErrorKind::IsADirectory);
    assert_eq!(kind(tree.write(path("/etc/passwd/"), b"", &NEW)), ErrorKind::NotADirectory);
    assert_eq!(kind(tree.write(path("/etc"), b"", &NEW)), ErrorKind::IsADirectory);
    assert_eq!(kind(tree.write(path("/"), b"", &NEW)), ErrorKind::IsADirectory);
    assert_eq!(kind(tree.write(path("/etc/.."), b"", &NEW)), ErrorKind::IsADirectory);
    assert_eq!(kind(tree.remove_file(path("/etc/passwd/"))), ErrorKind::NotADirectory);
    assert_eq!(kind(tree.remove_file(path("/abs/"))), ErrorKind::NotADirectory);
    assert_eq!(kind(tree.remove_directory(path("/dirslash/"))), ErrorKind::NotADirectory);
    assert_eq!(kind(tree.rename(path("/dirslash/"), path("/x"))), ErrorKind::NotADirectory);
    assert_eq!(kind(tree.rename(path("/etc/passwd"), path("/x/"))), ErrorKind::NotADirectory);
    assert_eq!(kind(tree.make_symlink(b"x", path("/new/"))), ErrorKind::NotFound);
    tree.rename(path("/made/"), path("/moved/")).unwrap();
    tree.remove_directory(path("/moved/")).unwrap();
    for bad in ["/", "/etc/.", "/etc/..", ".."] {
        assert!(tree.remove_directory(path(bad)).is_err(), "{bad}");
        assert!(tree.rename(path(bad), path("/x")).is_err(), "{bad}");
        assert!(tree.remove_file(path(bad)).is_err(), "{bad}");
    }
}

#[test]
fn names_and_paths_have_their_lengths() {
    let (image, mut tree) = maze();
    let name = |len: usize| format!("/{}", "n".repeat(len));
    tree.write(path(&name(255)), b"", &NEW).unwrap();
    assert_eq!(kind(tree.write(path(&name(256)), b"", &NEW)), ErrorKind::InvalidPath);
    assert_eq!(kind(tree.metadata(path(&name(256)), Follow::No)), ErrorKind::InvalidPath);
    let long = "/.".repeat(2047);
    assert_eq!(tree.resolve(path(&(long.clone() + "/"))).unwrap().display(), "/");
    assert_eq!(kind(tree.resolve(path(&(long + "/."))),), ErrorKind::InvalidPath);
    let target = vec![b'/'; 1024];
    tree.make_symlink(&target[..1000], path("/slashes")).unwrap();
    assert_eq!(tree.resolve(path("/slashes")).unwrap().display(), "/");
    for bad in [&b""[..], b"a\0b", &[b'x'; 4096]] {
        assert_eq!(kind(tree.make_symlink(bad, path("/bad"))), ErrorKind::InvalidArgument);
    }
    let odd = path_buf(b"/\xff\x01\n");
    tree.write(&odd, b"odd", &NEW).unwrap();
    assert!(tree.list_directory(path("/")).unwrap().iter().any(|entry| entry.name == b"\xff\x01\n"));
    tree.set_xattr(&odd, "user.x", &[1; 500]).unwrap();
    assert_eq!(tree.xattr(&odd, "user.x").unwrap(), [1; 500]);
    tree.rename(&odd, path("/even")).unwrap();
    tree.flush().unwrap();
    image.check_ext();
}

#[test]
fn only_regular_files_are_opened() {
    let (_image, mut tree) = maze();
    let device = crate::Device { major: 8, minor: 0 };
    tree.make_node(path("/sda"), Kind::BlockDevice, 0o600, Some(device)).unwrap();
    tree.make_node(path("/pipe"), Kind::Fifo, 0o600, None).unwrap();
    for special in ["/sda", "/pipe"] {
        assert_eq!(kind(tree.open(path(special))), ErrorKind::SpecialFile);
        assert_eq!(kind(tree.write(path(special), b"x", &NEW)), ErrorKind::SpecialFile);
        assert_eq!(kind(tree.create(path(special), &NEW)), ErrorKind::SpecialFile);
    }
    assert_eq!(kind(tree.open(path("/etc"))), ErrorKind::IsADirectory);
    assert_eq!(kind(tree.make_node(path("/x"), Kind::Regular, 0o600, None)), ErrorKind::InvalidArgument);
    assert_eq!(kind(tree.make_node(path("/x"), Kind::Fifo, 0o600, Some(device))), ErrorKind::InvalidArgument);
    assert_eq!(kind(tree.make_node(path("/x"), Kind::CharDevice, 0o600, None)), ErrorKind::InvalidArgument);
    for mode in [0o10000, u32::MAX] {
        assert_eq!(kind(tree.set_mode(path("/etc"), mode)), ErrorKind::InvalidArgument);
        assert_eq!(kind(tree.make_directory(path("/x"), mode)), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_file_removed_while_open_is_gone_for_its_holder() {
    let (image, mut tree) = maze();
    let removed = tree.create(path("/one"), &NEW).unwrap();
    let replaced = tree.create(path("/two"), &NEW).unwrap();
    let linked = tree.create(path("/three"), &NEW).unwrap();
    tree.make_hard_link(path("/three"), path("/four")).unwrap();
    tree.write_at(linked, 0, b"three").unwrap();
    tree.remove_file(path("/one")).unwrap();
    tree.remove_file(path("/three")).unwrap();
    // Takes the inode that has just become free.
    let other = tree.create(path("/other"), &NEW).unwrap();
    tree.rename(path("/other"), path("/two")).unwrap();
    for lost in [removed, replaced] {
        assert_eq!(kind(tree.write_at(lost, 0, b"x")), ErrorKind::NotFound);
        assert_eq!(kind(tree.read_at(lost, 0, &mut [0; 4])), ErrorKind::NotFound);
        assert_eq!(kind(tree.file_metadata(lost)), ErrorKind::NotFound);
        tree.close(lost).unwrap();
        assert_eq!(kind(tree.close(lost)), ErrorKind::InvalidArgument);
    }
    tree.write_at(other, 0, b"other").unwrap();
    let mut content = [0; 9];
    assert_eq!(tree.read_at(linked, 0, &mut content).unwrap(), 5);
    assert_eq!(&content[..5], b"three");
    tree.flush().unwrap();
    image.check_ext();
}

#[test]
fn renaming_replaces_as_the_system_call_does() {
    let (image, mut tree) = maze();
    tree.make_directory(path("/empty"), 0o755).unwrap();
    for (old, new, expected) in [
        ("/etc", "/usr", ErrorKind::DirectoryNotEmpty),
        ("/etc", "/escape", ErrorKind::NotADirectory),
        ("/escape", "/etc", ErrorKind::IsADirectory),
        ("/deep", "/deep/down/x", ErrorKind::InvalidArgument),
        ("/deep", "/deep/down", ErrorKind::InvalidArgument),
        ("/missing", "/x", ErrorKind::NotFound),
        ("/etc", "/missing/x", ErrorKind::NotFound),
    ] {
        assert_eq!(kind(tree.rename(path(old), path(new))), expected, "{old} {new}");
    }
    tree.rename(path("/deep"), path("/deep")).unwrap();
    tree.rename(path("/deep"), path("/empty")).unwrap();
    assert_eq!(tree.resolve(path("/empty/down")).unwrap().display(), "/empty/down");
    tree.make_hard_link(path("/etc/passwd"), path("/etc/other")).unwrap();
    tree.rename(path("/etc/passwd"), path("/etc/other")).unwrap();
    assert!(tree.metadata(path("/etc/passwd"), Follow::No).is_ok());
    tree.flush().unwrap();
    image.check_ext();
}

#[test]
fn file_systems_are_crossed_both_ways_and_kept_apart() {
    let root = Image::ext(16 * MIB, &["-t", "ext4"]);
    let boot = Image::ext(8 * MIB, &["-t", "ext4"]);
    let efi = Image::fat(8 * MIB, &[]);
    let mut tree = root.ext4_tree();
    for directory in ["/boot", "/data", "/etc", "/sealed"] {
        tree.make_directory(path(directory), 0o755).unwrap();
    }
    tree.write(path("/boot/hidden"), b"", &NEW).unwrap();
    tree.attach(path("/boot"), boot.open_ext4(), "ext4", None).unwrap();
    assert_eq!(kind(tree.metadata(path("/boot/hidden"), Follow::No)), ErrorKind::NotFound);
    tree.make_directory(path("/boot/efi"), 0o755).unwrap();
    let fat = crate::Fat::open(efi.window(), CLOCK, crate::FatOptions::default()).unwrap();
    tree.attach(path("/boot/efi"), fat, "vfat", None).unwrap();
    tree.attach(path("/data"), boot.open_ext4(), "ext4", Some("protected by verity".into())).unwrap();
    tree.seal(path("/sealed"), "xfs", "this build reads and writes ext4 and FAT").unwrap();
    tree.write(path("/boot/efi/EFI/BOOT/x.efi"), b"efi", &WriteOptions { parents: true, ..NEW }).unwrap();
    tree.make_symlink(b"../../boot/efi/EFI", path("/etc/esp")).unwrap();

    assert_eq!(tree.resolve(path("/etc/esp/boot/X.EFI")).unwrap().display(), "/boot/efi/EFI/boot/X.EFI");
    assert_eq!(tree.resolve(path("/boot/efi/..")).unwrap().display(), "/boot");
    assert_eq!(tree.resolve(path("/boot/efi/../../etc")).unwrap().display(), "/etc");
    let ids: Vec<u32> = ["/", "/boot", "/boot/efi", "/data"]
        .map(|at| tree.metadata(path(at), Follow::Yes).unwrap().id.mount)
        .to_vec();
    assert_eq!(ids, [0, 1, 2, 3]);

    for (expected, result) in [
        (ErrorKind::Unsupported, tree.rename(path("/etc"), path("/boot/etc"))),
        (ErrorKind::Unsupported, tree.make_hard_link(path("/etc/esp"), path("/boot/esp"))),
        (ErrorKind::InvalidArgument, tree.rename(path("/boot"), path("/boots"))),
        (ErrorKind::InvalidArgument, tree.rename(path("/boot/efi"), path("/boot/other"))),
        (ErrorKind::InvalidArgument, tree.remove_directory(path("/boot/efi"))),
        (ErrorKind::ReadOnly, tree.write(path("/data/x"), b"", &NEW)),
        (ErrorKind::ReadOnly, tree.make_directory(path("/data/x"), 0o755)),
        (ErrorKind::ReadOnly, tree.set_mode(path("/data"), 0o700)),
        (ErrorKind::ForeignMount, tree.write(path("/sealed/x"), b"", &NEW)),
        (ErrorKind::ForeignMount, tree.resolve(path("/sealed")).map(|_| ())),
        (ErrorKind::ForeignMount, tree.resolve(path("/sealed/a/../..")).map(|_| ())),
        (ErrorKind::ForeignMount, tree.list_directory(path("/sealed")).map(|_| ())),
    ] {
        assert_eq!(kind(result), expected);
    }
    let error = tree.metadata(path("/sealed/x"), Follow::No).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "`/sealed` is xfs: this build reads and writes ext4 and FAT");
    for bad in ["/", "/boot", "/boot/efi", "/etc/esp/.."] {
        assert_eq!(kind(tree.seal(path(bad), "xfs", "")), ErrorKind::AlreadyExists, "{bad}");
    }
    for at in ["/", "/boot"] {
        let removed = crate::operations::remove_tree(&mut tree, path(at));
        assert_eq!(kind(removed), ErrorKind::InvalidArgument);
    }
    let mounts: Vec<_> =
        tree.mounts().into_iter().map(|mount| (mount.path, mount.read_only.is_some())).collect();
    let expected = [("/", false), ("/boot", false), ("/boot/efi", false), ("/data", true), ("/sealed", true)];
    assert_eq!(mounts, expected.map(|(at, read_only)| (at.to_owned(), read_only)));
    assert_eq!(tree.list_directory(path("/")).unwrap().len(), 5);
    tree.flush().unwrap();
    drop(tree);
    root.check_ext();
    boot.check_ext();
    efi.check_fat();
}

#[test]
fn no_space_leaves_everything_as_it_was() {
    let image = Image::ext(4 * MIB, &["-t", "ext4", "-b", "4096", "-O", "^has_journal"]);
    let mut tree = image.ext4_tree();
    tree.write(path("/keep"), &[7; 10_000], &NEW).unwrap();
    tree.set_xattr(path("/keep"), "user.a", b"x").unwrap();
    let before = crate::operations::manifest(&mut tree, path("/")).unwrap();
    let big = vec![1; 5 * MIB as usize];
    let append = WriteOptions { existing: crate::Existing::Append, ..NEW };
    let replace = WriteOptions { parents: true, ..NEW };
    for result in [
        tree.write(path("/keep"), &big, &NEW),
        tree.write(path("/keep"), &big, &append),
        tree.write(path("/a/b/c"), &big, &replace),
    ] {
        assert_eq!(kind(result), ErrorKind::NoSpace);
    }
    let file = tree.open(path("/keep")).unwrap();
    assert_eq!(kind(tree.write_at(file, 10_000, &big)), ErrorKind::NoSpace);
    assert_eq!(kind(tree.write_at(file, u64::MAX - 5, b"x")), ErrorKind::TooLarge);
    assert_eq!(kind(tree.write_at(file, u64::MAX, b"xx")), ErrorKind::TooLarge);
    assert_eq!(kind(tree.set_size(file, u64::MAX)), ErrorKind::TooLarge);
    assert_eq!(crate::operations::manifest(&mut tree, path("/")).unwrap(), before);
    // Fill it up, in files of many sizes, and find that what is freed can be used again.
    let mut files = 0;
    while tree.write(path(&format!("/f{files}")), &vec![2; 1000 * (files % 90 + 1)], &NEW).is_ok() {
        files += 1;
    }
    assert!(files > 20);
    for number in 0..files {
        tree.remove_file(path(&format!("/f{number}"))).unwrap();
    }
    tree.write(path("/again"), &big[..2 * MIB as usize], &NEW).unwrap();
    tree.flush().unwrap();
    image.check_ext();
}

#[test]
fn writing_keeps_what_belongs_to_the_file() {
    let (image, mut tree) = maze();
    let file = path("/etc/passwd");
    tree.set_owner(file, Owner { uid: 5, gid: 6 }, Follow::No).unwrap();
    tree.set_mode(file, 0o6755).unwrap();
    tree.set_xattr(file, "security.selinux", b"label").unwrap();
    tree.make_hard_link(file, path("/linked")).unwrap();
    let before = tree.metadata(file, Follow::No).unwrap();
    tree.write(file, &vec![1; 100_000], &NEW).unwrap();
    tree.write(file, b"short", &NEW).unwrap();
    let after = tree.metadata(path("/linked"), Follow::No).unwrap();
    assert_eq!((after.id, after.mode, after.owner, after.links), (before.id, 0o6755, before.owner, 2));
    assert_eq!(after.size, 5);
    assert_eq!(tree.xattr(file, "security.selinux").unwrap(), b"label");
    let keep = WriteOptions { existing: crate::Existing::Keep, ..NEW };
    assert_eq!(kind(tree.write(file, b"", &keep)), ErrorKind::AlreadyExists);
    tree.flush().unwrap();
    image.check_ext();
}

#[test]
fn what_is_not_maintained_is_read_only_and_what_is_not_understood_is_refused() {
    for (arguments, read_only) in [
        (&["-t", "ext2"][..], true),
        (&["-t", "ext3"], true),
        (&["-t", "ext4", "-O", "quota"], true),
        (&["-t", "ext4", "-O", "bigalloc"], true),
        (&["-t", "ext4"], false),
    ] {
        let image = Image::ext(32 * MIB, arguments);
        let filesystem = image.open_ext4();
        assert_eq!(filesystem.read_only().is_some(), read_only, "{arguments:?}");
        let mut tree = image.ext4_tree();
        assert_eq!(tree.list_directory(path("/")).unwrap().len(), 1, "{arguments:?}");
        let expected = if read_only { Err(ErrorKind::ReadOnly) } else { Ok(()) };
        let found = tree.make_directory(path("/x"), 0o755).map_err(|error| error.kind());
        assert_eq!(found, expected, "{arguments:?}");
    }
    for arguments in [&["-t", "ext4", "-O", "casefold"][..], &["-t", "ext4", "-O", "encrypt"]] {
        let image = Image::ext(32 * MIB, arguments);
        let error = crate::Ext4::open(image.window(), CLOCK).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{arguments:?}");
    }
}

#[test]
fn a_thousand_files_in_a_directory() {
    let image = Image::ext(64 * MIB, &["-t", "ext4"]);
    let mut tree = image.ext4_tree();
    let start = std::time::Instant::now();
    tree.make_directory(path("/many"), 0o755).unwrap();
    for number in 0..1000 {
        let name = format!("/many/a-file-with-a-name-{number}");
        tree.write(path(&name), name.as_bytes(), &NEW).unwrap();
    }
    tree.flush().unwrap();
    println!("1000 files in one directory: {:?}", start.elapsed());
    assert_eq!(tree.list_directory(path("/many")).unwrap().len(), 1000);
    image.check_ext();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the journal is written by debugfs")]
fn a_journal_that_was_left_behind_is_replayed() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let image = Image::ext(16 * MIB, &["-t", "ext4", "-b", "4096"]);
    let mut tree = image.ext4_tree();
    tree.write(path("/file"), &[b'a'; 4096], &NEW).unwrap();
    tree.flush().unwrap();
    drop(tree);
    let shown =
        crate::testing::run(Command::new("debugfs").args(["-R", "blocks /file"]).arg(image.file.path()));
    let block = String::from_utf8(shown.stdout).unwrap().trim().to_owned();
    let mut journaled = tempfile::NamedTempFile::new().unwrap();
    journaled.write_all(&[b'b'; 4096]).unwrap();
    let mut debugfs = Command::new("debugfs")
        .arg("-w")
        .arg(image.file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let script = format!("jo\njw -b {block} {}\njc\nquit\n", journaled.path().display());
    debugfs.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(debugfs.wait().unwrap().success());
    let before = image.bytes();

    let mut tree = image.ext4_tree();
    assert_eq!(crate::operations::read_file(&mut tree, path("/file"), 9999).unwrap(), [b'b'; 4096]);
    assert!(image.bytes() == before, "looking alone writes nothing");
    tree.write(path("/other"), b"x", &NEW).unwrap();
    tree.flush().unwrap();
    drop(tree);
    image.check_ext();
    let mut tree = image.ext4_tree();
    assert_eq!(crate::operations::read_file(&mut tree, path("/file"), 9999).unwrap(), [b'b'; 4096]);
}
