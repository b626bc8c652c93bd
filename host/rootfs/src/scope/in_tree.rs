//! The scope of a step that comes with the program: written as the configuration has it, meant as the image resolves it.

use super::{Patterns, Rules, Scope};
use crate::error::{ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Aim, Tree};
use std::collections::BTreeSet;
use std::sync::Arc;
use units::PathPattern;

impl Scope {
    /// The scope with what its patterns lead to in `tree` as it is now, beside the patterns themselves: the names before a
    /// pattern's first wildcard are resolved, and the directories that they lack may be made. A file that is covered is meant
    /// with all its names, since a person who names a place means the file that is there.
    ///
    /// For the steps that come with the program. Their patterns follow from settings that name places in the image by any
    /// path (`/lib/x` where `/lib` is a link to `/usr/lib`), and what the image's links say is known only here.
    #[must_use]
    pub fn in_tree(&self, tree: &mut dyn Tree) -> Self {
        let Some(patterns) = self.patterns() else { return self.clone() };
        let read = patterns.read.as_ref().map(|read| resolved(tree, read, false));
        let write = resolved(tree, &patterns.write, true);
        let Patterns { nodes, secrets, .. } = *patterns;
        Self { rules: Rules::Patterns(Arc::new(Patterns { read, write, nodes, secrets, all_names: true })) }
    }
}

fn resolved(tree: &mut dyn Tree, patterns: &[PathPattern], parents: bool) -> Vec<PathPattern> {
    let mut all: BTreeSet<PathPattern> = patterns.iter().cloned().collect();
    for pattern in patterns {
        let Place { path, missing } = find(tree, ImagePath::new(pattern.fixed()));
        all.insert(pattern.moved_to(path.as_bytes()));
        if parents {
            all.extend(missing.iter().map(|directory| PathPattern::of(directory.as_bytes())));
        }
    }
    all.into_iter().collect()
}

/// Where a path leads, and the directories above it that are not there.
struct Place {
    path: ImagePathBuf,
    missing: Vec<ImagePathBuf>,
}

/// Goes as far as the tree has directories; what is missing is taken as it is written.
fn find(tree: &mut dyn Tree, path: &ImagePath) -> Place {
    let mut known = path.as_bytes();
    let mut rest: Vec<&[u8]> = Vec::new();
    loop {
        match locate(tree, ImagePath::new(known)) {
            Ok((mut at, exists)) => {
                let mut missing = Vec::new();
                for (index, name) in rest.iter().rev().enumerate() {
                    if index > 0 || !exists {
                        missing.push(at.clone());
                    }
                    at = at.join(name);
                }
                return Place { path: at, missing };
            }
            Err(_) => {
                let Some(end) = known.iter().rposition(|byte| *byte == b'/') else {
                    return Place { path: path.to_owned(), missing: Vec::new() };
                };
                rest.push(known.get(end + 1..).unwrap_or_default());
                known = known.get(..end).filter(|above| !above.is_empty()).unwrap_or(b"/");
                if known == b"/" && rest.len() > known_names(path) {
                    return Place { path: path.to_owned(), missing: Vec::new() };
                }
            }
        }
    }
}

fn known_names(path: &ImagePath) -> usize {
    path.as_bytes().split(|byte| *byte == b'/').filter(|name| !name.is_empty()).count()
}

