//! What has a magic number and is only recognised, not looked into.

use super::{Kind, Superblock, text, uuid};
use crate::bytes::{array, has_at, u8_at, u16_be, u16_le, u32_be, u32_le, u64_le};

/// LUKS, both versions: big-endian, the UUID as text.
pub(super) fn luks(head: &[u8]) -> Option<Superblock> {
    let version = has_at(head, 0, b"LUKS\xba\xbe").then(|| u16_be(head, 6))??;
    let label = if version == 2 { text(head.get(24..72)) } else { None };
    matches!(version, 1 | 2).then(|| Superblock {
        uuid: text(head.get(168..208)),
        label,
        ..Superblock::new(Kind::Luks)
    })
}

/// An LVM2 physical volume: a label in one of the first four sectors leads to the header with the UUID.
pub(super) fn lvm2(head: &[u8]) -> Option<Superblock> {
    let label = (0..4)
        .filter_map(|sector| head.get(sector * 512..sector * 512 + 512))
        .find(|label| has_at(label, 0, b"LABELONE") && has_at(label, 24, b"LVM2 001"))?;
    let header = usize::try_from(u32_le(label, 20)?).ok()?;
    let id: [u8; 32] = array(label, header)?;
    Some(Superblock { uuid: lvm_uuid(&id), ..Superblock::new(Kind::Lvm2) })
}

/// Letters and digits in groups of 6, 4, 4, 4, 4, 4 and 6.
fn lvm_uuid(id: &[u8; 32]) -> Option<String> {
    let mut uuid = String::new();
    for (index, byte) in id.iter().enumerate() {
        if matches!(index, 6 | 10 | 14 | 18 | 22 | 26) {
            uuid.push('-');
        }
        uuid.push(char::from(*byte).is_ascii_alphanumeric().then(|| char::from(*byte))?);
    }
    Some(uuid)
}

pub(super) fn verity_hash(head: &[u8]) -> Option<Superblock> {
    let found = has_at(head, 0, b"verity\0\0") && u32_le(head, 8)? == 1;
    found.then(|| Superblock {
        uuid: uuid(array(head, 16)),
        block_size: u32_le(head, 68).map(u64::from),
        ..Superblock::new(Kind::VerityHash)
    })
}

/// XFS: big-endian.
pub(super) fn xfs(head: &[u8]) -> Option<Superblock> {
    if !has_at(head, 0, b"XFSB") {
        return None;
    }
    let block_size = u64::from(u32_be(head, 4)?);
    if !block_size.is_power_of_two() || !(512..=65536).contains(&block_size) {
        return None;
    }
    let blocks = array(head, 8).map(u64::from_be_bytes)?;
    Some(Superblock {
        uuid: uuid(array(head, 32)),
        label: text(head.get(108..120)),
        block_size: Some(block_size),
        size: blocks.checked_mul(block_size),
        ..Superblock::new(Kind::Xfs)
    })
}

pub(super) fn squashfs(head: &[u8]) -> Option<Superblock> {
    let found = has_at(head, 0, b"hsqs") && u16_le(head, 28)? == 4;
    found.then(|| Superblock {
        block_size: u32_le(head, 12).map(u64::from),
        size: u64_le(head, 40),
        ..Superblock::new(Kind::Squashfs)
    })
}

pub(super) fn erofs(head: &[u8]) -> Option<Superblock> {
    let block = head.get(1024..)?;
    if u32_le(block, 0)? != 0xe0f5_e1e2 {
        return None;
    }
    let block_size =
        1_u64.checked_shl(u32::from(u8_at(block, 12)?)).filter(|size| (512..=65536).contains(size))?;
    Some(Superblock {
        uuid: uuid(array(block, 48)),
        label: text(block.get(64..80)),
        block_size: Some(block_size),
        size: u64::from(u32_le(block, 36)?).checked_mul(block_size),
        ..Superblock::new(Kind::Erofs)
    })
}

pub(super) fn btrfs(head: &[u8]) -> Option<Superblock> {
    let block = head.get(65536..)?;
    has_at(block, 64, b"_BHRfS_M").then(|| Superblock {
        uuid: uuid(array(block, 32)),
        label: text(block.get(0x12b..0x22b)),
        block_size: u32_le(block, 0x90).map(u64::from),
        size: u64_le(block, 0x70),
        ..Superblock::new(Kind::Btrfs)
    })
}

/// ISO 9660: the primary volume descriptor at sector 16. It has no UUID; its date serves as one.
pub(super) fn iso9660(head: &[u8]) -> Option<Superblock> {
    let descriptor = head.get(32768..34816)?;
    let found = has_at(descriptor, 0, b"\x01CD001\x01");
    let date = |at: usize| {
        let digits = descriptor.get(at..at + 16)?;
        // Zero digits mean that there is no date.
        let is_set = digits.iter().all(u8::is_ascii_digit) && digits.iter().any(|digit| *digit != b'0');
        let part = |from: usize, to: usize| digits.get(from..to).map(String::from_utf8_lossy);
        let parts = [
            part(0, 4)?,
            part(4, 6)?,
            part(6, 8)?,
            part(8, 10)?,
            part(10, 12)?,
            part(12, 14)?,
            part(14, 16)?,
        ];
        is_set.then(|| parts.join("-"))
    };
    found.then(|| Superblock {
        uuid: date(830).or_else(|| date(813)),
        label: text(descriptor.get(40..72)),
        block_size: u16_le(descriptor, 128).map(u64::from),
        ..Superblock::new(Kind::Iso9660)
    })
}

/// Swap space: the magic number ends the first page, whose size depends on the machine.
pub(super) fn swap(head: &[u8]) -> Option<Superblock> {
    let page = [4096_usize, 8192, 16384, 32768, 65536]
        .into_iter()
        .find(|page| has_at(head, page - 10, b"SWAPSPACE2") && u32_le(head, 1024) == Some(1))?;
    let last_page = u64::from(u32_le(head, 1028)?);
    Some(Superblock {
        uuid: uuid(array(head, 1036)),
        label: text(head.get(1052..1068)),
        block_size: Some(page as u64),
        size: last_page.checked_add(1).and_then(|pages| pages.checked_mul(page as u64)),
        ..Superblock::new(Kind::Swap)
    })
}
