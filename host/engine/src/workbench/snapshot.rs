//! All that a tree holds, to be compared with what it holds later.

use super::diff::printable;
use crate::error::{Error, ErrorKind, Result};
use rootfs::{
    Aim, Device, FileId, Follow, Guard, ImagePath, ImagePathBuf, Kind, Metadata, NodeId, Owner, Scope,
    Timestamp, Tree,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

/// The objects of a tree by their paths, without its root.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) objects: BTreeMap<ImagePathBuf, Object>,
    /// The first name of each.
    first: HashMap<NodeId, ImagePathBuf>,
    /// Bytes of text that are kept.
    kept: u64,
    /// Knows which files are secrets, as they were here.
    guard: Guard,
}

/// One object.
#[derive(Debug)]
pub(super) struct Object {
    kind: Kind,
    mode: u32,
    owner: Owner,
    pub(super) modified: Timestamp,
    device: Option<Device>,
    content: Content,
    xattrs: Vec<(String, Vec<u8>)>,
    /// The first of several names, in byte order, when this is another.
    same_as: Option<ImagePathBuf>,
}

#[derive(Debug)]
enum Content {
    None,
    Text(String),
    Digest { size: u64, sha256: [u8; 32] },
    Link(Vec<u8>),
}

/// Bytes of a file up to which its text is kept.
const LONGEST_TEXT: u64 = 16 << 10;
/// Bytes of an object's content that its line shows.
const SHOWN: usize = 4096;
/// Bytes of text that are kept of a whole tree.
const MOST_TEXT: u64 = 256 << 20;
/// Bytes read at once.
const CHUNK: usize = 1 << 20;

impl Snapshot {
    /// Looks at all of `tree`. What lies on a file system that cannot be served is left out.
    pub(super) fn take(tree: &mut dyn Tree) -> Result<Self> {
        Self::walk(tree, None)
            .map_err(|error| Error::new(ErrorKind::ImageLayout, "look at the tree").caused_by(error))
    }

    /// The same after a step ran. What was a secret before is one still, whatever became of the link that made it one.
    pub(super) fn later(&mut self, tree: &mut dyn Tree) -> Result<Self> {
        Self::walk(tree, Some(&mut self.guard))
            .map_err(|error| Error::new(ErrorKind::ImageLayout, "look at the tree").caused_by(error))
    }

    fn walk(tree: &mut dyn Tree, mut earlier: Option<&mut Guard>) -> rootfs::Result<Self> {
        let mut guard = Guard::new(Scope::unrestricted());
        guard.find_secrets(tree);
        let mut snapshot = Self { objects: BTreeMap::new(), first: HashMap::new(), kept: 0, guard };
        let mut directories = HashSet::new();
        let mut left = vec![ImagePathBuf::from("/")];
        let mut found: Vec<(ImagePathBuf, Metadata)> = Vec::new();
        while let Some(directory) = left.pop() {
            let entries = match tree.list_directory(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == rootfs::ErrorKind::ForeignMount => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let path = directory.join(&entry.name);
                let metadata = match tree.metadata(&path, Follow::No) {
                    Ok(metadata) => metadata,
                    Err(error) if error.kind() == rootfs::ErrorKind::ForeignMount => continue,
                    Err(error) => return Err(error),
                };
                if metadata.kind == Kind::Directory {
                    if !directories.insert(metadata.id) {
                        return Err(rootfs::Error::new(rootfs::ErrorKind::Corrupt, "list").at(&path));
                    }
                    left.push(path.clone());
                }
                found.push((path, metadata));
            }
        }
        found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for (path, metadata) in found {
            // Of others no text is shown.
            let may_show = metadata.kind == Kind::Regular && metadata.size <= LONGEST_TEXT;
            let secret = may_show
                && [Some(&mut snapshot.guard), earlier.as_deref_mut()]
                    .into_iter()
                    .flatten()
                    .any(|guard| guard.holds_secret(tree, &path, Aim::Itself));
            snapshot.add(tree, path, metadata, secret)?;
        }
        Ok(snapshot)
    }

    fn add(
        &mut self,
        tree: &mut dyn Tree,
        path: ImagePathBuf,
        metadata: Metadata,
        secret: bool,
    ) -> rootfs::Result<()> {
        let Metadata { kind, mode, owner, size, modified, device, id, links } = metadata;
        let same_as = if links > 1 && kind != Kind::Directory { self.first.get(&id).cloned() } else { None };
        if same_as.is_none() {
            self.first.insert(id, path.clone());
        }
        let content = match (kind, &same_as) {
            (_, Some(_)) => Content::None,
            (Kind::Symlink, None) => Content::Link(tree.read_link(&path)?),
            (Kind::Regular, None) => self.content(tree, &path, size, secret)?,
            _ => Content::None,
        };
        let mut xattrs = Vec::new();
        if same_as.is_none() {
            for name in tree.list_xattrs(&path)? {
                let value = tree.xattr(&path, &name)?;
                xattrs.push((name, value));
            }
        }
        let object = Object { kind, mode, owner, modified, device, content, xattrs, same_as };
        self.objects.insert(path, object);
        Ok(())
    }

    /// The text of a short file that is no secret, the digest of another.
    fn content(
        &mut self,
        tree: &mut dyn Tree,
        path: &ImagePath,
        size: u64,
        secret: bool,
    ) -> rootfs::Result<Content> {
        let file = tree.open(path)?;
        let keep = size <= LONGEST_TEXT && !secret && self.kept < MOST_TEXT;
        let content = read(tree, file, size, keep);
        let closed = tree.close(file);
        let content = content?;
        closed?;
        if let Content::Text(text) = &content {
            self.kept = self.kept.saturating_add(text.len() as u64);
        }
        Ok(content)
    }
}

