//! The file of the state: where it is, who may have written it, and how it changes.
//!
//! The directory is opened once and everything else goes through its handle. Neither it nor the files in it may be
//! links, belong to somebody else, or be writable for others: else another user could choose for this one, or lead a
//! program that runs as root to a file of his choice.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{Error, ErrorKind, MAX_BYTES, State};
use crate::consent::Lookup;

/// The file, in a directory of our own.
const FILE: &str = "telemetry";
/// What the file is before it gets its name; made and renamed under the lock.
const NEW: &str = "telemetry.new";
/// Held while the file is changed, so that no run overwrites a choice that is made while it runs.
const LOCK: &str = "telemetry.lock";
/// Where root's state is, unless `XDG_STATE_HOME` is set. Not in `HOME`, which `sudo` may leave as the user's.
const ROOT: &str = "/var/lib";
/// How long to wait before the lock is tried again.
const PAUSE: Duration = Duration::from_millis(5);

/// Owner only.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Owner only, as the XDG base directory specification wants it.
const DIRECTORY_MODE: u32 = 0o700;
/// Bits that let others change a file.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The place of the stored choice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateFile {
    directory: PathBuf,
}

impl StateFile {
    /// `$XDG_STATE_HOME/imagecustomizer/telemetry`; without the variable under `/var/lib` for root, else under
    /// `$HOME/.local/state`. `None` when there is no such place.
    pub fn locate(variable: Lookup<'_>) -> Option<Self> {
        Self::locate_for(rustix::process::geteuid().is_root(), variable)
    }

    fn locate_for(root: bool, variable: Lookup<'_>) -> Option<Self> {
        // The specification has relative paths ignored.
        let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
        let fallback = || match root {
            true => Some(PathBuf::from(ROOT)),
            false => Some(variable("HOME").and_then(absolute)?.join(".local/state")),
        };
        let base = variable("XDG_STATE_HOME").and_then(absolute).or_else(fallback)?;
        Some(Self { directory: base.join("imagecustomizer") })
    }

    /// The path of the file, to be shown.
    pub fn path(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// What is stored; the default when nothing is.
    ///
    /// # Errors
    /// There is something, but it cannot be read, or somebody else may have written it. Never waits.
    pub fn read(&self) -> Result<State, Error> {
        match self.open_directory()? {
            Some(directory) => self.read_in(&directory),
            None => Ok(State::default()),
        }
    }

    /// Changes what is stored, at once and as a whole.
    ///
    /// # Errors
    /// As for [`Self::prepare`].
    pub(crate) fn change(&self, patience: Duration, edit: impl FnOnce(&mut State)) -> Result<(), Error> {
        self.prepare(patience, edit)?.commit()
    }

    /// Changes what is stored, at once and as a whole, and takes the place of a file that cannot be read: for what the user
    /// says expressly.
    ///
    /// # Errors
    /// A new file cannot be written; somebody else changes it for longer than `patience`.
    pub fn set(&self, patience: Duration, edit: impl FnOnce(&mut State)) -> Result<(), Error> {
        let (directory, lock) = self.lock(patience)?;
        let before = self.read_in(&directory).unwrap_or_default();
        self.prepare_in(directory, lock, before, edit)?.commit()
    }

    /// Makes a change ready, so that all that is left to do is a rename: who gets a [`Prepared`] knows that the change
    /// can be stored, and has not stored it yet.
    ///
    /// # Errors
    /// The file as it is cannot be read, or a new one not be written; the lock is held longer than `patience`.
    pub(crate) fn prepare(
        &self,
        patience: Duration,
        edit: impl FnOnce(&mut State),
    ) -> Result<Prepared, Error> {
        let (directory, lock) = self.lock(patience)?;
        let before = self.read_in(&directory)?;
        self.prepare_in(directory, lock, before, edit)
    }

    fn prepare_in(
        &self,
        directory: File,
        lock: File,
        before: State,
        edit: impl FnOnce(&mut State),
    ) -> Result<Prepared, Error> {
        let mut after = before.clone();
        edit(&mut after);
        let changes = after != before;
        // How a send went may get lost in a power failure; a choice may not, nor may that people were told.
        let lasting = (before.choice, before.notice) != (after.choice, after.notice);
        let prepared = Prepared { file: self.clone(), directory, _lock: lock, changes, lasting };
        if changes {
            prepared.write(&after)?;
        }
        Ok(prepared)
    }

    /// `None` when there is none.
    fn open_directory(&self) -> Result<Option<File>, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = match rustix::fs::openat(CWD, &self.directory, flags, Mode::empty()) {
            Ok(directory) => File::from(directory),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(refused(&self.directory, error)),
        };
        check(&self.directory, &directory, Metadata::is_dir)?;
        Ok(Some(directory))
    }

