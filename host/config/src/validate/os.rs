//! Rules of `os`.

use std::collections::HashMap;

use super::text::{hostname, mount_path};
use super::{Checker, given, snapshot_time, text_of};
use crate::decode::clip;
use crate::model::os::{
    AdditionalDir, AdditionalFile, Group, KernelCommandLine, Module, Os, Overlay, Password, PasswordType,
    Services, User,
};
use crate::rule::Rule;
use crate::source::{Located, Span};

/// The range of user and group ids.
const IDS: std::ops::RangeInclusive<i64> = 0..=60_000;
/// The range of `passwordExpiresDays`.
const EXPIRY_DAYS: std::ops::RangeInclusive<i64> = -1..=99_999;

pub(super) fn check(os: &Os, checker: &mut Checker) {
    if let Some(name) = given(&os.hostname)
        && let Err(reason) = hostname(name)
    {
        let message = format!("invalid hostname `{}`: {reason}", clip(name));
        checker.fail(Rule::Hostname, "os.hostname", name.at, message);
    }
    check_command_line(&os.kernel_command_line, "os", checker);
    check_additional_files(&os.additional_files, "os", checker);
    for (index, dir) in os.additional_dirs.iter().enumerate() {
        check_additional_dir(dir, &format!("os.additionalDirs[{index}]"), checker);
    }
    for (index, user) in os.users.iter().enumerate() {
        check_user(user, &format!("os.users[{index}]"), checker);
    }
    for (index, group) in os.groups.iter().enumerate() {
        check_group(group, &format!("os.groups[{index}]"), checker);
    }
    check_services(&os.services, checker);
    check_modules(&os.modules, checker);
    check_overlays(os.overlays.as_deref().unwrap_or_default(), checker);
    if let Some(time) = given(&os.packages.snapshot_time)
        && !snapshot_time(time)
    {
        let message = format!("invalid snapshot time `{}`", clip(time));
        let hint = "write a date as `2025-01-31`, or an instant as `2025-01-31T12:00:00Z`";
        checker.fail_hint(Rule::SnapshotTimeForm, "os.packages.snapshotTime", time.at, message, hint);
    }
}

pub(super) fn check_command_line(line: &KernelCommandLine, owner: &str, checker: &mut Checker) {
    let field = format!("{owner}.kernelCommandLine.extraCommandLine");
    check_no_empty_items(Rule::KernelCommandLineItem, &field, &line.extra_command_line, checker);
}

fn check_no_empty_items(rule: Rule, field: &str, items: &[Located<String>], checker: &mut Checker) {
    for (index, item) in items.iter().enumerate().filter(|(_, item)| item.is_empty()) {
        let field = format!("{field}[{index}]");
        checker.fail_hint(rule, &field, item.at, format!("`{field}` is empty"), "remove it");
    }
}

pub(super) fn check_additional_files(files: &[AdditionalFile], owner: &str, checker: &mut Checker) {
    for (index, file) in files.iter().enumerate() {
        let field = format!("{owner}.additionalFiles[{index}]");
        let destination = format!("{field}.destination");
        checker.required(Rule::AdditionalFileDestination, &destination, &file.destination, file.at);
        match (given(&file.source), &file.content) {
            (None, None) => {
                let message = "the file has neither `source` nor `content`";
                checker.fail(Rule::AdditionalFileBody, &field, file.at, message);
            }
            (Some(source), Some(_)) => {
                let message = "the file has both `source` and `content`";
                checker.fail_hint(Rule::AdditionalFileBody, &field, source.at, message, "keep one of them");
            }
            _ => {}
        }
    }
}

fn check_additional_dir(dir: &AdditionalDir, field: &str, checker: &mut Checker) {
    checker.required(Rule::AdditionalDirSource, &format!("{field}.source"), &dir.source, dir.at);
    let destination = format!("{field}.destination");
    checker.required(Rule::AdditionalDirDestination, &destination, &dir.destination, dir.at);
}

