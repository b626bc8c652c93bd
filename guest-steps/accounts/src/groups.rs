//! `/etc/group` and `/etc/gshadow`.

use std::collections::BTreeSet;

use step_sdk::{Failure, FailureCode, Host, Result};

use crate::Table;
use crate::table::{field, has_fields, id_field, is_nis};

const GROUP: &str = "/etc/group";
const GSHADOW: &str = "/etc/gshadow";

/// Fields that a line must have to count: `name:password:gid`, the members may be missing.
const GROUP_FIELDS: usize = 3;
/// `name:password:administrators:members`.
const GSHADOW_FIELDS: usize = 4;
/// Where both files keep the members.
const MEMBERS: usize = 3;

/// The password field of a new group where the image has no `gshadow`: the two programs differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unshadowed {
    /// `x`, from `groupadd`.
    Referred,
    /// `!`, from `useradd`.
    Locked,
}

/// The groups of an image.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    group: Table,
    gshadow: Option<Table>,
}

impl Groups {
    /// Reads the image's files; `gshadow` may be missing.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`] without `/etc/group`, else what [`Host::read`] ends with.
    pub fn load(host: &dyn Host) -> Result<Self> {
        let group = Table::load(host, GROUP)?;
        let group =
            group.ok_or_else(|| Failure::new(FailureCode::NotFound, "the image has no `/etc/group`"))?;
        Ok(Self { group, gshadow: Table::load(host, GSHADOW)? })
    }

    /// Makes groups of the files' text.
    pub fn parse(group: &[u8], gshadow: Option<&[u8]>) -> Self {
        Self { group: Table::parse(group), gshadow: gshadow.map(Table::parse) }
    }

    /// Writes what changed.
    ///
    /// # Errors
    /// What [`Host::write`] ends with.
    pub fn save(&mut self, host: &dyn Host) -> Result<()> {
        self.group.save(host, GROUP)?;
        match &mut self.gshadow {
            Some(gshadow) => gshadow.save(host, GSHADOW),
            None => Ok(()),
        }
    }

    /// The ID of a group.
    pub fn gid(&self, name: &str) -> Option<u32> {
        self.group.find(name, GROUP_FIELDS).and_then(|line| id_field(line, 2))
    }

    /// Name and ID of the group that a person means by `text`: a number is an ID, anything else a name.
    pub fn named(&self, text: &str) -> Option<(String, u32)> {
        let line = match id_field(text.as_bytes(), 0) {
            Some(gid) => self.entries().find(|(_, id)| *id == gid)?.0,
            None => self.group.find(text, GROUP_FIELDS)?,
        };
        let name = std::str::from_utf8(field(line, 0)?).ok()?;
        Some((name.to_owned(), id_field(line, 2)?))
    }

    /// The IDs in use.
    pub fn gids(&self) -> BTreeSet<u32> {
        self.entries().map(|(_, gid)| gid).collect()
    }

    /// Adds a group without members.
    ///
    /// # Errors
    /// [`FailureCode::AlreadyExists`] when the name is taken, even by a broken line.
    pub fn add(&mut self, name: &str, gid: u32, unshadowed: Unshadowed) -> Result<()> {
        crate::check_group_name(name)?;
        if self.group.mentions(name) {
            return Err(Failure::new(FailureCode::AlreadyExists, format!("group `{name}` exists already")));
        }
        let password = match (&mut self.gshadow, unshadowed) {
            (Some(gshadow), _) => {
                gshadow.put(name, GSHADOW_FIELDS, format!("{name}:!::"));
                "x"
            }
            (None, Unshadowed::Referred) => "x",
            (None, Unshadowed::Locked) => "!",
        };
        self.group.append(format!("{name}:{password}:{gid}:"));
        Ok(())
    }

    /// Makes a user a member, in both files; a member stays one.
    ///
    /// # Errors
    /// [`FailureCode::NotFound`] when there is no such group.
    pub fn add_member(&mut self, group: &str, user: &str) -> Result<()> {
        crate::check_user_name(user)?;
        if self.gid(group).is_none() {
            return Err(Failure::new(FailureCode::NotFound, format!("group `{group}` does not exist")));
        }
        self.group.rewrite(|line| with_member(line, group, user, GROUP_FIELDS));
        if let Some(gshadow) = &mut self.gshadow {
            gshadow.rewrite(|line| with_member(line, group, user, GSHADOW_FIELDS));
        }
        Ok(())
    }