    fn make_directory(&self) -> Result<File, Error> {
        let made = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(&self.directory);
        made.map_err(|error| Error::io(&self.directory, error))?;
        self.open_directory()?.ok_or_else(|| Error::io(&self.directory, Errno::NOENT))
    }

    fn read_in(&self, directory: &File) -> Result<State, Error> {
        let path = self.path();
        // Opening does not wait for the other end of a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(directory, FILE, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(State::default()),
            Err(error) => return Err(refused(&path, error)),
        };
        check(&path, &file, Metadata::is_file)?;
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        // One byte more than the limit, so that a longer file does not look like a shorter one.
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io(&path, error))?;
        let sound = Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES);
        let state = sound.and_then(|bytes| State::from_text(&bytes));
        state.ok_or_else(|| Error::new(ErrorKind::Content, &path))
    }

    /// The directory, made if missing, and the lock on what is in it.
    fn lock(&self, patience: Duration) -> Result<(File, File), Error> {
        let directory = self.make_directory()?;
        let path = self.directory.join(LOCK);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&directory, LOCK, flags, FILE_MODE);
        let lock = File::from(opened.map_err(|error| refused(&path, error))?);
        check(&path, &lock, Metadata::is_file)?;
        let started = Instant::now();
        loop {
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok((directory, lock)),
                Err(Errno::WOULDBLOCK) if started.elapsed() < patience => thread::sleep(PAUSE),
                Err(Errno::WOULDBLOCK) => return Err(Error::new(ErrorKind::Busy, &path)),
                Err(error) => return Err(Error::io(&path, error)),
            }
        }
    }
}

/// A change that is written but does not hold yet. Dropped, it leaves no trace.
#[derive(Debug)]
pub(crate) struct Prepared {
    file: StateFile,
    directory: File,
    _lock: File,
    changes: bool,
    /// Once made, the change must survive a power failure.
    lasting: bool,
}

impl Prepared {
    /// From now on the change holds.
    ///
    /// # Errors
    /// The new file could not get its name, or the disk could not be told to keep it.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.changes) {
            return Ok(());
        }
        let renamed = rustix::fs::renameat(&self.directory, NEW, &self.directory, FILE);
        if let Err(error) = renamed {
            self.changes = true;
            return Err(Error::io(&self.file.path(), error));
        }
        let kept = if self.lasting { self.directory.sync_all() } else { Ok(()) };
        kept.map_err(|error| Error::io(&self.file.directory, error))
    }

    fn write(&self, state: &State) -> Result<(), Error> {
        let path = self.file.directory.join(NEW);
        self.remove();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.directory, NEW, flags, FILE_MODE);
        let mut file = File::from(opened.map_err(|error| refused(&path, error))?);
        let written = file.write_all(state.to_text().as_bytes());
        // Before it takes the place of the old one: else a power failure could leave an empty file, and no choice.
        written.and_then(|()| file.sync_all()).map_err(|error| Error::io(&path, error))
    }

    /// What an earlier run that was killed left, or what this one gives up.
    fn remove(&self) {
        // If it stays, nothing reads it, and making a new one fails with a reason.
        let _ = rustix::fs::unlinkat(&self.directory, NEW, AtFlags::empty());
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if self.changes {
            self.remove();
        }
    }
}

fn refused(path: &Path, error: Errno) -> Error {
    match error {
        Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO => Error::new(ErrorKind::Kind, path),
        _ => Error::io(path, io::Error::from(error)),
    }
}

