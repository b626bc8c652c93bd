//! Tables made by `sfdisk` and `sgdisk`, read as `sfdisk` reads them.
#![expect(clippy::disallowed_methods, reason = "the programs that make tables are no programs of the tool")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use imagecustomizer_partition::{Table, TableKind, read_table};

fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn disk(dir: &Path, mib: u64) -> String {
    let path = dir.join("disk");
    File::create(&path).unwrap().set_len(mib << 20).unwrap();
    path.to_str().unwrap().to_owned()
}

fn read(path: &str) -> Table {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    read_table(&file, size).unwrap()
}

/// The table in the form of `sfdisk --dump`: start, size, type, uuid and name of each partition.
fn lines(table: &Table) -> Vec<String> {
    let sector = table.sector_size.bytes();
    let line = |part: &imagecustomizer_partition::Partition| {
        let (start, len) = (part.start / sector, part.len / sector);
        let kind = part.kind.to_string().to_uppercase();
        match table.kind {
            TableKind::Mbr => format!("{} {start} {len} {} ", part.number, kind.trim_start_matches("0X")),
            TableKind::Gpt => {
                let id = part.id.to_string().to_uppercase();
                format!("{} {start} {len} {kind} {id} {}", part.number, part.name)
            }
        }
    };
    table.partitions.iter().map(line).collect()
}

/// What `sfdisk --dump` says, in the form of [`lines`].
fn dumped(path: &str) -> Vec<String> {
    let dump = run("sfdisk", &["--dump", path], "");
    let parse = |line: &str| {
        let (node, rest) = line.strip_prefix(path)?.split_once(" : ")?;
        let field = |name: &str| {
            let value = rest.split(", ").find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().trim().trim_matches('"').to_owned()
        };
        let kind = field("type").to_uppercase();
        Some(match field("uuid") {
            id if id.is_empty() => format!("{node} {} {} {kind} ", field("start"), field("size")),
            id => format!("{node} {} {} {kind} {id} {}", field("start"), field("size"), field("name")),
        })
    };
    dump.lines().filter_map(parse).collect()
}

#[test]
fn gpt_tables_are_read_as_sfdisk_reads_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = disk(dir.path(), 64);
    let script = "label: gpt\nlabel-id: 11223344-5566-7788-99AA-BBCCDDEEFF00\n\
        size=8MiB, type=U, name=\"EFI System\"\n\
        size=1MiB, type=21686148-6449-6E6F-744E-656564454649\n\
        7 : start=40960, size=20MiB, type=L, name=\"root of 20 MiB\"\n\
        128 : type=L, name=\"last\"\n";
    run("sfdisk", &["-q", &path], script);
    let table = read(&path);
    assert_eq!(lines(&table), dumped(&path));
    assert_eq!(table.partitions.len(), 4);
    assert_eq!(table.disk_id.to_string(), "11223344-5566-7788-99aa-bbccddeeff00");
    assert_eq!(table.warnings, []);
}

#[test]
fn attributes_are_read_as_sgdisk_sets_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = disk(dir.path(), 64);
    run("sgdisk", &["-n", "1:0:+8M", "-A", "1:set:2", "-A", "1:set:60", "-n", "3:0:0", &path], "");
    let table = read(&path);
    assert_eq!(lines(&table), dumped(&path));
    assert_eq!(table.partition(1).unwrap().attributes, 1 << 60 | 1 << 2);
    assert_eq!(table.partition(3).unwrap().attributes, 0);
}

#[test]
fn mbr_tables_are_read_as_sfdisk_reads_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = disk(dir.path(), 128);
    let script = "label: dos\nlabel-id: 0xcafe0001\nsize=8MiB, type=83, bootable\nsize=8MiB, type=7\n\
        4 : size=90MiB, type=5\nsize=8MiB, type=83\nsize=16MiB, type=82\nsize=4MiB, type=83\n";
    run("sfdisk", &["-q", &path], script);
    let table = read(&path);
    assert_eq!(lines(&table), dumped(&path));
    assert_eq!(table.partitions.len(), 6);
    assert_eq!(table.disk_id.to_string(), "cafe0001");
    assert_eq!(table.partitions[4].id.to_string(), "cafe0001-05");
}

#[test]
fn hybrid_tables_are_read_by_their_gpt() {
    let dir = tempfile::tempdir().unwrap();
    let path = disk(dir.path(), 64);
    run("sgdisk", &["-n", "1:0:+8M", "-n", "2:0:0", "-h", "1:EE", &path], "");
    let table = read(&path);
    assert_eq!((table.kind, table.partitions.len()), (TableKind::Gpt, 2));
    assert_eq!(table.warnings.len(), 1);
}

#[test]
fn a_file_system_without_a_table_is_no_table() {
    let dir = tempfile::tempdir().unwrap();
    for (program, arguments) in
        [("mkfs.fat", &["-F", "32"][..]), ("mkfs.fat", &["-F", "16"]), ("mke2fs", &["-q"])]
    {
        let path = disk(dir.path(), 64);
        run(program, &[arguments, &[&path]].concat(), "");
        let file = File::open(&path).unwrap();
        assert!(
            matches!(read_table(&file, 64 << 20), Err(imagecustomizer_partition::Error::NoTable)),
            "{arguments:?}"
        );
    }
}
