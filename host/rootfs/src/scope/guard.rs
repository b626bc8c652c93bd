//! Asks a scope at every call, on the object that is really touched.

use super::places::{Names, Secrets};
use super::touches::{Touch, Touches};
use super::tree::ScopedTree;
use super::{Scope, is_secret};
use crate::error::{Error, ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Aim, FileId, Kind, Location, Metadata, Tree};
use std::collections::HashMap;
use std::fmt;
use std::time::Instant;
use units::PathPattern;

/// Denials that are kept; all are counted.
const MOST_DENIALS: usize = 20;

/// What one run of a step may do, and what it did: lent to the tree at every call.
#[derive(Debug)]
pub struct Guard {
    pub(super) scope: Scope,
    /// The files that the step holds open.
    pub(super) files: HashMap<FileId, OpenFile>,
    /// Found before a call that could hide one, at the latest, and true for the whole run: who moves or removes the link
    /// that makes a file a secret does not make it less of one.
    secrets: Option<Secrets>,
    names: Option<Names>,
    denials: Vec<Denial>,
    denied: u64,
    touches: Option<Touches>,
    /// Bytes that may still be written; `None`: as many as there is room for.
    room: Option<u64>,
    /// Bytes that were written since they were last asked for.
    written: u64,
    overdrawn: bool,
    /// When the step's time is over.
    deadline: Option<Instant>,
}

/// A file that the step holds open.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// Where it was when it was opened. What it covers then it covers later: it can be moved only to where it may be
    /// written as well.
    pub(super) place: Location,
    /// Whether it may be written; `None` until somebody asks.
    pub(super) writable: Option<bool>,
}

/// A call that the scope did not cover.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denial {
    /// The call, as a verb: `write`, `make the directory`.
    pub call: &'static str,
    /// The resolved path.
    pub path: ImagePathBuf,
    /// Why, if not just because no pattern matches.
    pub reason: Option<String>,
    /// What the step's entry in the configuration would need: `grant.write: [/etc/motd]`. `None` for a step that comes
    /// with the program: it has no entry.
    pub line: Option<String>,
}

/// What a scope is asked about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    Read,
    Write,
}

/// `cannot write `/etc/motd`: add `grant.write: [/etc/motd]``.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} `{}`: {}", self.call, self.path.display(), self.cause())
    }
}

impl Denial {
    /// Why, and what would help.
    fn cause(&self) -> String {
        let help = match &self.line {
            Some(line) => format!("add `{line}`"),
            None => "what the configuration says of this step does not lead there".to_owned(),
        };
        self.reason.as_ref().map_or_else(|| help.clone(), |reason| format!("{reason}: {help}"))
    }
}

