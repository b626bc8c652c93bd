//! `systemctl disable`.

use std::collections::BTreeSet;

use step_sdk::{FailureCode, Host, Kind, Level, Result};

use crate::context::{Context, Mode, Search};
use crate::problem::Problem;
use crate::search_path::{CONFIG, file_name, join, parent, resolve_existing};
use crate::unit_name;

/// Directories below each other that are searched for links.
const DEEPEST: usize = 16;

/// Removes every link in `/etc/systemd/system` that belongs to the unit, to those named in its `Also=`, or to a link
/// removed before, and directories that become empty.
pub(crate) fn disable(context: &mut Context<'_>, name: &str) -> Result<(), Problem> {
    let start = context.add(name, false)?;
    let mut marked = Marked::default();
    while let Some(name) = context.next_waiting() {
        if is_to_be_removed(context, &name, name == start)? {
            marked.0.insert(name);
        }
    }
    while remove_marked(context.host, CONFIG, &mut marked, 0)? {}
    Ok(())
}

/// The names of units and the paths of links that links may lead to.
#[derive(Default)]
struct Marked(BTreeSet<String>);

/// A unit that is asked for has to be there; for one that it leads to, links are removed even if it is missing or broken.
fn is_to_be_removed(context: &mut Context<'_>, name: &str, is_asked_for: bool) -> Result<bool, Problem> {
    let result = context.traverse(name, Search { load: true, follow_config: true });
    let unit = context.unit(name)?;
    match result {
        Err(Problem::Dangling(_)) => Ok(true),
        // A link to a file elsewhere that is gone: it dangles, too.
        Err(Problem::Missing(_)) if unit.path.is_some() => Ok(true),
        Err(problem) if is_asked_for => Err(problem),
        Err(_) => Ok(true),
        Ok(_) => match unit.mode {
            Some(Mode::Masked) => {
                context.host.log(
                    Level::Info,
                    "the unit is masked: it is left alone",
                    &[("unit", unit.path())],
                );
                Ok(false)
            }
            Some(Mode::Regular) => Ok(true),
            _ => Ok(false),
        },
    }
}

/// Removes marked links below a directory; gives whether there is a new path that links may lead to.
fn remove_marked(
    host: &dyn Host,
    directory: &str,
    marked: &mut Marked,
    depth: usize,
) -> Result<bool, Problem> {
    if marked.0.is_empty() || depth > DEEPEST {
        return Ok(false);
    }
    let entries = match host.list_directory(directory) {
        Ok(entries) => entries,
        Err(cause) if matches!(cause.code, FailureCode::NotFound | FailureCode::NotADirectory) => {
            return Ok(false);
        }
        Err(cause) => return Err(cause.into()),
    };
    let mut again = false;
    for entry in entries.iter().filter(|entry| entry.addressable) {
        let path = join(directory, &entry.name);
        match entry.kind {
            Kind::Directory => again |= remove_marked(host, &path, marked, depth + 1)?,
            Kind::Symlink if is_marked(host, &path, marked)? => {
                host.remove_file(&path)?;
                host.log(Level::Info, "removed a link", &[("link", &path)]);
                remove_empty(host, parent(&path))?;
                again |= marked.0.insert(path);
            }
            _ => {}
        }
    }
    Ok(again)
}

fn is_marked(host: &dyn Host, path: &str, marked: &Marked) -> Result<bool, Problem> {
    let name = file_name(path);
    if !unit_name::is_valid(name) {
        return Ok(false);
    }
    let template = unit_name::template(name);
    if marked.0.contains(name) || template.is_some_and(|template| marked.0.contains(&template)) {
        return Ok(true);
    }
    let target = resolve_existing(host, path)?;
    Ok(marked.0.contains(&target) || marked.0.contains(file_name(&target)))
}

/// Removes a directory and those above it, up to the directory of links, while they are empty.
fn remove_empty(host: &dyn Host, directory: &str) -> Result<(), Problem> {
    let mut directory = directory;
    while directory.len() > CONFIG.len() {
        match host.remove_directory(directory) {
            Ok(()) => directory = parent(directory),
            Err(cause) if cause.code == FailureCode::DirectoryNotEmpty => return Ok(()),
            Err(cause) => return Err(cause.into()),
        }
    }
    Ok(())
}
