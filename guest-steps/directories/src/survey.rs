//! What an artifact's tree holds.

use step_sdk::path::join;
use step_sdk::{Entry, Failure, FailureCode, Host, Kind, Result};

/// More objects than this are refused: their names must fit into the component's memory.
const MAX_ENTRIES: usize = 1_000_000;

/// One directory of the artifact.
pub(crate) struct SourceDirectory {
    /// Relative to the artifact; empty for the artifact itself.
    pub(crate) path: String,
    /// Index of the directory above.
    parent: Option<usize>,
    /// In the order of the names; directories among them with their index.
    pub(crate) entries: Vec<(Entry, Option<usize>)>,
    /// Nothing at any depth needs a look: the host may copy the whole.
    pub(crate) plain: bool,
}

/// Lists the whole artifact, each directory before those below it.
pub(crate) fn survey(artifact: &str, host: &dyn Host) -> Result<Vec<SourceDirectory>> {
    let mut directories = vec![SourceDirectory::new(String::new(), None)];
    let mut count = 0;
    let mut next = 0;
    while let Some(path) = directories.get(next).map(|directory| directory.path.clone()) {
        let mut entries = Vec::new();
        for entry in host.artifact_list(artifact, &path)? {
            count += 1;
            if count > MAX_ENTRIES {
                return Err(Failure::new(
                    FailureCode::TooLarge,
                    "the source holds more than a million objects",
                ));
            }
            let below = (entry.kind == Kind::Directory && entry.addressable).then(|| {
                directories.push(SourceDirectory::new(join(&path, &entry.name), Some(next)));
                directories.len() - 1
            });
            entries.push((entry, below));
        }
        if let Some(directory) = directories.get_mut(next) {
            directory.plain = entries.iter().all(|(entry, _)| is_plain(entry));
            directory.entries = entries;
        }
        next += 1;
    }
    mark_directories_above(&mut directories);
    Ok(directories)
}

impl SourceDirectory {
    fn new(path: String, parent: Option<usize>) -> Self {
        Self { path, parent, entries: Vec::new(), plain: true }
    }
}

fn is_plain(entry: &Entry) -> bool {
    match entry.kind {
        Kind::Regular => true,
        Kind::Directory => entry.addressable,
        _ => false,
    }
}

/// A directory with something below it that is not plain is not plain itself.
fn mark_directories_above(directories: &mut [SourceDirectory]) {
    for index in (0..directories.len()).rev() {
        let parent = directories
            .get(index)
            .filter(|directory| !directory.plain)
            .and_then(|directory| directory.parent);
        if let Some(parent) = parent.and_then(|parent| directories.get_mut(parent)) {
            parent.plain = false;
        }
    }
}
