//! Rules of verity devices.

use std::collections::HashMap;

use super::text::{is_normalised, mount_path};
use super::{Checker, given, layout, text_of};
use crate::decode::clip;
use crate::model::scalars::MIB;
use crate::model::storage::{MountPoint, Storage, Verity};
use crate::rule::Rule;
use crate::source::{Located, Span};

/// The size of the blocks that are hashed, and of those that hold the hashes.
const BLOCK: u64 = 4096;
/// SHA-256 digests in one block.
const DIGESTS: u64 = BLOCK / 32;

pub(super) fn check(verity: &Verity, field: &str, checker: &mut Checker) {
    checker.required(Rule::VerityId, &format!("{field}.id"), &verity.id, verity.at);
    let name_field = format!("{field}.name");
    if let Some(name) = checker.required(Rule::VerityName, &name_field, &verity.name, verity.at)
        && !name.bytes().all(|b| b.is_ascii_lowercase())
    {
        let message = format!("invalid name `{}`", clip(name));
        checker.fail_hint(Rule::VerityName, &name_field, name.at, message, "one of `root`, `usr`");
    }
    check_devices(verity, field, checker);
    check_signature_path(&verity.hash_signature_path, field, checker);
}

/// Where the two devices of an item are named: each by one of two fields, and both in one style.
fn check_devices(verity: &Verity, field: &str, checker: &mut Checker) {
    let data = (given(&verity.data_device_id).is_some(), verity.data_device.is_some());
    let hash = (given(&verity.hash_device_id).is_some(), verity.hash_device.is_some());
    for (key, (by_id, existing)) in [("dataDevice", data), ("hashDevice", hash)] {
        let message = match (by_id, existing) {
            (false, false) => format!("the item has neither `{key}Id` nor `{key}`"),
            (true, true) => format!("the item has both `{key}Id` and `{key}`"),
            _ => continue,
        };
        let hint = format!("`{key}Id` names a partition of `storage.disks`, `{key}` one of the base image");
        checker.fail_hint(Rule::VerityDevice, field, verity.at, message, hint);
    }
    if (data.0 && hash.1) || (data.1 && hash.0) {
        let message = "the item names one device by id and the other in the base image";
        checker.fail(Rule::VerityOneStyle, field, verity.at, message);
    }
}

fn check_signature_path(path: &Option<Located<String>>, field: &str, checker: &mut Checker) {
    let Some(path) = given(path) else { return };
    let reason = match mount_path(path) {
        Err(reason) => reason,
        Ok(()) if !is_normalised(path) => "it is not in its shortest form",
        Ok(()) if !path.starts_with("/boot/") => "it is not below `/boot`",
        Ok(()) => return,
    };
    let message = format!("invalid path `{}`: {reason}", clip(path));
    checker.fail(Rule::HashSignaturePath, &format!("{field}.hashSignaturePath"), path.at, message);
}

fn is_by_id(verity: &Verity) -> bool {
    given(&verity.data_device_id).is_some() || given(&verity.hash_device_id).is_some()
}

/// All items in one style, and the style that fits to `disks`.
pub(super) fn check_styles(storage: &Storage, checker: &mut Checker) {
    const FIELD: &str = "storage.verity";
    let by_id = storage.verity.iter().find(|verity| is_by_id(verity));
    let existing =
        storage.verity.iter().find(|verity| verity.data_device.is_some() || verity.hash_device.is_some());
    if let (Some(by_id), Some(existing)) = (by_id, existing)
        && by_id.at != existing.at
    {
        let message = "some items name partitions of this configuration, others those of the base image";
        checker.fail(Rule::VerityOneStyle, FIELD, existing.at, message);
    }
    match (storage.disks.is_empty(), by_id, existing) {
        (true, Some(verity), _) => {
            let message =
                "`dataDeviceId` and `hashDeviceId` name partitions of `storage.disks`, which is not set";
            let hint = "name partitions of the base image by `dataDevice` and `hashDevice`";
            checker.fail_hint(Rule::VerityIdsWithDisks, FIELD, verity.at, message, hint);
        }
        (false, _, Some(verity)) => {
            let message =
                "`dataDevice` and `hashDevice` name partitions of the base image, which `disks` replaces";
            let hint = "name partitions of `storage.disks` by `dataDeviceId` and `hashDeviceId`";
            checker.fail_hint(Rule::VerityDevicesWithoutDisks, FIELD, verity.at, message, hint);
        }
        _ => {}
    }
}

