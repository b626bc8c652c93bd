//! Removing whatever is at a path.

use super::{TreeReport, below, seen_twice};
use crate::error::{Error, ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Follow, Kind, Metadata, Tree};
use std::collections::HashSet;

/// Removes what is at `path` with all that is below it; no link is followed.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`], before anything is removed, when a file system is mounted at or below `path`.
/// After any other error the tree is partly removed.
pub fn remove_tree(tree: &mut dyn Tree, path: &ImagePath) -> Result<TreeReport> {
    let metadata = tree.metadata(path, Follow::No)?;
    let mut report = TreeReport::default();
    if metadata.kind != Kind::Directory {
        tree.remove_file(path)?;
        report.count(&metadata);
        return Ok(report);
    }
    refuse_mounts(tree, path)?;

    let mut seen = HashSet::from([metadata.id]);
    let mut left = vec![Step::Enter(path.to_owned())];
    while let Some(step) = left.pop() {
        match step {
            Step::Leave(path) => {
                tree.remove_directory(&path)?;
                report.directories += 1;
            }
            Step::Enter(directory) => {
                let entries = tree.list_directory(&directory)?;
                left.push(Step::Leave(directory.clone()));
                for entry in entries {
                    let path = below(&directory, &entry.name);
                    let metadata = tree.metadata(&path, Follow::No)?;
                    if metadata.kind != Kind::Directory {
                        tree.remove_file(&path)?;
                        report.count(&metadata);
                    } else if seen.insert(metadata.id) {
                        left.push(Step::Enter(path));
                    } else {
                        return Err(seen_twice(&path));
                    }
                }
            }
        }
    }
    Ok(report)
}

enum Step {
    Enter(ImagePathBuf),
    /// All below it has been removed.
    Leave(ImagePathBuf),
}

impl TreeReport {
    pub(super) fn count(&mut self, metadata: &Metadata) {
        match metadata.kind {
            Kind::Directory => self.directories += 1,
            Kind::Symlink => self.symlinks += 1,
            Kind::Regular => {
                self.files += 1;
                self.bytes = self.bytes.saturating_add(metadata.size);
            }
            _ => self.files += 1,
        }
    }
}

fn refuse_mounts(tree: &mut dyn Tree, path: &ImagePath) -> Result<()> {
    let resolved = tree.resolve(path)?;
    let prefix = resolved.display();
    let prefix = prefix.trim_end_matches('/');
    for mount in tree.mounts() {
        if mount.path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            let text = format!("a file system ({}) is mounted at `{}`", mount.filesystem, mount.path);
            return Err(Error::new(ErrorKind::InvalidArgument, "remove").at(path).caused_by(text));
        }
    }
    Ok(())
}