    /// The lines that are groups, and their IDs.
    fn entries(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.group
            .lines()
            .filter(|line| !is_nis(line) && has_fields(line, GROUP_FIELDS))
            .filter_map(|line| Some((line, id_field(line, 2)?)))
    }
}

/// The line with one member more; `None` when it is another group's or holds the member already.
fn with_member(line: &[u8], group: &str, user: &str, fields: usize) -> Option<Vec<u8>> {
    if field(line, 0) != Some(group.as_bytes()) || !has_fields(line, fields) || has_fields(line, MEMBERS + 2)
    {
        return None;
    }
    let members = field(line, MEMBERS);
    if members.unwrap_or_default().split(|byte| *byte == b',').any(|member| member == user.as_bytes()) {
        return None;
    }
    let mut new = line.to_vec();
    match members {
        None => new.push(b':'),
        Some(members) if members.is_empty() || members.ends_with(b",") => {}
        Some(_) => new.push(b','),
    }
    new.extend_from_slice(user.as_bytes());
    Some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(groups: &Groups) -> (String, String) {
        let text = |table: &Table| String::from_utf8(table.to_text()).unwrap();
        (text(&groups.group), groups.gshadow.as_ref().map(text).unwrap_or_default())
    }

    #[test]
    fn a_new_group_stands_in_both_files() {
        let mut groups = Groups::parse(b"root:x:0:\n+:::\n", Some(b"root:*::\nweb:old:a:b\n"));
        groups.add("web", 1000, Unshadowed::Referred).unwrap();
        assert_eq!(text(&groups), ("root:x:0:\nweb:x:1000:\n+:::\n".into(), "root:*::\nweb:!::\n".into()));
    }

    #[test]
    fn without_gshadow_the_password_field_tells_who_made_the_group() {
        let mut groups = Groups::parse(b"", None);
        groups.add("a", 1, Unshadowed::Referred).unwrap();
        groups.add("b", 2, Unshadowed::Locked).unwrap();
        assert_eq!(text(&groups).0, "a:x:1:\nb:!:2:\n");
    }

    #[test]
    fn a_taken_or_broken_name_is_refused() {
        let mut groups = Groups::parse(b"a:x:1:\nb:broken\nc\n", None);
        for name in ["a", "b", "x:y", "x\ny", ""] {
            assert!(groups.add(name, 5, Unshadowed::Locked).is_err(), "{name:?}");
        }
        groups.add("c", 5, Unshadowed::Locked).unwrap();
    }

    #[test]
    fn members_are_added_once_and_to_that_group_only() {
        let mut groups = Groups::parse(
            b"a:x:1:\nab:x:2:u\nb:x:3\nc:x:4:uu\nd:x:5:v,\ne:x:6:x:y\n",
            Some(b"a:!::\nab:!::\nc:!\n"),
        );
        for group in ["a", "ab", "b", "c", "d", "a", "e"] {
            groups.add_member(group, "u").unwrap();
        }
        assert!(groups.add_member("none", "u").is_err());
        let expected = "a:x:1:u\nab:x:2:u\nb:x:3:u\nc:x:4:uu,u\nd:x:5:v,u\ne:x:6:x:y\n";
        assert_eq!(text(&groups), (expected.into(), "a:!::u\nab:!::u\nc:!\n".into()));
    }

    #[test]
    fn a_number_means_an_id() {
        let groups = Groups::parse(b"web:x:7:\n7:x:8:\n+n:x:9:\n", None);
        assert_eq!(groups.named("7"), Some(("web".into(), 7)));
        assert_eq!(groups.named("web"), Some(("web".into(), 7)));
        assert_eq!(groups.named("8"), Some(("7".into(), 8)));
        assert_eq!(groups.named("9"), None);
        assert_eq!(groups.named("none"), None);
    }

    #[test]
    fn huge_and_odd_files_are_borne() {
        let mut big = vec![b'x'; 1 << 20];
        big.extend_from_slice(b"\na:x:99999999999999999999:\n:::::::\n\xff\xfe:x:5:\n");
        let mut groups = Groups::parse(&big, Some(&big));
        assert_eq!(groups.gids().into_iter().collect::<Vec<_>>(), [5]);
        assert_eq!(groups.named("5"), None); // its name is no text
        groups.add("n", 6, Unshadowed::Locked).unwrap();
        groups.add_member("n", "u").unwrap();
    }
}
