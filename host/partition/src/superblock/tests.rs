//! Superblocks that no program makes: cut short, and damaged. What the programs make is in `tests/superblocks.rs`.

use super::*;
use crate::sample::noise;

fn ext4() -> Vec<u8> {
    let mut bytes = vec![0; HEAD as usize];
    let block = &mut bytes[1024..2048];
    block[4..8].copy_from_slice(&1000_u32.to_le_bytes());
    block[0x18..0x1c].copy_from_slice(&2_u32.to_le_bytes());
    block[0x38..0x3c].copy_from_slice(&[0x53, 0xef, 1, 0]);
    block[0x60] = 0x40; // extents
    block[0x68..0x78].copy_from_slice(b"0123456789abcdef");
    block[0x78..0x7c].copy_from_slice(b"root");
    bytes
}

#[test]
fn an_ext4_superblock_is_understood() {
    let found = probe(&ext4(), HEAD).unwrap().unwrap();
    assert_eq!((found.kind, found.block_size, found.size), (Kind::Ext4, Some(4096), Some(4_096_000)));
    assert_eq!(found.uuid.as_deref(), Some("30313233-3435-3637-3839-616263646566"));
    assert_eq!(found.label.as_deref(), Some("root"));
    let ext = found.ext.unwrap();
    assert!(!ext.has_journal() && !ext.needs_recovery() && !ext.is_64bit() && ext.checksum_is_right);
    assert_eq!(ext.state, ExtState::Clean);
}

#[test]
fn sizes_that_overflow_are_not_believed() {
    let mut bytes = ext4();
    bytes[1024 + 0x60] = 0x80; // 64bit
    bytes[1024 + 0x150..1024 + 0x154].fill(0xff);
    assert_eq!(probe(&bytes, HEAD).unwrap(), None);
    for log_size in [7_u32, 31, 32, u32::MAX] {
        let mut bytes = ext4();
        bytes[1024 + 0x18..1024 + 0x1c].copy_from_slice(&log_size.to_le_bytes());
        assert_eq!(probe(&bytes, HEAD).unwrap(), None);
    }
}

#[test]
fn short_and_empty_partitions_hold_nothing() {
    for len in [0, 1, 511, 512, 1024, 2047] {
        assert_eq!(probe(&vec![0; len as usize], len).unwrap(), None, "{len}");
        let cut = &ext4()[..len as usize];
        assert_eq!(probe(&cut, len).unwrap(), None, "{len}");
    }
}

#[test]
fn a_partition_that_cannot_be_read_is_an_error() {
    assert!(matches!(probe(&vec![0; 100], 200).unwrap_err(), Error::Read { offset: 0, len: 200, .. }));
}

#[test]
fn a_partition_is_probed_within_its_bounds() {
    let mut disk = vec![0; 4096];
    disk.extend(ext4());
    let len = HEAD;
    assert_eq!(probe_partition(&disk, 4096, len).unwrap().unwrap().kind, Kind::Ext4);
    assert_eq!(probe_partition(&disk, 4096, 2000).unwrap(), None);
    assert!(probe_partition(&disk, u64::MAX, 2000).is_err());
}

/// A FAT32 file system whose root directory's chain leads back to itself.
#[test]
fn a_chain_that_does_not_end_is_left() {
    let mut bytes = vec![0; 4 << 20];
    bytes[..3].copy_from_slice(&[0xeb, 0x58, 0x90]);
    bytes[11..13].copy_from_slice(&512_u16.to_le_bytes());
    bytes[13] = 1;
    bytes[14] = 32;
    bytes[16] = 1;
    bytes[21] = 0xf8;
    bytes[32..36].copy_from_slice(&8000_u32.to_le_bytes());
    bytes[36..40].copy_from_slice(&100_u32.to_le_bytes());
    bytes[44] = 2;
    bytes[66] = 0x29;
    bytes[67..71].copy_from_slice(&0x0102_0304_u32.to_le_bytes());
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    bytes[32 * 512 + 8] = 2; // cluster 2 leads to cluster 2
    bytes[132 * 512..133 * 512].fill(0xe5);
    let len = bytes.len() as u64;
    let found = probe(&bytes, len).unwrap().unwrap();
    assert_eq!((found.kind, found.uuid.as_deref(), found.label), (Kind::Vfat, Some("0102-0304"), None));
}

#[test]
fn noise_behind_every_magic_number_is_read_without_harm() {
    let magics: [(usize, &[u8]); 12] = [
        (0, b"LUKS\xba\xbe\0\x02"),
        (0, b"LABELONE"),
        (24, b"LVM2 001"),
        (0, b"verity\0\0\x01\0\0\0"),
        (0, b"XFSB"),
        (0, b"hsqs"),
        (1080, b"\x53\xef"),
        (1024, b"\xe2\xe1\xf5\xe0"),
        (65600, b"_BHRfS_M"),
        (32768, b"\x01CD001\x01"),
        (4086, b"SWAPSPACE2"),
        (0, b"\xeb\x58\x90"),
    ];
    let mut seed = 7;
    for round in 0..400 {
        let mut bytes: Vec<u8> = Vec::with_capacity(HEAD as usize);
        while bytes.len() < HEAD as usize {
            bytes.extend(noise(&mut seed).to_le_bytes());
        }
        if round % 2 == 0 {
            bytes.iter_mut().for_each(|byte| *byte &= 0x81);
        }
        bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
        for (at, magic) in magics {
            if !noise(&mut seed).is_multiple_of(8) {
                bytes[at..at + magic.len()].copy_from_slice(magic);
                let _found = probe(&bytes, HEAD).unwrap();
                bytes[at] ^= 0x40;
            }
        }
    }
}
