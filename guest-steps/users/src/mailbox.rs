//! A new user's mailbox, for images whose `/etc/default/useradd` asks for one.

use accounts::Groups;
use step_sdk::{Existing, FailureCode, Host, Level, Owner, Result, WriteOptions};

use crate::create::NewHome;

/// Makes an empty mailbox. One that is there, or a missing directory, is no failure.
pub(crate) fn create(host: &dyn Host, name: &str, user: Owner, groups: &Groups, new: &NewHome) -> Result<()> {
    if !new.defaults.mail_spool {
        return Ok(());
    }
    let directory = match new.defs.text("MAIL_DIR") {
        Some(directory) => directory,
        None if new.defs.text("MAIL_FILE").is_some() => return Ok(()),
        None => "/var/mail",
    };
    let (gid, mode) = match groups.gid("mail") {
        Some(gid) => (gid, 0o660),
        None => (user.gid, 0o600),
    };
    let options = WriteOptions {
        existing: Existing::Keep,
        mode: Some(mode),
        owner: Some(Owner { uid: user.uid, gid }),
        ..WriteOptions::default()
    };
    match host.write(&format!("{directory}/{name}"), b"", &options) {
        Err(cause) if matches!(cause.code, FailureCode::AlreadyExists | FailureCode::NotFound) => {
            host.log(Level::Warn, "no mailbox was made", &[("cause", &cause.message)]);
            Ok(())
        }
        result => result,
    }
}
