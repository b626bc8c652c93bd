//! A list of all that a tree holds, to compare trees by.

use super::{CHUNK, below, seen_twice, with_file};
use crate::error::Result;
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Device, FileId, Follow, Kind, Metadata, NodeId, Owner, Timestamp, Tree};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Everything at and below a path, in byte order of the paths.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Manifest {
    /// The objects.
    pub objects: Vec<ManifestObject>,
}

/// One name in a tree and what it stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ManifestObject {
    /// Absolute.
    pub path: ImagePathBuf,
    /// What it is.
    pub kind: Kind,
    /// The low 12 bits.
    pub mode: u32,
    /// User and group.
    pub owner: Owner,
    /// When the content was last changed.
    pub modified: Timestamp,
    /// For device nodes only.
    pub device: Option<Device>,
    /// For regular files: bytes.
    pub size: Option<u64>,
    /// For regular files: of the content.
    pub sha256: Option<[u8; 32]>,
    /// The text of a symbolic link.
    pub target: Option<Vec<u8>>,
    /// Extended attributes in byte order.
    pub xattrs: Vec<(String, Vec<u8>)>,
    /// The first of several names of the object, when this is another.
    pub same_as: Option<ImagePathBuf>,
}

/// Lists all that is at and below `path`; no link is followed, file systems mounted below are entered.
///
/// # Errors
/// Those of the tree; [`crate::ErrorKind::Corrupt`] when a directory appears twice.
pub fn manifest(tree: &mut dyn Tree, path: &ImagePath) -> Result<Manifest> {
    let top = tree.metadata(path, Follow::No)?;
    let mut listing = Listing::default();
    let mut left = vec![(path.to_owned(), top)];
    while let Some((path, metadata)) = left.pop() {
        if metadata.kind == Kind::Directory {
            if !listing.seen.insert(metadata.id) {
                return Err(seen_twice(&path));
            }
            for entry in tree.list_directory(&path)? {
                let path = below(&path, &entry.name);
                let metadata = tree.metadata(&path, Follow::No)?;
                left.push((path, metadata));
            }
        }
        listing.add(tree, path, metadata)?;
    }
    Ok(listing.finish())
}

#[derive(Default)]
struct Listing {
    seen: HashSet<NodeId>,
    objects: Vec<(NodeId, ManifestObject)>,
}

impl Listing {
    fn add(&mut self, tree: &mut dyn Tree, path: ImagePathBuf, metadata: Metadata) -> Result<()> {
        let Metadata { kind, mode, owner, size, modified, device, id, .. } = metadata;
        let regular = kind == Kind::Regular;
        let sha256 = if regular { Some(with_file(tree, &path, digest)?) } else { None };
        let target = if kind == Kind::Symlink { Some(tree.read_link(&path)?) } else { None };
        let mut xattrs = Vec::new();
        for name in tree.list_xattrs(&path)? {
            let value = tree.xattr(&path, &name)?;
            xattrs.push((name, value));
        }
        let size = regular.then_some(size);
        let object = ManifestObject {
            path,
            kind,
            mode,
            owner,
            modified,
            device,
            size,
            sha256,
            target,
            xattrs,
            same_as: None,
        };
        self.objects.push((id, object));
        Ok(())
    }

    fn finish(mut self) -> Manifest {
        self.objects.sort_unstable_by(|one, other| one.1.path.cmp(&other.1.path));
        let mut first: HashMap<NodeId, ImagePathBuf> = HashMap::new();
        let mut objects = Vec::with_capacity(self.objects.len());
        for (id, mut object) in self.objects {
            match first.get(&id) {
                Some(path) => object.same_as = Some(path.clone()),
                None => {
                    first.insert(id, object.path.clone());
                }
            }
            objects.push(object);
        }
        Manifest { objects }
    }
}

fn digest(tree: &mut dyn Tree, file: FileId) -> Result<[u8; 32]> {
    let size = tree.file_metadata(file)?.size;
    let step = usize::try_from(size).map_or(CHUNK, |size| size.clamp(1, CHUNK));
    let mut buffer = vec![0; step];
    let mut digest = Sha256::new();
    let mut position = 0;
    loop {
        let read = tree.read_at(file, position, &mut buffer)?;
        digest.update(buffer.get(..read).unwrap_or_default());
        position += read as u64;
        if read < buffer.len() {
            return Ok(digest.finalize().into());
        }
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.objects.iter().try_for_each(|object| writeln!(f, "{object}"))
    }
}

/// One line: path, kind, mode, owner, time, then what the kind has. Bytes that are no plain text are escaped.
impl fmt::Display for ManifestObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Owner { uid, gid } = self.owner;
        let Timestamp { seconds, nanoseconds } = self.modified;
        write!(f, "{} {:?} {:04o} {uid}:{gid}", self.path.as_bytes().escape_ascii(), self.kind, self.mode)?;
        write!(f, " {seconds}.{nanoseconds:09}")?;
        if let Some(Device { major, minor }) = self.device {
            write!(f, " device={major}:{minor}")?;
        }
        if let Some(size) = self.size {
            write!(f, " size={size}")?;
        }
        if let Some(sha256) = self.sha256 {
            write!(f, " sha256=")?;
            sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        if let Some(target) = &self.target {
            write!(f, " target={}", target.escape_ascii())?;
        }
        if let Some(path) = &self.same_as {
            write!(f, " same-as={}", path.as_bytes().escape_ascii())?;
        }
        self.xattrs
            .iter()
            .try_for_each(|(name, value)| write!(f, " {}={}", name.escape_debug(), value.escape_ascii()))
    }
}
