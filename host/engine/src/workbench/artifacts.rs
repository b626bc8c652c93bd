//! The input files of a trial or a replay.

use crate::error::{Error, ErrorKind, Result};
use sandbox::{Artifact, Artifacts};
use std::path::{Path, PathBuf};

/// Opens files and directories by the names that the step knows them by.
pub(crate) fn open(named: &[(String, PathBuf)]) -> Result<Artifacts> {
    let mut artifacts = Artifacts::default();
    for (name, path) in named {
        let opened = if path.is_dir() { Artifact::open_directory(path) } else { Artifact::open_file(path) };
        let artifact = opened.map_err(|error| {
            Error::new(ErrorKind::Artifact, format!("read the artifact `{}` at", name.escape_debug()))
                .at(path)
                .caused_by(error)
        })?;
        artifacts.insert(name, artifact);
    }
    Ok(artifacts)
}

/// What lies in `directory`, by name; nothing when there is no such directory.
pub(super) fn in_directory(directory: &Path) -> Result<Vec<(String, PathBuf)>> {
    let failed = |error| Error::new(ErrorKind::Artifact, "list").at(directory).caused_by(error);
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    found.sort();
    Ok(found)
}
