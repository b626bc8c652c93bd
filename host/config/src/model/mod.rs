//! The types of the configuration language, one module a section.

pub mod bounds;
pub mod input;
pub mod os;
pub mod output;
pub mod preview;
pub mod scalars;
pub mod scripts;
pub mod steps;
pub mod storage;

use crate::decode::record;
use input::Input;
use os::{AdditionalFile, KernelCommandLine, Os};
use output::Output;
use preview::PreviewFeature;
use scripts::Scripts;
use steps::Step;
use storage::Storage;

use crate::decode::choice;
use crate::source::Located;

record! {
    /// A configuration of the `customize` and `validate-config` commands.
    pub struct Config {
        /// The base image.
        "input" input: Input,
        /// Disk layout, file systems and verity.
        "storage" storage: Storage,
        /// Settings of an ISO output.
        "iso" iso: Option<Iso>,
        /// Settings of a PXE output.
        "pxe" pxe: Option<Pxe>,
        /// What changes inside the operating system.
        "os" os: Option<Os>,
        /// Steps of one's own: components that change the image.
        "steps" steps: Vec<Step>,
        /// Scripts to run in the image.
        "scripts" scripts: Scripts,
        /// Preview features that this file uses.
        "previewFeatures" preview_features: Vec<Located<PreviewFeature>>,
        /// The output image.
        "output" output: Output,
        /// Configurations that this one builds upon, in order.
        "baseConfigs" base_configs: Option<Vec<BaseConfig>>,
    }
}

record! {
    /// A configuration to build upon.
    pub struct BaseConfig {
        /// Path of the file, relative to this one.
        "path" [required] path: Option<Located<String>>,
    }
}

choice! {
    /// How much of the system the initramfs of a live image holds.
    pub enum InitramfsType ("initramfs type", unset) {
        /// The initramfs finds and mounts the root file system.
        "bootstrap" => Bootstrap,
        /// The initramfs is the root file system.
        "full-os" => FullOs,
    }
}

choice! {
    /// What happens to the crash dump boot files of a live image.
    pub enum KdumpBootFiles ("value of `kdumpBootFiles`", refused) {
        /// They are left out.
        "none" => None,
        /// They are kept.
        "keep" => Keep,
    }
}

record! {
    /// Settings of an ISO output.
    pub struct Iso {
        /// Words to add to the kernel's command line.
        "kernelCommandLine" kernel_command_line: KernelCommandLine,
        /// Files to put on the medium.
        "additionalFiles" additional_files: Vec<AdditionalFile>,
        /// The kind of initramfs.
        "initramfsType" initramfs_type: Option<Located<InitramfsType>>,
        /// Whether crash dump boot files are kept.
        "kdumpBootFiles" kdump_boot_files: Option<Located<KdumpBootFiles>>,
    }
}

record! {
    /// Settings of a PXE output.
    pub struct Pxe {
        /// Words to add to the kernel's command line.
        "kernelCommandLine" kernel_command_line: KernelCommandLine,
        /// Files to put beside the boot files.
        "additionalFiles" additional_files: Vec<AdditionalFile>,
        /// The kind of initramfs.
        "initramfsType" initramfs_type: Option<Located<InitramfsType>>,
        /// Whether crash dump boot files are kept.
        "kdumpBootFiles" kdump_boot_files: Option<Located<KdumpBootFiles>>,
        /// URL of the folder that holds the ISO image.
        "bootstrapBaseUrl" bootstrap_base_url: Option<Located<String>>,
        /// URL of the ISO image itself.
        "bootstrapFileUrl" bootstrap_file_url: Option<Located<String>>,
    }
}
