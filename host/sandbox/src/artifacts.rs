//! The input files of a step on the host's side: every artifact is a file or a directory that was opened before the
//! step began, and reads go through those handles alone.

use crate::regular_file::{NONBLOCK, not_regular, open_regular_file};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, FileExt, FileType, FileTypeExt, MetadataExt, OpenOptions, OpenOptionsExt};
use rootfs::operations::Source;
use rootfs::{Entry, Error, ErrorKind, ImagePath, Kind, Metadata, NodeId, Owner, Result, Timestamp};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;

/// One input of a step.
pub enum Artifact {
    /// A regular file.
    File(File),
    /// A directory with all that is below it.
    Directory(Dir),
    /// Bytes that the image definition itself holds.
    Inline(Arc<[u8]>),
}

/// All inputs of a step, by name.
#[derive(Default)]
pub struct Artifacts {
    by_name: BTreeMap<String, Artifact>,
    /// The file that was read last, since large ones are read in pieces.
    last: Option<(String, String, File)>,
}

/// Mode of what the image definition itself holds.
const INLINE_MODE: u32 = 0o644;

impl Artifact {
    /// Opens the regular file at `path`, following links as the system does.
    ///
    /// # Errors
    /// When it is missing, unreadable or no regular file.
    pub fn open_file(path: &Path) -> io::Result<Self> {
        Ok(Self::File(File::from_std(open_regular_file(path)?)))
    }

    /// Opens the directory at `path`. Links below it are followed as long as they stay below it.
    ///
    /// # Errors
    /// When it is missing, unreadable or no directory.
    pub fn open_directory(path: &Path) -> io::Result<Self> {
        Ok(Self::Directory(Dir::open_ambient_dir(path, ambient_authority())?))
    }
}

impl Artifacts {
    /// Adds an artifact; a later one of the same name takes the place of the earlier.
    pub fn insert(&mut self, name: impl Into<String>, artifact: Artifact) {
        self.by_name.insert(name.into(), artifact);
    }

    /// Whether there is such an artifact.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The names in byte order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }

    /// What `path` in the artifact is; a final link is followed.
    pub(crate) fn metadata(&self, name: &str, path: &str) -> Result<Metadata> {
        match self.get(name, "look at")? {
            Artifact::Directory(directory) if is_top(path) => directory
                .dir_metadata()
                .map(|metadata| describe(&metadata))
                .map_err(|e| failed(e, "look at", name, path)),
            Artifact::Directory(directory) => directory
                .metadata(path)
                .map(|metadata| describe(&metadata))
                .map_err(|e| failed(e, "look at", name, path)),
            Artifact::File(file) if is_top(path) => file
                .metadata()
                .map(|metadata| describe(&metadata))
                .map_err(|e| failed(e, "look at", name, path)),
            Artifact::Inline(content) if is_top(path) => Ok(inline_metadata(content.len() as u64)),
            Artifact::File(_) | Artifact::Inline(_) => {
                Err(error(ErrorKind::NotADirectory, "look at", name, path))
            }
        }
    }

    /// The entries of the directory `path` in the artifact, in byte order; links are not followed.
    pub(crate) fn list(&self, name: &str, path: &str) -> Result<Vec<Entry>> {
        let Artifact::Directory(directory) = self.get(name, "list")? else {
            return Err(error(ErrorKind::NotADirectory, "list", name, path));
        };
        let listed = list(directory, Path::new(if is_top(path) { "." } else { path }));
        listed.map_err(|e| failed(e, "list", name, path))
    }

    /// At most `max` bytes from `offset`; empty at the end.
    pub(crate) fn read_at(&mut self, name: &str, path: &str, offset: u64, max: u32) -> Result<Vec<u8>> {
        if let Artifact::Inline(content) = self.get(name, "read")? {
            if !is_top(path) {
                return Err(error(ErrorKind::NotADirectory, "read", name, path));
            }
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
            let end = start.saturating_add(max as usize).min(content.len());
            return Ok(content.get(start..end).unwrap_or_default().to_vec());
        }
        if !matches!(&self.last, Some((n, p, _)) if n == name && p == path) {
            self.last = Some((name.to_owned(), path.to_owned(), self.open(name, path)?));
        }
        let Some((_, _, file)) = &self.last else {
            return Err(error(ErrorKind::Io, "read", name, path));
        };
        read_at(file, offset, max).map_err(|e| failed(e, "read", name, path))
    }

    fn open(&self, name: &str, path: &str) -> Result<File> {
        match self.get(name, "read")? {
            Artifact::File(file) if is_top(path) => {
                file.try_clone().map_err(|e| failed(e, "read", name, path))
            }
            Artifact::Directory(directory) if !is_top(path) => {
                open_regular(directory, Path::new(path)).map_err(|e| failed(e, "read", name, path))
            }
            Artifact::Directory(_) => Err(error(ErrorKind::IsADirectory, "read", name, path)),
            _ => Err(error(ErrorKind::NotADirectory, "read", name, path)),
        }
    }

