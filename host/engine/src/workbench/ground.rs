//! The trees that components are tried on: copies, in scratch files that vanish with them.

use super::LONGEST_TEXT;
use crate::error::{Error, ErrorKind, Result};
use crate::inspect::{Disk, architecture, open_tree};
use crate::regular_file;
use block::Window;
use rootfs::{
    Device, Existing, Ext4, FileId, Follow, ImagePath, ImagePathBuf, Kind, Owner, Timestamp, Tree, UserTree,
    WriteOptions,
};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a component is tried on. It is only read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ground {
    /// Nothing but a root directory.
    Empty,
    /// The tree of a directory, all of it owned by 0:0. Special files are left out.
    Directory(PathBuf),
    /// The tree of a disk image, of any format that `customize` reads.
    Image(PathBuf),
}

/// Which permission bits the objects of a directory get.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Modes {
    /// Their own.
    Kept,
    /// Those that version control keeps: whether a file can be executed.
    Plain,
}

/// A tree that is ready.
pub(super) struct Prepared {
    pub(super) tree: UserTree,
    /// As `uname -m` names it.
    pub(super) architecture: String,
}

/// Objects in one directory tree.
const MOST_OBJECTS: u64 = 1_000_000;
/// Bytes copied at once.
const CHUNK: usize = 1 << 20;
/// The architecture of a tree that has no programs.
const ARCHITECTURE: &str = "x86_64";

/// Makes a copy of `ground` in `scratch`. All that is made or changed in it gets the time `clock`.
pub(super) fn prepare(ground: &Ground, modes: Modes, clock: Timestamp, scratch: &Path) -> Result<Prepared> {
    match ground {
        Ground::Empty => of_directory(None, modes, clock, scratch),
        Ground::Directory(path) => of_directory(Some(path), modes, clock, scratch),
        Ground::Image(path) => of_image(path, clock, scratch),
    }
}

fn of_image(image: &Path, clock: Timestamp, scratch: &Path) -> Result<Prepared> {
    let work = scratch.join("image.raw");
    image::import(image, &work, &|_, _| ()).map_err(crate::customize::input_error)?;
    let disk = Disk::open(&work);
    // The open file is all that is needed; it goes away with the tree.
    std::fs::remove_file(&work).map_err(|error| scratch_error(&work, error))?;
    let (mut tree, _) = open_tree(&disk?, clock)?;
    let architecture = architecture(&mut tree);
    Ok(Prepared { tree, architecture })
}

fn of_directory(
    directory: Option<&Path>,
    modes: Modes,
    clock: Timestamp,
    scratch: &Path,
) -> Result<Prepared> {
    let source = directory.map(Survey::of).transpose()?.unwrap_or_default();
    let mut tree = empty_tree(Ext4::size_for(source.objects.len() as u64, source.bytes), clock, scratch)?;
    if let Some(directory) = directory {
        Filling { directory, modes, names: HashMap::new(), buffer: Vec::new() }.fill(&mut tree, &source)?;
    }
    Ok(Prepared { tree, architecture: ARCHITECTURE.to_owned() })
}

fn empty_tree(size: u64, clock: Timestamp, scratch: &Path) -> Result<UserTree> {
    let path = scratch.join("tree.raw");
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
    let file = file.map_err(|error| scratch_error(&path, error))?;
    let sized = std::fs::remove_file(&path).and_then(|()| file.set_len(size));
    sized.map_err(|error| scratch_error(&path, error))?;
    let window = Window::new(Arc::new(file), 0, size)
        .map_err(|error| Error::new(ErrorKind::BuildDirectory, "make").at(&path).caused_by(error))?;
    Ext4::format(window.clone()).map_err(fill_error)?;
    let mut tree = UserTree::new(clock);
    tree.mount_root(Ext4::open(window, clock).map_err(fill_error)?, "ext4").map_err(fill_error)?;
    tree.remove_directory(ImagePath::new("/lost+found")).map_err(fill_error)?;
    Ok(tree)
}

