//! Compiled code on disk, so that a component is compiled once per machine.
//!
//! What lies in the cache is native code that the host runs: only files of the user's own, in a directory that nobody
//! else can write, are taken. A name holds the component's digest and wasmtime's compatibility hash; the content
//! carries its own digest, so a torn file is compiled anew.

use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A directory of compiled components.
#[derive(Clone, Debug)]
pub struct CodeCache {
    directory: PathBuf,
}

/// Bytes of the digest that ends every file.
const DIGEST: usize = 32;

/// Compiled code larger than this is not cached: 256 MiB.
const MAX_LEN: u64 = 256 << 20;

impl CodeCache {
    /// The cache in `directory`, which is made (mode 0700) when missing.
    ///
    /// # Errors
    /// When it cannot be made, is no directory, belongs to somebody else, or others may write to it.
    pub fn open(directory: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let metadata = std::fs::symlink_metadata(directory)?;
        let own = metadata.uid() == rustix::process::geteuid().as_raw();
        if !metadata.is_dir() || !own || metadata.mode() & 0o022 != 0 {
            let reason = format!("`{}` is not a directory that only its user can write", directory.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        Ok(Self { directory: directory.to_owned() })
    }

    /// The code stored under `key`, if there is any and it is whole.
    pub(crate) fn load(&self, key: &str) -> Option<Vec<u8>> {
        match self.read(key) {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::debug!("compiled code `{key}` is not used: {error}");
                None
            }
        }
    }

    fn read(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(self.directory.join(key))?;
        let metadata = file.metadata()?;
        let own = metadata.uid() == rustix::process::geteuid().as_raw();
        if !metadata.is_file() || !own || metadata.mode() & 0o022 != 0 || metadata.len() > MAX_LEN {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a file of the user's own"));
        }
        let mut content = Vec::with_capacity(metadata.len() as usize);
        file.read_to_end(&mut content)?;
        Ok(whole(content))
    }

    /// Stores `code` under `key`. A failure costs time in the next run, nothing else.
    pub(crate) fn store(&self, key: &str, code: &[u8]) {
        if let Err(error) = self.write(key, code) {
            tracing::debug!("compiled code `{key}` is not kept: {error}");
        }
    }

    fn write(&self, key: &str, code: &[u8]) -> io::Result<()> {
        let temporary = self.directory.join(format!(".{key}.{}", std::process::id()));
        let mut file: File =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        let written = file
            .write_all(code)
            .and_then(|()| file.write_all(&Sha256::digest(code)))
            .and_then(|()| std::fs::rename(&temporary, self.directory.join(key)));
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }
}

/// The code without its digest, or `None` when the two do not belong together.
fn whole(mut content: Vec<u8>) -> Option<Vec<u8>> {
    let len = content.len().checked_sub(DIGEST)?;
    let digest = content.split_off(len);
    (Sha256::digest(&content).as_slice() == digest).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_stored_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(&directory.path().join("a/b")).unwrap();
        assert_eq!(cache.load("x"), None);
        cache.store("x", b"code");
        assert_eq!(cache.load("x").unwrap(), b"code");
    }

    #[test]
    fn a_torn_file_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(&directory.path().join("c")).unwrap();
        cache.store("x", b"code");
        let path = directory.path().join("c/x");
        let mut content = std::fs::read(&path).unwrap();
        content[0] ^= 1;
        std::fs::write(&path, content).unwrap();
        assert_eq!(cache.load("x"), None);
        std::fs::write(&path, b"short").unwrap();
        assert_eq!(cache.load("x"), None);
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let open = directory.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
        assert!(CodeCache::open(&open).is_err());
    }

    #[test]
    fn a_link_or_a_file_that_others_can_write_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(&directory.path().join("c")).unwrap();
        cache.store("x", b"code");
        let path = directory.path().join("c/x");
        std::os::unix::fs::symlink(&path, directory.path().join("c/link")).unwrap();
        assert_eq!(cache.load("link"), None);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        assert_eq!(cache.load("x"), None);
    }
}
