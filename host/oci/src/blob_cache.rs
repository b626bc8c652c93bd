//! Contents on disk by their digest, so that what a configuration pins is fetched once.
//!
//! Files that are being written begin with `.`, and have a random end: a process that was killed keeps nobody out.

use std::collections::hash_map::RandomState;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::digest::Digest;

/// The largest component there is, 128 MiB.
const LARGEST: u64 = 128 << 20;

/// What the directory may hold, in bytes; beyond, what was not used for the longest time goes.
const ROOM: u64 = 2 << 30;
/// Nobody writes a file for so long.
const STALE: Duration = Duration::from_secs(3600);

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
        self.load_as(digest, digest)
    }

    /// As [`BlobCache::load`], of what was kept as `key`.
    pub(crate) fn load_as(&self, key: &Digest, digest: &Digest) -> Option<Vec<u8>> {
        match self.read(key) {
            Ok(bytes) if Digest::of(&bytes) == *digest => Some(bytes),
            Ok(_) => {
                tracing::debug!("what is kept as `{digest}` has another digest, and is removed");
                // Where that fails it is found again the next time, and fetched again.
                let _ = std::fs::remove_file(self.path(key));
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
        // What cannot be marked as used goes sooner.
        let _ = file.set_modified(SystemTime::now());
        let mut bytes = Vec::new();
        file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Keeps a content. A failure costs time in the next run, nothing else.
    pub(crate) fn store(&self, digest: &Digest, bytes: &[u8]) {
        if self.is_kept(digest) {
            return;
        }
        if let Err(error) = self.write(digest, bytes).and_then(|()| tidy(&self.directory, ROOM)) {
            tracing::debug!("`{digest}` is not kept as it should be: {error}");
        }
    }

    /// Whether there is a file of ours. Anything else, as a link, is replaced.
    fn is_kept(&self, digest: &Digest) -> bool {
        let metadata = std::fs::symlink_metadata(self.path(digest));
        metadata.is_ok_and(|metadata| metadata.is_file() && is_own(&metadata))
    }

    fn write(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        check_own(&self.directory)?;
        let temporary = self.directory.join(format!(".{}.{:016x}", digest.hex(), random()));
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

/// The standard library seeds each of these anew.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Removes what killed processes left, and the oldest contents beyond `room` bytes.
fn tidy(directory: &Path, room: u64) -> io::Result<()> {
    let mut files = files(directory)?;
    let is_stale = |age: SystemTime| age.elapsed().is_ok_and(|age| age > STALE);
    files.retain(|file| {
        let is_whole = !file.name.starts_with('.');
        if !is_whole && is_stale(file.used) {
            remove(&directory.join(&file.name));
        }
        is_whole
    });
    files.sort_by_key(|file| file.used);
    let mut size = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
    for file in files {
        if size <= room {
            break;
        }
        remove(&directory.join(&file.name));
        size = size.saturating_sub(file.size);
    }
    Ok(())
}

/// A content, or what is going to be one.
struct Kept {
    name: String,
    size: u64,
    used: SystemTime,
}

/// The regular files whose names are of ours; what else lies there is nobody's business.
fn files(directory: &Path) -> io::Result<Vec<Kept>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().filter(|name| is_our_name(name)).map(str::to_owned)
        else {
            continue;
        };
        // Another process may have removed it.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            files.push(Kept { name, size: metadata.len(), used: metadata.modified()? });
        }
    }
    Ok(files)
}

fn is_our_name(name: &str) -> bool {
    let digest = match name.strip_prefix('.') {
        Some(unfinished) => unfinished.split('.').next().unwrap_or_default(),
        None => name,
    };
    Digest::from_hex(digest).is_some()
}

fn remove(file: &Path) {
    if let Err(error) = std::fs::remove_file(file) {
        tracing::debug!("`{}` is not removed: {error}", file.display());
    }
}

/// Nothing is put where somebody else could exchange it while it is written.
fn check_own(directory: &Path) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(directory)?;
    if metadata.is_dir() && is_own(&metadata) && metadata.mode() & 0o022 == 0 {
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
    fn what_killed_processes_left_keeps_nobody_out() {
        let scene = tempfile::tempdir().unwrap();
        let cache = BlobCache::at(scene.path().join("oci"));
        cache.store(&Digest::of(b"first"), b"first");
        let digest = Digest::of(b"content");
        let left = |end: &str| cache.directory.join(format!(".{}.{end}", digest.hex()));
        let (own, fresh) = (left(&std::process::id().to_string()), left("fresh"));
        for path in [&own, &fresh] {
            std::fs::write(path, b"cont").unwrap();
        }
        let long_ago = SystemTime::now() - 2 * STALE;
        File::open(&own).unwrap().set_modified(long_ago).unwrap();
        std::os::unix::fs::symlink("/dev/null", cache.path(&digest)).unwrap();
        cache.store(&digest, b"content");
        assert_eq!(cache.load(&digest).unwrap(), b"content");
        assert!(std::fs::symlink_metadata(cache.path(&digest)).unwrap().is_file());
        assert!(!own.exists() && fresh.exists());
    }

    #[test]
    fn what_was_not_used_for_long_makes_room() {
        let scene = tempfile::tempdir().unwrap();
        let cache = BlobCache::at(scene.path().join("oci"));
        let digests: Vec<Digest> = (0..3_u8).map(|number| Digest::of(&[number; 10])).collect();
        for (number, digest) in (0..3_u8).zip(&digests) {
            cache.store(digest, &[number; 10]);
            let used = SystemTime::now() - Duration::from_secs(1000 - u64::from(number));
            File::open(cache.path(digest)).unwrap().set_modified(used).unwrap();
        }
        std::fs::write(cache.directory.join("other"), [0; 100]).unwrap();
        assert!(cache.load(&digests[0]).is_some());
        tidy(&cache.directory, 20).unwrap();
        let left: Vec<bool> = digests.iter().map(|digest| cache.path(digest).exists()).collect();
        assert_eq!(left, [true, false, true]);
        assert!(cache.directory.join("other").exists());
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