    /// What `install` copies: the artifact itself, or a place inside it. A final link is followed.
    pub(crate) fn source(&self, name: &str, path: &str) -> Result<ArtifactSource> {
        let metadata = self.metadata(name, path)?;
        let shown = format!("{name}/{path}");
        let content = match self.get(name, "install")? {
            Artifact::Inline(content) => Content::Inline(Arc::clone(content)),
            Artifact::Directory(directory) if metadata.kind == Kind::Directory => {
                let below = if is_top(path) { directory.try_clone() } else { directory.open_dir(path) };
                Content::Directory(below.map_err(|e| failed(e, "install", name, path))?)
            }
            _ if metadata.kind == Kind::Regular => Content::File(self.open(name, path)?),
            _ => return Err(error(ErrorKind::SpecialFile, "install", name, path)),
        };
        Ok(ArtifactSource { shown, metadata, content })
    }

    fn get(&self, name: &str, operation: &'static str) -> Result<&Artifact> {
        self.by_name.get(name).ok_or_else(|| error(ErrorKind::NotFound, operation, name, ""))
    }
}

/// A file or directory of an artifact that is being installed. Links below it stay links.
pub(crate) struct ArtifactSource {
    shown: String,
    metadata: Metadata,
    content: Content,
}

enum Content {
    File(File),
    Directory(Dir),
    Inline(Arc<[u8]>),
}

impl ArtifactSource {
    /// The directory, and `path` below it as the host's functions take it.
    fn below<'a>(&'a self, operation: &'static str, path: &'a ImagePath) -> Result<(&'a Dir, &'a Path)> {
        let host_path = Path::new(OsStr::from_bytes(path.as_bytes()));
        match &self.content {
            Content::Directory(directory) if path.as_bytes().is_empty() => Ok((directory, Path::new("."))),
            Content::Directory(directory) => Ok((directory, host_path)),
            _ => Err(error(ErrorKind::NotADirectory, operation, &self.shown, &path.display())),
        }
    }

    fn failed(&self, operation: &'static str, path: &ImagePath, cause: io::Error) -> Error {
        failed(cause, operation, &self.shown, &path.display())
    }
}

impl Source for ArtifactSource {
    fn metadata(&self, path: &ImagePath) -> Result<Metadata> {
        if path.as_bytes().is_empty() {
            return Ok(self.metadata.clone());
        }
        let (directory, host_path) = self.below("look at", path)?;
        let metadata = directory.symlink_metadata(host_path).map_err(|e| self.failed("look at", path, e))?;
        Ok(describe(&metadata))
    }

    fn list(&self, path: &ImagePath) -> Result<Vec<Entry>> {
        let (directory, host_path) = self.below("list", path)?;
        list(directory, host_path).map_err(|e| self.failed("list", path, e))
    }

    fn open(&self, path: &ImagePath) -> Result<Box<dyn Read + '_>> {
        match &self.content {
            Content::Inline(content) if path.as_bytes().is_empty() => Ok(Box::new(content.as_ref())),
            Content::File(file) if path.as_bytes().is_empty() => Ok(Box::new(FromStart { file, offset: 0 })),
            _ => {
                let (directory, host_path) = self.below("read", path)?;
                let file = open_regular(directory, host_path).map_err(|e| self.failed("read", path, e))?;
                Ok(Box::new(file))
            }
        }
    }

    fn read_link(&self, path: &ImagePath) -> Result<Vec<u8>> {
        let (directory, host_path) = self.below("read the link", path)?;
        let target =
            directory.read_link_contents(host_path).map_err(|e| self.failed("read the link", path, e))?;
        Ok(target.into_os_string().into_vec())
    }
}

/// Reads a file from its start, whatever was read of it before: the handle is shared.
struct FromStart<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Whether `path` stands for the artifact itself.
fn is_top(path: &str) -> bool {
    path.split('/').all(|part| part.is_empty() || part == ".")
}

fn error(kind: ErrorKind, operation: &'static str, name: &str, path: &str) -> Error {
    let shown = if path.is_empty() { format!("artifact {name}") } else { format!("artifact {name}: {path}") };
    Error::new(kind, operation).at(ImagePath::new(&shown))
}

fn failed(cause: io::Error, operation: &'static str, name: &str, path: &str) -> Error {
    let too_many_links = cause.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    let kind = match cause.kind() {
        _ if too_many_links => ErrorKind::SymlinkLoop,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::NotADirectory => ErrorKind::NotADirectory,
        io::ErrorKind::IsADirectory => ErrorKind::IsADirectory,
        io::ErrorKind::InvalidInput => ErrorKind::SpecialFile,
        // Also a link that leads out of the artifact's directory.
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Io,
    };
    error(kind, operation, name, path).caused_by(cause)
}