/// Each verity device of this configuration is mounted once, read-only, at the place of its name.
pub(super) fn check_mounts(storage: &Storage, checker: &mut Checker) {
    let mut mounts: HashMap<&str, Vec<&MountPoint>> = HashMap::new();
    for file_system in &storage.filesystems {
        let subvolumes = file_system.btrfs.iter().flat_map(|btrfs| &btrfs.subvolumes);
        let own = file_system.mount_point.iter();
        let all = own.chain(subvolumes.filter_map(|subvolume| subvolume.mount_point.as_ref()));
        mounts.entry(text_of(&file_system.device_id)).or_default().extend(all);
    }
    let sizes = partition_sizes(storage);
    for (index, verity) in storage.verity.iter().enumerate().filter(|(_, verity)| is_by_id(verity)) {
        let field = format!("storage.verity[{index}]");
        let id = text_of(&verity.id);
        check_mount(verity, mounts.get(id).map(Vec::as_slice).unwrap_or_default(), &field, checker);
        let data = text_of(&verity.data_device_id);
        if data == text_of(&verity.hash_device_id)
            && sizes.get(data).is_some_and(|size| inline_verity_data_size(*size).is_none())
        {
            let message = format!("the partition `{}` is too small for inline verity", clip(data));
            let field = format!("{field}.dataDeviceId");
            checker.fail_hint(Rule::VerityInlineSize, &field, verity.at, message, "make it 3 MiB or more");
        }
    }
}

fn partition_sizes(storage: &Storage) -> HashMap<&str, u64> {
    let Some(disk) = storage.disks.first() else { return HashMap::new() };
    let extents = layout(disk).map(|layout| layout.partitions).unwrap_or_default();
    let ids = disk.partitions.iter().map(|partition| text_of(&partition.id));
    ids.zip(extents.iter().map(super::PartitionExtent::size)).collect()
}

fn check_mount(verity: &Verity, mounts: &[&MountPoint], field: &str, checker: &mut Checker) {
    let [mount] = mounts else {
        let (what, at) = match mounts {
            [] => ("is not mounted", verity.at),
            [_, second, ..] => ("is mounted more than once", second.at),
            [only] => ("is mounted", only.at),
        };
        let message = format!("the verity device `{}` {what}", clip(text_of(&verity.id)));
        let hint = "mount its file system at `/` or `/usr`, and nowhere else";
        checker.fail_hint(Rule::VerityMount, field, at, message, hint);
        return;
    };
    let (path, at) = (text_of(&mount.path), mount.at);
    let wanted = match path {
        "/" => "root",
        "/usr" => "usr",
        _ => {
            let message = format!("a verity device is mounted at `/` or `/usr`, not at `{}`", clip(path));
            checker.fail(Rule::VerityMount, field, at, message);
            return;
        }
    };
    check_name(verity, wanted, path, field, checker);
    if !text_of(&mount.options).split(',').any(|option| option == "ro") {
        let message = "a verity device is mounted read-only";
        checker.fail_hint(Rule::VerityMountReadOnly, field, at, message, "add `ro` to the mount options");
    }
}

fn check_name(verity: &Verity, wanted: &str, path: &str, field: &str, checker: &mut Checker) {
    if text_of(&verity.name) != wanted {
        let at = verity.name.as_ref().map_or(Span::default(), |name| name.at);
        let message = format!("the verity device mounted at `{path}` has to have the name `{wanted}`");
        checker.fail(Rule::VerityMountName, &format!("{field}.name"), at, message);
    }
}

/// How many bytes of a partition of `size` bytes hold data when the hashes lie behind them in the
/// same partition; `None` when not even one MiB does.
///
/// A size that is not a whole number of MiB is rounded down and loses one more MiB, as in the
/// reference program, whose images have to be readable here and ours there.
pub(crate) fn inline_verity_data_size(size: u64) -> Option<u64> {
    let blocks = size / BLOCK;
    let (mut low, mut high) = (0, blocks);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if middle.saturating_add(hash_blocks(middle)) <= blocks {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let bytes = low.checked_mul(BLOCK)?;
    let whole = bytes / MIB * MIB;
    let data = if whole == bytes { whole } else { whole.checked_sub(MIB)? };
    (data > 0).then_some(data)
}

/// The blocks of the hash tree over so many data blocks, with its superblock.
fn hash_blocks(data: u64) -> u64 {
    let (mut total, mut level) = (1, data);
    while level > 1 {
        level = level.div_ceil(DIGESTS);
        total += level;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_verity_data_sizes_are_those_of_the_reference_program() {
        let cases = [
            (1, None),
            (2, None),
            (3, Some(1)),
            (4, Some(2)),
            (8, Some(6)),
            (16, Some(14)),
            (50, Some(48)),
            (64, Some(62)),
            (100, Some(98)),
            (128, Some(125)),
            (256, Some(252)),
            (512, Some(506)),
            (1024, Some(1014)),
            (2048, Some(2030)),
            (4096, Some(4062)),
        ];
        for (partition, data) in cases {
            assert_eq!(
                inline_verity_data_size(partition * MIB),
                data.map(|mib: u64| mib * MIB),
                "{partition}"
            );
        }
        assert!(inline_verity_data_size(u64::MAX).is_some());
    }
}
