//! Contents on disk by their digest, so that what a configuration pins is fetched once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::digest::Digest;

/// The largest component there is, 128 MiB.
const LARGEST: u64 = 128 << 20;

/// A directory of contents. Whatever lies in it counts only if it has the digest that is its name.
#[derive(Clone, Debug)]
pub struct BlobCache {
    directory: PathBuf,
}

impl BlobCache {
    /// The cache in `directory`, which is made (mode 0700) when something is kept.
    #[must_use]
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The content with this digest, if it is there and whole.
    pub(crate) fn load(&self, digest: &Digest) -> Option<Vec<u8>> {
        match self.read(digest) {
            Ok(bytes) if Digest::of(&bytes) == *digest => Some(bytes),
            Ok(_) => {
                tracing::debug!("what is kept as `{digest}` has another digest, and is removed");
                // Where that fails it is found again the next time, and fetched again.
                let _ = std::fs::remove_file(self.path(digest));
                None
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::debug!("what is kept as `{digest}` is not used: {error}");
                None
            }
        }
    }

    fn read(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
        let flags = i32::try_from(flags).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(self.path(digest))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Keeps a content. A failure costs time in the next run, nothing else.
    pub(crate) fn store(&self, digest: &Digest, bytes: &[u8]) {
        if self.path(digest).exists() {
            return;
        }
        if let Err(error) = self.write(digest, bytes) {
            tracing::debug!("`{digest}` is not kept: {error}");
        }
    }

    fn write(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        check_own(&self.directory)?;
        let temporary = self.directory.join(format!(".{}.{}", digest.hex(), std::process::id()));
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let written = file.write_all(bytes).and_then(|()| std::fs::rename(&temporary, self.path(digest)));
        if written.is_err() {
            // The next run does without.
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.directory.join(digest.hex())
    }
}

/// Nothing is put where somebody else could exchange it while it is written.
fn check_own(directory: &Path) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(directory)?;
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    if metadata.is_dir() && own && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    let reason = format!("`{}` is not a directory that only its user can write", directory.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_its_digest_comes_back() {
        let scene = tempfile::tempdir().unwrap();
        let cache = BlobCache::at(scene.path().join("a/b"));
        let digest = Digest::of(b"content");
        assert_eq!(cache.load(&digest), None);
        cache.store(&digest, b"content");
        assert_eq!(cache.load(&digest).unwrap(), b"content");
        std::fs::write(cache.path(&digest), b"contents").unwrap();
        assert_eq!(cache.load(&digest), None);
        assert!(!cache.path(&digest).exists());
        std::os::unix::fs::symlink("/dev/zero", cache.path(&digest)).unwrap();
        assert_eq!(cache.load(&digest), None);
    }

    #[test]
    fn nothing_is_kept_where_others_may_write() {
        use std::os::unix::fs::PermissionsExt;
        let scene = tempfile::tempdir().unwrap();
        let open = scene.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
        BlobCache::at(open.clone()).store(&Digest::of(b"x"), b"x");
        assert_eq!(std::fs::read_dir(&open).unwrap().count(), 0);
    }
}
