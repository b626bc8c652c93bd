//! The merged settings of live images.

use super::{FileToPlace, ResolvedConfig};
use crate::model::{InitramfsType, KdumpBootFiles};
use crate::source::Located;
use crate::validate::given;

/// What the files say about a live image.
#[derive(Clone, Debug)]
pub struct LiveOs<'a> {
    /// Words to add to the kernel's command line.
    pub kernel_command_line: Vec<&'a Located<String>>,
    /// Files to put on the medium.
    pub additional_files: Vec<FileToPlace<'a>>,
    /// The kind of initramfs.
    pub initramfs_type: Option<Located<InitramfsType>>,
    /// Whether crash dump boot files are kept.
    pub kdump_boot_files: Option<Located<KdumpBootFiles>>,
    /// URL of the folder that holds the ISO image; PXE only.
    pub bootstrap_base_url: Option<&'a Located<String>>,
    /// URL of the ISO image; PXE only.
    pub bootstrap_file_url: Option<&'a Located<String>>,
}

impl ResolvedConfig {
    /// What the files say about an ISO output.
    pub fn iso(&self) -> LiveOs<'_> {
        LiveOs {
            kernel_command_line: self
                .files
                .iter()
                .filter_map(|file| file.config.iso.as_ref())
                .flat_map(|iso| &iso.kernel_command_line.extra_command_line)
                .collect(),
            additional_files: self
                .files
                .iter()
                .filter_map(|file| Some((file, file.config.iso.as_ref()?)))
                .flat_map(|(file, iso)| file.files_to_place(&iso.additional_files))
                .collect(),
            initramfs_type: self.last(|file| file.config.iso.as_ref()?.initramfs_type),
            kdump_boot_files: self.last(|file| file.config.iso.as_ref()?.kdump_boot_files),
            bootstrap_base_url: None,
            bootstrap_file_url: None,
        }
    }

    /// What the files say about a PXE output.
    pub fn pxe(&self) -> LiveOs<'_> {
        LiveOs {
            kernel_command_line: self
                .files
                .iter()
                .filter_map(|file| file.config.pxe.as_ref())
                .flat_map(|pxe| &pxe.kernel_command_line.extra_command_line)
                .collect(),
            additional_files: self
                .files
                .iter()
                .filter_map(|file| Some((file, file.config.pxe.as_ref()?)))
                .flat_map(|(file, pxe)| file.files_to_place(&pxe.additional_files))
                .collect(),
            initramfs_type: self.last(|file| file.config.pxe.as_ref()?.initramfs_type),
            kdump_boot_files: self.last(|file| file.config.pxe.as_ref()?.kdump_boot_files),
            bootstrap_base_url: self.last(|file| given(&file.config.pxe.as_ref()?.bootstrap_base_url)),
            bootstrap_file_url: self.last(|file| given(&file.config.pxe.as_ref()?.bootstrap_file_url)),
        }
    }
}
