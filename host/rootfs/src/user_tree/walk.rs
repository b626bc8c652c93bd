//! From a path to an object, as after `chroot` into the image.

use super::{Node, UserTree, metadata};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Aim, Follow, Kind, Location};

/// Links followed at most on one way.
const MOST_LINKS: u32 = 40;
/// Bytes a path may have: `PATH_MAX` without its NUL.
const LONGEST_PATH: usize = 4095;
/// Bytes a name may have.
const LONGEST_NAME: usize = 255;

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Place {
    /// The directories from the root down, without the root itself: name and object.
    above: Vec<(Vec<u8>, Node)>,
    root: Node,
    /// The last name; `None` when the path ends in the root, `.` or `..`.
    pub(super) name: Option<Vec<u8>>,
    /// What is there. `None`: nothing, but its directory exists.
    pub(super) node: Option<Node>,
    /// The path demands a directory by a `/` at its end.
    pub(super) slash: bool,
}

impl Place {
    /// The directory that the last name is in.
    pub(super) fn parent(&self) -> Node {
        self.above.last().map_or(self.root, |(_, node)| *node)
    }

    /// The last name; the root, `.` and `..` cannot be made, moved or removed.
    pub(super) fn last_name(&self, otherwise: ErrorKind) -> Outcome<&[u8]> {
        self.name.as_deref().ok_or_else(|| otherwise.into())
    }

    /// Absolute, without links.
    pub(super) fn path(&self) -> ImagePathBuf {
        let mut path = Vec::new();
        let names = self.above.iter().map(|(name, _)| name).chain(&self.name);
        for name in names {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path.into()
    }
}

/// Ways that were gone to say where they lead, kept for the call that follows: at most two, as many as a call takes.
/// Whatever changes the tree clears them.
#[derive(Debug, Default)]
pub(super) struct Gone(Vec<(Box<[u8]>, Follow, Place)>);

/// Ways that are kept.
const KEPT: usize = 2;

impl Gone {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn keep(&mut self, path: &[u8], follow: Follow, place: Place) {
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push((path.into(), follow, place));
    }

    fn take(&mut self, path: &[u8], follow: Follow) -> Option<Place> {
        let index = self.0.iter().position(|(other, aim, _)| **other == *path && *aim == follow)?;
        Some(self.0.swap_remove(index).2)
    }
}

/// The walk itself: what has been passed and what is left of the path, last part first.
struct Walk {
    above: Vec<(Vec<u8>, Node)>,
    root: Node,
    left: Vec<Vec<u8>>,
    links: u32,
    slash: bool,
}

impl UserTree {
    /// Follows `path`. The directory of the last name must exist, the object itself need not.
    pub(super) fn find(&mut self, path: &ImagePath, follow: Follow) -> Outcome<Place> {
        let bytes = path.as_bytes();
        if let Some(place) = self.gone.take(bytes, follow) {
            return Ok(place);
        }
        if bytes.is_empty() || bytes.len() > LONGEST_PATH || bytes.contains(&0) {
            return Err(ErrorKind::InvalidPath.into());
        }
        let root = Node { mount: 0, inode: self.engine(0)?.root() };
        let mut walk = Walk { above: Vec::new(), root, left: Vec::new(), links: 0, slash: false };
        walk.push(bytes)?;
        // A slash at the end demands a directory, for which a last link is followed.
        let slash = ends_in_slash(bytes);
        self.advance(&mut walk, follow == Follow::Yes || slash)
    }