fn scratch_error(path: &Path, error: std::io::Error) -> Error {
    let error = Error::new(ErrorKind::BuildDirectory, "make").at(path).caused_by(error);
    error.hint_at("scratch files lie where `TMPDIR` says")
}

fn fill_error(error: rootfs::Error) -> Error {
    Error::saying(ErrorKind::BuildDirectory, "the scratch tree cannot be made").caused_by(error)
}

/// What a directory holds, found before anything is made of it.
#[derive(Default)]
struct Survey {
    /// Paths relative to the directory, parents first.
    objects: Vec<(PathBuf, std::fs::Metadata)>,
    bytes: u64,
}

impl Survey {
    fn of(directory: &Path) -> Result<Self> {
        let failed = |path: &Path, error: std::io::Error| {
            Error::new(ErrorKind::Artifact, "read").at(path).caused_by(error)
        };
        let mut survey = Self::default();
        let mut left = vec![PathBuf::new()];
        while let Some(below) = left.pop() {
            let path = directory.join(&below);
            for entry in std::fs::read_dir(&path).map_err(|error| failed(&path, error))? {
                let entry = entry.map_err(|error| failed(&path, error))?;
                let metadata = entry.metadata().map_err(|error| failed(&entry.path(), error))?;
                let (name, kind) = (below.join(entry.file_name()), metadata.file_type());
                if kind.is_dir() {
                    left.push(name.clone());
                } else if kind.is_file() {
                    survey.bytes = survey.bytes.saturating_add(metadata.len());
                } else if !kind.is_symlink() {
                    tracing::warn!(
                        "`{}` is left out: it is a device, pipe or socket",
                        entry.path().display()
                    );
                    continue;
                }
                survey.objects.push((name, metadata));
                if survey.objects.len() as u64 > MOST_OBJECTS {
                    let error = Error::new(ErrorKind::Artifact, "use the directory").at(directory);
                    return Err(error.caused_by(format!("it holds more than {MOST_OBJECTS} objects")));
                }
            }
        }
        survey.objects.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(survey)
    }
}

/// Puts a directory's objects into a tree.
struct Filling<'a> {
    directory: &'a Path,
    modes: Modes,
    /// Files with several names, by device and inode.
    names: HashMap<(u64, u64), ImagePathBuf>,
    buffer: Vec<u8>,
}

impl Filling<'_> {
    fn fill(&mut self, tree: &mut dyn Tree, source: &Survey) -> Result<()> {
        let top = std::fs::metadata(self.directory)
            .map_err(|error| Error::new(ErrorKind::Artifact, "read").at(self.directory).caused_by(error))?;
        let mode = self.mode(&top);
        tree.set_mode(ImagePath::new("/"), mode).map_err(fill_error)?;
        source.objects.iter().try_for_each(|(name, metadata)| self.add(tree, name, metadata))
    }

    fn add(&mut self, tree: &mut dyn Tree, name: &Path, metadata: &std::fs::Metadata) -> Result<()> {
        let path = ImagePath::new("/").join(name.as_os_str().as_bytes());
        let kind = metadata.file_type();
        if kind.is_dir() {
            return tree.make_directory(&path, self.mode(metadata)).map_err(fill_error);
        }
        let failed =
            |error| Error::new(ErrorKind::Artifact, "read").at(self.directory.join(name)).caused_by(error);
        if kind.is_symlink() {
            let target = std::fs::read_link(self.directory.join(name)).map_err(failed)?;
            return tree.make_symlink(&target.into_os_string().into_vec(), &path).map_err(fill_error);
        }
        let identity = (metadata.dev(), metadata.ino());
        if let Some(first) = self.names.get(&identity) {
            return tree.make_hard_link(first, &path).map_err(fill_error);
        }
        // Neither a link nor a pipe that takes the file's place meanwhile is waited for or followed.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let mut content =
            File::options().read(true).custom_flags(flags).open(self.directory.join(name)).map_err(failed)?;
        let options = WriteOptions {
            existing: Existing::Keep,
            mode: Some(self.mode(metadata)),
            ..WriteOptions::default()
        };
        let file = tree.create(&path, &options).map_err(fill_error)?;
        let copied = self.copy(tree, file, &mut content);
        let closed = tree.close(file).map_err(fill_error);
        copied.map_err(|error| error.at(self.directory.join(name)))?;
        closed?;
        if metadata.nlink() > 1 {
            self.names.insert(identity, path);
        }
        Ok(())
    }

    fn copy(&mut self, tree: &mut dyn Tree, file: FileId, content: &mut File) -> Result<()> {
        self.buffer.resize(CHUNK, 0);
        let mut position = 0;
        loop {
            let read = content
                .read(&mut self.buffer)
                .map_err(|error| Error::new(ErrorKind::Artifact, "read").caused_by(error))?;
            if read == 0 {
                return Ok(());
            }
            let piece = self.buffer.get(..read).unwrap_or_default();
            tree.write_at(file, position, piece).map_err(fill_error)?;
            position += read as u64;
        }
    }

    fn mode(&self, metadata: &std::fs::Metadata) -> u32 {
        let mode = metadata.mode() & 0o7777;
        match self.modes {
            Modes::Kept => mode,
            Modes::Plain if metadata.is_dir() || mode & 0o111 != 0 => 0o755,
            Modes::Plain => 0o644,
        }
    }
}

