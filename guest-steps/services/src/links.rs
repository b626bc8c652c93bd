//! Making the links that enable units.

use step_sdk::{Failure, FailureCode, Host, Kind, Level, Result};

use crate::search_path::{SearchPath, file_name, join, parent};

/// Makes a link that holds `target`, and its directory. A link that means the same stays as it is; another one is
/// replaced if `force` is set.
pub(crate) fn make(host: &dyn Host, paths: &SearchPath, target: &str, link: &str, force: bool) -> Result<()> {
    host.make_directory(parent(link), 0o755, true)?;
    match host.make_symlink(target, link) {
        Ok(()) => {
            host.log(Level::Info, "made a link", &[("link", link), ("target", target)]);
            return Ok(());
        }
        Err(cause) if cause.code == FailureCode::AlreadyExists => {}
        Err(cause) => return Err(cause),
    }
    if host.lstat(link)?.kind != Kind::Symlink {
        return Err(Failure::new(
            FailureCode::AlreadyExists,
            format!("`{link}` exists already and is no link"),
        ));
    }
    let old = host.read_link(link)?;
    if means_the_same(host, paths, parent(link), &old, target) {
        return Ok(());
    }
    if !force {
        let message = format!("`{link}` exists already and is a link to `{old}`");
        return Err(Failure::new(FailureCode::AlreadyExists, message));
    }
    host.remove_file(link)?;
    host.make_symlink(target, link)?;
    host.log(Level::Info, "replaced a link", &[("link", link), ("target", target), ("before", &old)]);
    Ok(())
}

/// Units of the search path are told apart by name, other files by where they are.
fn means_the_same(host: &dyn Host, paths: &SearchPath, directory: &str, old: &str, new: &str) -> bool {
    let absolute = |text: &str| if text.starts_with('/') { text.to_owned() } else { join(directory, text) };
    let (old, new) = (simplified(&absolute(old)), simplified(&absolute(new)));
    if old == new || (file_name(&old) == file_name(&new) && paths.is_above(&old) && paths.is_above(&new)) {
        return true;
    }
    matches!((host.resolve(&old), host.resolve(&new)), (Ok(old), Ok(new)) if old == new)
}

/// Without `.` and doubled slashes; `..` stays.
fn simplified(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("/{}", parts.join("/"))
}
