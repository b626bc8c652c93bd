//! Adds groups to the image, as `groupadd` does: `/etc/group` and, where there is one, `/etc/gshadow`.

use accounts::{Groups, LoginDefs, Unshadowed, allocate, check_group_name};
use serde::Deserialize;
use step_sdk::{Failure, FailureCode, Host, Level, Result, Step};

/// The groups to add.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    groups: Vec<Group>,
}

/// One group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Group {
    name: GroupName,
    /// Without one: the next free ID.
    gid: Option<u32>,
}

/// A name that `groupadd` takes.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct GroupName(String);

impl TryFrom<String> for GroupName {
    type Error = Failure;

    fn try_from(name: String) -> Result<Self> {
        check_group_name(&name).map(|()| Self(name))
    }
}

/// The step.
pub struct AddGroups;

impl Step for AddGroups {
    type Settings = Settings;
    const NAME: &'static str = "groups";
    const SUMMARY: &'static str = "adds groups to the image";
    const SETTINGS_SCHEMA: &'static str = include_str!("settings.schema.json");

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        if settings.groups.is_empty() {
            return Ok(());
        }
        let mut groups = Groups::load(host)?;
        let defs = LoginDefs::load(host)?;
        for group in &settings.groups {
            let name = &group.name.0;
            match add(&mut groups, group, &defs).map_err(|cause| cause.context(format!("group `{name}`")))? {
                Some(gid) => {
                    host.log(Level::Info, "added a group", &[("name", name), ("gid", &gid.to_string())])
                }
                None => host.log(Level::Debug, "the group exists already", &[("name", name)]),
            }
        }
        groups.save(host)
    }
}

step_sdk::export_step!(AddGroups);

/// The ID of the new group; `None` when there was one of that name already.
fn add(groups: &mut Groups, group: &Group, defs: &LoginDefs) -> Result<Option<u32>> {
    let name = &group.name.0;
    if groups.gid(name).is_some() {
        return match group.gid {
            Some(_) => {
                Err(Failure::new(FailureCode::AlreadyExists, "cannot set the gid of an existing group"))
            }
            None => Ok(None),
        };
    }
    let used = groups.gids();
    let gid = match group.gid {
        Some(u32::MAX) => return Err(Failure::new(FailureCode::InvalidArgument, "gid 4294967295 is no gid")),
        Some(gid) if used.contains(&gid) => {
            return Err(Failure::new(
                FailureCode::AlreadyExists,
                format!("gid {gid} belongs to another group"),
            ));
        }
        Some(gid) => gid,
        None => allocate(defs.id_range("GID")?, &used, None)
            .ok_or_else(|| Failure::other("no gid is left between GID_MIN and GID_MAX"))?,
    };
    groups.add(name, gid, Unshadowed::Referred)?;
    Ok(Some(gid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::parse_settings;
    use step_sdk::testing::{MemoryHost, Tree};

    fn image() -> Tree {
        Tree::new()
            .file("/etc/group", "root:x:0:\nweb:x:1000:\n")
            .file_with("/etc/gshadow", "root:*::\nweb:!::\n", 0o640, step_sdk::Owner { uid: 0, gid: 42 })
            .file("/etc/passwd", "only:x:5:5::/:/bin/sh\n")
    }

    fn run(json: &str, host: &MemoryHost) -> Result<()> {
        AddGroups::run(&parse_settings(json)?, host)
    }

    #[test]
    fn new_groups_get_the_next_id_or_the_given_one() {
        let host = MemoryHost::new(image());
        run(r#"{"groups":[{"name":"a"},{"name":"b","gid":300},{"name":"c"}]}"#, &host).unwrap();
        let expected = "root:x:0:\nweb:x:1000:\na:x:1001:\nb:x:300:\nc:x:1002:\n";
        assert_eq!(host.text("/etc/group").unwrap(), expected);
        assert_eq!(host.text("/etc/gshadow").unwrap(), "root:*::\nweb:!::\na:!::\nb:!::\nc:!::\n");
        assert!(host.manifest().contains("f 0640 0:42 /etc/gshadow"));
    }

    #[test]
    fn an_existing_group_stays_as_it_is() {
        let host = MemoryHost::new(image());
        let before = host.manifest();
        run(r#"{"groups":[{"name":"web"}]}"#, &host).unwrap();
        assert_eq!((host.manifest(), host.changes()), (before, 0));
    }

    #[test]
    fn a_user_of_that_name_is_no_group() {
        let host = MemoryHost::new(image());
        run(r#"{"groups":[{"name":"only"}]}"#, &host).unwrap();
        assert!(host.text("/etc/group").unwrap().ends_with("only:x:1001:\n"));
    }

    #[test]
    fn what_groupadd_refuses_changes_nothing() {
        let cases = [
            (
                r#"{"groups":[{"name":"web","gid":1000}]}"#,
                "group `web`: cannot set the gid of an existing group",
            ),
            (
                r#"{"groups":[{"name":"a"},{"name":"b","gid":0}]}"#,
                "group `b`: gid 0 belongs to another group",
            ),
            (r#"{"groups":[{"name":"b","gid":4294967295}]}"#, "group `b`: gid 4294967295 is no gid"),
        ];
        for (json, message) in cases {
            let host = MemoryHost::new(image());
            assert_eq!(run(json, &host).unwrap_err().message, message);
            assert_eq!(host.changes(), 0);
        }
        for name in ["a:b", "a\\nroot2", "-a", "", "a b"] {
            let json = format!(r#"{{"groups":[{{"name":"{name}"}}]}}"#);
            assert!(run(&json, &MemoryHost::new(image())).is_err(), "{name}");
        }
    }

    #[test]
    fn an_image_without_groups_is_refused_only_when_there_is_work() {
        let host = MemoryHost::new(Tree::new());
        run(r#"{"groups":[]}"#, &host).unwrap();
        assert_eq!(run(r#"{"groups":[{"name":"a"}]}"#, &host).unwrap_err().code, FailureCode::NotFound);
    }
}
