//! Damaged images: whatever is in them, calls end in an answer or an error, soon.

use crate::operations::{self, TreeOptions, manifest};
use crate::path::ImagePath;
use crate::testing::{CLOCK, Image, Random, path};
use crate::tree::{Follow, Owner, Tree, WriteOptions};
use crate::{Ext4, Fat, FatOptions, FileSystem, Result, UserTree};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;
/// No case may take longer, with the machine as busy as it likes to be.
const LONGEST: Duration = Duration::from_secs(60);

fn fill(tree: &mut UserTree, links: bool) {
    let options = WriteOptions { parents: true, ..WriteOptions::default() };
    for number in 0..60 {
        let name = format!("/dir/sub-{}/file with a longer name {number}", number % 5);
        tree.write(path(&name), &vec![number; 700 * usize::from(number)], &options).unwrap();
    }
    if links {
        tree.make_symlink(&[b'x'; 200], path("/dir/long-link")).unwrap();
        tree.make_symlink(b"dir", path("/link")).unwrap();
        tree.make_hard_link(path("/dir/sub-1/file with a longer name 1"), path("/hard")).unwrap();
        tree.set_xattr(path("/hard"), "user.big", &[1; 800]).unwrap();
        tree.set_xattr(path("/dir"), "user.small", b"1").unwrap();
    }
    tree.flush().unwrap();
}

/// Everything once, errors welcome.
fn use_all(open: impl Fn() -> Result<Box<dyn FileSystem>>) {
    let Ok(filesystem) = open() else { return };
    let mut tree = UserTree::new(CLOCK);
    tree.mount_root(filesystem, "hostile").unwrap();
    let _ = manifest(&mut tree, path("/"));
    let mut paths = vec![path("/").to_owned()];
    let mut index = 0;
    while let Some(directory) = paths.get(index).cloned() {
        index += 1;
        let Ok(entries) = tree.list_directory(&directory) else { continue };
        for entry in entries.into_iter().take(15) {
            if paths.len() < 60 {
                paths.push(directory.join(&entry.name));
            }
        }
    }
    for path in &paths {
        look(&mut tree, path);
    }
    for path in &paths {
        change(&mut tree, path);
    }
    let _ = operations::copy_tree(&mut tree, path("/dir"), path("/copy"), &TreeOptions::default());
    let _ = operations::remove_tree(&mut tree, path("/dir"));
    let _ = tree.flush();
    let _ = tree.trim();
}

fn look(tree: &mut UserTree, path: &ImagePath) {
    let _ = tree.metadata(path, Follow::Yes);
    let _ = tree.read_link(path);
    let _ = operations::read_file(tree, path, MIB);
    for name in tree.list_xattrs(path).unwrap_or_default() {
        let _ = tree.xattr(path, &name);
    }
}

fn change(tree: &mut UserTree, path: &ImagePath) {
    let new = path.join(b"new");
    let _ = tree.write(&new, &[1; 9000], &WriteOptions::default());
    let _ = tree.write(path, &[2; 9000], &WriteOptions::default());
    let _ = tree.make_directory(&path.join(b"made"), 0o755);
    let _ = tree.set_owner(path, Owner { uid: 1, gid: 1 }, Follow::No);
    let _ = tree.set_xattr(path, "user.new", &[3; 500]);
    let _ = tree.remove_xattr(path, "user.big");
    if let Ok(file) = tree.open(path) {
        let _ = tree.set_size(file, 100);
        let _ = tree.set_size(file, 1 << 33);
        let _ = tree.write_at(file, 1 << 32, b"far");
        let _ = tree.close(file);
    }
    let _ = tree.rename(&new, &path.join(b"renamed"));
    let _ = tree.remove_file(&path.join(b"renamed"));
}

/// Damages one of the regions, in one of several ways.
fn damage(image: &Image, random: &mut Random, regions: &[(u64, u64)]) {
    let file = image.file.as_file();
    let len = file.metadata().unwrap().len();
    for _ in 0..1 + random.below(3) {
        let (start, size) = regions[random.below(regions.len() as u64) as usize];
        let offset = (start + random.below(size)).min(len - 8);
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, offset).unwrap();
        match random.below(6) {
            0 => bytes[0] ^= 1 << random.below(8),
            1 => bytes = [0xFF; 8],
            2 => bytes = [0; 8],
            3 => bytes[..4].copy_from_slice(&(random.below(4000) as u32).to_le_bytes()),
            4 => bytes = random.next().to_le_bytes(),
            _ => bytes[0] = bytes[0].wrapping_add(1),
        }
        file.write_all_at(&bytes, offset).unwrap();
    }
    if random.below(12) == 0 {
        file.set_len(random.below(len)).unwrap();
    }
}

