//! What a run really touched, and the smallest grant that would have allowed it.

use super::Scope;
use crate::path::{ImagePath, ImagePathBuf};
use std::collections::{BTreeMap, BTreeSet};
use units::PathPattern;

/// Paths that are noted at most.
const MOST_PATHS: usize = 100_000;
/// Names in one directory that are granted one by one; beyond, a wildcard stands for them.
const MOST_NAMES: usize = 8;
/// Names above a directory for which a wildcard may stand: `/etc/*` says too much, `/etc/motd.d/*` does not.
const LEAST_DEPTH: usize = 2;

/// What was done to an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Touch {
    /// Its content or an extended attribute was read.
    Read,
    /// It was made, changed or removed.
    Write,
    /// It is a directory that was made, removed or moved: all that is below it comes and goes with it.
    WriteTree,
    /// A device node, pipe or socket was made.
    MakeNode,
    /// It holds secrets: whatever was done to it takes its name.
    Secret,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Marks {
    read: bool,
    write: bool,
    tree: bool,
    secret: bool,
}

/// The resolved paths that a run touched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Touches {
    paths: BTreeMap<ImagePathBuf, Marks>,
    nodes: bool,
    incomplete: bool,
}

impl Touches {
    /// Notes one touch of the object at a resolved path.
    pub fn add(&mut self, path: &ImagePath, touch: Touch) {
        if self.paths.len() >= MOST_PATHS && !self.paths.contains_key(path) {
            self.incomplete = true;
            return;
        }
        let marks = match self.paths.get_mut(path) {
            Some(marks) => marks,
            None => self.paths.entry(path.to_owned()).or_default(),
        };
        match touch {
            Touch::Read => marks.read = true,
            Touch::Write => marks.write = true,
            Touch::WriteTree => (marks.write, marks.tree) = (true, true),
            Touch::Secret => marks.secret = true,
            Touch::MakeNode => (marks.write, self.nodes) = (true, true),
        }
    }

    /// Whether there was more than could be noted.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// The paths whose content was read, in byte order.
    pub fn read(&self) -> impl Iterator<Item = &ImagePath> {
        self.paths.iter().filter(|(_, marks)| marks.read).map(|(path, _)| &**path)
    }

    /// The paths of what was made, changed or removed, in byte order.
    pub fn written(&self) -> impl Iterator<Item = &ImagePath> {
        self.paths.iter().filter(|(_, marks)| marks.write).map(|(path, _)| &**path)
    }

    /// The smallest scope that allows all of this, as far as it can be said shortly: a directory that the run made or
    /// removed is granted with all below it, and where many names of one directory were touched a wildcard stands for
    /// them. Secrets are always named.
    #[must_use]
    pub fn smallest_scope(&self) -> Scope {
        let trees: Vec<&ImagePath> =
            self.paths.iter().filter(|(_, marks)| marks.tree).map(|(path, _)| &**path).collect();
        let write = self.patterns(self.written(), &trees);
        let scope = Scope::new(Some(Vec::new()), write.clone(), self.nodes);
        let read = self.read().filter(|path| !scope.allows_reading(path.as_bytes()));
        Scope::new(Some(self.patterns(read, &[])), write, self.nodes)
    }

    /// Few patterns that match all of `paths`; what is below one of `trees` is granted with it.
    fn patterns<'a>(
        &self,
        paths: impl Iterator<Item = &'a ImagePath>,
        trees: &[&ImagePath],
    ) -> Vec<PathPattern> {
        let mut found = BTreeSet::new();
        let mut names: BTreeMap<&[u8], Vec<&ImagePath>> = BTreeMap::new();
        let mut named = BTreeSet::new();
        for path in paths {
            if self.paths.get(path).is_some_and(|marks| marks.secret) {
                named.insert(PathPattern::of(path.as_bytes()));
            }
            if let Some(tree) = trees.iter().find(|tree| is_within(path, tree)) {
                found.insert(PathPattern::below(tree.as_bytes()));
            } else {
                names.entry(parent(path)).or_default().push(path);
            }
        }
        for (directory, paths) in collapse(names) {
            match paths {
                Names::Each(paths) => {
                    found.extend(paths.iter().map(|path| PathPattern::of(path.as_bytes())));
                }
                Names::All => {
                    found.insert(PathPattern::within(directory));
                }
                Names::Below => {
                    found.insert(PathPattern::below(directory));
                }
            }
        }
        let mut patterns = without_covered(found);
        patterns.extend(named);
        patterns.sort();
        patterns.dedup();
        patterns
    }
}

/// How the names of one directory are granted.
enum Names<'a> {
    Each(Vec<&'a ImagePath>),
    All,
    Below,
}

/// Many names in one directory become `DIRECTORY/*`; many directories of that kind in one become `DIRECTORY/**`.
fn collapse<'a>(names: BTreeMap<&'a [u8], Vec<&'a ImagePath>>) -> BTreeMap<&'a [u8], Names<'a>> {
    let mut children: BTreeMap<&[u8], usize> = BTreeMap::new();
    for directory in names.keys() {
        *children.entry(parent(ImagePath::new(*directory))).or_default() += 1;
    }
    let wide: Vec<&[u8]> = children
        .into_iter()
        .filter(|(directory, count)| *count > MOST_NAMES && depth(directory) >= LEAST_DEPTH)
        .map(|(directory, _)| directory)
        .collect();
    let mut collapsed = BTreeMap::new();
    for (directory, paths) in names {
        let above = wide.iter().find(|above| is_within(ImagePath::new(directory), ImagePath::new(**above)));
        if let Some(above) = above {
            collapsed.insert(*above, Names::Below);
        } else if paths.len() > MOST_NAMES && depth(directory) >= LEAST_DEPTH {
            collapsed.insert(directory, Names::All);
        } else {
            collapsed.insert(directory, Names::Each(paths));
        }
    }
    collapsed
}

