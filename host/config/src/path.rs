//! Paths of the configuration: relative ones start from the folder of the file that names them.

use std::path::{Component, Path, PathBuf};

/// `given` as it stands when absolute, else below `dir`; in its shortest form.
pub(crate) fn resolve(dir: &Path, given: &str) -> PathBuf {
    clean(&dir.join(given))
}

/// The shortest form of a path: without `.` and, taken literally, `..`.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                let at_name = matches!(cleaned.components().next_back(), Some(Component::Normal(_)));
                if at_name {
                    cleaned.pop();
                } else if !matches!(cleaned.components().next_back(), Some(Component::RootDir)) {
                    cleaned.push("..");
                }
            }
            _ => cleaned.push(part),
        }
    }
    if cleaned.as_os_str().is_empty() { PathBuf::from(".") } else { cleaned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_resolve_against_their_folder() {
        for (given, expected) in [("a/../b", "/c/b"), ("/x/./y", "/x/y"), ("../../../z", "/z"), (".", "/c")] {
            assert_eq!(resolve(Path::new("/c"), given), Path::new(expected));
        }
    }
}