/// Gives objects the modes and owners that a directory cannot hold, and makes those it cannot hold at all: a line for each,
/// as in `expected.diff` without sign and content.
pub(super) fn apply_manifest(tree: &mut dyn Tree, file: &Path) -> Result<()> {
    let text = match regular_file::read_text(file, LONGEST_TEXT) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::new(ErrorKind::Artifact, "read").at(file).caused_by(error)),
    };
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let failed = |cause: Box<dyn std::error::Error + Send + Sync>| {
            let operation = format!("use line {} of the manifest", index + 1);
            let hint = "a line is `KIND MODE UID:GID PATH`, as `f 0640 0:42 /etc/shadow` or `c 0666 0:0 /dev/null 1:3`";
            Error::new(ErrorKind::Artifact, operation).at(file).caused_by(cause).hint_at(hint)
        };
        let wanted = Wanted::parse(line).ok_or_else(|| failed("it is not understood".into()))?;
        wanted.apply(tree).map_err(|error| failed(error.into()))?;
    }
    Ok(())
}

/// One line of a manifest.
struct Wanted<'a> {
    kind: Kind,
    mode: u32,
    owner: Owner,
    path: &'a str,
    device: Option<Device>,
}

impl<'a> Wanted<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let kind = match words.next()? {
            "f" => Kind::Regular,
            "d" => Kind::Directory,
            "l" => Kind::Symlink,
            "c" => Kind::CharDevice,
            "b" => Kind::BlockDevice,
            "p" => Kind::Fifo,
            "s" => Kind::Socket,
            _ => return None,
        };
        let mode = u32::from_str_radix(words.next()?, 8).ok().filter(|mode| *mode <= 0o7777)?;
        let (uid, gid) = words.next()?.split_once(':')?;
        let owner = Owner { uid: uid.parse().ok()?, gid: gid.parse().ok()? };
        let rest = words.next()?;
        let (path, device) = match kind {
            Kind::CharDevice | Kind::BlockDevice => {
                let (path, numbers) = rest.rsplit_once(' ')?;
                let (major, minor) = numbers.split_once(':')?;
                (path, Some(Device { major: major.parse().ok()?, minor: minor.parse().ok()? }))
            }
            _ => (rest, None),
        };
        path.starts_with('/').then_some(Self { kind, mode, owner, path, device })
    }

    fn apply(&self, tree: &mut dyn Tree) -> rootfs::Result<()> {
        let path = ImagePath::new(self.path);
        let present = match tree.metadata(path, Follow::No) {
            Ok(metadata) => Some(metadata.kind),
            Err(error) if error.kind() == rootfs::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match (present, self.kind) {
            (Some(kind), wanted) if kind == wanted => {}
            (None, Kind::Directory) => rootfs::operations::make_directories(tree, path, self.mode)?,
            (None, Kind::CharDevice | Kind::BlockDevice | Kind::Fifo | Kind::Socket) => {
                tree.make_node(path, self.kind, self.mode, self.device)?;
            }
            (None, _) => return Err(rootfs::Error::new(rootfs::ErrorKind::NotFound, "find").at(path)),
            (Some(_), _) => return Err(rootfs::Error::new(rootfs::ErrorKind::AlreadyExists, "make").at(path)),
        }
        tree.set_owner(path, self.owner, Follow::No)?;
        if self.kind == Kind::Symlink { Ok(()) } else { tree.set_mode(path, self.mode) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::snapshot::Snapshot;
    use std::os::unix::fs::PermissionsExt;

    const CLOCK: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };

    fn lines(tree: &mut dyn Tree) -> Vec<String> {
        let snapshot = Snapshot::take(tree).unwrap();
        snapshot.objects.iter().map(|(path, object)| object.line(path, None)).collect()
    }

    #[test]
    fn a_directory_becomes_a_tree_of_roots_own() {
        let scene = tempfile::tempdir().unwrap();
        let (scratch, source) = (scene.path().join("scratch"), scene.path().join("source"));
        std::fs::create_dir_all(source.join("etc/empty")).unwrap();
        std::fs::create_dir(&scratch).unwrap();
        std::fs::write(source.join("etc/a"), "one\n").unwrap();
        std::fs::hard_link(source.join("etc/a"), source.join("etc/b")).unwrap();
        std::fs::write(source.join("run"), "x".repeat(5000)).unwrap();
        std::fs::set_permissions(source.join("run"), std::fs::Permissions::from_mode(0o4751)).unwrap();
        std::fs::set_permissions(source.join("etc/a"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("/outside", source.join("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            source.join("pipe"),
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        let run_digest = "(5000 bytes, sha256";
        for (modes, file, run) in [(Modes::Kept, "0600", "4751"), (Modes::Plain, "0644", "0755")] {
            let ground = Ground::Directory(source.clone());
            let mut prepared = prepare(&ground, modes, CLOCK, &scratch).unwrap();
            let lines = lines(&mut prepared.tree);
            assert_eq!(lines[0], "d 0755 0:0 /etc");
            assert_eq!(lines[1], format!("f {file} 0:0 /etc/a \"one\\n\""));
            assert_eq!(lines[2], format!("f {file} 0:0 /etc/b = /etc/a"));
            assert_eq!(lines[3], "d 0755 0:0 /etc/empty");
            assert_eq!(lines[4], "l 0777 0:0 /link -> /outside");
            assert!(lines[5].starts_with(&format!("f {run} 0:0 /run {run_digest}")), "{}", lines[5]);
            assert_eq!(lines.len(), 6);
        }
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
    }

    #[test]
    fn a_manifest_gives_what_a_directory_cannot_hold() {
        let scene = tempfile::tempdir().unwrap();
        let mut tree = prepare(&Ground::Empty, Modes::Plain, CLOCK, scene.path()).unwrap().tree;
        tree.write(ImagePath::new("/shadow"), b"x", &WriteOptions::default()).unwrap();
        let manifest = scene.path().join("input.manifest");
        let text = "f 0640 0:42 /shadow\n\nd 1777 0:0 /var/tmp\nc 0666 0:0 /null 1:3\np 0600 5:6 /a pipe\n";
        std::fs::write(&manifest, text).unwrap();
        apply_manifest(&mut tree, &manifest).unwrap();
        let expected = [
            "p 0600 5:6 /a pipe",
            "c 0666 0:0 /null 1:3",
            "f 0640 0:42 /shadow \"x\"",
            "d 1777 0:0 /var",
            "d 1777 0:0 /var/tmp",
        ];
        assert_eq!(lines(&mut tree), expected);
        for line in
            ["f 0640 0:42", "x 0640 0:0 /a", "f 0899 0:0 /a", "f 0644 0 /a", "f 0644 0:0 a", "f 0644 0:0 /no"]
        {
            std::fs::write(&manifest, line).unwrap();
            assert!(apply_manifest(&mut tree, &manifest).is_err(), "{line}");
        }
    }
}