    /// As [`UserTree::find`] without following a last link; a slash at the end then demands that the object
    /// itself is a directory.
    pub(super) fn find_itself(&mut self, path: &ImagePath) -> Outcome<Place> {
        let bytes = path.as_bytes();
        let slash = ends_in_slash(bytes);
        let trimmed = trimmed(bytes);
        if bytes.len() > LONGEST_PATH {
            return Err(ErrorKind::InvalidPath.into());
        }
        let mut place = self.find(ImagePath::new(trimmed), Follow::No)?;
        place.slash = slash && place.name.is_some();
        if place.slash
            && let Some(node) = place.node
            && self.attributes(node)?.kind != Kind::Directory
        {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(place)
    }

    /// Where `path` leads, and keeps the way.
    pub(super) fn located(&mut self, path: &ImagePath, aim: Aim) -> Outcome<Location> {
        let (way, follow) = match aim {
            Aim::Target => (path.as_bytes(), Follow::Yes),
            Aim::Itself => (path.as_bytes(), Follow::No),
            Aim::Name => (trimmed(path.as_bytes()), Follow::No),
        };
        let mut place = match aim {
            Aim::Name => self.find_itself(path)?,
            Aim::Target | Aim::Itself => self.find(path, follow)?,
        };
        let object = match place.node {
            Some(node) => Some(metadata(node, self.attributes(node)?)),
            None => None,
        };
        let location = Location { path: self.stored_path(&place)?, object };
        if aim == Aim::Name {
            place.slash = ends_in_slash(way);
        }
        self.gone.keep(way, follow, place);
        Ok(location)
    }

    /// The path of a place with the names as they are stored: a file system may take others for the same.
    fn stored_path(&mut self, place: &Place) -> Outcome<ImagePathBuf> {
        let mut directory = place.root;
        let mut path = Vec::new();
        let last = place.name.as_ref().map(|name| (name, place.node));
        for (name, node) in place.above.iter().map(|(name, node)| (name, Some(*node))).chain(last) {
            path.push(b'/');
            match node {
                Some(node) if self.engine(directory.mount)?.ignores_case() => {
                    // What is mounted here has another number than the directory below.
                    let found = self.engine(directory.mount)?.lookup(directory.inode, name)?;
                    let items = self.engine(directory.mount)?.list(directory.inode)?;
                    let stored = items.into_iter().find(|item| item.inode == found);
                    path.extend(stored.map_or_else(|| name.clone(), |item| item.name));
                    directory = node;
                }
                _ => {
                    path.extend_from_slice(name);
                    directory = node.unwrap_or(directory);
                }
            }
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Ok(path.into())
    }

    fn advance(&mut self, walk: &mut Walk, follow: bool) -> Outcome<Place> {
        while let Some(part) = walk.left.pop() {
            let last = walk.left.is_empty();
            if part == b"." || part == b".." {
                if part == b".." {
                    walk.above.pop();
                }
                continue;
            }
            let directory = walk.current();
            let Some(node) = self.child(directory, &part)? else {
                if last {
                    return Ok(walk.place(Some(part), None));
                }
                return Err(ErrorKind::NotFound.into());
            };
            let attributes = self.attributes(node)?;
            match attributes.kind {
                Kind::Symlink if !last || follow || walk.slash => {
                    let text = self.engine(node.mount)?.read_link(node.inode)?;
                    walk.follow(&text)?;
                }
                Kind::Directory if !last => walk.above.push((part, node)),
                _ if !last => return Err(ErrorKind::NotADirectory.into()),
                kind => {
                    if walk.slash && kind != Kind::Directory {
                        return Err(ErrorKind::NotADirectory.into());
                    }
                    return Ok(walk.place(Some(part), Some(node)));
                }
            }
        }
        // The way ended in a directory that it had already entered.
        let node = walk.current();
        Ok(walk.place(None, Some(node)))
    }

    /// The object called `name` in a directory, or the root of what is mounted over it.
    pub(super) fn child(&mut self, directory: Node, name: &[u8]) -> Outcome<Option<Node>> {
        match self.engine(directory.mount)?.lookup(directory.inode, name) {
            Ok(inode) => self.uncover(Node { mount: directory.mount, inode }).map(Some),
            Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The root of what is mounted over `node`, or `node`.
    pub(super) fn uncover(&mut self, node: Node) -> Outcome<Node> {
        match self.covered.get(&node.into()) {
            Some(mount) => {
                let mount = *mount;
                Ok(Node { mount, inode: self.engine(mount)?.root() })
            }
            None => Ok(node),
        }
    }
}

impl Walk {
    fn current(&self) -> Node {
        self.above.last().map_or(self.root, |(_, node)| *node)
    }

    /// Puts the parts of a path before what is left.
    fn push(&mut self, path: &[u8]) -> Outcome<()> {
        for part in path.split(|byte| *byte == b'/').rev().filter(|part| !part.is_empty()) {
            if part.len() > LONGEST_NAME {
                let text = format!("a name has more than {LONGEST_NAME} bytes");
                return Err(Failure::new(ErrorKind::InvalidPath, text));
            }
            self.left.push(part.to_vec());
        }
        // What ends in a slash, or in `.` or `..`, means a directory; so does a link's text that is last.
        self.slash |= ends_in_slash(path);
        Ok(())
    }

    fn follow(&mut self, text: &[u8]) -> Outcome<()> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(ErrorKind::SymlinkLoop.into());
        }
        if text.is_empty() || text.contains(&0) {
            return Err(ErrorKind::NotFound.into());
        }
        if text.first() == Some(&b'/') {
            self.above.clear();
        }
        let slash = self.slash;
        let last = self.left.is_empty();
        self.push(text)?;
        // A slash at the end of a link in the middle says nothing about the end of the path.
        self.slash = slash || (last && self.slash);
        Ok(())
    }

    fn place(&mut self, name: Option<Vec<u8>>, node: Option<Node>) -> Place {
        let above = std::mem::take(&mut self.above);
        Place { above, root: self.root, name, node, slash: self.slash }
    }
}

/// A path without the `/` at its end.
fn trimmed(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte != b'/') {
        Some(last) => path.get(..=last).unwrap_or(path),
        None => path,
    }
}

fn ends_in_slash(path: &[u8]) -> bool {
    path.last() == Some(&b'/')
}
