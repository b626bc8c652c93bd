use crate::error::ErrorKind;
use crate::testing::{CLOCK, Image, path};
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
