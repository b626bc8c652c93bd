use super::*;
use crate::testing::{CLOCK, Image, path, path_buf};
use crate::tree::{Device, Timestamp};
use std::collections::BTreeMap;

const MIB: u64 = 1024 * 1024;
const COPY: TreeOptions =
    TreeOptions { owner: None, file_mode: None, directory_mode: None, overwrite: false };

/// A source in memory: paths to content; a path with `/` at its end is a directory, one with `>` a link.
struct Memory(BTreeMap<Vec<u8>, Vec<u8>>);

impl Memory {
    fn new(entries: &[(&str, &[u8])]) -> Self {
        Self(entries.iter().map(|(name, content)| (name.as_bytes().to_vec(), content.to_vec())).collect())
    }

    fn described(&self, path: &ImagePath) -> (Kind, u64, u64) {
        let key = path.as_bytes();
        let with = |end: u8| [key, &[end]].concat();
        let place = |key: &[u8]| self.0.keys().position(|other| other == key).unwrap() as u64;
        if let Some(content) = self.0.get(key).filter(|_| !key.is_empty()) {
            (Kind::Regular, content.len() as u64, place(key))
        } else if self.0.contains_key(&with(b'>')) {
            (Kind::Symlink, 0, place(&with(b'>')))
        } else if key.is_empty() {
            (Kind::Directory, 0, u64::MAX)
        } else {
            (Kind::Directory, 0, place(&with(b'/')))
        }
    }
}

impl Source for Memory {
    fn metadata(&self, path: &ImagePath) -> Result<Metadata> {
        let (kind, size, inode) = self.described(path);
        let owner = Owner { uid: 7, gid: 8 };
        let id = crate::tree::NodeId { mount: 0, inode };
        let modified = Timestamp::default();
        Ok(Metadata { kind, mode: 0o750, owner, size, links: 1, modified, device: None, id })
    }

    fn list(&self, path: &ImagePath) -> Result<Vec<crate::tree::Entry>> {
        let prefix = if path.as_bytes().is_empty() { vec![] } else { [path.as_bytes(), b"/"].concat() };
        let mut names = Vec::new();
        for key in self.0.keys() {
            let Some(rest) = key.strip_prefix(&prefix[..]) else { continue };
            let name = rest.strip_suffix(b"/").or(rest.strip_suffix(b">")).unwrap_or(rest);
            if !name.is_empty() && !name.contains(&b'/') {
                names.push(crate::tree::Entry { name: name.to_vec(), kind: Kind::Regular });
            }
        }
        Ok(names)
    }

    fn open(&self, path: &ImagePath) -> Result<Box<dyn std::io::Read + '_>> {
        Ok(Box::new(&self.0[path.as_bytes()][..]))
    }

    fn read_link(&self, path: &ImagePath) -> Result<Vec<u8>> {
        Ok(self.0[&[path.as_bytes(), b">"].concat()].clone())
    }
}

#[test]
fn directories_are_made_with_those_above_them() {
    let image = Image::ext(8 * MIB, &["-t", "ext4"]);
    let mut tree = image.ext4_tree();
    make_directories(&mut tree, path("/a//b/./c/"), 0o700).unwrap();
    make_directories(&mut tree, path("a/b"), 0o755).unwrap();
    assert_eq!(tree.metadata(path("/a/b"), Follow::No).unwrap().mode, 0o700);
    tree.make_symlink(b"/a/b", path("/l")).unwrap();
    make_directories(&mut tree, path("/l/d"), 0o755).unwrap();
    assert_eq!(tree.resolve(path("/l/d")).unwrap().as_bytes(), b"/a/b/d");
    tree.write(path("/f"), b"", &WriteOptions::default()).unwrap();
    for bad in ["/f", "/f/x"] {
        assert_eq!(
            make_directories(&mut tree, path(bad), 0o755).unwrap_err().kind(),
            ErrorKind::NotADirectory
        );
    }
}

