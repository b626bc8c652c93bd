//! A file tree in memory: inodes, hard links, and paths resolved as after `chroot`.

use crate::failure::{Failure, FailureCode, Result};
use crate::host::{Device, Kind, Metadata, Owner, ROOT, Timestamp};
use std::collections::BTreeMap;

/// Links on one way through the tree; one more is `symlink-loop`, as in Linux.
const MAX_LINKS: usize = 40;
/// Longest path and longest name in bytes, as in Linux.
const MAX_PATH: usize = 4096;
const MAX_NAME: usize = 255;

/// Index of an inode within its tree.
pub(super) type Ino = usize;
const ROOT_INO: Ino = 0;

/// What an inode holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    File(Vec<u8>),
    Directory(BTreeMap<Vec<u8>, Ino>),
    Symlink(Vec<u8>),
    /// A device, FIFO or socket.
    Special(Kind),
}

#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) content: Content,
    pub(super) mode: u32,
    pub(super) owner: Owner,
    pub(super) modified: Timestamp,
    /// Of device nodes.
    pub(super) device: Option<Device>,
    pub(super) xattrs: BTreeMap<String, Vec<u8>>,
}

/// A file tree in memory: an image or an artifact. Made of literal entries, or of a directory of this machine.
#[derive(Clone, Debug)]
pub struct Tree {
    inodes: Vec<Inode>,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Absolute, without links, `.` and `..`.
    pub(super) path: Vec<u8>,
    /// The directory that holds `name`; for the root, the root itself.
    pub(super) parent: Ino,
    /// Empty for the root.
    pub(super) name: Vec<u8>,
    /// `None` when there is nothing of that name yet.
    pub(super) ino: Option<Ino>,
}

/// How a path is walked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Walk {
    /// A final symbolic link is followed.
    pub(super) follow: bool,
    /// Missing directories before the last name are made.
    pub(super) make_parents: bool,
}

impl Walk {
    pub(super) const FOLLOW: Self = Self { follow: true, make_parents: false };
    pub(super) const STAY: Self = Self { follow: false, make_parents: false };
}

impl Default for Tree {
    fn default() -> Self {
        Self { inodes: vec![Inode::directory(0o755)] }
    }
}

impl Inode {
    pub(super) fn new(content: Content, mode: u32, owner: Owner) -> Self {
        let (modified, device, xattrs) = Default::default();
        Self { content, mode, owner, modified, device, xattrs }
    }

    pub(super) fn directory(mode: u32) -> Self {
        Self::new(Content::Directory(BTreeMap::new()), mode, ROOT)
    }

    pub(super) fn kind(&self) -> Kind {
        match self.content {
            Content::File(_) => Kind::Regular,
            Content::Directory(_) => Kind::Directory,
            Content::Symlink(_) => Kind::Symlink,
            Content::Special(kind) => kind,
        }
    }
}

/// A failure that names the path.
pub(super) fn failure(code: FailureCode, path: &str) -> Failure {
    let text = match code {
        FailureCode::NotFound => "no such file or directory",
        FailureCode::AlreadyExists => "there is something of that name already",
        FailureCode::NotADirectory => "not a directory",
        FailureCode::IsADirectory => "is a directory",
        FailureCode::DirectoryNotEmpty => "the directory is not empty",
        FailureCode::SymlinkLoop => "more than 40 symbolic links on the way",
        FailureCode::InvalidPath => "the path is empty, too long or holds a NUL",
        FailureCode::SpecialFile => "is a device, pipe or socket",
        _ => "invalid argument",
    };
    Failure::new(code, format!("`{path}`: {text}"))
}

