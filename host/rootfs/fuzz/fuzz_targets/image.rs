// Shared by the image targets: opens the bytes as a file system and uses all there is to use.

use rootfs::{Error, FileSystem, Follow, ImagePath, Timestamp, Tree, TreeOptions, UserTree, WriteOptions, operations};
use std::io::Write;
use std::sync::Arc;

const CLOCK: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };

fn use_image(bytes: &[u8], open: fn(block::Window, Timestamp) -> Result<Box<dyn FileSystem>, Error>) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let window = block::Window::new(Arc::new(file), 0, bytes.len() as u64).unwrap();
    let Ok(filesystem) = open(window, CLOCK) else { return };
    let mut tree = UserTree::new(CLOCK);
    tree.mount_root(filesystem, "fuzzed").unwrap();
    let root = ImagePath::new("/");
    let mut paths = vec![root.to_owned()];
    let mut index = 0;
    while let Some(directory) = paths.get(index).cloned() {
        index += 1;
        for entry in tree.list_directory(&directory).unwrap_or_default() {
            if paths.len() < 50 {
                paths.push(directory.join(&entry.name));
            }
        }
    }
    for path in &paths {
        let _ = tree.metadata(path, Follow::Yes);
        let _ = tree.read_link(path);
        let _ = operations::read_file(&mut tree, path, 1 << 20);
        for name in tree.list_xattrs(path).unwrap_or_default() {
            let _ = tree.xattr(path, &name);
        }
        let _ = tree.set_xattr(path, "user.fuzz", &[1; 300]);
        let _ = tree.write(path, &[2; 5000], &WriteOptions::default());
        let _ = tree.write(&path.join(b"new"), &[3; 5000], &WriteOptions::default());
        let _ = tree.make_directory(&path.join(b"made"), 0o755);
        let _ = tree.rename(&path.join(b"new"), &path.join(b"renamed"));
    }
    for path in paths.iter().skip(1) {
        let _ = operations::copy_tree(&mut tree, path, ImagePath::new("/copy"), &TreeOptions::default());
        let _ = operations::remove_tree(&mut tree, path);
    }
    let _ = tree.flush();
    let _ = Tree::trim(&mut tree);
}
