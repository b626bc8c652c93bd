//! Rules of `storage` that concern several of its parts.

use std::collections::{HashMap, HashSet};

use super::partitions::{check_disk, is_type};
use super::{Checker, filesystems, given, text_of, verity};
use crate::decode::clip;
use crate::diagnostic::nearest;
use crate::model::Config;
use crate::model::scalars::MIB;
use crate::model::storage::{
    BootType, Disk, FileSystem, FileSystemType, MountIdType, MountPoint, Partition, Storage,
};
use crate::rule::Rule;
use crate::source::{Located, Span};

/// So many ids are compared with a wrong one before the search for a near one is given up.
const MAX_SUGGESTIONS: usize = 1000;

pub(super) fn check(storage: &Storage, checker: &mut Checker) {
    let before = checker.count();
    if let Some(second) = storage.disks.get(1) {
        let message = "more than one disk";
        checker.fail(Rule::DisksAtMostOne, "storage.disks", second.at, message);
    }
    if let Some(disk) = storage.disks.first() {
        check_disk(disk, checker);
    }
    for (index, file_system) in storage.filesystems.iter().enumerate() {
        filesystems::check(file_system, &format!("storage.filesystems[{index}]"), checker);
    }
    for (index, item) in storage.verity.iter().enumerate() {
        verity::check(item, &format!("storage.verity[{index}]"), checker);
    }
    check_sections(storage, checker);
    // What follows relates the parts to each other; on broken parts it would mislead.
    if checker.count() == before {
        Devices::collect(storage, checker).check(checker);
    }
}

/// Which sections need or exclude each other.
fn check_sections(storage: &Storage, checker: &mut Checker) {
    let disk = storage.disks.first();
    if let (Some(reset), Some(_)) = (&storage.reset_partitions_uuids_type, disk) {
        let message = "`resetPartitionsUuidsType` has no use with `disks`: new partitions get new ids";
        let field = "storage.resetPartitionsUuidsType";
        checker.fail_hint(Rule::ResetUuidsWithDisks, field, reset.at, message, "remove it");
    }
    match (&storage.boot_type, disk) {
        (None, Some(disk)) => {
            let message = "`storage.bootType` is required with `disks`";
            let hint = "add `bootType: efi` or `bootType: legacy`";
            checker.fail_hint(Rule::BootTypeWithDisks, "storage.bootType", disk.at, message, hint);
        }
        (Some(boot_type), None) => {
            let message = "`storage.bootType` has no use without `disks`";
            checker.fail(Rule::BootTypeWithDisks, "storage.bootType", boot_type.at, message);
        }
        _ => {}
    }
    if let (Some(file_system), None) = (storage.filesystems.first(), disk) {
        let message = "`storage.filesystems` has no use without `disks`";
        checker.fail(Rule::FileSystemsWithDisks, "storage.filesystems", file_system.at, message);
    }
    verity::check_styles(storage, checker);
}

/// `disks` and `resetPartitionsUuidsType` both need a new boot loader, in the same file.
pub(super) fn check_boot_loader_reset(config: &Config, checker: &mut Checker) {
    if config.os.as_ref().is_some_and(|os| os.bootloader.reset_type.is_some()) {
        return;
    }
    let disk = config.storage.disks.first().map(|disk| ("storage.disks", disk.at));
    let uuids = &config.storage.reset_partitions_uuids_type;
    let uuids = uuids.as_ref().map(|reset| ("storage.resetPartitionsUuidsType", reset.at));
    for (field, at) in [disk, uuids].into_iter().flatten() {
        let message = format!("`{field}` needs `os.bootloader.resetType`");
        let hint = "add `bootloader: { resetType: hard-reset }` to `os` of this file";
        checker.fail_hint(Rule::DisksNeedBootloaderReset, field, at, message, hint);
    }
}

/// A mount point with the file system that it belongs to.
struct Mount<'a> {
    mount: &'a MountPoint,
    device: &'a str,
    field: String,
}

/// The partitions, verity devices and file systems by name, and what uses them.
struct Devices<'a> {
    storage: &'a Storage,
    disk: Option<&'a Disk>,
    partitions: HashMap<&'a str, &'a Partition>,
    verity: HashSet<&'a str>,
    /// How many partitions have each label.
    labels: HashMap<&'a str, usize>,
    file_systems: HashMap<&'a str, &'a FileSystem>,
    mounts: Vec<Mount<'a>>,
    complete: bool,
}

