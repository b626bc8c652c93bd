//! A file tree as text, for comparisons and golden files.

use super::tree::{Content, Ino, Inode, Tree};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Longer content is shown by its length and a checksum.
const SHOWN_CONTENT: usize = 4096;

impl Tree {
    /// One line for each object, sorted by path, the root left out:
    ///
    /// ```text
    /// d 0755 0:0 /etc
    /// f 0640 5:6 /etc/motd "hello\n"
    /// l 0777 0:0 /etc/mtab -> ../proc/mounts
    /// f 0640 5:6 /etc/motd.same = /etc/motd
    /// f 0755 0:0 /usr/bin/ping "" security.capability="1"
    /// ```
    #[must_use]
    pub fn manifest(&self) -> String {
        let mut lines = String::new();
        let mut seen = BTreeMap::new();
        // A stack of what is to be shown; the next one is last.
        let mut pending = vec![(String::new(), 0)];
        while let Some((path, ino)) = pending.pop() {
            let Ok(inode) = self.inode(ino) else { continue };
            if !path.is_empty() {
                show(&mut lines, &path, inode, seen.get(&ino));
            }
            seen.entry(ino).or_insert_with(|| path.clone());
            if let Content::Directory(entries) = &inode.content {
                let below = |(name, ino): (&Vec<u8>, &Ino)| (format!("{path}/{}", text(name)), *ino);
                pending.extend(entries.iter().rev().map(below));
            }
        }
        lines
    }
}

fn show(lines: &mut String, path: &str, inode: &Inode, first_name: Option<&String>) {
    let letter = match inode.kind() {
        crate::Kind::Regular => 'f',
        crate::Kind::Directory => 'd',
        crate::Kind::Symlink => 'l',
        crate::Kind::CharDevice => 'c',
        crate::Kind::BlockDevice => 'b',
        crate::Kind::Fifo => 'p',
        crate::Kind::Socket => 's',
    };
    let content = match (&inode.content, first_name) {
        (_, Some(name)) => format!(" = {name}"),
        (Content::File(data), None) => format!(" {}", content(data)),
        (Content::Symlink(target), None) => format!(" -> {}", text(target)),
        (Content::Special(_), None) => {
            inode.device.map_or_else(String::new, |number| format!(" {}:{}", number.major, number.minor))
        }
        (Content::Directory(_), None) => String::new(),
    };
    let (mode, owner) = (inode.mode, inode.owner);
    // Writing to a string cannot fail.
    let _ = write!(lines, "{letter} {mode:04o} {}:{} {path}{content}", owner.uid, owner.gid);
    if first_name.is_none() {
        for (name, value) in &inode.xattrs {
            let _ = write!(lines, " {}={}", text(name.as_bytes()), self::content(value));
        }
    }
    lines.push('\n');
}

fn content(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) if data.len() <= SHOWN_CONTENT => format!("{text:?}"),
        _ => format!("{} bytes, fnv-1a {:016x}", data.len(), checksum(data)),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().collect()
}

/// FNV-1a, 64 bits.
fn checksum(data: &[u8]) -> u64 {
    data.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