fn check_user(user: &User, field: &str, checker: &mut Checker) {
    check_account_name(Rule::UserName, &user.name, field, user.at, checker);
    if let Some(uid) = &user.uid {
        check_id(Rule::UserId, "uid", uid, field, checker);
    }
    if let Some(password) = &user.password {
        check_password(password, &format!("{field}.password"), checker);
    }
    if let Some(days) = &user.password_expires_days
        && !EXPIRY_DAYS.contains(&days.value)
    {
        let message = format!("`passwordExpiresDays` is {days}, but must be from -1 to 99999");
        checker.fail(Rule::PasswordExpiresDays, &format!("{field}.passwordExpiresDays"), days.at, message);
    }
}

fn check_account_name(
    rule: Rule,
    name: &Option<Located<String>>,
    field: &str,
    owner: Span,
    checker: &mut Checker,
) {
    if text_of(name).trim().is_empty() {
        let at = name.as_ref().map_or(owner, |name| name.at);
        checker.fail(rule, &format!("{field}.name"), at, format!("`{field}.name` is required"));
    }
}

fn check_id(rule: Rule, key: &str, id: &Located<i64>, field: &str, checker: &mut Checker) {
    if !IDS.contains(&id.value) {
        let message = format!("`{key}` is {id}, but must be from 0 to 60000");
        checker.fail(rule, &format!("{field}.{key}"), id.at, message);
    }
}

/// Never says what the value is.
fn check_password(password: &Password, field: &str, checker: &mut Checker) {
    let value = given(&password.value);
    let Some(kind) = &password.kind else {
        let message = format!("`{field}.type` is required");
        let hint = "one of `locked`, `plain-text`, `hashed`, `plain-text-file`, `hashed-file`";
        checker.fail_hint(Rule::PasswordTypeRequired, &format!("{field}.type"), password.at, message, hint);
        return;
    };
    if !checker.passwords.allows(kind.value) {
        let message = format!("the password type `{kind}` is not allowed here: only `locked` is");
        let hint = "set the password when the image is deployed, or give the user a public key";
        checker.fail_hint(Rule::PasswordTypeAllowed, &format!("{field}.type"), kind.at, message, hint);
        return;
    }
    let field = format!("{field}.value");
    match (kind.value, value) {
        (PasswordType::Locked, Some(value)) => {
            let message = "a `locked` password has no value";
            checker.fail_hint(Rule::PasswordValue, &field, value.at, message, "remove `value`");
        }
        (PasswordType::Locked, None) | (_, Some(_)) => {}
        (_, None) => {
            let message = format!("a password of type `{kind}` needs a value");
            checker.fail(Rule::PasswordValue, &field, password.at, message);
        }
    }
}

fn check_group(group: &Group, field: &str, checker: &mut Checker) {
    check_account_name(Rule::GroupName, &group.name, field, group.at, checker);
    if let Some(gid) = &group.gid {
        check_id(Rule::GroupId, "gid", gid, field, checker);
    }
}

fn check_services(services: &Services, checker: &mut Checker) {
    check_no_empty_items(Rule::ServiceName, "os.services.enable", &services.enable, checker);
    check_no_empty_items(Rule::ServiceName, "os.services.disable", &services.disable, checker);
}

fn check_modules(modules: &[Module], checker: &mut Checker) {
    let mut first_of: HashMap<&str, Span> = HashMap::new();
    for (index, module) in modules.iter().enumerate() {
        let field = format!("os.modules[{index}]");
        check_module(module, &field, checker);
        let Some(name) = given(&module.name) else { continue };
        if let Some(first) = first_of.insert(&name.value, name.at) {
            let line = first.start.line;
            let message = format!("the module `{}` is listed twice, first in line {line}", clip(name));
            checker.fail(Rule::ModuleDuplicate, &format!("{field}.name"), name.at, message);
        }
    }
}

