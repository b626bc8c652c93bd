//! Home directories.

use accounts::User;
use step_sdk::{Failure, FailureCode, Host, Kind, Level, Metadata, Owner, Result, TreeOptions};

use crate::create::NewHome;

/// Makes a new user's home directory and fills it from the skeleton. One that is there stays as it is.
pub(crate) fn create(host: &dyn Host, user: &User, new: &NewHome) -> Result<()> {
    let home = trimmed(&user.home);
    if host.find(home)?.is_some() {
        let message = "the home directory exists already: no file of the skeleton is copied into it";
        host.log(Level::Warn, message, &[("path", home)]);
        return Ok(());
    }
    make(host, home, user.owner, mode(new))
        .map_err(|cause| cause.context(format!("home directory `{home}`")))?;
    let skeleton = &new.defaults.skeleton;
    if host.find(skeleton)?.is_some_and(|found| found.kind == Kind::Directory) {
        let options = TreeOptions { owner: Some(user.owner), ..TreeOptions::default() };
        host.copy_tree(skeleton, home, &options)
            .map_err(|cause| cause.context("skeleton of home directories"))?;
    }
    Ok(())
}

fn make(host: &dyn Host, home: &str, owner: Owner, mode: u32) -> Result<()> {
    if let Some((parent, _)) = home.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
        host.make_directory(parent, 0o755, true)?;
    }
    host.make_directory(home, mode, false)?;
    host.set_owner(home, owner, false)?;
    host.set_mode(home, mode)
}

/// The path without slashes at its end: they mean nothing, and would stand in the way of splitting off the name.
fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        trimmed => trimmed,
    }
}

/// The mode of new home directories.
fn mode(new: &NewHome) -> u32 {
    let umask = new.defs.number("UMASK", 0o022);
    let mode = new.defs.number("HOME_MODE", 0o777 & !umask);
    u32::try_from(mode & 0o7777).unwrap_or(0o700)
}

/// Gives everything below a home directory that belongs to the old primary group to the new one, unless the directory
/// is somebody else's.
pub(crate) fn change_group(host: &dyn Host, before: &User, gid: u32) -> Result<()> {
    let home = trimmed(&before.home);
    let Some(found) = host.find(home)? else {
        return Ok(());
    };
    if found.owner.uid != before.owner.uid {
        return Ok(());
    }
    let home = host.resolve(home)?;
    let mut waiting = vec![home];
    while let Some(path) = waiting.pop() {
        let metadata = host.lstat(&path)?;
        if metadata.kind == Kind::Directory {
            push_entries(host, &path, &mut waiting)?;
        }
        if metadata.owner.gid == before.owner.gid {
            let owner = Owner { uid: metadata.owner.uid, gid };
            host.set_owner(&path, owner, false).and_then(|()| drop_set_id(host, &path, &metadata)).map_err(
                |cause| Failure::new(cause.code, format!("cannot change the group of `{path}`: {cause}")),
            )?;
        }
    }
    Ok(())
}

fn push_entries(host: &dyn Host, path: &str, waiting: &mut Vec<String>) -> Result<()> {
    let prefix = path.trim_end_matches('/');
    let entries = host.list_directory(path).or_else(|cause| match cause.code {
        FailureCode::ForeignMount => Ok(Vec::new()),
        _ => Err(cause),
    })?;
    for entry in entries {
        if entry.addressable {
            waiting.push(format!("{prefix}/{}", entry.name));
        } else {
            let message = "the group of a file whose name is not UTF-8 is left as it is";
            host.log(Level::Warn, message, &[("directory", path), ("name", &entry.name)]);
        }
    }
    Ok(())
}

/// Takes away what the kernel takes away from a file that changes hands.
fn drop_set_id(host: &dyn Host, path: &str, metadata: &Metadata) -> Result<()> {
    const SET_UID: u32 = 0o4000;
    const SET_GID: u32 = 0o2000;
    const GROUP_EXECUTE: u32 = 0o0010;
    if metadata.kind != Kind::Regular {
        return Ok(());
    }
    let mut mode = metadata.mode & !SET_UID;
    if mode & GROUP_EXECUTE != 0 {
        mode &= !SET_GID;
    }
    if mode == metadata.mode { Ok(()) } else { host.set_mode(path, mode) }
}
