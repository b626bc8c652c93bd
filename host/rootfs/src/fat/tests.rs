use super::*;
use crate::UserTree;
use crate::testing::{CLOCK, Image, path};
use crate::tree::{Existing, Follow, Tree, WriteOptions};

const MIB: u64 = 1024 * 1024;
const NEW: WriteOptions = WriteOptions {
    existing: Existing::Replace,
    mode: None,
    owner: None,
    replace_symlink: false,
    parents: false,
};

fn tree(image: &Image) -> UserTree {
    let mut tree = UserTree::new(CLOCK);
    let fat = Fat::open(image.window(), CLOCK, FatOptions::default()).unwrap();
    tree.mount_root(fat, "vfat").unwrap();
    tree
}

fn volumes() -> Vec<(&'static str, Image)> {
    vec![
        ("12", Image::fat(2 * MIB, &["-F", "12"])),
        ("16", Image::fat(20 * MIB, &["-F", "16"])),
        ("32", Image::fat(70 * MIB, &["-F", "32", "-s", "1"])),
        ("32 with large sectors", Image::fat(300 * MIB, &["-F", "32", "-S", "4096"])),
        ("32 in few clusters", Image::fat(8 * MIB, &["-F", "32"])),
    ]
}

fn names(tree: &mut UserTree, directory: &str) -> Vec<String> {
    let entries = tree.list_directory(path(directory)).unwrap();
    entries.into_iter().map(|entry| String::from_utf8(entry.name).unwrap()).collect()
}

#[test]
fn files_and_directories_are_found_again_by_other_tools_and_by_us() {
    for (which, image) in volumes() {
        let mut one = tree(&image);
        one.make_directory(path("/EFI"), 0o700).unwrap();
        one.make_directory(path("/EFI/Linux"), 0o700).unwrap();
        one.write(path("/EFI/BOOT.EFI"), b"short", &NEW).unwrap();
        one.write(path("/efi/linux/vmlinuz-6.12.0-1.efi"), &vec![1; 70_000], &NEW).unwrap();
        one.write(path("/EFI/Grüße 🦀.txt"), b"long", &NEW).unwrap();
        for number in 0..100 {
            one.write(path(&format!("/EFI/Linux/kernel-number-{number}.conf")), b"x", &NEW).unwrap();
        }
        one.flush().unwrap();
        image.check_fat();
        let mut two = tree(&image);
        assert_eq!(names(&mut two, "/EFI"), ["BOOT.EFI", "Grüße 🦀.txt", "Linux"], "{which}");
        assert_eq!(names(&mut two, "/EFI/Linux").len(), 101);
        let file = two.open(path("/EFI/LINUX/VMLINUZ-6.12.0-1.EFI")).unwrap();
        let mut content = vec![0; 70_001];
        assert_eq!(two.read_at(file, 0, &mut content).unwrap(), 70_000);
        assert!(content[..70_000].iter().all(|byte| *byte == 1));
        let metadata = two.file_metadata(file).unwrap();
        assert_eq!((metadata.mode, metadata.owner, metadata.modified), (0o755, Owner::default(), CLOCK));
    }
}

#[test]
fn content_changes_in_place() {
    for (which, image) in volumes() {
        let mut tree = tree(&image);
        tree.write(path("/f"), &[7; 5000], &NEW).unwrap();
        let id = tree.metadata(path("/f"), Follow::No).unwrap().id;
        let file = tree.open(path("/f")).unwrap();
        tree.write_at(file, 4998, b"abcd").unwrap();
        tree.write_at(file, 9000, b"end").unwrap();
        tree.set_size(file, 12_000).unwrap();
        let mut content = vec![9; 13_000];
        assert_eq!(tree.read_at(file, 0, &mut content).unwrap(), 12_000, "{which}");
        assert_eq!(&content[4996..5003], b"\x07\x07abcd\0");
        assert_eq!(&content[8999..9004], b"\0end\0");
        assert!(content[9003..12_000].iter().all(|byte| *byte == 0));
        tree.set_size(file, 4999).unwrap();
        tree.set_size(file, 5001).unwrap();
        assert_eq!(tree.read_at(file, 4998, &mut content).unwrap(), 3);
        assert_eq!(&content[..3], b"a\0\0");
        tree.rename(path("/f"), path("/F-renamed")).unwrap();
        tree.write_at(file, 0, b"still open").unwrap();
        assert_eq!(tree.metadata(path("/f-RENAMED"), Follow::No).unwrap().id, id);
        tree.remove_file(path("/F-renamed")).unwrap();
        assert_eq!(tree.write_at(file, 0, b"x").unwrap_err().kind(), ErrorKind::NotFound);
        tree.flush().unwrap();
        image.check_fat();
    }
}

