//! Random trees with random links, random calls and random scopes: whatever was read or changed lies inside the scope, as
//! an oracle says that shares no code with it. It compares whole trees before and after each call.

use super::{Guard, Scope};
use crate::model::{Habits, Model};
use crate::operations::{self, Manifest, ManifestObject, TreeOptions, manifest};
use crate::path::{ImagePath, ImagePathBuf};
use crate::property_tests::{Call, Draw};
use crate::testing::{CLOCK, Random, path};
use crate::tree::{Follow, Kind, Tree, WriteOptions};
use crate::{Error, ErrorKind, Result, UserTree};
use std::collections::{BTreeMap, BTreeSet};

const DRAW: Draw = Draw { names: 5, largest: 300, xattr: 40, wide_times: false };
const NEW: WriteOptions = WriteOptions {
    existing: crate::Existing::Replace,
    mode: None,
    owner: None,
    replace_symlink: false,
    parents: true,
};
/// Where secrets are put, or links that lead to where they are.
const SECRET_FILES: [&str; 4] =
    ["/etc/shadow", "/etc/machine-id", "/etc/ssh/ssh_host_a_key", "/home/a/.ssh/b"];
const SECRET_DIRECTORIES: [&str; 3] = ["/root/.ssh", "/home/a/.ssh", "/etc/ssl/private"];

/// What the scope says, in the words that it was made of.
struct Grant {
    read: Option<Vec<String>>,
    write: Vec<String>,
    nodes: bool,
}

impl Grant {
    fn random(random: &mut Random) -> Self {
        let list = |random: &mut Random| {
            let count = random.below(5);
            let mut list: Vec<String> = (0..count).map(|_| pattern(random)).collect();
            list.extend(["/**", "/a/**"].get(random.below(5) as usize).map(ToString::to_string));
            list
        };
        let read = (random.below(2) == 0).then(|| list(random));
        Self { read, write: list(random), nodes: random.below(2) == 0 }
    }

    fn scope(&self) -> Scope {
        Scope::parse(self.read.as_deref(), &self.write, self.nodes).unwrap()
    }

    fn writes(&self, path: &[u8]) -> bool {
        self.write.iter().any(|pattern| fits(pattern, path))
    }

    fn reads(&self, path: &[u8]) -> bool {
        self.writes(path)
            || self.read.as_ref().is_none_or(|read| read.iter().any(|pattern| fits(pattern, path)))
    }

    fn names(list: &[String], path: &[u8]) -> bool {
        list.iter()
            .any(|pattern| fits(pattern, path) && !pattern.rsplit('/').next().unwrap().contains(['*', '?']))
    }

    fn names_for_writing(&self, path: &[u8]) -> bool {
        Self::names(&self.write, path)
    }

    fn names_for_reading(&self, path: &[u8]) -> bool {
        self.names_for_writing(path) || self.read.as_ref().is_some_and(|read| Self::names(read, path))
    }
}

fn pattern(random: &mut Random) -> String {
    if random.below(6) == 0 {
        return SECRET_FILES[random.below(4) as usize].to_owned();
    }
    let parts = ["a", "b", "c", "?", "*", "**", "etc", "root", ".ssh", "a*", "**", "home"];
    let count = random.below(4);
    let text: String =
        (0..count).map(|_| format!("/{}", parts[random.below(parts.len() as u64) as usize])).collect();
    if text.is_empty() { "/".to_owned() } else { text }
}

/// Whether a pattern fits a path: every way to read it is tried.
fn fits(pattern: &str, path: &[u8]) -> bool {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
    fits_names(&parts, &names)
}

fn fits_names(parts: &[&str], names: &[&[u8]]) -> bool {
    match (parts.first(), names.first()) {
        (None, None) => true,
        (Some(&"**"), _) => (0..=names.len()).any(|taken| fits_names(&parts[1..], &names[taken..])),
        (Some(part), Some(name)) => fits_name(part.as_bytes(), name) && fits_names(&parts[1..], &names[1..]),
        _ => false,
    }
}

/// The names here are ASCII where `?` can meet them.
fn fits_name(part: &[u8], name: &[u8]) -> bool {
    match part.first() {
        None => name.is_empty(),
        Some(b'*') => (0..=name.len()).any(|taken| fits_name(&part[1..], &name[taken..])),
        Some(b'?') => !name.is_empty() && fits_name(&part[1..], &name[1..]),
        Some(byte) => name.first() == Some(byte) && fits_name(&part[1..], &name[1..]),
    }
}

