//! Adds users to the image and changes those it has, as `useradd` and `usermod` do: the account files, the home
//! directory, keys for SSH.

mod create;
mod home;
mod mailbox;
mod password;
mod settings;
mod ssh;

use accounts::{Groups, Passwd, Shadow, User};
use step_sdk::{Failure, FailureCode, Host, Level, Owner, Result, Step};

pub use settings::Settings;
use settings::UserSettings;

/// The step.
pub struct ConfigureUsers;

impl Step for ConfigureUsers {
    type Settings = Settings;
    const NAME: &'static str = "users";
    const SUMMARY: &'static str = "adds users to the image and changes existing ones";
    const SETTINGS_SCHEMA: &'static str = include_str!("settings.schema.json");

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        for wanted in &settings.users {
            configure(wanted, host).map_err(|cause| cause.context(format!("user `{}`", wanted.name)))?;
        }
        Ok(())
    }
}

step_sdk::export_step!(ConfigureUsers);

/// The account files of the image.
struct Accounts {
    passwd: Passwd,
    /// Without it, passwords stand in `/etc/passwd`.
    shadow: Option<Shadow>,
    groups: Groups,
}

impl Accounts {
    fn load(host: &dyn Host) -> Result<Self> {
        Ok(Self { passwd: Passwd::load(host)?, shadow: Shadow::load(host)?, groups: Groups::load(host)? })
    }

    fn save(&mut self, host: &dyn Host) -> Result<()> {
        self.passwd.save(host)?;
        if let Some(shadow) = &mut self.shadow {
            shadow.save(host)?;
        }
        self.groups.save(host)
    }

    fn existing(&self, name: &str) -> Result<User> {
        let user = self.passwd.user(name)?;
        user.ok_or_else(|| Failure::new(FailureCode::NotFound, "is not in `/etc/passwd`"))
    }
}

/// Everything asked for one user. The account files are written before anything below the home directory.
fn configure(wanted: &UserSettings, host: &dyn Host) -> Result<()> {
    let mut accounts = Accounts::load(host)?;
    let before = accounts.passwd.user(&wanted.name)?;
    let hash = wanted.password.as_ref().map(|password| password.hash(host)).transpose()?;
    let new_home = match &before {
        None => Some(create::create(&mut accounts, wanted, hash.flatten().as_deref(), host)?),
        Some(_) => {
            update(&mut accounts, wanted, hash)?;
            None
        }
    };
    set_expiry(&mut accounts, wanted, host)?;
    for group in &wanted.secondary_groups {
        let (group, _) = named_group(&accounts, group)?;
        accounts.groups.add_member(&group, &wanted.name)?;
    }
    if let Some(shell) = wanted.startup_command.as_deref().filter(|shell| !shell.is_empty()) {
        accounts.passwd.set_shell(&wanted.name, shell)?;
    }
    let after = accounts.existing(&wanted.name)?;
    accounts.save(host)?;

    if let Some(new_home) = new_home {
        home::create(host, &after, &new_home)?;
        mailbox::create(host, &wanted.name, after.owner, &accounts.groups, &new_home)?;
    }
    if let Some(before) = before.as_ref().filter(|before| before.owner != after.owner) {
        home::change_group(host, before, after.owner.gid)?;
    }
    if !wanted.ssh_keys.is_empty() {
        ssh::authorize(host, &after, &wanted.ssh_keys, before.is_some())?;
    }
    report(host, &wanted.name, after.owner, before.is_none());
    Ok(())
}

/// What differs for a user whom the image has already. `hash` is what the password becomes, if it becomes anything.
fn update(accounts: &mut Accounts, wanted: &UserSettings, hash: Option<Option<String>>) -> Result<()> {
    let name = &wanted.name;
    if wanted.uid.is_some() {
        return Err(Failure::new(FailureCode::AlreadyExists, "cannot set the uid of an existing user"));
    }
    if wanted.home_directory().is_some() {
        return Err(Failure::new(
            FailureCode::AlreadyExists,
            "cannot set the home directory of an existing user",
        ));
    }
    if let Some(hash) = hash {
        // `*`: no password opens the account, keys still do.
        let field = hash.as_deref().unwrap_or("*");
        match &mut accounts.shadow {
            Some(shadow) => shadow.set_password(name, field)?,
            None => accounts.passwd.set_password(name, field)?,
        }
    }
    if let Some(group) = wanted.primary_group() {
        let (_, gid) = named_group(accounts, group)?;
        accounts.passwd.set_primary_group(name, gid)?;
    }
    Ok(())
}

fn set_expiry(accounts: &mut Accounts, wanted: &UserSettings, host: &dyn Host) -> Result<()> {
    let Some(days) = wanted.password_expires_days else {
        return Ok(());
    };
    let shadow = accounts.shadow.as_mut().ok_or_else(|| {
        Failure::new(FailureCode::NotFound, "cannot set an expiry: the image has no `/etc/shadow`")
    })?;
    match u32::try_from(days.0) {
        Ok(days) => shadow.expire_after(&wanted.name, days, today(host)),
        Err(_) => shadow.never_expire(&wanted.name),
    }
}

fn named_group(accounts: &Accounts, group: &str) -> Result<(String, u32)> {
    let missing =
        || Failure::new(FailureCode::NotFound, format!("group `{}` does not exist", group.escape_debug()));
    accounts.groups.named(group).ok_or_else(missing)
}

/// The day of the build, since 1970.
fn today(host: &dyn Host) -> i64 {
    const SECONDS_PER_DAY: u64 = 86_400;
    i64::try_from(host.source_date_epoch() / SECONDS_PER_DAY).unwrap_or(i64::MAX)
}

fn report(host: &dyn Host, name: &str, owner: Owner, is_new: bool) {
    let message = if is_new { "added a user" } else { "changed a user" };
    let (uid, gid) = (owner.uid.to_string(), owner.gid.to_string());
    host.log(Level::Info, message, &[("name", name), ("uid", &uid), ("gid", &gid)]);
}

#[cfg(test)]
mod tests;