#[test]
fn what_fat_lacks_is_refused() {
    let image = Image::fat(20 * MIB, &[]);
    let mut tree = tree(&image);
    tree.write(path("/f"), b"", &WriteOptions { mode: Some(0o600), owner: Some(Owner::default()), ..NEW })
        .unwrap();
    tree.set_mode(path("/f"), 0o640).unwrap();
    assert_eq!(tree.metadata(path("/f"), Follow::No).unwrap().mode, 0o755);
    let other = Owner { uid: 1, gid: 0 };
    let results = [
        tree.make_symlink(b"x", path("/l")),
        tree.make_hard_link(path("/f"), path("/g")),
        tree.make_node(path("/p"), Kind::Fifo, 0o644, None),
        tree.set_owner(path("/f"), other, Follow::No),
        tree.set_xattr(path("/f"), "user.a", b""),
        tree.write(path("/a:b"), b"", &NEW),
        tree.write(path("/dot."), b"", &NEW),
        tree.write(ImagePathBytes(b"/\xff").path(), b"", &NEW),
        tree.make_directory(path("/nul\u{1}"), 0o755),
        tree.write(path("/new"), b"", &WriteOptions { owner: Some(other), ..NEW }),
    ];
    for (index, result) in results.into_iter().enumerate() {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unsupported, "{index}");
    }
    assert_eq!(names(&mut tree, "/"), ["f"]);
    assert!(tree.list_xattrs(path("/f")).unwrap().is_empty());
    tree.flush().unwrap();
    image.check_fat();
}