fn check(path: &Path, file: &File, is_right_kind: fn(&Metadata) -> bool) -> Result<(), Error> {
    let metadata = file.metadata().map_err(|error| Error::io(path, error))?;
    let problem = if !is_right_kind(&metadata) {
        ErrorKind::Kind
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        ErrorKind::Owner
    } else if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        ErrorKind::Permissions
    } else {
        return Ok(());
    };
    Err(Error::new(problem, path))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;
    use crate::state::Choice;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn scene() -> (tempfile::TempDir, StateFile) {
        let scene = tempfile::tempdir().unwrap();
        let file = StateFile { directory: scene.path().join("a/b/imagecustomizer") };
        (scene, file)
    }

    fn choose(file: &StateFile, choice: Choice) {
        file.set(PATIENCE, |state| state.choice = choice).unwrap();
    }

    fn kind(file: &StateFile) -> ErrorKind {
        file.read().unwrap_err().kind()
    }

    fn allow(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_place_depends_on_the_user_and_two_variables() {
        let cases = [
            (false, Some("/x"), Some("/h"), Some("/x/imagecustomizer/telemetry")),
            (false, None, Some("/h"), Some("/h/.local/state/imagecustomizer/telemetry")),
            (false, Some("x"), Some("/h"), Some("/h/.local/state/imagecustomizer/telemetry")),
            (false, Some(""), None, None),
            (false, None, Some("h"), None),
            (true, None, Some("/h"), Some("/var/lib/imagecustomizer/telemetry")),
            (true, Some("/x"), None, Some("/x/imagecustomizer/telemetry")),
        ];
        for (root, xdg, home, expected) in cases {
            let found = StateFile::locate_for(root, &|name| match name {
                "XDG_STATE_HOME" => xdg.map(OsString::from),
                "HOME" => home.map(OsString::from),
                other => panic!("{other}"),
            });
            assert_eq!(found.map(|file| file.path()), expected.map(PathBuf::from), "{root} {xdg:?} {home:?}");
        }
    }

    #[test]
    fn without_a_file_nothing_is_chosen_and_reading_makes_none() {
        let (scene, file) = scene();
        assert_eq!(file.read().unwrap(), State::default());
        assert_eq!(fs::read_dir(scene.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_choice_is_kept_where_only_its_owner_can_change_it() {
        let (_scene, file) = scene();
        for choice in [Choice::Off, Choice::On, Choice::Unset] {
            choose(&file, choice);
            assert_eq!(file.read().unwrap().choice, choice);
        }
        for (path, expected) in [(file.path(), 0o600), (file.directory.clone(), 0o700)] {
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, expected, "{}", path.display());
        }
        let names = fs::read_dir(&file.directory).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, [FILE, LOCK]);
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let (_scene, file) = scene();
        choose(&file, Choice::Off);
        file.change(PATIENCE, |state| state.last = Some("delivered".into())).unwrap();
        file.change(PATIENCE, |state| state.notice = 7).unwrap();
        assert_eq!(
            file.read().unwrap(),
            State { choice: Choice::Off, notice: 7, last: Some("delivered".into()) }
        );
    }

    #[test]
    fn a_prepared_change_holds_from_its_commit_on() {
        let (_scene, file) = scene();
        let prepared = file.prepare(PATIENCE, |state| state.notice = 1).unwrap();
        assert_eq!(file.read().unwrap().notice, 0);
        prepared.commit().unwrap();
        assert_eq!(file.read().unwrap().notice, 1);
        drop(file.prepare(PATIENCE, |state| state.notice = 2).unwrap());
        assert_eq!(file.read().unwrap().notice, 1);
        assert!(!file.directory.join(NEW).exists());
    }

    #[test]
    fn what_a_killed_run_left_is_in_nobodys_way() {
        let (scene, file) = scene();
        choose(&file, Choice::On);
        let precious = scene.path().join("precious");
        fs::write(&precious, "kept").unwrap();
        symlink(&precious, file.directory.join(NEW)).unwrap();
        choose(&file, Choice::Off);
        assert_eq!(file.read().unwrap().choice, Choice::Off);
        assert_eq!(fs::read_to_string(precious).unwrap(), "kept");
    }

    #[test]
    fn only_one_changes_it_at_a_time() {
        let (_scene, file) = scene();
        let held = file.prepare(PATIENCE, |state| state.notice = 1).unwrap();
        let refused = file.change(Duration::ZERO, |state| state.notice = 2).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy);
        let other = file.clone();
        let waiting = thread::spawn(move || other.change(PATIENCE, |state| state.choice = Choice::Off));
        held.commit().unwrap();
        waiting.join().unwrap().unwrap();
        // Neither change is lost.
        assert_eq!(file.read().unwrap(), State { choice: Choice::Off, notice: 1, last: None });
    }

    #[test]
    fn links_are_not_followed() {
        let (scene, file) = scene();
        choose(&file, Choice::On);
        let elsewhere = scene.path().join("elsewhere");
        fs::rename(file.path(), &elsewhere).unwrap();
        symlink(&elsewhere, file.path()).unwrap();
        assert_eq!(kind(&file), ErrorKind::Kind);
        assert_eq!(file.change(PATIENCE, |state| state.notice = 9).unwrap_err().kind(), ErrorKind::Kind);
        // What the user says expressly replaces the link, not what it points to.
        choose(&file, Choice::Off);
        assert!(fs::symlink_metadata(file.path()).unwrap().is_file());
        assert!(fs::read_to_string(elsewhere).unwrap().contains("choice on"));

        let directory = scene.path().join("directory");
        fs::rename(&file.directory, &directory).unwrap();
        symlink(&directory, &file.directory).unwrap();
        assert_eq!(kind(&file), ErrorKind::Kind);
        assert!(file.set(PATIENCE, |state| state.choice = Choice::On).is_err());
    }

    #[test]
    fn what_others_may_change_is_not_believed() {
        let (_scene, file) = scene();
        choose(&file, Choice::On);
        for (path, wrong, right) in [(file.path(), 0o620, 0o600), (file.directory.clone(), 0o702, 0o700)] {
            allow(&path, wrong);
            assert_eq!(kind(&file), ErrorKind::Permissions, "{}", path.display());
            allow(&path, right);
            assert!(file.read().is_ok());
        }
        allow(&file.directory, 0o770);
        assert_eq!(file.set(PATIENCE, |_| {}).unwrap_err().kind(), ErrorKind::Permissions);
    }

    #[test]
    fn what_belongs_to_others_is_not_believed() {
        let (_scene, file) = scene();
        choose(&file, Choice::On);
        let foreign = if rustix::process::geteuid().is_root() {
            chown(file.path(), Some(65534), None).unwrap();
            file
        } else {
            // Root's.
            StateFile { directory: "/usr".into() }
        };
        assert_eq!(kind(&foreign), ErrorKind::Owner);
    }

    #[test]
    fn anything_but_a_small_plain_file_is_refused_without_waiting() {
        let (_scene, file) = scene();
        choose(&file, Choice::On);
        let make_pipe: fn(&Path) =
            |path| rustix::fs::mknodat(CWD, path, rustix::fs::FileType::Fifo, FILE_MODE, 0).unwrap();
        let path = file.path();
        let holding = |text: &str| {
            fs::write(&path, text).unwrap();
            allow(&path, 0o600);
        };
        for text in ["", "choice on\n", &"x".repeat(1 << 20)] {
            holding(text);
            assert_eq!(kind(&file), ErrorKind::Content);
            assert!(file.change(PATIENCE, |state| state.notice = 1).is_err());
        }
        for make in [make_pipe, |path: &Path| fs::create_dir(path).unwrap()] {
            fs::remove_file(&path).unwrap();
            make(&path);
            assert_eq!(kind(&file), ErrorKind::Kind);
            assert!(file.change(PATIENCE, |state| state.notice = 1).is_err());
        }
    }

    #[test]
    fn a_directory_that_is_none_is_refused() {
        let (scene, file) = scene();
        fs::write(scene.path().join("a"), "").unwrap();
        assert_eq!(kind(&file), ErrorKind::Kind);
        assert_eq!(file.set(PATIENCE, |_| {}).unwrap_err().kind(), ErrorKind::Io);
    }

    #[test]
    fn every_error_says_where_and_what_to_do() {
        for kind in [
            ErrorKind::NoPlace,
            ErrorKind::Kind,
            ErrorKind::Owner,
            ErrorKind::Permissions,
            ErrorKind::Content,
            ErrorKind::Busy,
            ErrorKind::Io,
        ] {
            let error = Error::new(kind, Path::new("/x/telemetry"));
            assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{kind:?}");
            let named = error.to_string().contains("`/x/telemetry`");
            assert_eq!(named, kind != ErrorKind::NoPlace, "{kind:?}");
        }
    }
}
