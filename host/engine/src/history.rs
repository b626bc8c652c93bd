//! Digests of the host's files that the image history names.

use crate::error::{Error, ErrorKind, Result};
use config::{Digests, HashRequest, ResolvedConfig};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Hashes what the history of this configuration needs; nothing when there will be none.
pub(crate) fn digests(config: &ResolvedConfig, components: BTreeMap<String, String>) -> Result<Digests> {
    let mut digests = Digests { components, ..Digests::default() };
    if !config.keeps_history() {
        return Ok(digests);
    }
    for request in config.hash_requests() {
        let request = match request {
            HashRequest::Any(path) if path.is_dir() => HashRequest::Dir(path),
            HashRequest::Any(path) => HashRequest::File(path),
            exact => exact,
        };
        match request {
            HashRequest::File(path) | HashRequest::Any(path) => {
                let digest = hash_file(&path).map_err(|error| unreadable(&path, error))?;
                digests.files.insert(path, digest);
            }
            HashRequest::Dir(path) => {
                let hashes = hash_tree(&path)?;
                digests.dirs.insert(path, hashes);
            }
        }
    }
    Ok(digests)
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Artifact, "read the input file").at(path).caused_by(error)
}

/// Digests of all files below `top`, by their path below it. A link to a file counts as the file; what else a link or a
/// special file means is for the step that copies the tree to say.
fn hash_tree(top: &Path) -> Result<BTreeMap<String, String>> {
    let mut hashes = BTreeMap::new();
    let mut left: Vec<PathBuf> = vec![top.to_owned()];
    while let Some(directory) = left.pop() {
        let entries = std::fs::read_dir(&directory).map_err(|error| unreadable(&directory, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&directory, error))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| unreadable(&path, error))?;
            if kind.is_dir() {
                left.push(path);
            } else if std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                let digest = hash_file(&path).map_err(|error| unreadable(&path, error))?;
                let below = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
                hashes.insert(below, digest);
            }
        }
    }
    Ok(hashes)
}

fn hash_file(path: &Path) -> io::Result<String> {
    let mut file = sandbox::open_regular_file(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sandbox::hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_hashed_by_their_path_below_the_top() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir(top.path().join("a")).unwrap();
        std::fs::write(top.path().join("a/b"), "abc").unwrap();
        std::os::unix::fs::symlink("a/b", top.path().join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", top.path().join("dangling")).unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
        let expected = BTreeMap::from([("a/b".to_owned(), abc.clone()), ("link".to_owned(), abc)]);
        assert_eq!(hash_tree(top.path()).unwrap(), expected);
    }
}
