//! Puts a surveyed tree into the image.

use crate::survey::{SourceDirectory, survey};
use crate::{DEFAULT_MODE, Directory};
use std::collections::BTreeSet;
use step_sdk::path::{join, parent};
use step_sdk::{Entry, Failure, FailureCode, Host, Kind, Metadata, OctalMode, ROOT, Result, TreeOptions};

/// Copies the artifact to `destination`, an absolute path.
pub(crate) fn merge(directory: &Directory, destination: &str, host: &dyn Host) -> Result<()> {
    if host.artifact_stat(&directory.artifact, "")?.kind != Kind::Directory {
        return Err(Failure::new(FailureCode::NotADirectory, "the source is not a directory"));
    }
    let source = survey(&directory.artifact, host)?;
    let merge = Merge {
        host,
        artifact: &directory.artifact,
        new_mode: mode(directory.new_directory_mode),
        merged_mode: directory.merged_directory_mode.map(|mode| mode.0),
        file_mode: mode(directory.child_file_mode),
    };
    merge.make_missing_parents(destination)?;
    // Directories still to be copied, the next one last.
    let mut pending = vec![Pending { index: 0, to: destination.to_owned(), place: merge.look(destination)? }];
    while let Some(next) = pending.pop() {
        let Some(directory) = source.get(next.index) else { continue };
        let below = merge.directory(directory, &next.to, &next.place)?;
        pending.extend(below.into_iter().rev());
    }
    Ok(())
}

fn mode(given: Option<OctalMode>) -> u32 {
    given.map_or(DEFAULT_MODE, |mode| mode.0)
}

struct Merge<'a> {
    host: &'a dyn Host,
    artifact: &'a str,
    new_mode: u32,
    merged_mode: Option<u32>,
    file_mode: u32,
}

/// A directory still to be copied.
struct Pending {
    /// In the survey.
    index: usize,
    to: String,
    place: Place,
}

/// What the image has where something goes; links are followed.
enum Place {
    Empty,
    /// A symbolic link to nothing.
    DanglingLink,
    Taken(Metadata),
}

impl Merge<'_> {
    /// Parents get the mode of new directories, as the destination does.
    fn make_missing_parents(&self, destination: &str) -> Result<()> {
        let mut missing = Vec::new();
        let mut path = parent(destination);
        while let Some(directory) = path {
            if self.host.find(directory)?.is_some() {
                break;
            }
            missing.push(directory);
            path = parent(directory);
        }
        missing
            .into_iter()
            .rev()
            .try_for_each(|directory| self.host.make_directory(directory, self.new_mode, false))
    }

    fn look(&self, path: &str) -> Result<Place> {
        Ok(match self.host.find(path)? {
            Some(metadata) => Place::Taken(metadata),
            None if self.host.lfind(path)?.is_some() => Place::DanglingLink,
            None => Place::Empty,
        })
    }

    /// Copies one directory but for the directories below it, which it gives back, unless the host can copy it all.
    fn directory(&self, source: &SourceDirectory, to: &str, place: &Place) -> Result<Vec<Pending>> {
        let names = match place {
            Place::Empty if source.plain => {
                self.install(&source.path, to)?;
                return Ok(Vec::new());
            }
            Place::Empty => {
                self.host.make_directory(to, self.new_mode, false)?;
                BTreeSet::new()
            }
            Place::Taken(metadata) if metadata.kind == Kind::Directory => {
                self.set_merged_mode(to, metadata)?;
                self.names(to)?
            }
            Place::Taken(_) | Place::DanglingLink => {
                return Err(Failure::new(
                    FailureCode::NotADirectory,
                    format!("`{to}` is there and not a directory"),
                ));
            }
        };
        let mut below = Vec::new();
        for (entry, index) in &source.entries {
            let (from, to) = (join(&source.path, &entry.name), join(to, &entry.name));
            check_source(entry, &from)?;
            let place = if names.contains(&entry.name) { self.look(&to)? } else { Place::Empty };
            match index {
                Some(index) => below.push(Pending { index: *index, to, place }),
                None => self.file(entry, &from, &to, &place)?,
            }
        }
        Ok(below)
    }

    fn set_merged_mode(&self, to: &str, there: &Metadata) -> Result<()> {
        match self.merged_mode {
            Some(mode) if mode != there.mode => self.host.set_mode(to, mode),
            _ => Ok(()),
        }
    }

    /// What the image has below a directory.
    fn names(&self, directory: &str) -> Result<BTreeSet<String>> {
        let entries = self.host.list_directory(directory)?;
        Ok(entries.into_iter().filter(|entry| entry.addressable).map(|entry| entry.name).collect())
    }

    fn file(&self, entry: &Entry, from: &str, to: &str, place: &Place) -> Result<()> {
        if entry.kind == Kind::Symlink
            && self.host.artifact_stat(self.artifact, from)?.kind == Kind::Directory
        {
            let message = format!("`{from}` is a link to a directory, which is not copied");
            return Err(Failure::new(FailureCode::Unsupported, message));
        }
        self.install(from, to)?;
        match place {
            Place::Taken(metadata) if metadata.owner != ROOT => self.host.set_owner(to, metadata.owner, true),
            _ => Ok(()),
        }
    }

    fn install(&self, from: &str, to: &str) -> Result<()> {
        let options = TreeOptions {
            owner: Some(ROOT),
            file_mode: Some(self.file_mode),
            directory_mode: Some(self.new_mode),
            overwrite: true,
        };
        self.host.install(self.artifact, from, to, &options).map(drop)
    }
}

fn check_source(entry: &Entry, path: &str) -> Result<()> {
    if !entry.addressable {
        return Err(Failure::new(FailureCode::Unsupported, format!("the name of `{path}` is not UTF-8")));
    }
    match entry.kind {
        Kind::Regular | Kind::Directory | Kind::Symlink => Ok(()),
        _ => Err(Failure::new(FailureCode::SpecialFile, format!("`{path}` is a device, pipe or socket"))),
    }
}