/// Patterns that another one makes needless are left out.
fn without_covered(patterns: BTreeSet<PathPattern>) -> Vec<PathPattern> {
    let needless = |one: &PathPattern| {
        let path = one.as_str().strip_suffix("/**").unwrap_or(one.as_str()).as_bytes();
        patterns.iter().any(|other| other != one && other.is_recursive() && other.matches(path))
    };
    patterns.iter().filter(|one| !needless(one)).cloned().collect()
}

fn is_within(path: &ImagePath, directory: &ImagePath) -> bool {
    let directory = if directory.as_bytes() == b"/" { b"" } else { directory.as_bytes() };
    path.as_bytes().strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn parent(path: &ImagePath) -> &[u8] {
    match path.as_bytes().iter().rposition(|byte| *byte == b'/') {
        Some(0) | None => b"/",
        Some(end) => path.as_bytes().get(..end).unwrap_or(b"/"),
    }
}

fn depth(path: &[u8]) -> usize {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::super::is_secret;
    use super::*;

    fn touches(list: &[(Touch, &str)]) -> Touches {
        let mut touches = Touches::default();
        for (touch, path) in list {
            touches.add(ImagePath::new(*path), *touch);
            if is_secret(path.as_bytes()) && *touch != Touch::WriteTree {
                touches.add(ImagePath::new(*path), Touch::Secret);
            }
        }
        touches
    }

    #[track_caller]
    fn learned(list: &[(Touch, &str)]) -> String {
        let scope = touches(list).smallest_scope();
        for (touch, path) in list {
            match touch {
                Touch::Read => assert!(scope.allows_reading(path.as_bytes()), "{path}: {scope}"),
                Touch::Write | Touch::MakeNode => {
                    assert!(scope.allows_writing(path.as_bytes()), "{path}: {scope}");
                }
                Touch::Secret => {}
                Touch::WriteTree => assert!(scope.covers_writing(path.as_bytes()), "{path}: {scope}"),
            }
        }
        scope.to_string()
    }

    fn many(touch: Touch, directory: &str, count: usize) -> Vec<(Touch, String)> {
        (0..count).map(|number| (touch, format!("{directory}/{number}"))).collect()
    }

    fn borrowed(list: &[(Touch, String)]) -> Vec<(Touch, &str)> {
        list.iter().map(|(touch, path)| (*touch, path.as_str())).collect()
    }

    #[test]
    fn the_smallest_grant_is_what_was_touched() {
        use Touch::{MakeNode, Read, Write, WriteTree};
        let cases: [(&[(Touch, &str)], &str); 10] = [
            (&[], "reads nothing, writes nothing"),
            (&[(Write, "/etc/motd"), (Read, "/etc/motd")], "reads nothing, writes /etc/motd"),
            (&[(Read, "/etc/passwd"), (Write, "/etc/hostname")], "reads /etc/passwd, writes /etc/hostname"),
            (
                &[(WriteTree, "/etc/motd.d"), (Write, "/etc/motd.d/a"), (Write, "/etc/motd.d/b/c")],
                "reads nothing, writes /etc/motd.d/**",
            ),
            (
                &[(WriteTree, "/opt/a"), (WriteTree, "/opt/a/b"), (Write, "/opt/ab")],
                "reads nothing, writes /opt/a/**, /opt/ab",
            ),
            (&[(Read, "/etc/shadow")], "reads /etc/shadow, writes nothing"),
            (
                &[(WriteTree, "/root/.ssh"), (Write, "/root/.ssh/authorized_keys")],
                "reads nothing, writes /root/.ssh/**, /root/.ssh/authorized_keys",
            ),
            (&[(MakeNode, "/dev/null")], "reads nothing, writes /dev/null, makes device nodes"),
            (&[(Write, "/")], "reads nothing, writes /"),
            (&[(Write, "/etc/a*b")], "reads nothing, writes /etc/a?b"),
        ];
        for (list, expected) in cases {
            assert_eq!(learned(list), expected);
        }
    }

    #[test]
    fn many_names_of_one_directory_become_a_wildcard_unless_it_is_a_top_one() {
        assert_eq!(
            learned(&borrowed(&many(Touch::Read, "/usr/lib/x", 9))),
            "reads /usr/lib/x/*, writes nothing"
        );
        assert_eq!(learned(&borrowed(&many(Touch::Read, "/usr/lib/x", 8))).matches("/usr/lib/x/").count(), 8);
        assert_eq!(learned(&borrowed(&many(Touch::Write, "/etc", 20))).matches("/etc/").count(), 20);
        let deep: Vec<_> =
            (0..9).map(|number| (Touch::Write, format!("/usr/share/doc/{number}/a"))).collect();
        assert_eq!(learned(&borrowed(&deep)), "reads nothing, writes /usr/share/doc/**");
    }

    #[test]
    fn secrets_are_named_beside_a_wildcard() {
        let mut list = many(Touch::Read, "/etc/ssh", 9);
        list.push((Touch::Read, "/etc/ssh/ssh_host_rsa_key".to_owned()));
        assert_eq!(learned(&borrowed(&list)), "reads /etc/ssh/*, /etc/ssh/ssh_host_rsa_key, writes nothing");
    }

    #[test]
    fn what_is_noted_is_bounded() {
        let mut touches = Touches::default();
        for number in 0..=MOST_PATHS {
            touches.add(ImagePath::new(&format!("/{number}")), Touch::Read);
        }
        assert!(touches.is_incomplete());
        assert_eq!(touches.read().count(), MOST_PATHS);
    }
}