fn locate(tree: &mut dyn Tree, path: &ImagePath) -> Result<(ImagePathBuf, bool), ErrorKind> {
    let location = tree.locate(path, Aim::Target).map_err(|error| error.kind())?;
    Ok((location.path, location.object.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Habits, Model};
    use crate::testing::{CLOCK, path};
    use crate::{UserTree, WriteOptions, operations};

    fn tree() -> UserTree {
        let mut tree = UserTree::new(CLOCK);
        tree.mount_root(Box::new(Model::new(CLOCK, Habits::default())), "model").unwrap();
        for directory in ["/usr/lib", "/etc", "/run"] {
            operations::make_directories(&mut tree, path(directory), 0o755).unwrap();
        }
        tree.make_symlink(b"usr/lib", path("/lib")).unwrap();
        tree.make_symlink(b"/run/name", path("/etc/hostname")).unwrap();
        tree.make_symlink(b"/none/there", path("/etc/broken")).unwrap();
        tree.write(path("/etc/passwd"), b"x", &WriteOptions::default()).unwrap();
        tree
    }

    #[test]
    fn patterns_follow_the_images_links_and_cover_the_parents_that_it_lacks() {
        let mut tree = tree();
        for (pattern, expected) in [
            ("/etc/passwd", &["/etc/passwd"][..]),
            ("/etc/new", &["/etc/new"]),
            ("/etc/hostname", &["/etc/hostname", "/run/name"]),
            ("/lib/x.so", &["/lib/x.so", "/usr/lib/x.so"]),
            ("/lib/**", &["/lib/**", "/usr/lib/**"]),
            ("/lib/*/a", &["/lib/*/a", "/usr/lib/*/a"]),
            (
                "/lib/new/deep/x",
                &["/lib/new/deep/x", "/usr/lib/new", "/usr/lib/new/deep", "/usr/lib/new/deep/x"],
            ),
            ("/opt/a/**", &["/opt", "/opt/a/**"]),
            ("/opt/a", &["/opt", "/opt/a"]),
            ("/opt", &["/opt"]),
            ("/etc/broken", &["/etc/broken"]),
            ("/etc/passwd/x", &["/etc/passwd/x"]),
            ("/**", &["/**"]),
            ("/", &["/"]),
        ] {
            let scope = Scope::parse(None, &[pattern], false).unwrap().in_tree(&mut tree);
            let found: Vec<&str> = scope.write().iter().map(PathPattern::as_str).collect();
            assert_eq!(found, expected, "{pattern}");
        }
    }

    #[test]
    fn a_file_is_meant_with_all_its_names_unless_one_is_a_secret() {
        let mut tree = tree();
        tree.write(path("/etc/shadow"), b"x", &WriteOptions::default()).unwrap();
        tree.make_hard_link(path("/etc/passwd"), path("/usr/lib/passwd")).unwrap();
        tree.make_hard_link(path("/etc/shadow"), path("/usr/lib/other")).unwrap();
        let scope = Scope::parse(None, &["/lib/**"], false).unwrap();
        let mut write = |scope: Scope, at: &str| {
            let mut guard = crate::Guard::new(scope);
            let result = guard.over(&mut tree).write(path(at), b"new", &WriteOptions::default());
            result.map_err(|error| error.kind())
        };
        assert_eq!(write(scope.clone(), "/lib/passwd"), Err(ErrorKind::NotGranted));
        let resolved = scope.in_tree(&mut self::tree());
        assert_eq!(write(resolved.clone(), "/lib/passwd"), Ok(()));
        assert_eq!(write(resolved, "/lib/other"), Err(ErrorKind::NotGranted));
    }

    #[test]
    fn a_step_without_an_entry_is_told_of_no_line_to_add() {
        let mut tree = tree();
        let scope = Scope::parse(None, &["/opt/x"], false).unwrap().in_tree(&mut tree);
        let mut guard = crate::Guard::new(scope);
        assert!(guard.over(&mut tree).write(path("/etc/passwd"), b"", &WriteOptions::default()).is_err());
        assert!(guard.over(&mut tree).make_directory(path("/run/new"), 0o755).is_err());
        assert_eq!(
            guard.denials().iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "cannot write `/etc/passwd`: what the configuration says of this step does not lead there",
                "cannot make the directory `/run/new`: what the configuration says of this step does not lead there",
            ]
        );
        assert!(guard.denials().iter().all(|denial| denial.line.is_none()));
    }

    #[test]
    fn what_is_read_is_resolved_without_parents() {
        let scope = Scope::parse(Some(&["/lib/a", "/opt/a/b"]), &[], false).unwrap().in_tree(&mut tree());
        let found: Vec<&str> = scope.read().unwrap().iter().map(PathPattern::as_str).collect();
        assert_eq!(found, ["/lib/a", "/opt/a/b", "/usr/lib/a"]);
        assert!(Scope::unrestricted().in_tree(&mut tree()).is_unrestricted());
    }
}
