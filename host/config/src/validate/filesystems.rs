//! Rules of one file system.

use std::collections::HashMap;

use super::text::mount_path;
use super::{Checker, given, text_of};
use crate::decode::clip;
use crate::model::storage::{Btrfs, FileSystem, FileSystemType, MountPoint, Subvolume};
use crate::rule::Rule;
use crate::source::Span;

pub(super) fn check(file_system: &FileSystem, field: &str, checker: &mut Checker) {
    let device = format!("{field}.deviceId");
    checker.required(Rule::FileSystemDevice, &device, &file_system.device_id, file_system.at);
    let is_btrfs = file_system.kind.as_ref().is_some_and(|kind| kind.value == FileSystemType::Btrfs);
    if let Some(mount) = &file_system.mount_point {
        if file_system.kind.is_none() {
            let message = "a file system that is mounted needs a `type`";
            let hint = "one of `ext4`, `xfs`, `btrfs`, `fat32`, `vfat`";
            checker.fail_hint(Rule::FileSystemType, &format!("{field}.type"), file_system.at, message, hint);
        }
        check_mount_point(mount, &format!("{field}.mountPoint"), is_btrfs, checker);
    }
    if let Some(btrfs) = &file_system.btrfs {
        if !is_btrfs {
            let message = "`btrfs` has no use without `type: btrfs`";
            checker.fail(Rule::BtrfsType, &format!("{field}.btrfs"), btrfs.at, message);
        }
        if let (Some(mount), false) = (&file_system.mount_point, btrfs.subvolumes.is_empty()) {
            let message = "a btrfs file system with subvolumes has no mount point of its own";
            let hint = "set the `mountPoint` of a subvolume";
            checker.fail_hint(Rule::BtrfsMountPoint, &format!("{field}.mountPoint"), mount.at, message, hint);
        }
        check_btrfs(btrfs, &format!("{field}.btrfs"), checker);
    }
}

fn check_mount_point(mount: &MountPoint, field: &str, is_btrfs: bool, checker: &mut Checker) {
    if let Err(reason) = mount_path(text_of(&mount.path)) {
        let at = mount.path.as_ref().map_or(mount.at, |path| path.at);
        let message = format!("invalid mount path `{}`: {reason}", clip(text_of(&mount.path)));
        checker.fail(Rule::MountPath, &format!("{field}.path"), at, message);
    }
    let Some(options) = given(&mount.options) else { return };
    if options.contains([' ', '\t', '\n']) {
        let message = "the mount options contain a blank, a tab or a line end";
        checker.fail(Rule::MountOptions, &format!("{field}.options"), options.at, message);
    }
    let names_subvolume = |option: &str| option.starts_with("subvol=") || option.starts_with("subvolid=");
    if is_btrfs && options.split(',').any(names_subvolume) {
        let message = "the mount options name a subvolume";
        let hint = "list it in `btrfs.subvolumes` and set its `mountPoint`";
        checker.fail_hint(Rule::BtrfsMountOptions, &format!("{field}.options"), options.at, message, hint);
    }
}

fn check_btrfs(btrfs: &Btrfs, field: &str, checker: &mut Checker) {
    let before = checker.count();
    let mut first_of: HashMap<&str, Span> = HashMap::new();
    for (index, subvolume) in btrfs.subvolumes.iter().enumerate() {
        let field = format!("{field}.subvolumes[{index}]");
        check_subvolume(subvolume, &field, checker);
        let path = text_of(&subvolume.path);
        if let Some(first) = first_of.insert(path, subvolume.at) {
            let line = first.start.line;
            let message = format!("the subvolume `{}` is listed twice, first in line {line}", clip(path));
            checker.fail(Rule::SubvolumeDuplicate, &format!("{field}.path"), subvolume.at, message);
        }
    }
    if checker.count() == before {
        check_mount_loop(&btrfs.subvolumes, field, checker);
    }
}

fn check_subvolume(subvolume: &Subvolume, field: &str, checker: &mut Checker) {
    let path = text_of(&subvolume.path);
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        let at = subvolume.path.as_ref().map_or(subvolume.at, |path| path.at);
        let message = format!("invalid subvolume path `{}`", clip(path));
        let hint = "write names separated by single slashes, as `root/var`, with none at either end";
        checker.fail_hint(Rule::SubvolumePath, &format!("{field}.path"), at, message, hint);
    }
    if let Some(mount) = &subvolume.mount_point {
        check_mount_point(mount, &format!("{field}.mountPoint"), true, checker);
    }
    let Some(quota) = &subvolume.quota else { return };
    let limits = [("referencedLimit", &quota.referenced_limit), ("exclusiveLimit", &quota.exclusive_limit)];
    for (key, limit) in limits {
        if let Some(limit) = limit.as_ref().filter(|limit| limit.bytes() == 0) {
            let message = format!("`{key}` is zero");
            checker.fail(Rule::SubvolumeQuota, &format!("{field}.quota.{key}"), limit.at, message);
        }
    }
}

/// A subvolume must not be mounted above one that contains it.
fn check_mount_loop(subvolumes: &[Subvolume], field: &str, checker: &mut Checker) {
    let mount_of =
        |subvolume: &Subvolume| subvolume.mount_point.as_ref().map(|mount| text_of(&mount.path).to_owned());
    let mounts: HashMap<&str, String> = subvolumes
        .iter()
        .filter_map(|subvolume| Some((text_of(&subvolume.path), clean_absolute(&mount_of(subvolume)?))))
        .collect();
    for (index, subvolume) in subvolumes.iter().enumerate() {
        let inner = text_of(&subvolume.path);
        let Some(inner_mount) = mounts.get(inner) else { continue };
        let folders = inner.match_indices('/').filter_map(|(end, _)| inner.get(..end));
        for outer in folders {
            if mounts.get(outer).is_some_and(|outer_mount| is_below(outer_mount, inner_mount)) {
                let message = format!(
                    "the subvolume `{}` lies in `{}`, but is mounted above it",
                    clip(inner),
                    clip(outer)
                );
                let field = format!("{field}.subvolumes[{index}].mountPoint");
                checker.fail(Rule::SubvolumeMountLoop, &field, subvolume.at, message);
            }
        }
    }
}

/// Whether `path` lies strictly below `folder`; both are clean.
fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    path.strip_prefix(folder).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

/// An absolute path without `.`, `..` and doubled slashes.
pub(super) fn clean_absolute(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_strict_and_by_whole_names() {
        assert!(is_below("/a/b", "/a"));
        assert!(is_below("/a", "/"));
        assert!(!is_below("/a", "/a"));
        assert!(!is_below("/ab", "/a"));
        assert!(!is_below("/", "/"));
        assert_eq!(clean_absolute("//a/./b/../c/"), "/a/c");
    }
}
