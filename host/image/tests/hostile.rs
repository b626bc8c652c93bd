//! Images that are damaged, or made to harm: an error or a disk, in bounded time and room, and never a panic.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up fails")]

mod support;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use imagecustomizer_image::{ErrorKind, OutputFormat, detect, export, import};
use support::{OPTIONS, disk_with, no_progress, noise, qemu_img, read, scratch};

const SIZE: u64 = 3 << 20;

/// An image of our own making.
fn image(dir: &Path, format: OutputFormat) -> Vec<u8> {
    let (work, image) = (disk_with(dir, SIZE), dir.join("made"));
    export(work, &image, format, &OPTIONS, &no_progress).unwrap();
    let bytes = read(&image);
    std::fs::remove_file(image).unwrap();
    bytes
}

/// Imports these bytes; the error's kind and the text of its cause.
fn refusal(dir: &Path, bytes: &[u8]) -> (ErrorKind, String) {
    let (path, work) = (dir.join("hostile"), dir.join("work"));
    std::fs::write(&path, bytes).unwrap();
    let error = import(&path, &work, &no_progress).unwrap_err();
    assert!(!work.exists());
    (error.kind(), std::error::Error::source(&error).unwrap().to_string())
}

fn put(bytes: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

fn u64_be(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Where the first entry of the second table at `l2` is that is not zero.
fn first_used(bytes: &[u8], l2: usize) -> usize {
    (l2..).step_by(8).find(|at| u64_be(bytes, *at) != 0).unwrap()
}

#[test]
fn qcow2_headers_that_make_no_sense_are_refused() {
    let dir = scratch();
    let good = image(dir.path(), OutputFormat::Qcow2);
    let cases: [(usize, &[u8], ErrorKind, &str); 17] = [
        (
            4,
            &4_u32.to_be_bytes(),
            ErrorKind::Unsupported,
            "it is qcow2 of version 4; versions 2 and 3 are read",
        ),
        (
            8,
            &1_u64.to_be_bytes(),
            ErrorKind::Unsupported,
            "it is a difference to a backing file, and does not hold the whole disk",
        ),
        (
            20,
            &8_u32.to_be_bytes(),
            ErrorKind::Corrupt,
            "the qcow2 header has cluster bits 8, which is not allowed",
        ),
        (
            20,
            &64_u32.to_be_bytes(),
            ErrorKind::Corrupt,
            "the qcow2 header has cluster bits 64, which is not allowed",
        ),
        (
            24,
            &u64::MAX.to_be_bytes(),
            ErrorKind::Corrupt,
            "the qcow2 header has first table's entry count 1, which is not allowed",
        ),
        (32, &1_u32.to_be_bytes(), ErrorKind::Unsupported, "it is encrypted"),
        (
            36,
            &u32::MAX.to_be_bytes(),
            ErrorKind::Corrupt,
            "the qcow2 header has first table's entry count 4294967295, which is not allowed",
        ),
        (
            36,
            &0_u32.to_be_bytes(),
            ErrorKind::Corrupt,
            "the qcow2 header has first table's entry count 0, which is not allowed",
        ),
        (
            40,
            &1_u64.to_be_bytes(),
            ErrorKind::Corrupt,
            "the first table at byte 1 lies outside of the file, or is not aligned",
        ),
        (
            40,
            &(1_u64 << 62).to_be_bytes(),
            ErrorKind::Corrupt,
            "the first table at byte 4611686018427387904 lies outside of the file, or is not aligned",
        ),
        (72, &1_u64.to_be_bytes(), ErrorKind::Corrupt, "it was not closed properly: the dirty bit is set"),
        (72, &2_u64.to_be_bytes(), ErrorKind::Corrupt, "it is marked as corrupt"),
        (72, &4_u64.to_be_bytes(), ErrorKind::Unsupported, "its data lies in another file"),
        (72, &8_u64.to_be_bytes(), ErrorKind::Unsupported, "it is compressed in the unknown way 0"),
        (72, &32_u64.to_be_bytes(), ErrorKind::Unsupported, "it uses the unknown features 0x20"),
        (
            100,
            &103_u32.to_be_bytes(),
            ErrorKind::Corrupt,
            "the qcow2 header has header length 103, which is not allowed",
        ),
        (104, &[1], ErrorKind::Unsupported, "it is compressed in the unknown way 1"),
    ];
    for (at, value, kind, text) in cases {
        assert_eq!(refusal(dir.path(), &put(&good, at, value)), (kind, text.to_owned()));
    }
    for len in [4, 50, 100] {
        assert_eq!(refusal(dir.path(), &good[..len]).1, "the qcow2 header is cut short");
    }
}

#[test]
fn qcow2_tables_that_make_no_sense_are_refused() {
    let dir = scratch();
    let good = image(dir.path(), OutputFormat::Qcow2);
    let l1 = u64_be(&good, 40) as usize;
    let l2 = (u64_be(&good, l1) & !(1 << 63)) as usize;
    let l2 = first_used(&good, l2);
    let first = u64_be(&good, l2);
    let outside = (1_u64 << 63 | 1 << 40).to_be_bytes();
    let cases: [(usize, &[u8], &str); 5] = [
        (l1, &outside, "the second table at byte 1099511627776 lies outside of the file, or is not aligned"),
        (
            l1,
            &512_u64.to_be_bytes(),
            "the second table at byte 512 lies outside of the file, or is not aligned",
        ),
        (l2, &outside, "the cluster at byte 1099511627776 lies outside of the file, or is not aligned"),
        (
            l2,
            &(first + 512).to_be_bytes(),
            "the cluster at byte 66048 lies outside of the file, or is not aligned",
        ),
        (
            l2,
            &(1_u64 << 62 | 1 << 50).to_be_bytes(),
            "the compressed cluster at byte 1125899906842624 lies outside of the file, or is not aligned",
        ),
    ];
    for (at, value, text) in cases {
        assert_eq!(refusal(dir.path(), &put(&good, at, value)), (ErrorKind::Corrupt, text.to_owned()));
    }
    // A cluster that does not decompress.
    let (kind, _) = refusal(dir.path(), &put(&good, l2, &(1_u64 << 62 | 0x10000).to_be_bytes()));
    assert_eq!(kind, ErrorKind::Corrupt);
}

/// A small file whose tables all point to the same table or cluster, on a disk of 15 TiB.
#[test]
fn a_small_file_is_not_a_large_disk_of_one_block_repeated() {
    let dir = scratch();
    let good = image(dir.path(), OutputFormat::Qcow2);
    let l1 = u64_be(&good, 40) as usize;
    let l2 = (u64_be(&good, l1) & !(1 << 63)) as usize;
    let used = first_used(&good, l2);
    let entry = good[used..used + 8].to_vec();
    let repeated = put(&good, l2, &entry.repeat(8192));
    let text = "some bytes of the file are used for several parts of the disk";
    let mut one_cluster = put(&repeated, 24, &(512_u64 << 20).to_be_bytes());
    assert_eq!(refusal(dir.path(), &one_cluster), (ErrorKind::Corrupt, text.to_owned()));

    let mut tables = put(&good, l2, &[0; 65536]);
    let entries = 30_720_usize;
    let end = tables.len();
    tables.extend(tables[l1..l1 + 8].repeat(entries));
    tables = put(&tables, 24, &(15_u64 << 40).to_be_bytes());
    tables = put(&tables, 36, &(entries as u32).to_be_bytes());
    tables = put(&tables, 40, &(end as u64).to_be_bytes());
    let started = Instant::now();
    assert_eq!(refusal(dir.path(), &tables), (ErrorKind::Corrupt, text.to_owned()));
    assert!(started.elapsed() < Duration::from_secs(20));

    let too_large = put(&tables, 24, &((64_u64 << 40) + 512).to_be_bytes());
    one_cluster = put(&too_large, 36, &131_073_u32.to_be_bytes());
    one_cluster.resize(end + 131_073 * 8, 0);
    assert_eq!(refusal(dir.path(), &one_cluster).0, ErrorKind::TooLarge);
}

#[test]
fn an_empty_disk_of_the_largest_size_takes_no_room() {
    let dir = scratch();
    for (format, size) in [("qcow2", "16T"), ("vhdx", "15T"), ("vpc", "2040G")] {
        let image = dir.path().join("image");
        let options: &[&str] = if format == "vpc" { &["-o", "force_size=on"] } else { &[] };
        qemu_img(&[&["create", "-q", "-f", format], options, &[image.to_str().unwrap(), size]].concat());
        // The file system of the working file may not have files that large, and then says so.
        let work = dir.path().join("work");
        match import(&image, &work, &no_progress) {
            Ok(_) => assert!(work.metadata().unwrap().blocks() < 100, "{format}"),
            Err(error) => assert_eq!((error.kind(), work.exists()), (ErrorKind::TooLarge, false), "{format}"),
        }
        let _may_not_exist = std::fs::remove_file(&work);
        std::fs::remove_file(&image).unwrap();
    }
}

#[test]
fn vhd_footers_and_headers_that_make_no_sense_are_refused() {
    let dir = scratch();
    let dynamic = image(dir.path(), OutputFormat::VhdDynamic);
    let fixed = image(dir.path(), OutputFormat::VhdFixed);
    let sealed = |bytes: &[u8], start: usize, len: usize, sum_at: usize, at: usize, value: &[u8]| {
        let mut bytes = put(&put(bytes, start + sum_at, &[0; 4]), start + at, value);
        let sum = !bytes[start..start + len].iter().map(|byte| u32::from(*byte)).sum::<u32>();
        bytes[start + sum_at..start + sum_at + 4].copy_from_slice(&sum.to_be_bytes());
        bytes
    };
    let footer = |bytes: &[u8], at, value: &[u8]| {
        refusal(dir.path(), &sealed(bytes, bytes.len() - 512, 512, 64, at, value))
    };
    let header = |at, value: &[u8]| refusal(dir.path(), &sealed(&dynamic, 512, 1024, 36, at, value));

    assert_eq!(footer(&fixed, 12, &[0, 2, 0, 0]).0, ErrorKind::Unsupported);
    for creator in [b"vpc ", b"vs  ", b"qemu"] {
        assert_eq!(footer(&fixed, 28, creator).0, ErrorKind::GeometrySized);
        assert_eq!(footer(&dynamic, 28, creator).0, ErrorKind::GeometrySized);
    }
    assert_eq!(footer(&fixed, 48, &(SIZE + 512).to_be_bytes()).0, ErrorKind::Corrupt);
    assert_eq!(footer(&fixed, 48, &u64::MAX.to_be_bytes()).0, ErrorKind::Corrupt);
    assert_eq!(footer(&dynamic, 48, &u64::MAX.to_be_bytes()).0, ErrorKind::TooLarge);
    assert_eq!(footer(&fixed, 60, &4_u32.to_be_bytes()).0, ErrorKind::Unsupported);
    assert_eq!(footer(&fixed, 60, &9_u32.to_be_bytes()).0, ErrorKind::Unsupported);
    assert_eq!(footer(&dynamic, 16, &u64::MAX.to_be_bytes()).0, ErrorKind::Corrupt);
    assert_eq!(refusal(dir.path(), &put(&fixed, fixed.len() - 400, &[1])).0, ErrorKind::Corrupt);
    assert_eq!(
        refusal(dir.path(), &dynamic[..dynamic.len() - 1]).1,
        "it starts as a VHD but does not end in a footer"
    );

    for (at, value) in [
        (0, &[0_u8; 8][..]),
        (16, &[0xff; 8]),
        (16, &[0; 8]),
        (28, &[0; 4]),
        (32, &[0; 4]),
        (32, &[0, 0x30, 0, 0]),
    ] {
        assert_eq!(header(at, value).0, ErrorKind::Corrupt, "{at}");
    }
    assert_eq!(header(24, &[0; 4]).0, ErrorKind::Unsupported);
    // The table of blocks follows the header: a block in the header, one behind the end, one used twice.
    for value in [&[0; 4][..], &[0xff, 0xff, 0xff, 0xfe]] {
        assert_eq!(refusal(dir.path(), &put(&dynamic, 1536, value)).0, ErrorKind::Corrupt);
    }
}

#[test]
fn vhdx_structures_that_make_no_sense_are_refused() {
    let dir = scratch();
    let good = image(dir.path(), OutputFormat::Vhdx);
    let both = |at: usize, value: &[u8], offsets: [usize; 2], len: usize| {
        let mut bytes = good.clone();
        for start in offsets {
            bytes = put(&put(&bytes, start + at, value), start + 4, &[0; 4]);
            let sum = crc32c::crc32c(&bytes[start..start + len]);
            bytes = put(&bytes, start + 4, &sum.to_le_bytes());
        }
        refusal(dir.path(), &bytes)
    };
    let headers = [64 << 10, 128 << 10];
    let tables = [192 << 10, 256 << 10];
    assert_eq!(
        both(48, &[1], headers, 4096).1,
        "the VHDX was not closed properly: its log holds changes that are not carried out yet"
    );
    assert_eq!(both(66, &[2], headers, 4096).0, ErrorKind::Unsupported);
    assert_eq!(both(0, b"HEAD", headers, 4096).0, ErrorKind::Corrupt);
    assert_eq!(both(8, &[0; 4], tables, 65536).1, "the VHDX lacks its table of blocks");
    assert_eq!(both(16, &[9; 16], tables, 65536).0, ErrorKind::Unsupported);
    assert_eq!(both(32, &[0xff; 8], tables, 65536).0, ErrorKind::Corrupt);
    assert_eq!(both(40, &[0xff; 4], tables, 65536).0, ErrorKind::Corrupt);

    let metadata = 2 << 20;
    let items = metadata + (64 << 10);
    let cases: [(usize, &[u8], ErrorKind); 8] = [
        (metadata, &[0], ErrorKind::Corrupt),
        (metadata + 10, &[0, 0], ErrorKind::Corrupt),
        (metadata + 32, &[9; 16], ErrorKind::Unsupported),
        (metadata + 48, &[0xff; 4], ErrorKind::Corrupt),
        (items, &[0, 0, 0, 0], ErrorKind::Corrupt),
        (items + 4, &[2], ErrorKind::Unsupported),
        (items + 8, &[0xff; 8], ErrorKind::Corrupt),
        (items + 32, &[1], ErrorKind::Corrupt),
    ];
    for (at, value, kind) in cases {
        assert_eq!(refusal(dir.path(), &put(&good, at, value)).0, kind, "{at}");
    }
    let blocks = 3 << 20;
    for (entry, kind) in [
        (6_u64, ErrorKind::Corrupt),
        (u64::MAX << 20 | 6, ErrorKind::Corrupt),
        (7, ErrorKind::Unsupported),
        (4, ErrorKind::Corrupt),
    ] {
        assert_eq!(refusal(dir.path(), &put(&good, blocks, &entry.to_le_bytes())).0, kind, "{entry:#x}");
    }
    let twice = good[blocks..blocks + 8].to_vec();
    let _either = detect(&dir.path().join("hostile"));
    let bytes = put(&good, blocks + 8, &twice);
    std::fs::write(dir.path().join("hostile"), bytes).unwrap();
    let _read_or_refused = import(&dir.path().join("hostile"), &dir.path().join("work"), &no_progress);
}

#[test]
fn random_damage_is_an_error_or_a_disk() {
    let dir = scratch();
    let (path, work) = (dir.path().join("hostile"), dir.path().join("work"));
    /// A name, the bytes, and the parts with structure: offset and length.
    type Sample = (String, Vec<u8>, Vec<(usize, usize)>);
    let mut images: Vec<Sample> = Vec::new();
    let qcow2 = image(dir.path(), OutputFormat::Qcow2);
    let l1 = u64_be(&qcow2, 40) as usize;
    let l2 = (u64_be(&qcow2, l1) & !(1 << 63)) as usize;
    images.push(("qcow2".into(), qcow2, vec![(4, 108), (l1, 8), (l2, 8 * 48)]));
    let vhd = image(dir.path(), OutputFormat::VhdDynamic);
    let footer = (vhd.len() - 512, 100);
    images.push(("vhd".into(), vhd, vec![footer, (512, 40), (1536, 8)]));
    let vhdx = image(dir.path(), OutputFormat::Vhdx);
    images.push(("vhdx".into(), vhdx, vec![(2 << 20, 200), ((2 << 20) + 65536, 40), (3 << 20, 16)]));
    let packed = dir.path().join("packed");
    let disk = disk_with(dir.path(), SIZE);
    qemu_img(&[
        "convert",
        "-f",
        "raw",
        "-O",
        "qcow2",
        "-c",
        disk.to_str().unwrap(),
        packed.to_str().unwrap(),
    ]);
    let packed = read(&packed);
    let l1 = u64_be(&packed, 40) as usize;
    let l2 = (u64_be(&packed, l1) & !(1 << 63)) as usize;
    images.push(("compressed".into(), packed, vec![(4, 108), (l2, 8 * 48), (l2 + 65536, 4096)]));

    let random = noise(3, 1 << 16);
    let mut random =
        random.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()) as usize).cycle();
    for (name, good, parts) in &images {
        for round in 0..250 {
            let mut bytes = good.clone();
            for _ in 0..1 + round % 3 {
                let (start, len) = parts[random.next().unwrap() % parts.len()];
                let at = start + random.next().unwrap() % len;
                bytes[at] =
                    [0, 1, 0x7f, 0x80, 0xff, random.next().unwrap() as u8][random.next().unwrap() % 6];
            }
            std::fs::write(&path, &bytes).unwrap();
            let started = Instant::now();
            if let Ok(found) = import(&path, &work, &no_progress) {
                assert_eq!(work.metadata().unwrap().len(), found.virtual_size.bytes(), "{name}");
                std::fs::remove_file(&work).unwrap();
            }
            assert!(!work.exists(), "{name}");
            assert!(started.elapsed() < Duration::from_secs(20), "{name} {round}");
        }
    }
}
