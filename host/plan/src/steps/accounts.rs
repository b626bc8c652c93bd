//! Groups and users. Passwords travel as artifacts, which no plan or log shows.

use super::content::text;
use super::{File, step, step_with};
use crate::plan::{ArtifactSource, BuiltIn, PlannedStep};
use crate::secret::Secret;
use config::PasswordSource;
use config::os::{Group, User};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

type ArtifactMap = BTreeMap<String, ArtifactSource>;

pub(super) fn groups(file: File<'_>) -> Option<PlannedStep> {
    let groups = &file.file.os()?.groups;
    if groups.is_empty() {
        return None;
    }
    let settings = json!({ "groups": groups.iter().map(group).collect::<Vec<_>>() });
    Some(step(BuiltIn::Groups, file.field("os.groups"), settings))
}

fn group(group: &Group) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), Value::from(text(group.name.as_ref())));
    if let Some(gid) = &group.gid {
        object.insert("gid".to_owned(), Value::from(gid.value));
    }
    Value::Object(object)
}

pub(super) fn users(file: File<'_>) -> Option<PlannedStep> {
    let users = &file.file.os()?.users;
    if users.is_empty() {
        return None;
    }
    let mut artifacts = ArtifactMap::new();
    let users: Vec<Value> =
        users.iter().enumerate().map(|(n, item)| user(file, n, item, &mut artifacts)).collect();
    Some(step_with(BuiltIn::Users, file.field("os.users"), json!({ "users": users }), artifacts))
}

fn user(file: File<'_>, number: usize, user: &User, artifacts: &mut ArtifactMap) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(key.to_owned(), value);
        }
    };
    let optional =
        |value: &Option<config::Located<String>>| value.as_ref().map(|text| Value::from(text.value.clone()));
    put("name", Some(Value::from(text(user.name.as_ref()))));
    put("uid", user.uid.as_ref().map(|uid| Value::from(uid.value)));
    put("password", file.file.password(user).map(|source| password(file, number, source, artifacts)));
    put("passwordExpiresDays", user.password_expires_days.as_ref().map(|days| Value::from(days.value)));
    put("sshKeys", Some(ssh_keys(file, number, user, artifacts)));
    put("primaryGroup", optional(&user.primary_group));
    let secondary: Vec<&str> = user.secondary_groups.iter().map(|group| group.value.as_str()).collect();
    put("secondaryGroups", Some(json!(secondary)));
    put("startupCommand", optional(&user.startup_command));
    put("homeDirectory", optional(&user.home_directory));
    Value::Object(object)
}

fn password(file: File<'_>, number: usize, source: PasswordSource<'_>, artifacts: &mut ArtifactMap) -> Value {
    let inline = |value: &str| ArtifactSource::InlineBytes(Secret::new(value.as_bytes()));
    let (kind, source) = match source {
        PasswordSource::Locked => return json!({ "kind": "locked" }),
        PasswordSource::PlainText(value) => ("plain-text", inline(value)),
        PasswordSource::Hashed(value) => ("hashed", inline(value)),
        PasswordSource::PlainTextFile(path) => ("plain-text", ArtifactSource::File(path)),
        PasswordSource::HashedFile(path) => ("hashed", ArtifactSource::File(path)),
    };
    let artifact = file.artifact(&format!("users/{number}/password"));
    artifacts.insert(artifact.clone(), source);
    json!({ "kind": kind, "artifact": artifact })
}

/// Keys from files first, then those in the configuration itself.
fn ssh_keys(file: File<'_>, number: usize, user: &User, artifacts: &mut ArtifactMap) -> Value {
    let mut keys = Vec::new();
    for (key, path) in file.file.ssh_public_key_paths(user).into_iter().enumerate() {
        let artifact = file.artifact(&format!("users/{number}/key/{key}"));
        artifacts.insert(artifact.clone(), ArtifactSource::File(path.value));
        keys.push(json!({ "artifact": artifact }));
    }
    keys.extend(user.ssh_public_keys.iter().map(|key| json!({ "line": key.value })));
    Value::from(keys)
}