fn check_module(module: &Module, field: &str, checker: &mut Checker) {
    let name_field = format!("{field}.name");
    if let Some(name) = checker.required(Rule::ModuleName, &name_field, &module.name, module.at)
        && name.contains([' ', '\n'])
    {
        let message = format!("the module name `{}` contains a blank or a line end", clip(name));
        checker.fail(Rule::ModuleName, &name_field, name.at, message);
    }
    for (key, value) in module.options.iter() {
        for (what, text) in [("name", key), ("value", value)] {
            let reason = if text.is_empty() {
                "is empty"
            } else if text.contains([' ', '\n']) {
                "contains a blank or a line end"
            } else {
                continue;
            };
            let message = format!("the {what} of the option `{}` {reason}", clip(key));
            checker.fail(Rule::ModuleOption, &format!("{field}.options"), text.at, message);
        }
    }
}

fn check_overlays(overlays: &[Overlay], checker: &mut Checker) {
    for (index, overlay) in overlays.iter().enumerate() {
        check_overlay(overlay, &format!("os.overlays[{index}]"), checker);
    }
    type Dir = fn(&Overlay) -> &Option<Located<String>>;
    let unique: [(&str, Dir); 3] = [
        ("upperDir", |overlay| &overlay.upper_dir),
        ("workDir", |overlay| &overlay.work_dir),
        ("mountPoint", |overlay| &overlay.mount_point),
    ];
    for (key, dir) in unique {
        let mut first_of: HashMap<&str, Span> = HashMap::new();
        for (index, dir) in overlays.iter().map(dir).enumerate() {
            let Some(dir) = given(dir) else { continue };
            if let Some(first) = first_of.insert(&dir.value, dir.at) {
                let line = first.start.line;
                let message = format!("`{key}` `{}` is used twice, first in line {line}", clip(dir));
                checker.fail(Rule::OverlayUnique, &format!("os.overlays[{index}].{key}"), dir.at, message);
            }
        }
    }
}

fn check_overlay(overlay: &Overlay, field: &str, checker: &mut Checker) {
    for (index, dir) in overlay.lower_dirs.iter().enumerate() {
        check_overlay_path(&format!("{field}.lowerDirs[{index}]"), Some(dir), overlay.at, checker);
    }
    let dirs = [
        ("upperDir", &overlay.upper_dir),
        ("workDir", &overlay.work_dir),
        ("mountPoint", &overlay.mount_point),
    ];
    for (key, dir) in dirs {
        check_overlay_path(&format!("{field}.{key}"), dir.as_ref(), overlay.at, checker);
    }
    for (index, dir) in overlay.mount_dependencies.iter().enumerate() {
        check_overlay_path(&format!("{field}.mountDependencies[{index}]"), Some(dir), overlay.at, checker);
    }
    if let Some(options) = given(&overlay.mount_options)
        && options.contains([' ', '\t', '\n'])
    {
        let message = "the mount options contain a blank, a tab or a line end";
        checker.fail(Rule::OverlayMountOptions, &format!("{field}.mountOptions"), options.at, message);
    }
    if let (Some(upper), Some(work)) = (given(&overlay.upper_dir), given(&overlay.work_dir)) {
        let folder = |dir: &str| if dir.ends_with('/') { dir.to_owned() } else { format!("{dir}/") };
        let (upper_folder, work_folder) = (folder(upper), folder(work));
        if upper_folder.starts_with(&work_folder) || work_folder.starts_with(&upper_folder) {
            let message = "`upperDir` and `workDir` are the same, or one is inside the other";
            checker.fail(Rule::OverlayDirsApart, &format!("{field}.workDir"), work.at, message);
        }
    }
}

fn check_overlay_path(field: &str, dir: Option<&Located<String>>, owner: Span, checker: &mut Checker) {
    let Some(dir) = dir else {
        checker.fail(Rule::OverlayPath, field, owner, format!("`{field}` is required"));
        return;
    };
    if let Err(reason) = mount_path(dir) {
        checker.fail(Rule::OverlayPath, field, dir.at, format!("invalid path `{}`: {reason}", clip(dir)));
    }
}
