//! What needs a preview feature, and what does not go together with a UKI mode.

use super::{Checker, given, has};
use crate::decode::clip;
use crate::model::Config;
use crate::model::os::{Os, UkiMode};
use crate::model::preview::PreviewFeature;
use crate::model::storage::{FileSystemType, ReinitializeVerity};
use crate::rule::Rule;
use crate::source::Span;

/// Reports the use of `field` unless the file names `feature`.
pub(super) fn gate(
    config: &Config,
    feature: PreviewFeature,
    rule: Rule,
    field: &str,
    at: Span,
    checker: &mut Checker,
) {
    if !has(config, feature) {
        let message = format!("`{field}` needs the preview feature `{feature}`");
        let hint = format!("add `{feature}` to `previewFeatures` of this file");
        checker.fail_hint(rule, field, at, message, hint);
    }
}

pub(super) fn check_uki(config: &Config, os: &Os, checker: &mut Checker) {
    let Some(uki) = &os.uki else { return };
    gate(config, PreviewFeature::Uki, Rule::UkiPreview, "os.uki", uki.at, checker);
    let Some(mode) = &uki.mode else { return };
    let (passthrough, modify) = (mode.value == UkiMode::Passthrough, mode.value == UkiMode::Modify);
    if !passthrough && !modify {
        return;
    }
    let storage = &config.storage;
    let reset = os.bootloader.reset_type.as_ref().map(|reset| reset.at);
    let verity = storage.verity.first().map(|verity| verity.at);
    let overlays = os.overlays.iter().flatten().next().map(|overlay| overlay.at);
    let reinitialize = storage
        .reinitialize_verity
        .as_ref()
        .filter(|reinitialize| reinitialize.value == ReinitializeVerity::All)
        .map(|reinitialize| reinitialize.at);
    // Third: whether `modify` excludes it too.
    let conflicts = [
        ("os.bootloader.resetType", reset, true),
        ("os.selinux.mode", os.selinux.mode.as_ref().map(|mode| mode.at), false),
        (
            "os.kernelCommandLine.extraCommandLine",
            os.kernel_command_line.extra_command_line.first().map(|item| item.at),
            false,
        ),
        ("storage.verity", verity, true),
        ("storage.reinitializeVerity", reinitialize, false),
        ("os.overlays", overlays, true),
    ];
    for (field, at, also_modify) in conflicts {
        let Some(at) = at.filter(|_| passthrough || also_modify) else { continue };
        let message = format!("`{field}` cannot be set with the UKI mode `{mode}`");
        checker.fail_hint(Rule::UkiModeConflict, field, at, message, "use `mode: create`, or remove it");
    }
}

pub(super) fn check_packages(config: &Config, os: &Os, checker: &mut Checker) {
    if let Some(time) = given(&os.packages.snapshot_time) {
        let (feature, field) = (PreviewFeature::PackageSnapshotTime, "os.packages.snapshotTime");
        gate(config, feature, Rule::SnapshotTimePreview, field, time.at, checker);
    }
    if let Some(remove) = &os.packages.remove_package_manager {
        let (feature, field) = (PreviewFeature::RemovePackageManager, "os.packages.removePackageManager");
        gate(config, feature, Rule::RemovePackageManagerPreview, field, remove.at, checker);
    }
}

pub(super) fn check_output(config: &Config, checker: &mut Checker) {
    if let Some(artifacts) = &config.output.artifacts {
        let feature = PreviewFeature::OutputArtifacts;
        gate(config, feature, Rule::ArtifactsPreview, "output.artifacts", artifacts.at, checker);
    }
    if let Some(path) = given(&config.output.selinux_policy_path) {
        let (feature, field) = (PreviewFeature::OutputSelinuxPolicy, "output.selinuxPolicyPath");
        gate(config, feature, Rule::SelinuxPolicyPreview, field, path.at, checker);
    }
}

pub(super) fn check_storage(config: &Config, checker: &mut Checker) {
    for (index, verity) in config.storage.verity.iter().enumerate() {
        if let Some(path) = given(&verity.hash_signature_path) {
            let field = format!("storage.verity[{index}].hashSignaturePath");
            let feature = PreviewFeature::OutputArtifacts;
            gate(config, feature, Rule::HashSignaturePreview, &field, path.at, checker);
        }
    }
    if let Some(reinitialize) = &config.storage.reinitialize_verity {
        let (feature, field) = (PreviewFeature::ReinitializeVerity, "storage.reinitializeVerity");
        gate(config, feature, Rule::ReinitializeVerityPreview, field, reinitialize.at, checker);
    }
}

pub(super) fn check_base_configs(config: &Config, checker: &mut Checker) {
    let Some(bases) = &config.base_configs else { return };
    let at = bases.first().map_or(config.at, |base| base.at);
    gate(config, PreviewFeature::BaseConfigs, Rule::BaseConfigsPreview, "baseConfigs", at, checker);
    for (index, base) in bases.iter().enumerate() {
        let path = base.path.as_ref().filter(|path| !path.trim().is_empty());
        if path.is_none() {
            let at = base.path.as_ref().map_or(base.at, |path| path.at);
            let field = format!("baseConfigs[{index}].path");
            checker.fail(Rule::BaseConfigPath, &field, at, format!("`{}` is required", clip(&field)));
        }
    }
}

pub(super) fn check_input(config: &Config, checker: &mut Checker) {
    if let Some(oci) = &config.input.image.oci {
        gate(
            config,
            PreviewFeature::InputImageOci,
            Rule::InputOciPreview,
            "input.image.oci",
            oci.at,
            checker,
        );
    }
}

pub(super) fn check_live_os(config: &Config, checker: &mut Checker) {
    let iso = config.iso.as_ref().and_then(|iso| iso.kdump_boot_files.as_ref());
    let pxe = config.pxe.as_ref().and_then(|pxe| pxe.kdump_boot_files.as_ref());
    for (field, value) in [("iso.kdumpBootFiles", iso), ("pxe.kdumpBootFiles", pxe)] {
        if let Some(value) = value {
            let feature = PreviewFeature::KdumpBootFiles;
            gate(config, feature, Rule::KdumpBootFilesPreview, field, value.at, checker);
        }
    }
}

pub(super) fn check_btrfs(config: &Config, checker: &mut Checker) {
    for (index, file_system) in config.storage.filesystems.iter().enumerate() {
        if let Some(kind) = &file_system.kind
            && kind.value == FileSystemType::Btrfs
        {
            let field = format!("storage.filesystems[{index}].type");
            gate(config, PreviewFeature::Btrfs, Rule::BtrfsPreview, &field, kind.at, checker);
        }
    }
}
