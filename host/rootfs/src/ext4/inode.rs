//! The bytes of an inode that the engine has no call for.

use crate::error::ErrorKind;
use crate::filesystem::{Attributes, Failure, Inode, Outcome};
use crate::tree::{Device, Kind, Owner, Timestamp};
use fs_ext4::Filesystem;
use fs_ext4::inode as layout;

/// Offsets within an inode (the format documentation's inode table).
const BLOCK: usize = 0x28;
const CTIME: usize = 0x0C;
const FILE_ACL_LOW: usize = 0x68;
const FILE_ACL_HIGH: usize = 0x76;
const CHECKSUM_LOW: usize = 0x7C;
pub(super) const EXTRA_SIZE: usize = 0x80;
const CHECKSUM_HIGH: usize = 0x82;
const CTIME_EXTRA: usize = 0x84;
/// Bytes of every inode before the extra fields.
pub(super) const BASE: usize = 128;

/// What the engine's inode says in the tree's terms.
pub(super) fn attributes(inode: Inode, found: &layout::Inode) -> Outcome<Attributes> {
    let kind = kind(found.mode)?;
    let device = matches!(kind, Kind::CharDevice | Kind::BlockDevice).then(|| device(&found.block));
    Ok(Attributes {
        inode,
        kind,
        mode: u32::from(found.mode & 0o7777),
        owner: Owner { uid: found.uid, gid: found.gid },
        size: found.size,
        links: u64::from(found.links_count),
        modified: Timestamp { seconds: found.mtime, nanoseconds: found.mtime_nsec.min(999_999_999) },
        device,
    })
}

/// The kind in the type bits of a mode.
pub(super) fn kind(mode: u16) -> Outcome<Kind> {
    match mode & layout::S_IFMT {
        layout::S_IFREG => Ok(Kind::Regular),
        layout::S_IFDIR => Ok(Kind::Directory),
        layout::S_IFLNK => Ok(Kind::Symlink),
        layout::S_IFCHR => Ok(Kind::CharDevice),
        layout::S_IFBLK => Ok(Kind::BlockDevice),
        layout::S_IFIFO => Ok(Kind::Fifo),
        layout::S_IFSOCK => Ok(Kind::Socket),
        _ => Err(Failure::new(ErrorKind::Corrupt, "an inode has no known file type")),
    }
}

pub(super) fn type_bits(kind: Kind) -> u16 {
    match kind {
        Kind::Regular => layout::S_IFREG,
        Kind::Directory => layout::S_IFDIR,
        Kind::Symlink => layout::S_IFLNK,
        Kind::CharDevice => layout::S_IFCHR,
        Kind::BlockDevice => layout::S_IFBLK,
        Kind::Fifo => layout::S_IFIFO,
        Kind::Socket => layout::S_IFSOCK,
    }
}

/// The low 12 bits; more is refused.
pub(super) fn mode_bits(mode: u32) -> Outcome<u16> {
    u16::try_from(mode).ok().filter(|mode| mode & !0o7777 == 0).ok_or_else(|| {
        Failure::new(ErrorKind::InvalidArgument, format!("mode {mode:#o} has more than the low 12 bits"))
    })
}

/// A device number as the first two words of the block area: the old form where both halves fit 8 bits, else
/// the new form after an empty word.
pub(super) fn device_words(device: Device) -> Outcome<(u32, u32)> {
    let Device { major, minor } = device;
    if major > 0xFFF || minor > 0xF_FFFF {
        return Err(Failure::new(ErrorKind::InvalidArgument, format!("no device number: {major}:{minor}")));
    }
    if major < 256 && minor < 256 {
        return Ok((major << 8 | minor, 0));
    }
    Ok((0, (minor & 0xFF) | (major << 8) | ((minor & !0xFF) << 12)))
}

fn device(block: &[u8; 60]) -> Device {
    let (old, new) = (word(block, 0), word(block, 4));
    if old != 0 {
        return Device { major: (old >> 8) & 0xFF, minor: old & 0xFF };
    }
    Device { major: (new & 0xF_FF00) >> 8, minor: (new & 0xFF) | ((new >> 12) & 0xF_FF00) }
}

pub(super) fn put_device(raw: &mut [u8], words: (u32, u32)) {
    put(raw, BLOCK, &words.0.to_le_bytes());
    put(raw, BLOCK + 4, &words.1.to_le_bytes());
}

pub(super) fn put_file_acl(raw: &mut [u8], block: u64) {
    let [a, b, c, d, e, f, ..] = block.to_le_bytes();
    put(raw, FILE_ACL_LOW, &[a, b, c, d]);
    put(raw, FILE_ACL_HIGH, &[e, f]);
}

/// Sets the time of the last change of the inode itself, as far as the inode has room for it.
pub(super) fn put_change_time(raw: &mut [u8], seconds: i64) {
    let Ok(low) = i32::try_from(seconds.wrapping_shl(32) >> 32) else { return };
    put(raw, CTIME, &low.to_le_bytes());
    if extra_size(raw) >= CTIME_EXTRA + 4 - BASE {
        let [epoch, ..] = ((seconds - i64::from(low)) >> 32).to_le_bytes();
        put(raw, CTIME_EXTRA, &u32::from(epoch & 3).to_le_bytes());
    }
}

/// Bytes of extra fields behind the first 128.
pub(super) fn extra_size(raw: &[u8]) -> usize {
    match raw.get(EXTRA_SIZE..EXTRA_SIZE + 2) {
        Some([low, high]) => usize::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    }
}

/// Changes the bytes of an inode and writes it back with its checksum.
pub(super) fn edit(engine: &Filesystem, inode: u32, change: impl FnOnce(&mut [u8])) -> fs_ext4::Result<()> {
    let (parsed, mut raw) = engine.read_inode_verified(inode)?;
    change(&mut raw);
    store(engine, inode, parsed.generation, &mut raw)
}

/// Writes the bytes of an inode with their checksum.
pub(super) fn store(engine: &Filesystem, inode: u32, generation: u32, raw: &mut [u8]) -> fs_ext4::Result<()> {
    if let Some((low, high)) = engine.csum.compute_inode_checksum(inode, generation, raw) {
        put(raw, CHECKSUM_LOW, &low.to_le_bytes());
        if extra_size(raw) >= CHECKSUM_HIGH + 2 - BASE {
            put(raw, CHECKSUM_HIGH, &high.to_le_bytes());
        }
    }
    engine.write_inode_raw(inode, raw)
}

pub(super) fn put(raw: &mut [u8], offset: usize, bytes: &[u8]) {
    if let Some(place) = offset.checked_add(bytes.len()).and_then(|end| raw.get_mut(offset..end)) {
        place.copy_from_slice(bytes);
    }
}

/// A little-endian number of 32 bits; 0 beyond the end.
pub(super) fn word(bytes: &[u8], offset: usize) -> u32 {
    match offset.checked_add(4).and_then(|end| bytes.get(offset..end)) {
        Some([a, b, c, d]) => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => 0,
    }
}
