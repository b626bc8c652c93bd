//! Measures what installing files into an ext4 costs: 1,000 files of 100 KiB, 20 small ones, and a tree of many
//! small objects. `cargo run --release -p imagecustomizer-rootfs --example install_files -- IMAGE`, with an
//! image made by `mke2fs -t ext4`; it is changed.
#![expect(clippy::print_stdout, reason = "its figures are for a person")]

use block::Window;
use imagecustomizer_rootfs::{
    Ext4, Follow, ImagePath, Kind, Owner, Timestamp, Tree, UserTree, WriteOptions, operations,
};
use std::error::Error;
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which image?")?;
    let file = File::options().read(true).write(true).open(path)?;
    let len = file.metadata()?.len();
    let clock = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };
    let mut tree = UserTree::new(clock);
    step("open", || Ok(tree.mount_root(Ext4::open(Window::new(Arc::new(file), 0, len)?, clock)?, "ext4")?))?;
    step("1,000 files of 100 KiB", || large(&mut tree))?;
    step("20 small files", || small(&mut tree))?;
    step("flush", || Ok(tree.flush()?))?;
    step("tree of 5,869 objects", || many(&mut tree))?;
    step("flush", || Ok(tree.flush()?))?;
    step("list it", || Ok(_ = operations::manifest(&mut tree, ImagePath::new("/many"))?))?;
    step("copy it", || {
        let options = imagecustomizer_rootfs::TreeOptions::default();
        operations::copy_tree(&mut tree, ImagePath::new("/many"), ImagePath::new("/copy"), &options)?;
        Ok(())
    })?;
    step("remove the copy", || Ok(_ = operations::remove_tree(&mut tree, ImagePath::new("/copy"))?))?;
    step("flush", || Ok(tree.flush()?))?;
    step("trim", || {
        let report = tree.trim()?;
        println!("  {} MiB", report.bytes >> 20);
        Ok(())
    })
}

fn step(what: &str, act: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    act()?;
    println!("{what}: {:.3} s wall, {:.2} s CPU", wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    Ok(())
}

/// User and system time of this process so far, in steps of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn large(tree: &mut UserTree) -> Result<(), Box<dyn Error>> {
    let content = vec![0xA5; 100 * 1024];
    let options = WriteOptions { parents: true, mode: Some(0o640), ..WriteOptions::default() };
    for number in 0..1000 {
        tree.write(
            ImagePath::new(&format!("/opt/app/part-{}/file-{number}", number % 10)),
            &content,
            &options,
        )?;
    }
    Ok(())
}

fn small(tree: &mut UserTree) -> Result<(), Box<dyn Error>> {
    let options = WriteOptions { parents: true, ..WriteOptions::default() };
    for number in 0..20 {
        tree.write(ImagePath::new(&format!("/etc/conf.d/{number}")), b"key = value\n", &options)?;
    }
    Ok(())
}

/// About the shape of a package's files: 365 directories, 5,000 files of 56 KiB on average, links, attributes.
fn many(tree: &mut UserTree) -> Result<(), Box<dyn Error>> {
    let content = vec![0x5A; 112 * 1024];
    operations::make_directories(tree, ImagePath::new("/many"), 0o755)?;
    for number in 0..365 {
        tree.make_directory(ImagePath::new(&format!("/many/{number}")), 0o755)?;
    }
    for number in 0..5000 {
        let directory = if number < 2000 { 0 } else { number % 365 };
        let path = format!("/many/{directory}/a-file-{number}");
        let path = ImagePath::new(&path);
        let options = WriteOptions {
            mode: Some(0o600 + number % 64),
            owner: Some(Owner { uid: number, gid: 70_000 }),
            ..WriteOptions::default()
        };
        let size = (number as usize * 7919) % content.len();
        tree.write(path, content.get(..size).unwrap_or_default(), &options)?;
        tree.set_xattr(path, "security.selinux", b"system_u:object_r:etc_t:s0\0")?;
        let time = Timestamp { seconds: 1_600_000_000 + i64::from(number), nanoseconds: number };
        tree.set_modified(path, time, Follow::No)?;
    }
    for number in 0..300 {
        let target = if number % 2 == 0 { "short".to_owned() } else { "long/".repeat(30) };
        tree.make_symlink(target.as_bytes(), ImagePath::new(&format!("/many/{number}/link")))?;
    }
    for number in 2000..2200 {
        let existing = format!("/many/{}/a-file-{number}", number % 365);
        tree.make_hard_link(ImagePath::new(&existing), ImagePath::new(&format!("/many/1/hard-{number}")))?;
    }
    tree.make_node(ImagePath::new("/many/pipe"), Kind::Fifo, 0o644, None)?;
    Ok(())
}