/// Opens a regular file below `directory`; a pipe or device is refused, and never waited for.
fn open_regular(directory: &Dir, path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(NONBLOCK);
    let metadata = directory.metadata(path)?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(not_regular());
    }
    let file = directory.open_with(path, &options)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

fn list(directory: &Dir, path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in directory.read_dir(path)? {
        let entry = entry?;
        entries.push(Entry { kind: kind(entry.file_type()?), name: entry.file_name().into_vec() });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn read_at(file: &File, offset: u64, max: u32) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    let wanted = u64::from(max).min(size.saturating_sub(offset)) as usize;
    let mut data = vec![0; wanted];
    let mut filled = 0;
    while let Some(rest) = data.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    data.truncate(filled);
    Ok(data)
}

/// What a step sees of an input file: what belongs to it wherever it lies. Who owns it, when it came there and how a
/// file system of the host keeps a directory is the machine's business (invariant I-3).
fn describe(metadata: &cap_std::fs::Metadata) -> Metadata {
    let kind = kind(metadata.file_type());
    Metadata {
        kind,
        mode: metadata.mode() & 0o7777,
        owner: Owner::default(),
        size: if kind == Kind::Directory { 0 } else { metadata.len() },
        links: 1,
        modified: Timestamp::default(),
        device: None,
        // The device number tells the file systems of the host apart; what is cut off of it does not matter.
        id: NodeId { mount: metadata.dev() as u32, inode: metadata.ino() },
    }
}

fn inline_metadata(size: u64) -> Metadata {
    Metadata {
        kind: Kind::Regular,
        mode: INLINE_MODE,
        owner: Owner::default(),
        size,
        links: 1,
        modified: Timestamp::default(),
        device: None,
        id: NodeId { mount: 0, inode: 0 },
    }
}

fn kind(kind: FileType) -> Kind {
    if kind.is_file() {
        Kind::Regular
    } else if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Symlink
    } else if kind.is_char_device() {
        Kind::CharDevice
    } else if kind.is_block_device() {
        Kind::BlockDevice
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        Kind::Socket
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, SystemTime};

    #[test]
    fn what_is_seen_of_a_directory_does_not_depend_on_the_machine() {
        let directory = tempfile::tempdir().unwrap();
        // Two copies of one tree, made in another order, one with names that came and went and at another time.
        let tops = ["one", "other"].map(|name| directory.path().join(name));
        for (top, names) in tops.iter().zip([["a", "b", "deep"], ["deep", "b", "a"]]) {
            fs::create_dir(top).unwrap();
            for name in names {
                if name == "deep" {
                    fs::create_dir(top.join(name)).unwrap();
                } else {
                    fs::write(top.join(name), "content").unwrap();
                }
                fs::set_permissions(top.join(name), fs::Permissions::from_mode(0o750)).unwrap();
            }
            std::os::unix::fs::symlink("a", top.join("link")).unwrap();
        }
        for number in 0..500 {
            let passing = tops[1].join(format!("passing-{number:0>200}"));
            fs::write(&passing, "").unwrap();
            fs::remove_file(passing).unwrap();
        }
        fs::create_dir(tops[1].join("deep/below")).unwrap();
        fs::hard_link(tops[1].join("a"), directory.path().join("second")).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs::File::open(tops[1].join("b")).unwrap().set_modified(long_ago).unwrap();

        let [one, other] = tops.map(|top| {
            let mut artifacts = Artifacts::default();
            artifacts.insert("tree", Artifact::open_directory(&top).unwrap());
            let source = artifacts.source("tree", "").unwrap();
            let seen: Vec<Metadata> = ["", "a", "b", "deep", "link"]
                .iter()
                .flat_map(|path| [artifacts.metadata("tree", path), source.metadata(ImagePath::new(path))])
                .map(|metadata| Metadata { id: NodeId { mount: 0, inode: 0 }, ..metadata.unwrap() })
                .collect();
            (seen, artifacts.list("tree", "").unwrap())
        });
        assert_eq!(one, other);
        let (seen, listed) = one;
        assert!(seen.iter().all(|metadata| metadata.owner == Owner::default() && metadata.links == 1));
        assert_eq!((seen[2].size, seen[2].mode, seen[6].size), (7, 0o750, 0));
        assert_eq!(
            listed.iter().map(|entry| entry.name.as_slice()).collect::<Vec<_>>(),
            [b"a".as_slice(), b"b", b"deep", b"link"]
        );
    }
}