/// The tree before the step: what lies where, which names are one object, what is secret.
struct Before {
    objects: BTreeMap<Vec<u8>, ManifestObject>,
    /// Every secret path, and what has to be named for it: itself, or the secret that it is another name of.
    secrets: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    /// The files that hold a content.
    contents: BTreeMap<[u8; 32], Vec<Vec<u8>>>,
    /// The directories that are secret all over.
    regions: Vec<Vec<u8>>,
}

impl Before {
    fn of(listing: &Manifest) -> Self {
        let objects: BTreeMap<Vec<u8>, ManifestObject> =
            listing.objects.iter().map(|object| (object.path.as_bytes().to_vec(), object.clone())).collect();
        let mut before =
            Self { objects, secrets: BTreeMap::new(), contents: BTreeMap::new(), regions: Vec::new() };
        let mut secret = BTreeSet::new();
        for file in SECRET_FILES {
            secret.extend(before.follow(file.as_bytes(), 0));
        }
        for directory in SECRET_DIRECTORIES {
            if let Some(real) = before.follow(directory.as_bytes(), 0) {
                let below = [real.as_slice(), b"/"].concat();
                secret.extend(before.objects.keys().filter(|path| path.starts_with(&below)).cloned());
                before.regions.push(real);
            }
        }
        let first = |path: &Vec<u8>| {
            let same = before.objects.get(path).and_then(|object| object.same_as.clone());
            same.map_or_else(|| path.clone(), |same| same.as_bytes().to_vec())
        };
        let is_file =
            |path: &Vec<u8>| before.objects.get(path).is_none_or(|object| object.kind != Kind::Directory);
        let mut secrets: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for path in secret.iter().filter(|path| is_file(path)) {
            secrets.entry(path.clone()).or_default().insert(path.clone());
            for (other, object) in &before.objects {
                if object.kind != Kind::Directory && other != path && first(other) == first(path) {
                    secrets.entry(other.clone()).or_default().insert(path.clone());
                }
            }
        }
        let mut contents: BTreeMap<[u8; 32], Vec<Vec<u8>>> = BTreeMap::new();
        for (path, object) in &before.objects {
            if let Some(digest) = object.sha256.filter(|_| object.size > Some(0)) {
                contents.entry(digest).or_default().push(path.clone());
            }
        }
        before.secrets = secrets;
        before.contents = contents;
        before
    }