impl<'a> Devices<'a> {
    /// Gathers the names; reports those that are taken twice.
    fn collect(storage: &'a Storage, checker: &mut Checker) -> Self {
        let before = checker.count();
        let disk = storage.disks.first();
        let mut first_of: HashMap<&str, Span> = HashMap::new();
        let partitions = disk.map(|disk| disk.partitions.as_slice()).unwrap_or_default();
        let partition_ids = partitions.iter().map(|partition| (text_of(&partition.id), partition.at));
        let verity_ids = storage.verity.iter().map(|verity| (text_of(&verity.id), verity.at));
        for (id, at) in partition_ids.chain(verity_ids) {
            if let Some(first) = first_of.insert(id, at) {
                let line = first.start.line;
                let message = format!("the id `{}` is used twice, first in line {line}", clip(id));
                checker.fail(Rule::DeviceIdDuplicate, "storage", at, message);
            }
        }
        let mut labels = HashMap::new();
        for partition in partitions {
            *labels.entry(text_of(&partition.label)).or_default() += 1;
        }
        Self {
            storage,
            disk,
            partitions: partitions.iter().map(|partition| (text_of(&partition.id), partition)).collect(),
            verity: storage.verity.iter().map(|verity| text_of(&verity.id)).collect(),
            labels,
            file_systems: storage.filesystems.iter().map(|fs| (text_of(&fs.device_id), fs)).collect(),
            mounts: collect_mounts(storage),
            complete: checker.count() == before,
        }
    }

    fn check(&self, checker: &mut Checker) {
        if !self.complete {
            return;
        }
        let before = checker.count();
        self.check_references(checker);
        if checker.count() > before {
            return;
        }
        self.check_mount_paths(checker);
        self.check_id_types(checker);
        self.check_boot_partitions(checker);
        verity::check_mounts(self.storage, checker);
    }

    fn is_partition(&self, id: &str) -> bool {
        self.partitions.contains_key(id)
    }

    fn is_verity(&self, id: &str) -> bool {
        self.verity.contains(id)
    }

