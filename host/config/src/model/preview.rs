//! Preview features: what a configuration has to name before it may use it.

use crate::decode::choice;

choice! {
    /// A feature whose form may still change.
    pub enum PreviewFeature ("preview feature", refused) {
        /// Unified kernel images.
        "uki" => Uki,
        /// Writing boot artifacts beside the image.
        "output-artifacts" => OutputArtifacts,
        /// The `inject-files` command.
        "inject-files" => InjectFiles,
        /// Renewing verity partitions of the base image.
        "reinitialize-verity" => ReinitializeVerity,
        /// Packages as of a date.
        "package-snapshot-time" => PackageSnapshotTime,
        /// Crash dump boot files on live images.
        "kdump-boot-files" => KdumpBootFiles,
        /// Distribution versions that are in preview.
        "preview-distro-version" => PreviewDistroVersion,
        /// Configurations built upon others.
        "base-configs" => BaseConfigs,
        /// Base images from an OCI registry.
        "input-image-oci" => InputImageOci,
        /// Writing the SELinux policy beside the image.
        "output-selinux-policy" => OutputSelinuxPolicy,
        /// The btrfs file system.
        "btrfs" => Btrfs,
        /// The `create` command.
        "create" => Create,
        /// Distribution versions that are unknown.
        "unsupported-distro-version" => UnsupportedDistroVersion,
        /// A tools folder from outside the image.
        "tools-dir" => ToolsDir,
        /// Removing the package manager from the image.
        "remove-package-manager" => RemovePackageManager,
        /// Steps of one's own.
        "custom-steps" => CustomSteps,
    }
}