    /// Where a path ends, name by name; a path whose last name does not exist ends there.
    fn follow(&self, path: &[u8], links: u32) -> Option<Vec<u8>> {
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
        let mut at: Vec<u8> = Vec::new();
        for (index, name) in names.iter().enumerate() {
            match *name {
                b"." => continue,
                b".." => {
                    at.truncate(at.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let here = [at.as_slice(), b"/", name].concat();
            match self.objects.get(&here) {
                Some(object) if object.kind == Kind::Symlink => {
                    let target = object.target.clone().unwrap();
                    let base = if target.starts_with(b"/") { Vec::new() } else { at.clone() };
                    let rest = names[index + 1..].join(&b'/');
                    let path = [base.as_slice(), b"/", &target, b"/", &rest].concat();
                    return if links < 40 { self.follow(&path, links + 1) } else { None };
                }
                Some(_) => at = here,
                None if index + 1 == names.len() => at = here,
                None => return None,
            }
        }
        Some(at)
    }

    /// The change of what is at `path` is in the grant.
    fn allows_change(&self, grant: &Grant, path: &[u8], is_directory: bool) -> bool {
        if !grant.writes(path) {
            return false;
        }
        let in_region = self
            .regions
            .iter()
            .any(|region| path.strip_prefix(region.as_slice()).is_some_and(|rest| rest.starts_with(b"/")));
        let new_secret = in_region || SECRET_FILES.iter().any(|file| file.as_bytes() == path);
        if !is_directory && new_secret && !grant.names_for_writing(path) {
            return false;
        }
        self.secrets.get(path).is_none_or(|secrets| {
            is_directory || secrets.iter().any(|secret| grant.names_for_writing(secret))
        })
    }

    /// Reading the content of what is at `path` is in the grant.
    fn allows_reading(&self, grant: &Grant, path: &[u8]) -> bool {
        grant.reads(path)
            && self
                .secrets
                .get(path)
                .is_none_or(|secrets| secrets.iter().any(|secret| grant.names_for_reading(secret)))
    }

    /// The content is not that of a file that must not be read under any of its names.
    fn allows_content(&self, grant: &Grant, digest: &[u8; 32]) -> bool {
        self.contents
            .get(digest)
            .is_none_or(|paths| paths.iter().any(|path| self.allows_reading(grant, path)))
    }
}

/// A tree of random calls, with secrets in it and links to them.
fn random_tree(random: &mut Random) -> UserTree {
    let mut tree = UserTree::new(CLOCK);
    tree.mount_root(Box::new(Model::new(CLOCK, Habits::default())), "model").unwrap();
    for _ in 0..random.below(60) {
        let _ = DRAW.call(random).run(&mut tree);
    }
    let mut number = 0;
    let mut unique = || {
        number += 1;
        format!("secret {number}")
    };
    // `/etc`, `/root`, `/home` or one of the directories below them may be a link to one of the random directories.
    for (link, target) in [
        ("/root", "/a"),
        ("/etc", "b"),
        ("/home", "/a/b"),
        ("/home/a", "/c"),
        ("/root/.ssh", "../b"),
        ("/etc/ssh", "/a"),
    ] {
        if random.below(6) == 0 {
            if let Some((parent, _)) = link.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
                let _ = operations::make_directories(&mut tree, path(parent), 0o755);
            }
            let _ = tree.make_directory(path(if target.starts_with('/') { target } else { "/b" }), 0o755);
            let _ = tree.make_symlink(target.as_bytes(), path(link));
        }
    }
    for file in SECRET_FILES.iter().copied().chain(["/root/.ssh/a", "/etc/ssl/private/a", "/etc/passwd"]) {
        if random.below(3) != 0 {
            let _ = tree.write(path(file), unique().as_bytes(), &NEW);
            let alias = ["/a/s", "/b", "/c", "/a/b/c", "/etc/b"][random.below(5) as usize];
            match random.below(5) {
                0 => drop(tree.make_hard_link(path(file), path(alias))),
                1 => drop(tree.make_symlink(file.as_bytes(), path(alias))),
                _ => {}
            }
        }
    }
    tree
}

/// What is called beside the calls that are drawn for all trees.
#[derive(Debug)]
enum Act {
    Call(Call),
    Read(ImagePathBuf),
    Xattr(ImagePathBuf),
    CopyTree(ImagePathBuf, ImagePathBuf, bool),
    RemoveTree(ImagePathBuf),
    /// A handle is opened, something happens, and the handle is used.
    Between(ImagePathBuf, Call, bool),
}

fn any_path(random: &mut Random) -> ImagePathBuf {
    if random.below(4) != 0 {
        return DRAW.path(random);
    }
    let others = [
        "/etc",
        "/root",
        "/home/a",
        "/home",
        "/etc/passwd",
        "/root/.ssh",
        "/etc/ssh",
        "/",
        "/a/../etc/shadow",
    ];
    if random.below(2) == 0 {
        others[random.below(others.len() as u64) as usize].into()
    } else {
        SECRET_FILES[random.below(4) as usize].into()
    }
}

fn act(random: &mut Random) -> Act {
    match random.below(12) {
        0 | 1 => Act::Read(any_path(random)),
        2 => Act::Xattr(any_path(random)),
        3 => Act::CopyTree(any_path(random), any_path(random), random.below(2) == 0),
        4 => Act::RemoveTree(any_path(random)),
        5 => Act::Between(any_path(random), DRAW.call(random), random.below(2) == 0),
        6 => Act::Call(Call::Rename(any_path(random), any_path(random))),
        7 => Act::Call(Call::MakeHardLink(any_path(random), any_path(random))),
        8 => Act::Call(Call::Write(any_path(random), random.bytes(20), NEW)),
        _ => Act::Call(DRAW.call(random)),
    }
}

impl Act {
    /// Does it; what the step has seen of contents.
    fn run(&self, tree: &mut dyn Tree) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Call(call) => call.run(tree).map(|()| None),
            Self::Read(path) => operations::read_file(tree, path, 1 << 20).map(Some),
            Self::Xattr(path) => tree.xattr(path, "user.a").map(Some),
            Self::CopyTree(from, to, overwrite) => {
                let options = TreeOptions { overwrite: *overwrite, ..TreeOptions::default() };
                operations::copy_tree(tree, from, to, &options).map(|_| None)
            }
            Self::RemoveTree(path) => operations::remove_tree(tree, path).map(|_| None),
            Self::Between(path, call, write) => {
                let file = tree.open(path)?;
                let _ = call.run(tree);
                let mut buffer = vec![0; 400];
                let result = if *write {
                    tree.write_at(file, 1, b"through the handle").map(|()| None)
                } else {
                    let read = tree.read_at(file, 0, &mut buffer);
                    read.map(|read| {
                        buffer.truncate(read);
                        Some(buffer)
                    })
                };
                tree.close(file)?;
                result
            }
        }
    }
}

