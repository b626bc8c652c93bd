//! A new user's lines, as `useradd` writes them.

use accounts::{Aging, Groups, LoginDefs, NewUserDefaults, SubordinateIds, Unshadowed, User, allocate};
use step_sdk::{Failure, FailureCode, Host, Level, Owner, Result};

use crate::settings::UserSettings;
use crate::{Accounts, named_group, today};

/// The group of users who have none of their own and for whom the image's defaults name none.
const FALLBACK_GID: u32 = 100;

/// What the image says about home directories and mailboxes of new users.
pub(crate) struct NewHome {
    pub(crate) defs: LoginDefs,
    pub(crate) defaults: NewUserDefaults,
}

/// Puts the user into the account files and grants subordinate IDs. `hash` is `None` for a locked account.
pub(crate) fn create(
    accounts: &mut Accounts,
    wanted: &UserSettings,
    hash: Option<&str>,
    host: &dyn Host,
) -> Result<NewHome> {
    let name = &wanted.name;
    let new = NewHome { defs: LoginDefs::load(host)?, defaults: NewUserDefaults::load(host)? };
    let home = home_of(wanted, &new.defaults)?;
    let uid = choose_uid(accounts, wanted, &new.defs, host)?;
    let gid = primary_group(accounts, wanted, uid, &new, host)?;
    let hash = hash.unwrap_or("!");
    let password = if accounts.shadow.is_some() { "x" } else { hash };
    let user = User { owner: Owner { uid, gid }, home };
    accounts.passwd.add(name, password, &user, &new.defaults.shell)?;
    if let Some(shadow) = &mut accounts.shadow {
        shadow.add(name, hash, &Aging::new(&new.defs, &new.defaults, today(host)))?;
    }
    if wanted
        .uid
        .is_none_or(|uid| uid == 0 || new.defs.id_range("UID").is_ok_and(|range| range.contains(uid)))
    {
        grant_subordinate_ids(name, &new.defs, host)?;
    }
    Ok(new)
}

fn home_of(wanted: &UserSettings, defaults: &NewUserDefaults) -> Result<String> {
    match wanted.home_directory() {
        None => Ok(format!("{}/{}", defaults.home_base, wanted.name)),
        Some(home) if home.starts_with('/') => Ok(home.to_owned()),
        Some(_) => {
            Err(Failure::new(FailureCode::InvalidArgument, "the home directory does not begin with `/`"))
        }
    }
}

fn choose_uid(accounts: &Accounts, wanted: &UserSettings, defs: &LoginDefs, host: &dyn Host) -> Result<u32> {
    let used = accounts.passwd.uids();
    let Some(uid) = wanted.uid else {
        return allocate(defs.id_range("UID")?, &used, None)
            .ok_or_else(|| Failure::other("no uid is left between UID_MIN and UID_MAX"));
    };
    if uid == u32::MAX {
        return Err(Failure::new(FailureCode::InvalidArgument, format!("uid {uid} is no uid")));
    }
    if used.contains(&uid) {
        return Err(Failure::new(FailureCode::AlreadyExists, format!("uid {uid} belongs to another user")));
    }
    if !defs.id_range("UID").is_ok_and(|range| range.contains(uid)) {
        host.log(Level::Warn, "the uid lies outside UID_MIN to UID_MAX", &[("uid", &uid.to_string())]);
    }
    Ok(uid)
}

fn primary_group(
    accounts: &mut Accounts,
    wanted: &UserSettings,
    uid: u32,
    new: &NewHome,
    host: &dyn Host,
) -> Result<u32> {
    if let Some(group) = wanted.primary_group() {
        return Ok(named_group(accounts, group)?.1);
    }
    if !new.defs.flag("USERGROUPS_ENAB") {
        return Ok(default_group(&accounts.groups, &new.defaults, host));
    }
    let name = &wanted.name;
    if accounts.groups.gid(name).is_some() {
        return Err(Failure::new(
            FailureCode::AlreadyExists,
            format!("group `{name}` exists already; to put the user into it, name it as `primaryGroup`"),
        ));
    }
    let gid = allocate(new.defs.id_range("GID")?, &accounts.groups.gids(), Some(uid));
    let gid = gid.ok_or_else(|| Failure::other("no gid is left between GID_MIN and GID_MAX"))?;
    accounts.groups.add(name, gid, Unshadowed::Locked)?;
    Ok(gid)
}

fn default_group(groups: &Groups, defaults: &NewUserDefaults, host: &dyn Host) -> u32 {
    let mut gid = FALLBACK_GID;
    for group in &defaults.groups {
        match groups.named(group) {
            Some((_, found)) => gid = found,
            None => {
                let message = "GROUP in `/etc/default/useradd` of the image does not exist";
                host.log(Level::Warn, message, &[("group", group)]);
            }
        }
    }
    gid
}

fn grant_subordinate_ids(name: &str, defs: &LoginDefs, host: &dyn Host) -> Result<()> {
    for kind in ["UID", "GID"] {
        if let Some(mut ids) = SubordinateIds::load(host, kind, defs)? {
            ids.grant(name)?;
            ids.save(host)?;
        }
    }
    Ok(())
}
