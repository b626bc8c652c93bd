//! `/etc/passwd`.

use std::collections::BTreeSet;

use step_sdk::{Failure, FailureCode, Host, Owner, Result};

use crate::Table;
use crate::table::{field, has_fields, id_field, is_nis};

const PASSWD: &str = "/etc/passwd";
/// `name:password:uid:gid:comment:home:shell`.
const FIELDS: usize = 7;

/// What `/etc/passwd` tells about a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// User and primary group.
    pub owner: Owner,
    /// The home directory.
    pub home: String,
}

/// The users of an image.
#[derive(Clone, Debug, Default)]
pub struct Passwd {
    table: Table,
}

impl Passwd {
    /// Reads the image's file.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`] without one, else what [`Host::read`] ends with.
    pub fn load(host: &dyn Host) -> Result<Self> {
        let table = Table::load(host, PASSWD)?;
        let table =
            table.ok_or_else(|| Failure::new(FailureCode::NotFound, "the image has no `/etc/passwd`"))?;
        Ok(Self { table })
    }

    /// Makes users of the file's text.
    pub fn parse(text: &[u8]) -> Self {
        Self { table: Table::parse(text) }
    }

    /// Writes the file if it changed.
    ///
    /// # Errors
    /// What [`Host::write`] ends with.
    pub fn save(&mut self, host: &dyn Host) -> Result<()> {
        self.table.save(host, PASSWD)
    }

    /// The file's text.
    pub fn to_text(&self) -> Vec<u8> {
        self.table.to_text()
    }

    /// What the file tells about a user; `None` when it has no line of that name.
    ///
    /// # Errors
    /// [`Failure`] for a line that cannot be understood.
    pub fn user(&self, name: &str) -> Result<Option<User>> {
        if !self.table.mentions(name) {
            return Ok(None);
        }
        let user = self.table.find(name, FIELDS).and_then(parse_user);
        user.map(Some)
            .ok_or_else(|| Failure::other(format!("the line of `{name}` in `/etc/passwd` is broken")))
    }

    /// The IDs in use.
    pub fn uids(&self) -> BTreeSet<u32> {
        self.table
            .lines()
            .filter(|line| !is_nis(line) && has_fields(line, FIELDS))
            .filter_map(|line| id_field(line, 2))
            .collect()
    }

    /// Adds a user; `password` is the second field.
    ///
    /// # Errors
    /// [`FailureCode::AlreadyExists`] when the name is taken, [`FailureCode::InvalidArgument`] for a field that would
    /// break the file.
    pub fn add(&mut self, name: &str, password: &str, user: &User, shell: &str) -> Result<()> {
        crate::check_user_name(name)?;
        for (what, value) in [("password", password), ("home directory", &user.home), ("shell", shell)] {
            crate::check_field(what, value)?;
        }
        if self.table.mentions(name) {
            return Err(Failure::new(FailureCode::AlreadyExists, format!("user `{name}` exists already")));
        }
        let Owner { uid, gid } = user.owner;
        self.table.append(format!("{name}:{password}:{uid}:{gid}::{}:{shell}", user.home));
        Ok(())
    }

    /// Replaces the password field.
    ///
    /// # Errors
    /// [`Failure`] when there is no whole line of that user, or the value would break the file.
    pub fn set_password(&mut self, name: &str, hash: &str) -> Result<()> {
        self.set(name, 1, hash)
    }

    /// Replaces the primary group.
    ///
    /// # Errors
    /// As [`Passwd::set_password`].
    pub fn set_primary_group(&mut self, name: &str, gid: u32) -> Result<()> {
        self.set(name, 3, &gid.to_string())
    }

    /// Replaces the shell.
    ///
    /// # Errors
    /// As [`Passwd::set_password`].
    pub fn set_shell(&mut self, name: &str, shell: &str) -> Result<()> {
        self.set(name, 6, shell)
    }

    fn set(&mut self, name: &str, field: usize, value: &str) -> Result<()> {
        self.table.set_field(name, FIELDS, field, value).map_err(|failure| failure.context("`/etc/passwd`"))
    }
}

fn parse_user(line: &[u8]) -> Option<User> {
    let home = std::str::from_utf8(field(line, 5)?).ok()?.to_owned();
    Some(User { owner: Owner { uid: id_field(line, 2)?, gid: id_field(line, 3)? }, home })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] =
        b"root:x:0:0::/root:/bin/sh\nweb:x:1000:1001:a b:/home/web:\nbad:x:y:1::/:/\nshort:x\n+::::::\n";

    #[test]
    fn a_user_is_found_by_the_exact_name() {
        let passwd = Passwd::parse(TEXT);
        let user = passwd.user("web").unwrap().unwrap();
        assert_eq!(user, User { owner: Owner { uid: 1000, gid: 1001 }, home: "/home/web".into() });
        assert_eq!(passwd.user("we").unwrap(), None);
        assert_eq!(passwd.user("web1").unwrap(), None);
        assert!(passwd.user("bad").is_err());
        assert!(passwd.user("short").is_err());
        assert_eq!(passwd.uids().into_iter().collect::<Vec<_>>(), [0, 1000]);
    }

    #[test]
    fn nothing_can_be_slipped_into_a_line() {
        let user = |home: &str| User { owner: Owner { uid: 1, gid: 1 }, home: home.into() };
        let mut passwd = Passwd::parse(TEXT);
        assert!(passwd.add("n", "x", &user("/a:b"), "/bin/sh").is_err());
        assert!(passwd.add("n", "x", &user("/a"), "/bin/sh\nroot2::0:0::/:/bin/sh").is_err());
        assert!(passwd.add("n", "x\n", &user("/a"), "/bin/sh").is_err());
        assert!(passwd.add("n:", "x", &user("/a"), "/bin/sh").is_err());
        assert!(passwd.add("short", "x", &user("/a"), "/bin/sh").is_err());
        assert!(passwd.set_shell("web", "/bin/sh:x").is_err());
        assert_eq!(passwd.to_text(), TEXT);
    }

    #[test]
    fn changes_leave_every_other_byte() {
        let mut passwd = Passwd::parse(TEXT);
        passwd.set_shell("web", "/bin/zsh").unwrap();
        passwd.set_primary_group("web", 5).unwrap();
        passwd.add("n", "x", &User { owner: Owner { uid: 7, gid: 8 }, home: "/h".into() }, "/s").unwrap();
        let text = String::from_utf8(passwd.to_text()).unwrap();
        let expected = "root:x:0:0::/root:/bin/sh\nweb:x:1000:5:a b:/home/web:/bin/zsh\nbad:x:y:1::/:/\nshort:x\n\
                        n:x:7:8::/h:/s\n+::::::\n";
        assert_eq!(text, expected);
    }
}