fn digest(content: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(content).into()
}

/// Names whose object is another one, or not there any more, or new.
fn changed<'a>(old: &'a Manifest, new: &'a Manifest) -> Vec<(&'a ImagePath, bool)> {
    fn key(object: &ManifestObject) -> impl PartialEq + '_ {
        // Whoever makes or removes a name changes the time of its directory.
        let modified = (object.kind != Kind::Directory).then_some(object.modified);
        let ManifestObject { kind, mode, owner, device, size, sha256, target, xattrs, .. } = object;
        (*kind, *mode, *owner, modified, *device, *size, *sha256, target, xattrs)
    }
    let index = |manifest: &'a Manifest| -> BTreeMap<&'a ImagePath, &'a ManifestObject> {
        manifest.objects.iter().map(|object| (&*object.path, object)).collect()
    };
    let (old, new) = (index(old), index(new));
    let paths: BTreeSet<&ImagePath> = old.keys().chain(new.keys()).copied().collect();
    let is_directory =
        |object: Option<&&ManifestObject>| object.is_none_or(|object| object.kind == Kind::Directory);
    paths
        .into_iter()
        .filter(|path| match (old.get(path), new.get(path)) {
            (Some(old), Some(new)) => key(old) != key(new),
            _ => true,
        })
        .map(|path| (path, is_directory(old.get(path)) && is_directory(new.get(path))))
        .collect()
}

fn stays_inside(seed: u64) -> (u64, u64) {
    let mut random = Random::new(seed);
    let mut tree = random_tree(&mut random);
    let grant = Grant::random(&mut random);
    let mut guard = Guard::new(grant.scope());
    let mut old = manifest(&mut tree, path("/")).unwrap();
    let before = Before::of(&old);
    let (mut done, mut denied) = (0, 0);
    for number in 0..25 {
        let act = act(&mut random);
        let result = act.run(&mut guard.over(&mut tree));
        let label = || {
            format!(
                "seed {seed}, call {number}: {act:?} gave {:?}\nscope {}\nbefore:\n{old}",
                result.as_ref().map(|_| ()).map_err(|error| error.to_string()),
                grant.scope(),
            )
        };
        let new = manifest(&mut tree, path("/")).unwrap();
        for (path, is_directory) in changed(&old, &new) {
            assert!(
                before.allows_change(&grant, path.as_bytes(), is_directory),
                "{path:?} changed; {}",
                label()
            );
            let now = new.objects.iter().find(|object| *object.path == *path);
            if let Some(content) = now.and_then(|object| object.sha256) {
                assert!(
                    before.allows_content(&grant, &content),
                    "{path:?} holds what was not to be read; {}",
                    label()
                );
            }
            if now.is_some_and(|object| {
                object.device.is_some() || matches!(object.kind, Kind::Fifo | Kind::Socket)
            }) {
                let moved = old.objects.iter().any(|object| {
                    matches!(object.kind, Kind::CharDevice | Kind::BlockDevice | Kind::Fifo | Kind::Socket)
                });
                assert!(grant.nodes || moved, "a node was made; {}", label());
            }
        }
        match &result {
            Ok(Some(content)) if !content.is_empty() => {
                if let Act::Xattr(_) = act {
                    let has =
                        |object: &&ManifestObject| object.xattrs.iter().any(|(_, value)| value == content);
                    let mut holders = old.objects.iter().filter(has);
                    let readable =
                        holders.any(|object| before.allows_reading(&grant, object.path.as_bytes()));
                    assert!(readable, "the attribute was read; {}", label());
                } else {
                    assert!(before.allows_content(&grant, &digest(content)), "read; {}", label());
                }
                done += 1;
            }
            Ok(_) => done += 1,
            Err(error) if error.kind() == ErrorKind::NotGranted => denied += 1,
            Err(_) => {}
        }
        old = new;
    }
    (done, denied)
}

