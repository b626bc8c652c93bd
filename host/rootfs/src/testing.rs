//! What the tests of this crate share: images made by the standard tools, and their checkers.

use crate::filesystem::FileSystem;
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::Timestamp;
use crate::{Ext4, UserTree};
use block::Window;
use std::fs::File;
use std::process::{Command, Output};
use std::sync::Arc;

/// 2024-01-02T03:04:06Z; even, because FAT keeps steps of two seconds.
pub(crate) const CLOCK: Timestamp = Timestamp { seconds: 1_704_164_646, nanoseconds: 0 };

/// An image file that goes away with the value.
pub(crate) struct Image {
    pub(crate) file: tempfile::NamedTempFile,
}

impl Image {
    pub(crate) fn empty(bytes: u64) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(bytes).unwrap();
        Self { file }
    }

    /// A file system by `mke2fs` with fixed identifiers.
    pub(crate) fn ext(bytes: u64, arguments: &[&str]) -> Self {
        let image = Self::empty(bytes);
        let fixed = ["-q", "-F", "-U", "6e9a4c3e-0b1c-4f7a-9a51-2f6f3c1a7b10"];
        let seed = ["-E", "hash_seed=2f6f3c1a-7b10-4c3e-9a51-6e9a0b1c4f7a,lazy_itable_init=1,root_owner=0:0"];
        run(Command::new("mke2fs").args(fixed).args(seed).args(arguments).arg(image.file.path()));
        image
    }

    pub(crate) fn fat(bytes: u64, arguments: &[&str]) -> Self {
        let image = Self::empty(bytes);
        run(Command::new("mkfs.fat")
            .args(["-i", "12345678", "--invariant"])
            .args(arguments)
            .arg(image.file.path()));
        image
    }

    pub(crate) fn window(&self) -> Window {
        let file = File::options().read(true).write(true).open(self.file.path()).unwrap();
        let len = file.metadata().unwrap().len();
        Window::new(Arc::new(file), 0, len).unwrap()
    }

    pub(crate) fn open_ext4(&self) -> Box<dyn FileSystem> {
        Ext4::open(self.window(), CLOCK).unwrap()
    }

    /// A tree with this image's ext4 as its root.
    pub(crate) fn ext4_tree(&self) -> UserTree {
        let mut tree = UserTree::new(CLOCK);
        tree.mount_root(self.open_ext4(), "ext4").unwrap();
        tree
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.file.path()).unwrap()
    }

    pub(crate) fn copy(&self) -> Self {
        let copy = Self::empty(0);
        std::fs::copy(self.file.path(), copy.file.path()).unwrap();
        copy
    }

    /// Panics with the checker's words unless `e2fsck` finds nothing.
    pub(crate) fn check_ext(&self) {
        run(Command::new("e2fsck").args(["-f", "-n"]).arg(self.file.path()));
    }

    pub(crate) fn check_fat(&self) {
        run(Command::new("fsck.fat").arg("-n").arg(self.file.path()));
    }
}

#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    output
}

pub(crate) fn path(text: &str) -> &ImagePath {
    ImagePath::new(text)
}

pub(crate) fn path_buf(bytes: &[u8]) -> ImagePathBuf {
    ImagePathBuf::from(bytes.to_vec())
}

/// Numbers that are the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(len).collect()
    }
}