#[test]
fn reading_stops_at_the_limit() {
    let image = Image::ext(8 * MIB, &["-t", "ext4"]);
    let mut tree = image.ext4_tree();
    tree.write(path("/f"), b"12345", &WriteOptions::default()).unwrap();
    assert_eq!(read_file(&mut tree, path("/f"), 5).unwrap(), b"12345");
    assert_eq!(read_file(&mut tree, path("/f"), 4).unwrap_err().kind(), ErrorKind::TooLarge);
    // A sparse file says a lot and holds nothing.
    let file = tree.open(path("/f")).unwrap();
    tree.set_size(file, 1 << 40).unwrap();
    tree.close(file).unwrap();
    assert_eq!(read_file(&mut tree, path("/f"), 1 << 20).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn a_copy_keeps_links_attributes_times_and_nodes() {
    let image = Image::ext(64 * MIB, &["-t", "ext4"]);
    let mut tree = image.ext4_tree();
    make_directories(&mut tree, path("/s/deep"), 0o710).unwrap();
    tree.write(path("/s/one"), b"content", &WriteOptions { mode: Some(0o4755), ..Default::default() })
        .unwrap();
    tree.set_owner(path("/s/one"), Owner { uid: 33, gid: 44 }, Follow::No).unwrap();
    tree.make_hard_link(path("/s/one"), path("/s/deep/two")).unwrap();
    tree.set_xattr(path("/s/one"), "user.x", b"v").unwrap();
    tree.set_xattr(path("/s/deep"), "user.d", b"w").unwrap();
    tree.make_symlink(b"../one", path("/s/deep/link")).unwrap();
    tree.write(&path_buf(b"/s/\xff\xfe"), b"odd", &WriteOptions::default()).unwrap();
    tree.make_node(path("/s/null"), Kind::CharDevice, 0o666, Some(Device { major: 1, minor: 3 })).unwrap();
    let big = vec![3; 9 * MIB as usize];
    tree.write(path("/s/big"), &big, &WriteOptions::default()).unwrap();
    let old = Timestamp { seconds: 1_000_000_000, nanoseconds: 5 };
    for name in ["/s/one", "/s/deep", "/s/big"] {
        tree.set_modified(path(name), old, Follow::No).unwrap();
    }

    let report = copy_tree(&mut tree, path("/s"), path("/t"), &COPY).unwrap();
    assert_eq!(report, TreeReport { files: 5, directories: 2, symlinks: 1, bytes: 7 + 3 + 9 * MIB });
    let one = tree.metadata(path("/t/one"), Follow::No).unwrap();
    assert_eq!((one.mode, one.owner, one.links, one.modified), (0o4755, Owner { uid: 33, gid: 44 }, 2, old));
    assert_eq!(tree.metadata(path("/t/deep/two"), Follow::No).unwrap().id, one.id);
    assert_eq!(tree.metadata(path("/t/deep"), Follow::No).unwrap().modified, old);
    assert_eq!(tree.metadata(path("/t/deep"), Follow::No).unwrap().mode, 0o710);
    assert_eq!(tree.xattr(path("/t/one"), "user.x").unwrap(), b"v");
    assert_eq!(tree.xattr(path("/t/deep"), "user.d").unwrap(), b"w");
    assert_eq!(tree.read_link(path("/t/deep/link")).unwrap(), b"../one");
    assert_eq!(read_file(&mut tree, &path_buf(b"/t/\xff\xfe"), 9).unwrap(), b"odd");
    assert_eq!(read_file(&mut tree, path("/t/big"), u64::MAX).unwrap(), big);
    let device = tree.metadata(path("/t/null"), Follow::No).unwrap().device;
    assert_eq!(device, Some(Device { major: 1, minor: 3 }));

    // Again: only with leave to overwrite.
    assert_eq!(
        copy_tree(&mut tree, path("/s"), path("/t"), &COPY).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    let again = TreeOptions { overwrite: true, owner: Some(Owner { uid: 1, gid: 1 }), ..COPY };
    assert_eq!(copy_tree(&mut tree, path("/s"), path("/t"), &again).unwrap().directories, 0);
    assert_eq!(tree.metadata(path("/t/one"), Follow::No).unwrap().owner, Owner { uid: 1, gid: 1 });

    let removed = remove_tree(&mut tree, path("/t")).unwrap();
    assert_eq!((removed.files, removed.directories, removed.symlinks), (5, 2, 1));
    tree.flush().unwrap();
    image.check_ext();
}

#[test]
fn a_copy_into_itself_is_refused() {
    let image = Image::ext(8 * MIB, &["-t", "ext4"]);
    let mut tree = image.ext4_tree();
    make_directories(&mut tree, path("/a/b"), 0o755).unwrap();
    tree.make_symlink(b"a", path("/l")).unwrap();
    make_directories(&mut tree, path("/c"), 0o755).unwrap();
    tree.make_symlink(b"/a/b/x", path("/c/b")).unwrap();
    make_directories(&mut tree, path("/a/b/x"), 0o755).unwrap();
    for (from, to) in [("/a", "/a"), ("/a", "/a/b/new"), ("/a", "/l/b/new/deep"), ("/", "/new"), ("/a", "/c")]
    {
        let error = copy_tree(&mut tree, path(from), path(to), &COPY).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{from} {to}");
    }
    copy_tree(&mut tree, path("/a"), path("/ab"), &COPY).unwrap();
}

#[test]
fn installing_overwrites_in_place_and_makes_what_is_above() {
    let image = Image::ext(64 * MIB, &["-t", "ext4"]);
    let mut tree = image.ext4_tree();
    let big = vec![9; 20 * MIB as usize];
    let source = Memory::new(&[("d/", b""), ("d/f", b"new"), ("big", &big), ("l>", b"d/f"), ("empty", b"")]);
    make_directories(&mut tree, path("/x/y/d"), 0o700).unwrap();
    tree.write(path("/x/y/d/f"), b"older", &WriteOptions::default()).unwrap();
    let before = tree.metadata(path("/x/y/d/f"), Follow::No).unwrap();

    let refused = install(&mut tree, &source, path("/x/y"), &COPY).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    let options =
        TreeOptions { overwrite: true, file_mode: Some(0o755), owner: Some(Owner::default()), ..COPY };
    let report = install(&mut tree, &source, path("/x/y"), &options).unwrap();
    assert_eq!(report, TreeReport { files: 3, directories: 0, symlinks: 1, bytes: 3 + 20 * MIB });
    let after = tree.metadata(path("/x/y/d/f"), Follow::No).unwrap();
    assert_eq!((after.id, after.mode, after.size), (before.id, 0o755, 3));
    assert_eq!(tree.metadata(path("/x/y/d"), Follow::No).unwrap().mode, 0o700);
    assert_eq!(read_file(&mut tree, path("/x/y/big"), u64::MAX).unwrap(), big);

    let report = install(&mut tree, &source, path("/new/place"), &COPY).unwrap();
    assert_eq!(report.directories, 3);
    assert_eq!(tree.metadata(path("/new"), Follow::No).unwrap().mode, 0o755);
    assert_eq!(tree.metadata(path("/new/place/d"), Follow::No).unwrap().owner, Owner { uid: 7, gid: 8 });
    assert_eq!(tree.metadata(path("/new/place/big"), Follow::No).unwrap().modified, CLOCK);
    tree.flush().unwrap();
    image.check_ext();
}

#[test]
fn holes_are_copied_as_holes_and_not_read() {
    let image = Image::ext(16 * MIB, &["-t", "ext4", "-b", "4096"]);
    let mut tree = image.ext4_tree();
    let file = tree.create(path("/sparse"), &WriteOptions::default()).unwrap();
    tree.set_size(file, 1 << 43).unwrap();
    tree.write_at(file, 1 << 42, b"island").unwrap();
    tree.write_at(file, 5000, b"first").unwrap();
    assert_eq!(tree.find_data(file, 0).unwrap(), Some(4096));
    assert_eq!(tree.find_data(file, 9000).unwrap(), Some(1 << 42));
    assert_eq!(tree.find_data(file, (1 << 42) + 4096).unwrap(), None);
    assert_eq!(tree.find_data(file, 1 << 43).unwrap(), None);
    tree.close(file).unwrap();
    copy_tree(&mut tree, path("/sparse"), path("/copy"), &COPY).unwrap();
    let copy = tree.open(path("/copy")).unwrap();
    let mut content = [1; 8];
    assert_eq!(tree.read_at(copy, (1 << 42) - 1, &mut content).unwrap(), 8);
    assert_eq!(&content, b"\0island\0");
    assert_eq!(tree.file_metadata(copy).unwrap().size, 1 << 43);
    tree.flush().unwrap();
    image.check_ext();
}
