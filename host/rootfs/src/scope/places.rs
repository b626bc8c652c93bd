//! What an image holds under several names: secrets that lie elsewhere than usual, and files that are inside a scope
//! and outside it.

use super::{is_secret, secrets};
use crate::error::{ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Aim, Follow, Kind, NodeId, Tree};
use std::collections::{HashMap, HashSet};
use units::PathPattern;

/// The secrets of an image as they are before a step runs.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// One name of every secret.
    names: HashMap<NodeId, ImagePathBuf>,
    /// Files and directories that links make secret: where they lie, and under which paths the list knows them.
    moved: HashMap<ImagePathBuf, Vec<ImagePathBuf>>,
}

/// A directory that may hold secrets.
struct Place {
    /// Its path as the list knows it.
    known: ImagePathBuf,
    /// Its path without links.
    real: ImagePathBuf,
    /// The patterns that may match what is in it.
    patterns: Vec<&'static PathPattern>,
    /// All that is in it is secret.
    secret: bool,
}

impl Secrets {
    /// Looks into the directories that may hold secrets. Links are followed: what somebody keeps among secrets is one,
    /// wherever it lies. What cannot be read is passed over: a step cannot read it either.
    pub(super) fn find(tree: &mut dyn Tree) -> Self {
        let mut found = Self::default();
        let mut seen = HashSet::new();
        let root = ImagePathBuf::from("/");
        let patterns = secrets::patterns().iter().collect();
        let mut left = vec![Place { known: root.clone(), real: root, patterns, secret: false }];
        while let Some(directory) = left.pop() {
            for entry in tree.list_directory(&directory.real).unwrap_or_default() {
                if let Some((id, place)) = found.look(tree, &directory, &entry.name) {
                    // One directory can be known by several paths, all of which end with the patterns; where everything
                    // is secret one of them is enough.
                    let path = (!place.secret).then(|| place.known.clone());
                    if seen.insert((id, path)) {
                        left.push(place);
                    }
                }
            }
        }
        found
    }

    /// Looks at one name; gives the directory to go on with.
    fn look(&mut self, tree: &mut dyn Tree, directory: &Place, name: &[u8]) -> Option<(NodeId, Place)> {
        let known = directory.known.join(name);
        let bytes = known.as_bytes();
        let patterns: Vec<&PathPattern> =
            directory.patterns.iter().copied().filter(|pattern| pattern.may_match_below(bytes)).collect();
        let secret = directory.patterns.iter().any(|pattern| pattern.matches(bytes));
        if patterns.is_empty() && !secret {
            return None;
        }
        let place = directory.real.join(name);
        let location = tree.locate(&place, Aim::Target).ok()?;
        if location.path != place {
            // A link among secrets to the directory that it lies in, or above, says nothing of all that is there.
            if directory.secret && is_below(&place, &location.path) {
                return None;
            }
            self.add_moved(location.path.clone(), known.clone());
        }
        let object = location.object?;
        if object.kind == Kind::Directory {
            let real = location.path;
            return (!patterns.is_empty()).then_some((object.id, Place { known, real, patterns, secret }));
        }
        if secret {
            self.names.entry(object.id).or_insert(location.path);
        }
        None
    }

    fn add_moved(&mut self, real: ImagePathBuf, known: ImagePathBuf) {
        let all = self.moved.entry(real).or_default();
        // One path below which everything is secret is enough.
        if !all.iter().any(|known| is_secret(known.join(b"x").as_bytes())) && !all.contains(&known) {
            all.push(known);
        }
    }

    /// Whether links make the file at `path` a secret.
    pub(super) fn holds(&self, path: &ImagePath) -> bool {
        if self.moved.is_empty() {
            return false;
        }
        let bytes = path.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        ends.chain([bytes.len()]).any(|end| {
            let (above, rest) = bytes.split_at_checked(end).unwrap_or((bytes, b""));
            let real = if above.is_empty() { ImagePath::new(b"/") } else { ImagePath::new(above) };
            let known = self.moved.get(real).map(Vec::as_slice).unwrap_or_default();
            known.iter().any(|known| is_secret(&[known.as_bytes(), rest].concat()))
        })
    }

    /// The name under which an object is a secret, or was one.
    pub(super) fn name(&self, id: NodeId) -> Option<&ImagePathBuf> {
        self.names.get(&id)
    }
}

/// All names of the objects with several, as they are when they are first needed. A step can add names only where it may
/// write; those that it must not touch stay.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<NodeId, Vec<ImagePathBuf>>);

impl Names {
    /// Looks at every object of the tree.
    pub(super) fn find(tree: &mut dyn Tree) -> Result<Self> {
        let mut found = Self::default();
        let mut seen = HashSet::new();
        let mut left = vec![ImagePathBuf::from("/")];
        while let Some(directory) = left.pop() {
            for entry in known(tree.list_directory(&directory))?.unwrap_or_default() {
                let path = directory.join(&entry.name);
                let Some(object) = known(tree.metadata(&path, Follow::No))? else { continue };
                if object.kind == Kind::Directory {
                    if seen.insert(object.id) {
                        left.push(path);
                    }
                } else if object.links > 1 {
                    found.0.entry(object.id).or_default().push(path);
                }
            }
        }
        Ok(found)
    }

    /// The names of the object.
    pub(super) fn of(&self, id: NodeId) -> &[ImagePathBuf] {
        self.0.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// Whether `path` is `directory` or below it.
fn is_below(path: &ImagePath, directory: &ImagePath) -> bool {
    let rest = path.as_bytes().strip_prefix(directory.as_bytes());
    directory.as_bytes() == b"/" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// What is not served holds no object that could be written: `None`.
fn known<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::ForeignMount => Ok(None),
        Err(error) => Err(error),
    }
}
