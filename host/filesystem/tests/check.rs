//! The checks on file systems made by the usual programs, whole and damaged.
#![expect(
    clippy::disallowed_methods,
    reason = "the programs that make file systems are no programs of the tool"
)]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use imagecustomizer_filesystem::{Checked, Error, ErrorKind, check_ext, check_fat};

const OFFSET: u64 = 1 << 20;

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A disk whose partition of `mib` MiB at `OFFSET` was made by `program`.
fn disk(dir: &Path, program: &str, arguments: &[&str]) -> PathBuf {
    let part = dir.join("part");
    File::create(&part).unwrap().set_len(MIB << 20).unwrap();
    run(program, &[arguments, &[part.to_str().unwrap()]].concat());
    // Characters that mean something to a program, if it looks.
    let path = dir.join("a disk?offset=3, and more:x");
    let bytes = std::fs::read(&part).unwrap();
    File::create(&path).unwrap().write_all_at(&bytes, OFFSET).unwrap();
    std::fs::remove_file(part).unwrap();
    path
}

type Check = fn(&Path, u64) -> Result<Checked, Error>;
const MIB: u64 = 128;
const CASES: [(&str, &[&str], Check, &str); 2] = [
    ("mke2fs", &["-q", "-t", "ext4"], |path, _| check_ext(path, OFFSET), "FilesystemCheck:E2fsck"),
    ("mkfs.fat", &[], |path, len| check_fat(path, OFFSET, len), "FilesystemCheck:Fsck"),
];

#[test]
fn a_new_file_system_is_clean_and_is_not_changed() {
    for (program, arguments, check, _) in CASES {
        let dir = tempfile::tempdir().unwrap();
        let path = disk(dir.path(), program, arguments);
        let before = std::fs::read(&path).unwrap();
        let _checked = check(&path, MIB << 20).unwrap();
        assert!(std::fs::read(&path).unwrap() == before, "{program}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "{program}: nothing is left behind");
    }
}

#[test]
fn a_damaged_file_system_is_told_with_its_place_and_the_findings() {
    for (program, arguments, check, name) in CASES {
        let dir = tempfile::tempdir().unwrap();
        let path = disk(dir.path(), program, arguments);
        let file = File::options().write(true).open(&path).unwrap();
        if program == "mke2fs" {
            // The block bitmap's neighbourhood.
            file.write_all_at(&[0x5a; 64 << 10], OFFSET + (70 << 10)).unwrap();
        } else {
            // One of the two FATs.
            file.write_all_at(&[0x5a; 512], OFFSET + 4096).unwrap();
        }
        let error = check(&path, MIB << 20).expect_err(program);
        assert_eq!(error.kind(), ErrorKind::CorruptFilesystem, "{program}: {error}");
        assert_eq!(error.name(), name);
        let text = error.to_string();
        assert!(text.starts_with("the file system at byte 1048576 of `"), "{text}");
        assert!(text.lines().count() > 1, "{program}: {text}");
    }
}

#[test]
fn no_file_system_at_all_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk");
    File::create(&path).unwrap().set_len((MIB << 20) + OFFSET).unwrap();
    for (program, _, check, _) in CASES {
        check(&path, MIB << 20).expect_err(program);
    }
    let error = check_fat(&dir.path().join("none"), 0, 512).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(check_fat(&path, OFFSET, u64::MAX).is_err());
}