impl Guard {
    /// A guard for one run of a step.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            files: HashMap::new(),
            secrets: None,
            names: None,
            denials: Vec::new(),
            denied: 0,
            touches: None,
            room: None,
            written: 0,
            overdrawn: false,
            deadline: None,
        }
    }

    /// Ends every call at `deadline`, those too that do many things.
    #[must_use]
    pub fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets no more than `bytes` be written from here on, by however many calls.
    pub fn set_room(&mut self, bytes: u64) {
        (self.room, self.written, self.overdrawn) = (Some(bytes), 0, false);
    }

    /// Bytes that were written since [`Guard::set_room`].
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether more was to be written than there was room for; the call that wanted it failed.
    #[must_use]
    pub fn is_overdrawn(&self) -> bool {
        self.overdrawn
    }

    pub(super) fn spend(&mut self, call: &'static str, bytes: usize) -> Result<()> {
        self.check_time(call)?;
        let written = self.written.saturating_add(bytes as u64);
        if self.room.is_some_and(|room| written > room) {
            self.overdrawn = true;
            return Err(Error::new(ErrorKind::TooLarge, call).caused_by("the step's limit of bytes written"));
        }
        self.written = written;
        Ok(())
    }

    pub(super) fn check_time(&self, call: &'static str) -> Result<()> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Error::new(ErrorKind::Io, call).caused_by("the step's time is over"));
        }
        Ok(())
    }

    /// Notes what is touched from here on.
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.touches = Some(Touches::default());
        self
    }

    /// Whether nothing is restricted and nothing noted, so that the tree can be used as it is.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.scope.is_unrestricted() && self.touches.is_none()
    }

    /// The tree as the step sees it.
    pub fn over<'a>(&'a mut self, tree: &'a mut dyn Tree) -> ScopedTree<'a> {
        ScopedTree::new(self, tree)
    }

    /// What was denied: the first twenty calls.
    #[must_use]
    pub fn denials(&self) -> &[Denial] {
        &self.denials
    }

    /// How many calls were denied.
    #[must_use]
    pub fn denied(&self) -> u64 {
        self.denied
    }

    /// What was touched, if it was noted.
    #[must_use]
    pub fn touches(&self) -> Option<&Touches> {
        self.touches.as_ref()
    }

    /// What was touched, if it was noted; the guard notes anew.
    pub fn take_touches(&mut self) -> Option<Touches> {
        self.touches.as_mut().map(std::mem::take)
    }

    /// Whether what is at `path`, or will be, holds secrets, whatever the scope says of it.
    pub fn holds_secret(&mut self, tree: &mut dyn Tree, path: &ImagePath, aim: Aim) -> bool {
        let Ok(Location { path, object }) = tree.locate(path, aim) else { return is_secret(path.as_bytes()) };
        match object {
            Some(object) if object.kind == Kind::Directory => false,
            // Under that name, or under another that it had.
            Some(object) if self.secrets(tree).name(object.id).is_some() => true,
            _ => self.is_secret(tree, &path),
        }
    }

    /// Finds the secrets, unless they are known: for before a call that may take away what makes a file one.
    pub fn find_secrets(&mut self, tree: &mut dyn Tree) {
        self.secrets(tree);
    }

    pub(super) fn note(&mut self, path: &ImagePath, touch: Touch) {
        if let Some(touches) = &mut self.touches {
            touches.add(path, touch);
        }
    }

    /// Whether `place` may be read or written.
    pub(super) fn check(
        &mut self,
        tree: &mut dyn Tree,
        call: &'static str,
        access: Access,
        place: &Location,
    ) -> Result<()> {
        let touch = if access == Access::Read { Touch::Read } else { Touch::Write };
        self.note(&place.path, touch);
        if access == Access::Write && place.object.as_ref().is_some_and(|object| object.kind == Kind::Symlink)
        {
            self.find_secrets(tree);
        }
        if self.scope.is_unrestricted() {
            self.note_secrets(tree, touch, place);
            return Ok(());
        }
        let path = place.path.as_bytes();
        let (covered, named) = self.scope.covers(access, path);
        if !covered {
            return Err(self.deny(call, access, &place.path, None, &place.path));
        }
        let is_directory = place.object.as_ref().is_some_and(|object| object.kind == Kind::Directory);
        if !is_directory && !named && self.is_secret(tree, &place.path) {
            return Err(self.deny_secret(call, access, &place.path));
        }
        match &place.object {
            Some(object) if object.links > 1 && !is_directory => {
                self.check_secret_alias(tree, call, access, place, object)
            }
            _ => Ok(()),
        }
    }

    /// As [`Guard::check`] for writing what is there already: its other names have to be covered too, because they show
    /// the change.
    pub(super) fn check_change(
        &mut self,
        tree: &mut dyn Tree,
        call: &'static str,
        place: &Location,
    ) -> Result<()> {
        self.check(tree, call, Access::Write, place)?;
        let Some(object) = &place.object else { return Ok(()) };
        if self.is_idle() || object.links <= 1 || object.kind == Kind::Directory {
            return Ok(());
        }
        let names = match &self.names {
            Some(names) => names,
            None => self.names.insert(Names::find(tree)?),
        };
        let names = names.of(object.id).to_vec();
        for name in &names {
            self.note(name, Touch::Write);
        }
        if self.scope.covers_all_names() {
            return Ok(());
        }
        match names.iter().find(|name| !self.scope.allows_writing(name.as_bytes())) {
            None => Ok(()),
            Some(other) => {
                let reason = format!("it is the same file as `{}`", other.display());
                Err(self.deny(call, Access::Write, &place.path, Some(reason), other))
            }
        }
    }

    /// For learning: what is secret has to be named, under the name by which it is one.
    fn note_secrets(&mut self, tree: &mut dyn Tree, touch: Touch, place: &Location) {
        let is_directory = place.object.as_ref().is_some_and(|object| object.kind == Kind::Directory);
        if self.touches.is_none() || is_directory {
            return;
        }
        if self.is_secret(tree, &place.path) {
            self.note(&place.path, Touch::Secret);
        }
        let id = place.object.as_ref().filter(|object| object.links > 1).map(|object| object.id);
        if let Some(secret) = id.and_then(|id| self.secrets(tree).name(id).cloned()) {
            self.note(&secret, touch);
            self.note(&secret, Touch::Secret);
        }
    }

    /// Whether the file at `path` is a secret, links among the directories above it regarded: an image may keep
    /// `/root` elsewhere.
    fn is_secret(&mut self, tree: &mut dyn Tree, path: &ImagePath) -> bool {
        is_secret(path.as_bytes()) || self.secrets(tree).holds(path)
    }

    fn secrets(&mut self, tree: &mut dyn Tree) -> &Secrets {
        self.secrets.get_or_insert_with(|| Secrets::find(tree))
    }

    /// A secret stays one under another name.
    fn check_secret_alias(
        &mut self,
        tree: &mut dyn Tree,
        call: &'static str,
        access: Access,
        place: &Location,
        object: &Metadata,
    ) -> Result<()> {
        let Some(secret) = self.secrets(tree).name(object.id).cloned() else { return Ok(()) };
        if self.scope.covers(access, secret.as_bytes()).1 {
            return Ok(());
        }
        let reason = format!("it is the same file as `{}`, which holds secrets", secret.display());
        Err(self.deny(call, access, &place.path, Some(reason), &secret))
    }

    /// The error of a call that is not covered; `needed` is what a pattern would have to match.
    pub(super) fn deny(
        &mut self,
        call: &'static str,
        access: Access,
        path: &ImagePath,
        reason: Option<String>,
        needed: &ImagePath,
    ) -> Error {
        let line = self.line(access, &PathPattern::of(needed.as_bytes()));
        self.denial(call, path, reason, Some(line))
    }

    /// The error of a call on a secret that is covered, but not named.
    fn deny_secret(&mut self, call: &'static str, access: Access, path: &ImagePath) -> Error {
        // Characters of a name that mean something in patterns become wildcards, and those name nothing.
        if PathPattern::of(path.as_bytes()).as_str().rsplit('/').next().is_some_and(|name| name.contains('?'))
        {
            let reason = "it holds secrets, and no pattern can name it".to_owned();
            return self.denial(call, path, Some(reason), None);
        }
        let reason = "it holds secrets and has to be named".to_owned();
        self.deny(call, access, path, Some(reason), path)
    }

    /// The error of making a directory that is not covered. Whoever makes one puts something into it.
    pub(super) fn deny_directory(&mut self, call: &'static str, path: &ImagePath) -> Error {
        let line = self.line(Access::Write, &PathPattern::below(path.as_bytes()));
        self.denial(call, path, None, Some(line))
    }

    /// The error of making a device node without leave.
    pub(super) fn deny_node(&mut self, call: &'static str, path: &ImagePath) -> Error {
        let line = "grant.nodes: true".to_owned();
        self.denial(call, path, None, Some(line))
    }

    fn denial(
        &mut self,
        call: &'static str,
        path: &ImagePath,
        reason: Option<String>,
        line: Option<String>,
    ) -> Error {
        self.denied = self.denied.saturating_add(1);
        let line = line.filter(|_| !self.scope.is_built_in());
        let denial = Denial { call, path: path.to_owned(), reason, line };
        let error = Error::new(ErrorKind::NotGranted, denial.call).at(&denial.path).caused_by(denial.cause());
        if self.denials.len() < MOST_DENIALS && !self.denials.contains(&denial) {
            self.denials.push(denial);
        }
        error
    }

    fn line(&self, access: Access, needed: &PathPattern) -> String {
        let pattern = PathPattern::in_yaml(needed.as_str());
        match access {
            Access::Write => format!("grant.write: [{pattern}]"),
            // A list takes the place of what is read by default, so that has to be in it.
            Access::Read if self.scope.read().is_none() => format!("grant.read: [/**, {pattern}]"),
            Access::Read => format!("grant.read: [{pattern}]"),
        }
    }
}

impl Scope {
    /// Whether the path is covered, and whether it is named.
    fn covers(&self, access: Access, path: &[u8]) -> (bool, bool) {
        match access {
            Access::Read => (self.covers_reading(path), self.names_for_reading(path)),
            Access::Write => (self.covers_writing(path), self.names_for_writing(path)),
        }
    }
}
