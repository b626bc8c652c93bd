//! From a path to an object, as after `chroot` into the image.

use super::{Node, UserTree};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Follow, Kind};

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
        let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
        let trimmed = if end == 0 { bytes } else { bytes.get(..end).unwrap_or(bytes) };
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

fn ends_in_slash(path: &[u8]) -> bool {
    path.last() == Some(&b'/')
}
