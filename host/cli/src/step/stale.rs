//! Whether a component is older than what it is built from.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What in a project is not built from, beside what begins with a dot.
const NO_SOURCES: [&str; 4] = ["tests", "target", "node_modules", "__pycache__"];
/// Directories deep, and files, that are looked at.
const DEEPEST: usize = 8;
const MOST: usize = 10_000;

/// A file of the project in `directory` that is newer than its `component`.
pub(super) fn newer_source(directory: &Path, component: &Path) -> Option<PathBuf> {
    let built = fs::metadata(component).ok()?.modified().ok()?;
    let mut left = MOST;
    newer_in(directory, component, built, DEEPEST, &mut left)
}

fn newer_in(
    directory: &Path,
    component: &Path,
    built: SystemTime,
    depth: usize,
    left: &mut usize,
) -> Option<PathBuf> {
    for entry in fs::read_dir(directory).ok()?.flatten().filter(is_source) {
        *left = left.checked_sub(1)?;
        let (path, metadata) = (entry.path(), entry.metadata().ok()?);
        let found = if metadata.is_dir() {
            depth.checked_sub(1).and_then(|depth| newer_in(&path, component, built, depth, left))
        } else {
            let is_newer = metadata.is_file() && path != component && metadata.modified().ok()? > built;
            is_newer.then_some(path)
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn is_source(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let text = name.to_string_lossy();
    !text.starts_with('.') && !NO_SOURCES.contains(&&*text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_changed_after_the_build_is_found() {
        let scene = tempfile::tempdir().unwrap();
        let project = scene.path();
        let component = project.join("step.wasm");
        let write = |path: &Path, age: u64| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        write(&component, 100);
        write(&project.join("src/lib.rs"), 200);
        for beside in ["tests/a/expected.diff", "target/x", ".git/index", "node_modules/x/y"] {
            write(&project.join(beside), 10);
        }
        assert_eq!(newer_source(project, &component), None);
        write(&project.join("src/lib.rs"), 50);
        assert_eq!(newer_source(project, &component), Some(project.join("src/lib.rs")));
        assert_eq!(newer_source(project, &project.join("none.wasm")), None);
    }
}
