//! FAT, read by mtools and checked by `fsck.fat`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fixtures::process::{command, finished, output};

use crate::{Outcome, disk, failed};

/// Fails unless the file system is clean.
///
/// # Errors
/// It is not; the error holds what the checker said.
#[track_caller]
pub fn check(file: &Path) -> Outcome {
    let checked = finished(command("fsck.fat").arg("-n").arg(file))?;
    // A dirty bit or differing boot sectors are only mentioned.
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    let clean = checked.status.success() && !said.contains("Dirty bit") && !said.contains("differences");
    if clean { Ok(()) } else { Err(failed(format!("fsck.fat on `{}`: {said}", file.display()))) }
}

/// Every file and directory by path.
///
/// # Errors
/// mtools cannot read it.
pub fn manifest(file: &Path) -> Outcome<BTreeMap<String, String>> {
    let copy = tempfile::tempdir()?;
    let mut mcopy = command("mcopy");
    mcopy.args(["-s", "-n", "-m", "-Q", "-i"]).arg(file).arg("::/").arg(copy.path());
    output(&mut mcopy)?;
    let mut lines = BTreeMap::new();
    walk(copy.path(), copy.path(), &mut lines)?;
    Ok(lines)
}

fn walk(top: &Path, directory: &Path, lines: &mut BTreeMap<String, String>) -> Outcome {
    let entries: Result<Vec<_>, _> = fs::read_dir(directory)?.collect();
    let paths: Vec<PathBuf> = entries?.into_iter().map(|entry| entry.path()).collect();
    for path in paths {
        let name = format!("/{}", path.strip_prefix(top)?.display());
        if path.is_dir() {
            lines.insert(name, "directory".to_owned());
            walk(top, &path, lines)?;
        } else {
            lines.insert(name, format!("file {} {:x}", fs::metadata(&path)?.len(), disk::digest(&path)?));
        }
    }
    Ok(())
}
