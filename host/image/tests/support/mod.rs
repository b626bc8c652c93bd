//! Disks with known bytes, and the judge.
#![allow(dead_code, reason = "each test program uses a part of this")]
#![allow(clippy::disallowed_methods, reason = "the judge is no program of the tool")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]
#![allow(unreachable_pub, reason = "shared between test programs")]
#![allow(missing_docs, reason = "helpers of tests")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use imagecustomizer_image::ExportOptions;

pub const OPTIONS: ExportOptions =
    ExportOptions { source_date_epoch: 1_700_000_000, seed: *b"0123456789abcdef" };

pub fn no_progress(_done: u64, _total: u64) {}

pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// Bytes that look random and depend on the seed alone.
pub fn noise(mut seed: u64, len: usize) -> Vec<u8> {
    std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u8
    })
    .take(len)
    .collect()
}

/// A sparse file of `size` bytes: data at the start, at the end, and in spots of all sizes between.
pub fn disk_with(dir: &Path, size: u64) -> PathBuf {
    let path = dir.join("disk");
    let file = File::create(&path).unwrap();
    file.set_len(size).unwrap();
    let spots = [(0, 1), (size / 2, 300_000), (size / 3, 4096), (size - 512, 512), (size / 5, 70_000)];
    for (index, (at, len)) in spots.into_iter().enumerate() {
        let len = len.min(size - at);
        file.write_all_at(&noise(index as u64 + 1, len as usize), at).unwrap();
    }
    // Allocated zeros.
    file.write_all_at(&vec![0; (size / 4).min(3 << 20) as usize], size / 4).unwrap();
    path
}

pub fn qemu_img(arguments: &[&str]) -> String {
    let run = || Command::new("qemu-img").args(arguments).output().unwrap();
    // To make an encrypted image it measures how fast it hashes, and gives up when the clock is too coarse for that.
    let too_coarse = |output: &Output| String::from_utf8_lossy(&output.stderr).contains("accurate CPU usage");
    let mut output = run();
    for _ in 0..300 {
        if output.status.success() || !too_coarse(&output) {
            break;
        }
        output = run();
    }
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn qemu_says_equal(disk: &Path, image: &Path, driver: &str) {
    let disk = format!("driver=raw,file.filename={}", disk.display());
    let image = format!("{driver},file.filename={}", image.display());
    qemu_img(&["compare", "-q", "--image-opts", &disk, &image]);
}

pub fn qemu_io(image: &str, commands: &[&str]) {
    let commands: Vec<&str> = commands.iter().flat_map(|command| ["-c", command]).collect();
    let output = Command::new("qemu-io")
        .args(["-f", "qcow2", "-d", "unmap"])
        .args(commands)
        .arg(image)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
