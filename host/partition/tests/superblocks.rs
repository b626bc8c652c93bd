//! What the usual programs make, told as `blkid` tells it.
#![expect(
    clippy::disallowed_methods,
    reason = "the programs that make file systems are no programs of the tool"
)]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::fs::File;
use std::path::Path;
use std::process::Command;

use imagecustomizer_partition::superblock::{ExtState, Superblock, probe};

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A file system of `mib` MiB; `{}` in the arguments stands for the file, `{dir}` for a directory with a file.
fn made(dir: &Path, program: &str, arguments: &[&str], mib: u64) -> (String, Superblock) {
    let path = dir.join("part");
    File::create(&path).unwrap().set_len(mib << 20).unwrap();
    let path = path.to_str().unwrap().to_owned();
    std::fs::create_dir_all(dir.join("tree")).unwrap();
    std::fs::write(dir.join("tree/file"), vec![b'x'; 64 << 10]).unwrap();
    let tree = dir.join("tree").to_str().unwrap().to_owned();
    let arguments: Vec<String> =
        arguments.iter().map(|argument| argument.replace("{dir}", &tree).replace("{}", &path)).collect();
    run(program, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let file = File::open(&path).unwrap();
    let found = probe(&file, file.metadata().unwrap().len()).unwrap();
    (path, found.unwrap_or_else(|| unreachable!("{program}: nothing was recognised")))
}

fn blkid(path: &str, tag: &str) -> Option<String> {
    let value = run("blkid", &["-p", "-s", tag, "-o", "value", path]);
    Some(value.trim_end_matches('\n').to_owned()).filter(|value| !value.is_empty())
}

#[test]
fn type_uuid_and_label_are_those_of_blkid() {
    let cases: &[(&str, &[&str], u64)] = &[
        ("mke2fs", &["-q", "-t", "ext2", "-L", "a label", "{}"], 16),
        ("mke2fs", &["-q", "-t", "ext3", "{}"], 16),
        ("mke2fs", &["-q", "-t", "ext4", "-L", "sixteen bytes ok", "{}"], 16),
        ("mke2fs", &["-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "{}"], 16),
        ("mke2fs", &["-q", "-t", "ext4", "-O", "64bit,bigalloc", "-b", "4096", "{}"], 64),
        ("mkfs.fat", &["-F", "12", "-n", "TWELVE", "{}"], 2),
        ("mkfs.fat", &["-F", "16", "-i", "00c0ffee", "{}"], 16),
        ("mkfs.fat", &["-F", "32", "-n", "ESP", "{}"], 64),
        ("mkfs.fat", &["-F", "32", "-S", "4096", "-n", "BIG", "{}"], 512),
        ("mkfs.fat", &["-F", "32", "-s", "128", "{}"], 512),
        ("mkfs.xfs", &["-q", "-L", "data", "{}"], 320),
        ("mkfs.btrfs", &["-q", "-L", "a longer label of btrfs", "{}"], 128),
        ("mkswap", &["-L", "swap", "{}"], 8),
        ("mkswap", &["-p", "8192", "{}"], 8),
        ("mksquashfs", &["{dir}", "{}", "-noappend", "-quiet", "-no-progress"], 0),
        ("mkfs.erofs", &["--quiet", "{}", "{dir}"], 0),
        (
            "cryptsetup",
            &["luksFormat", "-q", "--type", "luks1", "--pbkdf-force-iterations", "1000", "{}", "{dir}/file"],
            8,
        ),
        (
            "cryptsetup",
            &[
                "luksFormat",
                "-q",
                "--label",
                "secret",
                "--pbkdf",
                "pbkdf2",
                "--pbkdf-force-iterations",
                "1000",
                "{}",
                "{dir}/file",
            ],
            32,
        ),
        ("veritysetup", &["format", "{dir}/file", "{}"], 1),
        ("genisoimage", &["-quiet", "-V", "A DISC", "-o", "{}", "{dir}"], 0),
    ];
    for (program, arguments, mib) in cases {
        let dir = tempfile::tempdir().unwrap();
        let arguments = &arguments[..];
        let (path, found) = made(dir.path(), program, arguments, *mib);
        assert_eq!(Some(found.kind.name().to_owned()), blkid(&path, "TYPE"), "{program} {arguments:?}");
        assert_eq!(found.uuid, blkid(&path, "UUID"), "{program} {arguments:?}");
        assert_eq!(found.label, blkid(&path, "LABEL"), "{program} {arguments:?}");
    }
}

#[test]
fn the_facts_of_ext4_are_those_that_it_was_made_with() {
    let dir = tempfile::tempdir().unwrap();
    let (path, found) =
        made(dir.path(), "mke2fs", &["-q", "-t", "ext4", "-b", "1024", "-O", "64bit", "{}"], 16);
    let ext = found.ext.unwrap();
    assert_eq!((found.block_size, found.size, ext.block_count), (Some(1024), Some(16 << 20), 16384));
    assert!(ext.has_journal() && ext.is_64bit() && ext.checksum_is_right && !ext.needs_recovery());
    assert_eq!(ext.state, ExtState::Clean);
    let free = run("dumpe2fs", &["-h", &path]);
    let free = free.lines().find_map(|line| line.strip_prefix("Free blocks:")).unwrap().trim();
    assert_eq!(ext.free_blocks.to_string(), free);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1024 + 0x70] ^= 1;
    assert!(!probe(&bytes, bytes.len() as u64).unwrap().unwrap().ext.unwrap().checksum_is_right);
}

#[test]
fn an_lvm_volume_is_told_by_its_label() {
    // `pvcreate` wants a block device: the header as it writes it.
    let mut bytes = vec![0; 1 << 20];
    bytes[512..520].copy_from_slice(b"LABELONE");
    bytes[532..536].copy_from_slice(&32_u32.to_le_bytes());
    bytes[536..544].copy_from_slice(b"LVM2 001");
    bytes[544..576].copy_from_slice(b"aBcDeF0123456789abcdef0123456789");
    let found = probe(&bytes, 1 << 20).unwrap().unwrap();
    assert_eq!(found.kind.name(), "LVM2_member");
    assert_eq!(found.uuid.as_deref(), Some("aBcDeF-0123-4567-89ab-cdef-0123-456789"));
}