struct ImagePathBytes(&'static [u8]);

impl ImagePathBytes {
    fn path(&self) -> &crate::path::ImagePath {
        crate::path::ImagePath::new(self.0)
    }
}

#[test]
fn case_can_be_changed_and_short_names_stay_apart() {
    let image = Image::fat(20 * MIB, &[]);
    let mut tree = tree(&image);
    tree.write(path("/Boot"), b"1", &NEW).unwrap();
    tree.rename(path("/boot"), path("/BOOT")).unwrap();
    assert_eq!(names(&mut tree, "/"), ["BOOT"]);
    tree.rename(path("/BOOT"), path("/boot")).unwrap();
    assert_eq!(names(&mut tree, "/"), ["boot"]);
    let refused =
        tree.write(path("/bOOt"), b"", &WriteOptions { existing: Existing::Keep, ..NEW }).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    // LONGNAME~1 style names may be asked for by name.
    tree.write(path("/a rather long name"), b"2", &NEW).unwrap();
    assert_eq!(tree.metadata(path("/ARATHE~1"), Follow::No).unwrap().size, 1);
    tree.make_directory(path("/d"), 0o755).unwrap();
    tree.make_directory(path("/e"), 0o755).unwrap();
    tree.rename(path("/d"), path("/e/d")).unwrap();
    tree.write(path("/e/d/file with a name"), b"3", &NEW).unwrap();
    tree.rename(path("/boot"), path("/e/d/FILE WITH A NAME")).unwrap();
    assert_eq!(names(&mut tree, "/e/d"), ["FILE WITH A NAME"]);
    tree.flush().unwrap();
    image.check_fat();
}

#[test]
fn no_space_changes_nothing() {
    let image = Image::fat(2 * MIB, &["-F", "12"]);
    let mut tree = tree(&image);
    tree.write(path("/keep"), &[5; 3000], &NEW).unwrap();
    let big = vec![1; 3 * MIB as usize];
    let append = WriteOptions { existing: Existing::Append, ..NEW };
    for result in [
        tree.write(path("/keep"), &big, &NEW),
        tree.write(path("/keep"), &big, &append),
        tree.write(path("/new"), &big, &NEW),
        tree.write(path("/a/b/c"), &big, &WriteOptions { parents: true, ..NEW }),
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::NoSpace);
    }
    assert_eq!(names(&mut tree, "/"), ["keep"]);
    assert_eq!(crate::operations::read_file(&mut tree, path("/keep"), 9999).unwrap(), [5; 3000]);
    // The root directory of FAT12 has a fixed size.
    let mut made = 0;
    let full = loop {
        match tree.write(path(&format!("/a longer name, number {made}")), b"", &NEW) {
            Ok(()) => made += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::NoSpace);
    assert!(made > 50);
    tree.flush().unwrap();
    image.check_fat();
}

#[test]
fn trimming_leaves_nothing_of_removed_files() {
    let image = Image::fat(70 * MIB, &["-F", "32"]);
    let mut tree = tree(&image);
    let secret = b"TOP-SECRET-TOP-SECRET-".repeat(4000);
    tree.write(path("/gone"), &secret, &NEW).unwrap();
    tree.write(path("/kept"), &secret, &NEW).unwrap();
    tree.remove_file(path("/gone")).unwrap();
    tree.write(path("/kept"), &secret[..10], &NEW).unwrap();
    assert!(tree.trim().unwrap().bytes > 60 * MIB);
    image.check_fat();
    let found = image.bytes().windows(22).filter(|part| part == b"TOP-SECRET-TOP-SECRET-").count();
    assert_eq!(found, 0);
    assert_eq!(crate::operations::read_file(&mut tree, path("/kept"), 99).unwrap(), secret[..10]);
}

#[test]
fn mount_options_become_masks() {
    for (options, file, directory) in [
        ("defaults", 0o022, 0o022),
        ("umask=0077,shortname=winnt", 0o077, 0o077),
        ("fmask=0133,umask=0027", 0o133, 0o027),
        ("dmask=7777,umask=x", 0o022, 0o022),
    ] {
        let found = FatOptions::from_mount_options([options]);
        assert_eq!((found.file_mask, found.directory_mask), (file, directory), "{options}");
    }
}

#[test]
fn a_thousand_files_in_a_directory() {
    let image = Image::fat(70 * MIB, &["-F", "32"]);
    let mut tree = tree(&image);
    let start = std::time::Instant::now();
    tree.make_directory(path("/many"), 0o755).unwrap();
    for number in 0..1000 {
        tree.write(path(&format!("/many/a-file-with-a-name-{number}")), &[1; 3000], &NEW).unwrap();
    }
    tree.flush().unwrap();
    println!("1000 files in one directory of a FAT: {:?}", start.elapsed());
    assert_eq!(names(&mut tree, "/many").len(), 1000);
    for number in 0..1000 {
        tree.remove_file(path(&format!("/many/a-file-with-a-name-{number}"))).unwrap();
    }
    tree.remove_directory(path("/many")).unwrap();
    tree.flush().unwrap();
    image.check_fat();
}

#[test]
fn the_short_name_beside_a_long_one_is_the_name_itself_where_only_case_differs() {
    let cases: [(&str, &[&str], &str); 5] = [
        ("grub.cfg", &[], "GRUB    CFG"),
        ("x", &[], "X          "),
        ("grub.cfg", &["GRUB    CFG"], "GRUB~1  CFG"),
        ("loader.conf", &[], "LOADER~1CON"),
        ("a b.txt", &[], "AB~1    TXT"),
    ];
    for (long, taken, expected) in cases {
        let short = name::make_short(long, &|short| taken.iter().any(|taken| taken.as_bytes() == short));
        assert_eq!(String::from_utf8_lossy(&short.unwrap()), expected, "{long}, {taken:?}");
    }
}
