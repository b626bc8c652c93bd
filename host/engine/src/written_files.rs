//! Files that a run writes must not be among those that it reads: it would destroy what it is made from.

use crate::components::{lock_path, policy_files};
use crate::error::{Error, ErrorKind, Result};
use config::{InputFile, ResolvedConfig};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that a run writes besides its output.
#[derive(Clone, Debug)]
pub struct WrittenFile {
    /// The flag that names it.
    pub flag: &'static str,
    /// Where it will be.
    pub path: PathBuf,
}

/// What tells files apart: the inode of one that exists, else the place where it would be made.
#[derive(Debug, Eq, PartialEq)]
pub enum FileIdentity {
    /// Of a file that exists, through whatever links.
    Inode {
        /// Of its file system.
        device: u64,
        /// Its number there.
        inode: u64,
    },
    /// Of one that does not.
    Place(PathBuf),
}

impl FileIdentity {
    /// The identity of the file at `path`.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(metadata) => Self::Inode { device: metadata.dev(), inode: metadata.ino() },
            Err(_) => Self::Place(place(path)),
        }
    }
}

/// Whether `path` lies below `directory`: where it leads to, or where it stands itself, if it is a link.
#[must_use]
pub fn is_below(path: &Path, directory: &Path) -> bool {
    let Ok(directory) = fs::canonicalize(directory) else { return false };
    let leads_below = fs::canonicalize(path).is_ok_and(|path| path.starts_with(&directory));
    directory.is_dir() && (leads_below || place(path).starts_with(&directory))
}

/// Where a file of this name is or would be made, with the links above it followed as far as there are directories.
fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let above = absolute.ancestors().skip(1).find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
    match above.map(|(above, real)| (absolute.strip_prefix(above), real)) {
        Some((Ok(rest), real)) => real.join(rest),
        _ => absolute,
    }
}

/// Refuses a run that would write to one of its inputs, or to its output as well. Only a base image may be the output:
/// it is read whole before.
///
/// # Errors
/// [`ErrorKind::InputOverwritten`]; nothing was written.
pub(crate) fn check(config: &ResolvedConfig, policy: Option<&Path>, written: &[WrittenFile]) -> Result<()> {
    let mut inputs = config.input_files();
    let lock = lock_path(config);
    inputs.push(InputFile { name: lock.file_name().unwrap_or_default().display().to_string(), path: lock });
    inputs.extend(
        policy_files(policy).map(|path| InputFile { name: "--policy".to_owned(), path: path.into() }),
    );
    let output = config.output_path().map(|path| InputFile {
        name: if path.at.is_known() { "output.image.path" } else { "--output-image-file" }.to_owned(),
        path: path.value,
    });
    if let Some(InputFile { name, path }) = &output {
        refuse_input(name, path, &inputs)?;
    }
    inputs.extend(config.input_image());
    inputs.extend(output);
    written.iter().try_for_each(|file| refuse_input(file.flag, &file.path, &inputs))
}

/// What the reference program writes too. There such a file may lie in a directory that the configuration copies, and
/// configurations rely on it: `source: .` with the output beside.
const MAY_LIE_IN_INPUTS: [&str; 4] =
    ["--output-image-file", "output.image.path", "--log-file", "--timestamp-file"];

/// Refuses a file that is one of the inputs, or lies in one.
fn refuse_input(name: &str, path: &Path, inputs: &[InputFile]) -> Result<()> {
    let identity = FileIdentity::of(path);
    let may_lie_in_inputs = MAY_LIE_IN_INPUTS.contains(&name);
    for input in inputs {
        let kind = fs::metadata(&input.path);
        let is_directory = kind.as_ref().is_ok_and(fs::Metadata::is_dir);
        if is_directory && !may_lie_in_inputs && is_below(path, &input.path) {
            let (other, directory) = (&input.name, input.path.display());
            let text = format!("`{name}` names `{}`, which lies in `{other}`, `{directory}`", path.display());
            return Err(overwritten(text, "name a file elsewhere"));
        }
        // What is written to a terminal or a pipe overwrites nothing.
        let may_be_overwritten = kind.map_or(true, |kind| kind.is_file());
        if may_be_overwritten && FileIdentity::of(&input.path) == identity {
            let text = format!("`{name}` and `{}` name the same file `{}`", input.name, path.display());
            return Err(overwritten(text, "give each a file of its own"));
        }
    }
    Ok(())
}

fn overwritten(text: String, hint: &str) -> Error {
    Error::saying(ErrorKind::InputOverwritten, text).hint_at(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_same_through_links_and_where_they_would_be_made() {
        let scene = tempfile::tempdir().unwrap();
        let path = |name: &str| scene.path().join(name);
        fs::write(path("in"), "x").unwrap();
        fs::hard_link(path("in"), path("other")).unwrap();
        std::os::unix::fs::symlink("in", path("link")).unwrap();
        std::os::unix::fs::symlink(".", path("here")).unwrap();
        let cases = [
            ("in", "new", false),
            ("in", "in", true),
            ("in", "link", true),
            ("in", "other", true),
            ("new", "here/new", true),
            ("new/a", "here/new/a", true),
            ("new/a", "here/new/b", false),
        ];
        for (one, other, same) in cases {
            let found = FileIdentity::of(&path(one)) == FileIdentity::of(&path(other));
            assert_eq!(found, same, "{one} {other}");
        }
    }

    #[test]
    fn a_file_lies_below_a_directory_by_itself_or_by_what_it_leads_to() {
        let scene = tempfile::tempdir().unwrap();
        let path = |name: &str| scene.path().join(name);
        fs::create_dir_all(path("tree/a")).unwrap();
        fs::create_dir(path("tree-2")).unwrap();
        fs::write(path("tree/a/file"), "").unwrap();
        fs::write(path("outside"), "").unwrap();
        std::os::unix::fs::symlink("../outside", path("tree/out")).unwrap();
        std::os::unix::fs::symlink("tree/a/file", path("in")).unwrap();
        for name in ["tree/a/file", "tree/new", "tree/new/b", "tree/out", "in"] {
            assert!(is_below(&path(name), &path("tree")), "{name}");
        }
        for name in ["outside", "tree-2/new", "new"] {
            assert!(!is_below(&path(name), &path("tree")), "{name}");
        }
        assert!(!is_below(&path("tree/a/file"), &path("tree/a/file")), "no directory");
    }
}