#[test]
fn what_was_read_or_changed_lies_inside_the_scope() {
    let (mut done, mut denied) = (0, 0);
    for seed in 1..=300 {
        let (one, other) = stays_inside(seed);
        done += one;
        denied += other;
    }
    // The trees and scopes are such that both happen.
    assert!(done > 300 && denied > 1000, "{done} done, {denied} denied");
}

/// Where the scope covers everything, calls do the same, byte for byte and error for error.
#[test]
fn a_scope_that_covers_everything_is_not_felt() {
    for seed in 1..=40 {
        let mut random = Random::new(seed);
        let scope = if seed % 2 == 0 {
            Scope::unrestricted()
        } else {
            Scope::parse(None, &["/**", "/**/a", "/**/b"], true).unwrap()
        };
        let mut guard = Guard::new(scope).recording();
        let mut trees = [(); 2].map(|()| {
            let mut tree = UserTree::new(CLOCK);
            tree.mount_root(Box::new(Model::new(CLOCK, Habits::default())), "model").unwrap();
            tree
        });
        for number in 0..150 {
            let act = match act(&mut random) {
                Act::Between(path, ..) | Act::Read(path) => Act::Between(path, DRAW.call(&mut random), true),
                other => other,
            };
            let [plain, scoped] = &mut trees;
            let expected = act.run(plain).map_err(|error| error.kind());
            let found = act.run(&mut guard.over(scoped)).map_err(|error: Error| error.kind());
            let secret = format!("{act:?}").contains("ssh") || format!("{act:?}").contains("etc");
            if !secret || seed % 2 == 0 {
                assert_eq!(found, expected, "seed {seed}, call {number}: {act:?}");
            } else if found != expected {
                // A secret was meant: the trees are no longer the same.
                break;
            }
            let listings = trees.each_mut().map(|tree| manifest(tree, path("/")).unwrap().to_string());
            assert_eq!(listings[0], listings[1], "seed {seed}, call {number}: {act:?}");
        }
    }
}

/// What a run touched is allowed by the grant that is made of it, and the run does the same under it.
#[test]
fn a_learned_grant_is_enough_for_the_same_run() {
    for seed in 1..=300 {
        let acts = |random: &mut Random| (0..12).map(|_| act(random)).collect::<Vec<_>>();
        let run = |guard: &mut Guard| {
            let mut random = Random::new(seed);
            let mut tree = random_tree(&mut random);
            let results: Vec<_> = acts(&mut random)
                .iter()
                .map(|act| act.run(&mut guard.over(&mut tree)).map_err(|error| error.kind()))
                .collect();
            (results, manifest(&mut tree, path("/")).unwrap().to_string())
        };
        let mut learning = Guard::new(Scope::unrestricted()).recording();
        let expected = run(&mut learning);
        let scope = learning.touches().unwrap().smallest_scope();
        let mut guarded = Guard::new(scope.clone());
        let found = run(&mut guarded);
        assert_eq!(guarded.denials(), [], "seed {seed}: {scope}");
        assert_eq!(found, expected, "seed {seed}: {scope}");
    }
}

#[test]
fn links_of_the_trees_here_are_followed_as_the_tree_follows_them() {
    for seed in 1..=100 {
        let mut random = Random::new(seed);
        let mut tree = random_tree(&mut random);
        let before = Before::of(&manifest(&mut tree, path("/")).unwrap());
        for _ in 0..50 {
            let path = any_path(&mut random);
            if let Ok(resolved) = tree.resolve(&path)
                && tree.metadata(&path, Follow::Yes).is_ok()
                && resolved.as_bytes() != b"/"
            {
                assert_eq!(
                    before.follow(path.as_bytes(), 0).as_deref(),
                    Some(resolved.as_bytes()),
                    "{path:?}"
                );
            }
        }
    }
}
