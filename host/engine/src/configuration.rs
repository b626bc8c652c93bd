//! The configuration of a run, read where a signal can end the reading.

use crate::cancellation::Cancellation;
use crate::error::{Error, ErrorKind, Result};
use config::{LoadOptions, ResolvedConfig};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often somebody looks whether the run was cancelled, while a pipe is waited for.
const POLL: Duration = Duration::from_millis(20);

/// Reads the configuration in `file`. That may be a pipe, whose other end lets wait as long as it likes: a thread of its own
/// reads it, and is left behind when the run is cancelled.
///
/// # Errors
/// What is wrong with the configuration; [`ErrorKind::Cancelled`].
pub(crate) fn load(file: &Path, options: LoadOptions, cancel: &Cancellation) -> Result<ResolvedConfig> {
    if std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(config::load(file, &options)?);
    }
    let (done, loaded) = channel();
    let path = file.to_owned();
    let thread = thread::Builder::new().name("configuration".to_owned());
    thread
        // Nobody listens any more when the run was cancelled.
        .spawn(move || drop(done.send(config::load(&path, &options))))
        .map_err(|error| Error::new(ErrorKind::Internal, "read").at(file).caused_by(error))?;
    loop {
        match loaded.recv_timeout(POLL) {
            Ok(loaded) => return Ok(loaded?),
            Err(RecvTimeoutError::Timeout) => cancel.check()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(ErrorKind::Internal, "read").at(file));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Mode;
    use std::io::Write;

    fn options() -> LoadOptions {
        LoadOptions { mode: Mode::ValidateConfig, ..LoadOptions::default() }
    }

    fn pipe() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.yaml");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        (directory, path)
    }

    #[test]
    fn a_pipe_is_read_as_a_file() {
        let (_directory, path) = pipe();
        let end = path.clone();
        let writer = thread::spawn(move || {
            std::fs::File::options().write(true).open(end).unwrap().write_all(b"os: { hostname: web-1 }\n")
        });
        let loaded = load(&path, options(), &Cancellation::default()).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(loaded.files().len(), 1);
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_ends_with_the_run() {
        let (_directory, path) = pipe();
        let cancel = Cancellation::default();
        let other = cancel.clone();
        let stopper = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            other.cancel();
        });
        let error = load(&path, options(), &cancel).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        stopper.join().unwrap();
    }
}
