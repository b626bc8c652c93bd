//! What an image definition grants, for the image in memory: which places a step may change.

use super::tree::{Content, Ino, Inode, Tree};
use crate::failure::{Failure, FailureCode, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Patterns of `grant.write`.
#[derive(Clone, Debug)]
pub(super) struct WriteGrant(Vec<String>);

/// All names of each object.
type Names = BTreeMap<Ino, BTreeSet<String>>;

impl WriteGrant {
    pub(super) fn new(patterns: &[&str]) -> Self {
        Self(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
    }

    /// Compares the tree before and after a call: a name that came or went has to be covered, and every name of each
    /// object that was changed.
    pub(super) fn check(&self, before: &Tree, after: &Tree) -> Result<()> {
        let (old, new) = (names(before), names(after));
        for ino in old.keys().chain(new.keys()) {
            let none = BTreeSet::new();
            let (old, new) = (old.get(ino).unwrap_or(&none), new.get(ino).unwrap_or(&none));
            old.symmetric_difference(new).try_for_each(|path| self.cover(path))?;
            if let (Ok(old_inode), Ok(new_inode)) = (before.inode(*ino), after.inode(*ino))
                && !new.is_empty()
                && !same(old_inode, new_inode)
            {
                old.union(new).try_for_each(|path| self.cover(path))?;
            }
        }
        Ok(())
    }

    fn cover(&self, path: &str) -> Result<()> {
        if self.0.iter().any(|pattern| covers(pattern, path)) {
            return Ok(());
        }
        let message =
            format!("`{path}`: this step may not write there; `grant.write: [{path}]` would let it");
        Err(Failure::new(FailureCode::Denied, message))
    }
}

fn same(one: &Inode, other: &Inode) -> bool {
    let content = match (&one.content, &other.content) {
        (Content::File(one), Content::File(other)) | (Content::Symlink(one), Content::Symlink(other)) => {
            one == other
        }
        // What a directory holds are names.
        _ => true,
    };
    content
        && (one.mode, one.owner, one.modified) == (other.mode, other.owner, other.modified)
        && one.xattrs == other.xattrs
}

fn names(tree: &Tree) -> Names {
    let mut names = Names::new();
    let mut pending = vec![(String::from("/"), 0)];
    while let Some((path, ino)) = pending.pop() {
        if let Ok(Inode { content: Content::Directory(entries), .. }) = tree.inode(ino) {
            let below = |(name, ino): (&Vec<u8>, &Ino)| {
                (format!("{}/{}", path.trim_end_matches('/'), String::from_utf8_lossy(name)), *ino)
            };
            pending.extend(entries.iter().map(below));
        }
        names.entry(ino).or_default().insert(path);
    }
    names
}

/// Whether a pattern covers a path: `*` and `?` stay within a name, `**` is any number of names.
fn covers(pattern: &str, path: &str) -> bool {
    let split = |text: &str| -> Vec<String> {
        text.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let matches = |pattern: &String, name: &String| {
        wildcard(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
    };
    sequence(&split(pattern), &split(path), &|pattern| pattern == "**", &matches)
}

fn wildcard(pattern: &[char], name: &[char]) -> bool {
    sequence(pattern, name, &|letter| *letter == '*', &|pattern, letter| *pattern == '?' || pattern == letter)
}

/// Matches with one kind of item that stands for any number of items. Patterns of tests are short.
fn sequence<T>(
    pattern: &[T],
    items: &[T],
    is_any: &dyn Fn(&T) -> bool,
    matches: &dyn Fn(&T, &T) -> bool,
) -> bool {
    match (pattern.split_first(), items.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if is_any(first) => {
            sequence(rest, items, is_any, matches)
                || items.split_first().is_some_and(|(_, left)| sequence(pattern, left, is_any, matches))
        }
        (Some((first, rest)), Some((item, left))) => {
            matches(first, item) && sequence(rest, left, is_any, matches)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_the_image_definition_says() {
        for (pattern, path, covered) in [
            ("/etc/motd", "/etc/motd", true),
            ("/etc/motd", "/etc/motd.d", false),
            ("/etc/*.conf", "/etc/a.conf", true),
            ("/etc/*.conf", "/etc/d/a.conf", false),
            ("/etc/?", "/etc/ab", false),
            ("/srv/**", "/srv", true),
            ("/srv/**", "/srv/a/b", true),
            ("/srv/**", "/srvx", false),
            ("/**/x", "/x", true),
            ("/**/x", "/a/b/x", true),
            ("/**", "/", true),
        ] {
            assert_eq!(covers(pattern, path), covered, "{pattern} {path}");
        }
    }
}
