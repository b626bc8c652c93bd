//! `--report`: made before the run, so that a path that cannot be written is known then; filled after it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde::Serialize;
use telemetry::registry::ErrorType;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// A file that appears at its path when it is whole.
pub(crate) struct ReportFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl ReportFile {
    /// Makes the directories above `path`, and a hidden file beside it.
    pub(crate) fn prepare(path: PathBuf) -> Result<Self, Failure> {
        if path.is_dir() {
            return Err(Failure::new(format!("the report `{}` is a directory", path.display())));
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        // As an ordinary new file has it; the process's mask is taken off.
        let permissions = fs::Permissions::from_mode(0o666);
        let file = fs::create_dir_all(&directory)
            .and_then(|()| tempfile::Builder::new().permissions(permissions).tempfile_in(&directory));
        let text = || format!("cannot make the report `{}`", path.display());
        let file =
            file.map_err(|error| Failure::because(text(), &error).reported_as(ErrorType::OutputWrite))?;
        Ok(Self { path, file })
    }

    /// Writes the report and gives the file its name.
    pub(crate) fn write(mut self, report: &impl Serialize) -> Result<(), Failure> {
        let text = format!("cannot write the report `{}`", self.path.display());
        let written = serde_json::to_writer_pretty(&mut self.file, report).map_err(io::Error::from);
        let written = written.and_then(|()| self.file.write_all(b"\n"));
        let persisted = written.and_then(|()| self.file.persist(&self.path).map_err(io::Error::from));
        persisted
            .map(|_| ())
            .map_err(|error| Failure::because(text, &error).reported_as(ErrorType::OutputWrite))
    }
}
