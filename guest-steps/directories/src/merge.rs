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
        artifact: &directory.artifact,
        new_mode: mode(directory.new_directory_mode),
        merged_mode: directory.merged_directory_mode.map(|mode| mode.0),
        file_mode: mode(directory.child_file_mode),
    };
    merge.make_missing_parents(destination, host)?;
    // Directories still to be copied, the next one last.
    let mut pending = vec![Pending { index: 0, to: destination.to_owned(), place: look(destination, host)? }];
    while let Some(next) = pending.pop() {
        let Some(directory) = source.get(next.index) else { continue };
        let below = merge.directory(directory, &next.to, &next.place, host)?;
        pending.extend(below.into_iter().rev());
    }
    Ok(())
}

fn mode(given: Option<OctalMode>) -> u32 {
    given.map_or(DEFAULT_MODE, |mode| mode.0)
}

/// How to copy. The host is no member: a component imports less of it when the compiler sees every call.
struct Merge<'a> {
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
    fn make_missing_parents(&self, destination: &str, host: &dyn Host) -> Result<()> {
        let mut missing = Vec::new();
        let mut path = parent(destination);
        while let Some(directory) = path {
            if host.find(directory)?.is_some() {
                break;
            }
            missing.push(directory);
            path = parent(directory);
        }
        missing
            .into_iter()
            .rev()
            .try_for_each(|directory| host.make_directory(directory, self.new_mode, false))
    }

    /// Copies one directory but for the directories below it, which it gives back, unless the host can copy it all.
    fn directory(
        &self,
        source: &SourceDirectory,
        to: &str,
        place: &Place,
        host: &dyn Host,
    ) -> Result<Vec<Pending>> {
        let names = match place {
            Place::Empty if source.plain => {
                self.install(&source.path, to, host)?;
                return Ok(Vec::new());
            }
            Place::Empty => {
                host.make_directory(to, self.new_mode, false)?;
                BTreeSet::new()
            }
            Place::Taken(metadata) if metadata.kind == Kind::Directory => {
                self.set_merged_mode(to, metadata, host)?;
                names(to, host)?
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
            let place = if names.contains(&entry.name) { look(&to, host)? } else { Place::Empty };
            match index {
                Some(index) => below.push(Pending { index: *index, to, place }),
                None => self.file(entry, [&from, &to], &place, host)?,
            }
        }
        Ok(below)
    }

    fn set_merged_mode(&self, to: &str, there: &Metadata, host: &dyn Host) -> Result<()> {
        match self.merged_mode {
            Some(mode) if mode != there.mode => host.set_mode(to, mode),
            _ => Ok(()),
        }
    }

    fn file(&self, entry: &Entry, [from, to]: [&str; 2], place: &Place, host: &dyn Host) -> Result<()> {
        if entry.kind == Kind::Symlink && host.artifact_stat(self.artifact, from)?.kind == Kind::Directory {
            let message = format!("`{from}` is a link to a directory, which is not copied");
            return Err(Failure::new(FailureCode::Unsupported, message));
        }
        self.install(from, to, host)?;
        match place {
            Place::Taken(metadata) if metadata.owner != ROOT => host.set_owner(to, metadata.owner, true),
            _ => Ok(()),
        }
    }

    fn install(&self, from: &str, to: &str, host: &dyn Host) -> Result<()> {
        let options = TreeOptions {
            owner: Some(ROOT),
            file_mode: Some(self.file_mode),
            directory_mode: Some(self.new_mode),
            overwrite: true,
        };
        host.install(self.artifact, from, to, &options).map(drop)
    }
}

fn look(path: &str, host: &dyn Host) -> Result<Place> {
    Ok(match host.find(path)? {
        Some(metadata) => Place::Taken(metadata),
        None if host.lfind(path)?.is_some() => Place::DanglingLink,
        None => Place::Empty,
    })
}

/// What the image has below a directory.
fn names(directory: &str, host: &dyn Host) -> Result<BTreeSet<String>> {
    let entries = host.list_directory(directory)?;
    Ok(entries.into_iter().filter(|entry| entry.addressable).map(|entry| entry.name).collect())
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