fn read(tree: &mut dyn Tree, file: FileId, size: u64, keep: bool) -> rootfs::Result<Content> {
    let mut buffer = vec![0; usize::try_from(size).map_or(CHUNK, |size| size.clamp(1, CHUNK))];
    let mut digest = Sha256::new();
    let mut text = Vec::new();
    let mut position = 0;
    loop {
        let read = tree.read_at(file, position, &mut buffer)?;
        let piece = buffer.get(..read).unwrap_or_default();
        digest.update(piece);
        if keep {
            text.extend_from_slice(piece);
        }
        position += read as u64;
        if read < buffer.len() || position >= size {
            break;
        }
    }
    match String::from_utf8(text) {
        Ok(text) if keep => Ok(Content::Text(text)),
        _ => Ok(Content::Digest { size: position, sha256: digest.finalize().into() }),
    }
}

impl Object {
    /// All but the content: `f 0644 0:0 /etc/motd`, and extended attributes.
    pub(super) fn summary(&self, path: &ImagePath) -> String {
        self.head(path) + &self.attributes()
    }

    fn head(&self, path: &ImagePath) -> String {
        let letter = match self.kind {
            Kind::Regular => 'f',
            Kind::Directory => 'd',
            Kind::Symlink => 'l',
            Kind::CharDevice => 'c',
            Kind::BlockDevice => 'b',
            Kind::Fifo => 'p',
            Kind::Socket => 's',
        };
        let Owner { uid, gid } = self.owner;
        format!("{letter} {:04o} {uid}:{gid} {}", self.mode, bytes(path.as_bytes()))
    }

    /// The whole object in one line; the time where it is given.
    pub(super) fn line(&self, path: &ImagePath, time: Option<Timestamp>) -> String {
        let mut line = self.head(path);
        // Writing to a string cannot fail.
        let _ = match (&self.same_as, &self.content) {
            (Some(first), _) => write!(line, " = {}", bytes(first.as_bytes())),
            (None, Content::Text(text)) if text.len() <= SHOWN => write!(line, " {}", quoted(text)),
            (None, Content::Text(text)) => {
                let sha256 = Sha256::digest(text.as_bytes()).into();
                write!(line, " {}", digest(text.len() as u64, &sha256))
            }
            (None, Content::Digest { size, sha256 }) => write!(line, " {}", digest(*size, sha256)),
            (None, Content::Link(target)) => write!(line, " -> {}", bytes(target)),
            (None, Content::None) => Ok(()),
        };
        if let Some(Device { major, minor }) = self.device {
            let _ = write!(line, " {major}:{minor}");
        }
        line.push_str(&self.attributes());
        if let Some(Timestamp { seconds, .. }) = time {
            let _ = write!(line, " modified={seconds}");
        }
        line
    }

    /// The text of the content, where it is one that was kept.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    fn attributes(&self) -> String {
        let one = |(name, value): &(String, Vec<u8>)| {
            let value = match std::str::from_utf8(value) {
                Ok(text) if text.len() <= SHOWN => quoted(text),
                _ => digest(value.len() as u64, &Sha256::digest(value).into()),
            };
            format!(" {}={value}", printable(name))
        };
        self.xattrs.iter().map(one).collect()
    }
}

fn digest(size: u64, sha256: &[u8; 32]) -> String {
    format!("({size} bytes, sha256 {})", sandbox::hex(sha256))
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn bytes(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&printable(chunk.valid()));
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::ground::{self, Ground, Modes};
    use rootfs::WriteOptions;

    #[test]
    fn a_secret_is_shown_by_its_digest_whatever_link_or_name_it_goes_by() {
        let scratch = tempfile::tempdir().unwrap();
        let clock = Timestamp { seconds: 1, nanoseconds: 0 };
        let mut tree = ground::prepare(&Ground::Empty, Modes::Plain, clock, scratch.path()).unwrap().tree;
        for directory in ["/var/roothome/.ssh", "/etc"] {
            rootfs::operations::make_directories(&mut tree, ImagePath::new(directory), 0o755).unwrap();
        }
        tree.make_symlink(b"var/roothome", ImagePath::new("/root")).unwrap();
        let secrets = ["/var/roothome/.ssh/id", "/etc/shadow", "/same"];
        for secret in &secrets[..2] {
            tree.write(ImagePath::new(secret), b"hunter2", &WriteOptions::default()).unwrap();
        }
        tree.make_hard_link(ImagePath::new("/etc/shadow"), ImagePath::new("/same")).unwrap();
        tree.write(ImagePath::new("/open"), b"for all", &WriteOptions::default()).unwrap();

        let mut before = Snapshot::take(&mut tree).unwrap();
        tree.remove_file(ImagePath::new("/root")).unwrap();
        tree.remove_file(ImagePath::new("/etc/shadow")).unwrap();
        let after = before.later(&mut tree).unwrap();
        for snapshot in [&before, &after] {
            for (path, object) in &snapshot.objects {
                let line = object.line(path, None);
                assert!(!line.contains("hunter2"), "{line}");
            }
            let open = snapshot.objects.get(ImagePath::new("/open")).unwrap();
            assert_eq!(open.text(), Some("for all"));
        }
    }
}