/// The names that make up a path, in reverse; the flag tells whether the path can only mean a directory.
fn names(path: &[u8]) -> (impl Iterator<Item = Vec<u8>> + '_, bool) {
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let directory = matches!(last, b"" | b"." | b"..");
    let names = path.rsplit(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    (names.map(<[u8]>::to_vec), directory)
}

impl Tree {
    /// How many objects there are, or were.
    pub(super) fn inodes(&self) -> usize {
        self.inodes.len()
    }

    pub(super) fn inode(&self, ino: Ino) -> Result<&Inode> {
        self.inodes.get(ino).ok_or_else(|| Failure::other("no such inode"))
    }

    pub(super) fn metadata(&self, ino: Ino) -> Result<Metadata> {
        let inode = self.inode(ino)?;
        let size = match &inode.content {
            Content::File(data) | Content::Symlink(data) => data.len(),
            Content::Directory(_) | Content::Special(_) => 0,
        };
        let Inode { mode, owner, modified, device, .. } = *inode;
        Ok(Metadata {
            kind: inode.kind(),
            mode,
            owner,
            size: size as u64,
            links: self.links(ino)?,
            modified,
            device,
        })
    }

    /// Names of an object. A directory has its own, `.`, and the `..` of each directory below.
    fn links(&self, ino: Ino) -> Result<u64> {
        if let Content::Directory(entries) = &self.inode(ino)?.content {
            let below = |ino: &&Ino| self.inode(**ino).is_ok_and(|inode| inode.kind() == Kind::Directory);
            return Ok(2 + entries.values().filter(below).count() as u64);
        }
        let names = |inode: &Inode| match &inode.content {
            Content::Directory(entries) => entries.values().filter(|entry| **entry == ino).count() as u64,
            _ => 0,
        };
        Ok(self.inodes.iter().map(names).sum())
    }

    pub(super) fn inode_mut(&mut self, ino: Ino) -> Result<&mut Inode> {
        self.inodes.get_mut(ino).ok_or_else(|| Failure::other("no such inode"))
    }

    pub(super) fn entries(&self, ino: Ino, path: &str) -> Result<&BTreeMap<Vec<u8>, Ino>> {
        match &self.inode(ino)?.content {
            Content::Directory(entries) => Ok(entries),
            _ => Err(failure(FailureCode::NotADirectory, path)),
        }
    }

    pub(super) fn entries_mut(&mut self, ino: Ino) -> Result<&mut BTreeMap<Vec<u8>, Ino>> {
        match &mut self.inode_mut(ino)?.content {
            Content::Directory(entries) => Ok(entries),
            _ => Err(Failure::other("not a directory")),
        }
    }

    /// Puts a new inode at a free place.
    pub(super) fn insert(&mut self, place: &Place, inode: Inode) -> Result<Ino> {
        self.insert_at(place.parent, place.name.clone(), inode)
    }

    /// Puts a new inode into a directory.
    pub(super) fn insert_at(&mut self, parent: Ino, name: Vec<u8>, inode: Inode) -> Result<Ino> {
        let ino = self.inodes.len();
        self.inodes.push(inode);
        self.entries_mut(parent)?.insert(name, ino);
        Ok(ino)
    }

    /// Follows `path` from the root.
    ///
    /// # Errors
    /// Those of the contract; a missing last name is none of them.
    pub(super) fn walk(&mut self, path: &str, how: Walk) -> Result<Place> {
        if path.is_empty() || path.len() > MAX_PATH || path.contains('\0') {
            return Err(failure(FailureCode::InvalidPath, path));
        }
        let (pending, mut directory) = names(path.as_bytes());
        let mut pending: Vec<Vec<u8>> = pending.collect();
        // The directories from the root to where the walk stands.
        let mut way: Vec<(Vec<u8>, Ino)> = Vec::new();
        let mut links = 0;
        while let Some(name) = pending.pop() {
            if name == b".." {
                way.pop();
                continue;
            }
            if name.len() > MAX_NAME {
                return Err(failure(FailureCode::InvalidPath, path));
            }
            let here = way.last().map_or(ROOT_INO, |(_, ino)| *ino);
            let last = pending.is_empty();
            let Some(ino) = self.entries(here, path)?.get(&name).copied() else {
                let place = place(&way, here, name, None);
                if last {
                    return Ok(place);
                }
                if !how.make_parents {
                    return Err(failure(FailureCode::NotFound, path));
                }
                let ino = self.insert(&place, Inode::directory(0o755))?;
                way.push((place.name, ino));
                continue;
            };
            match &self.inode(ino)?.content {
                Content::Symlink(target) if !last || how.follow || directory => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(failure(FailureCode::SymlinkLoop, path));
                    }
                    let (names, target_is_directory) = names(target);
                    directory |= last && target_is_directory;
                    if target.first() == Some(&b'/') {
                        way.clear();
                    }
                    pending.extend(names);
                }
                Content::Directory(_) => way.push((name, ino)),
                _ if !last || directory => return Err(failure(FailureCode::NotADirectory, path)),
                _ => return Ok(place(&way, here, name, Some(ino))),
            }
        }
        let Some((name, ino)) = way.pop() else {
            return Ok(Place {
                path: b"/".to_vec(),
                parent: ROOT_INO,
                name: Vec::new(),
                ino: Some(ROOT_INO),
            });
        };
        let parent = way.last().map_or(ROOT_INO, |(_, ino)| *ino);
        Ok(place(&way, parent, name, Some(ino)))
    }

    /// The inode that `path` leads to.
    pub(super) fn find(&mut self, path: &str, how: Walk) -> Result<Ino> {
        self.walk(path, how)?.ino.ok_or_else(|| failure(FailureCode::NotFound, path))
    }
}

fn place(way: &[(Vec<u8>, Ino)], parent: Ino, name: Vec<u8>, ino: Option<Ino>) -> Place {
    let mut path = Vec::new();
    for name in way.iter().map(|(name, _)| name).chain([&name]) {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    Place { path, parent, name, ino }
}