fn cases(
    base: &Image,
    count: u64,
    regions: &[(u64, u64)],
    open: impl Fn(&Image) -> Result<Box<dyn FileSystem>>,
) {
    for seed in 0..count {
        let image = base.copy();
        damage(&image, &mut Random::new(seed + 1), regions);
        let start = Instant::now();
        use_all(|| open(&image));
        assert!(start.elapsed() < LONGEST, "seed {seed} takes {:?}", start.elapsed());
    }
}

fn ext4(arguments: &[&str], count: u64) {
    let base = Image::ext(4 * MIB, &[&["-t", "ext4", "-N", "128", "-b", "1024"], arguments].concat());
    fill(&mut base.ext4_tree(), true);
    base.check_ext();
    // Superblock and descriptors, then bitmaps, inodes and the first directories.
    let regions = [(1024, 1024), (2048, 1024), (3072, 300 * 1024), (1024, 300 * 1024)];
    cases(&base, count, &regions, |image| Ext4::open(image.window(), CLOCK));
}

#[test]
fn damaged_ext4_ends_in_errors() {
    ext4(&["-O", "^has_journal"], 80);
}

/// Without checksums damage is not noticed by its sum, and everything must be checked by its sense.
#[test]
fn damaged_ext4_without_checksums_ends_in_errors() {
    ext4(&["-O", "^metadata_csum,^has_journal"], 150);
}

#[test]
fn damaged_ext4_with_a_journal_ends_in_errors() {
    ext4(&["-O", "^metadata_csum,inline_data", "-I", "256", "-J", "size=1"], 60);
}

#[test]
fn damaged_fat_ends_in_errors() {
    for (arguments, count) in [(&["-F", "12"][..], 100), (&["-F", "16", "-s", "1"], 60), (&["-F", "32"], 60)]
    {
        let base = Image::fat(4 * MIB, arguments);
        let open = |image: &Image| Fat::open(image.window(), CLOCK, FatOptions::default());
        let mut tree = UserTree::new(CLOCK);
        tree.mount_root(open(&base).unwrap(), "vfat").unwrap();
        fill(&mut tree, false);
        base.check_fat();
        let regions = [(0, 90), (512, 4096), (16 * 1024, 60 * 1024), (0, 200 * 1024)];
        cases(&base, count, &regions, open);
    }
}

#[test]
fn what_is_no_file_system_is_refused() {
    let mut random = Random::new(7);
    for bytes in [0, 1, 511, 512, 1024, 2047, 2048, 4096, 100_000] {
        for noise in [false, true] {
            let image = Image::empty(bytes);
            if noise {
                image.file.as_file().write_all_at(&random.bytes(bytes as usize), 0).unwrap();
            }
            assert!(Ext4::open(image.window(), CLOCK).is_err(), "{bytes}");
            assert!(Fat::open(image.window(), CLOCK, FatOptions::default()).is_err(), "{bytes}");
        }
    }
}

/// A directory that is its own child: endless for all who follow names without looking.
#[test]
fn directories_in_a_circle_end_in_errors() {
    let image = Image::ext(4 * MIB, &["-t", "ext4", "-O", "^metadata_csum,^has_journal"]);
    let mut tree = image.ext4_tree();
    operations::make_directories(&mut tree, path("/a/inner-name"), 0o755).unwrap();
    let inode = |tree: &mut UserTree, at: &str| tree.metadata(path(at), Follow::No).unwrap().id.inode as u32;
    let (outer, inner) = (inode(&mut tree, "/a"), inode(&mut tree, "/a/inner-name"));
    tree.flush().unwrap();
    drop(tree);
    let bytes = image.bytes();
    let entry = [&inner.to_le_bytes()[..]].concat();
    let place = bytes.windows(18).position(|part| part[..4] == entry && &part[8..] == b"inner-name").unwrap();
    image.file.as_file().write_all_at(&outer.to_le_bytes(), place as u64).unwrap();

    let mut tree = image.ext4_tree();
    let deep = "/a".to_owned() + &"/inner-name".repeat(300);
    assert!(tree.metadata(path(&deep), Follow::No).is_ok());
    let corrupt = crate::ErrorKind::Corrupt;
    assert_eq!(manifest(&mut tree, path("/")).unwrap_err().kind(), corrupt);
    assert_eq!(operations::remove_tree(&mut tree, path("/a")).unwrap_err().kind(), corrupt);
    let copied = operations::copy_tree(&mut tree, path("/a"), path("/b"), &TreeOptions::default());
    assert_eq!(copied.unwrap_err().kind(), corrupt);
}