    /// Every device that is named exists and is used once.
    fn check_references(&self, checker: &mut Checker) {
        let mut used_by: HashMap<&str, Span> = HashMap::new();
        let mut use_device = |device: &'a Located<String>, field: &str, checker: &mut Checker| {
            if let Some(first) = used_by.insert(&device.value, device.at) {
                let line = first.start.line;
                let message = format!("the device `{}` is used twice, first in line {line}", clip(device));
                checker.fail(Rule::DeviceUsedTwice, field, device.at, message);
            }
        };
        for (index, verity) in self.storage.verity.iter().enumerate() {
            let (data, hash) = (given(&verity.data_device_id), given(&verity.hash_device_id));
            let inline = text_of(&verity.data_device_id) == text_of(&verity.hash_device_id);
            let references = [("dataDeviceId", data), ("hashDeviceId", hash.filter(|_| !inline))];
            for (key, device) in references {
                let Some(device) = device else { continue };
                let field = format!("storage.verity[{index}].{key}");
                if self.is_verity(device) {
                    let message = format!("`{}` is a verity device, not a partition", clip(device));
                    checker.fail(Rule::VerityOnVerity, &field, device.at, message);
                } else if !self.is_partition(device) {
                    self.unknown_device(device, &field, checker);
                } else {
                    use_device(device, &field, checker);
                }
            }
        }
        for (index, file_system) in self.storage.filesystems.iter().enumerate() {
            let Some(device) = given(&file_system.device_id) else { continue };
            let field = format!("storage.filesystems[{index}].deviceId");
            if self.is_partition(device) || self.is_verity(device) {
                use_device(device, &field, checker);
            } else {
                self.unknown_device(device, &field, checker);
            }
        }
    }

    fn unknown_device(&self, device: &Located<String>, field: &str, checker: &mut Checker) {
        let mut ids: Vec<&str> = self.partitions.keys().chain(&self.verity).copied().collect();
        ids.sort_unstable();
        let hint = match nearest(device, ids.into_iter().take(MAX_SUGGESTIONS)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "name the `id` of a partition or of a verity item".to_owned(),
        };
        let message = format!("there is no partition or verity device `{}`", clip(device));
        checker.fail_hint(Rule::DeviceUnknown, field, device.at, message, hint);
    }

    fn check_mount_paths(&self, checker: &mut Checker) {
        let mut first_of: HashMap<&str, Span> = HashMap::new();
        for Mount { mount, field, .. } in &self.mounts {
            let path = text_of(&mount.path);
            if let Some(first) = first_of.insert(path, mount.at) {
                let line = first.start.line;
                let message = format!("`{}` is mounted twice, first in line {line}", clip(path));
                checker.fail(Rule::MountPathDuplicate, field, mount.at, message);
            }
        }
    }

    fn check_id_types(&self, checker: &mut Checker) {
        for Mount { mount, device, field } in &self.mounts {
            let Some(id_type) = &mount.id_type else { continue };
            let field = format!("{field}.idType");
            if self.is_verity(device) {
                let message = "a file system on a verity device has no `idType`";
                checker.fail_hint(Rule::VerityMountIdType, &field, id_type.at, message, "remove it");
                continue;
            }
            if id_type.value != MountIdType::PartLabel {
                continue;
            }
            let label = self.partitions.get(device).map_or("", |partition| text_of(&partition.label));
            let sharing = self.labels.get(label).copied().unwrap_or(0);
            if label.is_empty() {
                let message = "`idType: part-label` needs a partition with a label";
                checker.fail(Rule::MountPartLabel, &field, id_type.at, message);
            } else if sharing > 1 {
                let message = format!("`idType: part-label`, but two partitions have the label `{label}`");
                checker.fail(Rule::MountPartLabel, &field, id_type.at, message);
            }
        }
    }

    /// The partitions from which the machine starts.
    fn check_boot_partitions(&self, checker: &mut Checker) {
        let Some(disk) = self.disk else { return };
        let extents = super::layout(disk).map(|layout| layout.partitions).unwrap_or_default();
        for (index, partition) in disk.partitions.iter().enumerate() {
            let field = format!("storage.disks[0].partitions[{index}]");
            let file_system = self.file_systems.get(text_of(&partition.id)).copied();
            if is_type(partition, "esp") && !file_system.is_some_and(is_esp) {
                let message = "a partition of type `esp` needs a `fat32` file system mounted at `/boot/efi`";
                checker.fail(Rule::EspFileSystem, &field, partition.at, message);
            }
            if is_type(partition, "bios-grub") {
                if extents.get(index).is_some_and(|extent| extent.start != MIB) {
                    let message = "a partition of type `bios-grub` has to begin at 1 MiB";
                    checker.fail_hint(Rule::BiosGrubStart, &field, partition.at, message, "put it first");
                }
                if let Some(used) = file_system.filter(|fs| fs.kind.is_some() || fs.mount_point.is_some()) {
                    let message = "a partition of type `bios-grub` holds no file system";
                    checker.fail(Rule::BiosGrubFileSystem, &field, used.at, message);
                }
            }
        }
        let Some(boot_type) = &self.storage.boot_type else { return };
        let wanted = match boot_type.value {
            BootType::Efi => "esp",
            BootType::Legacy => "bios-grub",
        };
        if !disk.partitions.iter().any(|partition| is_type(partition, wanted)) {
            let message = format!("`bootType: {boot_type}` needs a partition of type `{wanted}`");
            checker.fail(Rule::BootPartition, "storage.disks[0].partitions", boot_type.at, message);
        }
    }
}

fn is_esp(file_system: &FileSystem) -> bool {
    file_system.kind.as_ref().is_some_and(|kind| FileSystemType::is_fat(kind.value))
        && file_system.mount_point.as_ref().is_some_and(|mount| text_of(&mount.path) == "/boot/efi")
}

fn collect_mounts(storage: &Storage) -> Vec<Mount<'_>> {
    let mut mounts = Vec::new();
    for (index, file_system) in storage.filesystems.iter().enumerate() {
        let field = format!("storage.filesystems[{index}]");
        let device = text_of(&file_system.device_id);
        if let Some(mount) = &file_system.mount_point {
            mounts.push(Mount { mount, device, field: format!("{field}.mountPoint") });
        }
        let subvolumes = file_system.btrfs.iter().flat_map(|btrfs| &btrfs.subvolumes);
        for (number, subvolume) in subvolumes.enumerate() {
            if let Some(mount) = &subvolume.mount_point {
                let field = format!("{field}.btrfs.subvolumes[{number}].mountPoint");
                mounts.push(Mount { mount, device, field });
            }
        }
    }
    mounts
}
