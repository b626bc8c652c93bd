//! What the mount options of fstab make of modes.

use crate::filesystem::{Attributes, Inode};
use crate::tree::{Kind, Owner, Timestamp};

/// Which mode bits files and directories do not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FatOptions {
    /// Taken from 0777 for files.
    pub file_mask: u32,
    /// Taken from 0777 for directories.
    pub directory_mask: u32,
}

impl Default for FatOptions {
    /// As a mount without options by a process with the usual umask: 0755 for all.
    fn default() -> Self {
        Self { file_mask: 0o022, directory_mask: 0o022 }
    }
}

impl FatOptions {
    /// The masks in the options of an fstab entry: `umask`, and `fmask` and `dmask` after it. What is not an octal
    /// number up to 0777 is passed over, as are all other options.
    pub fn from_mount_options<'a>(options: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        let (mut file, mut directory) = (None, None);
        for option in options.into_iter().flat_map(|list| list.split(',')) {
            let Some((name, value)) = option.split_once('=') else { continue };
            let Some(mask) = u32::from_str_radix(value, 8).ok().filter(|mask| *mask <= 0o777) else {
                continue;
            };
            match name.trim() {
                "umask" => (found.file_mask, found.directory_mask) = (mask, mask),
                "fmask" => file = Some(mask),
                "dmask" => directory = Some(mask),
                _ => {}
            }
        }
        Self {
            file_mask: file.unwrap_or(found.file_mask),
            directory_mask: directory.unwrap_or(found.directory_mask),
        }
    }

    pub(super) fn attributes(
        &self,
        inode: Inode,
        kind: Kind,
        size: u64,
        read_only: bool,
        modified: Timestamp,
    ) -> Attributes {
        let (mask, links) = match kind {
            Kind::Directory => (self.directory_mask, 2),
            _ => (self.file_mask, 1),
        };
        let mask = if read_only { mask | 0o222 } else { mask };
        Attributes {
            inode,
            kind,
            mode: 0o777 & !mask,
            owner: Owner::default(),
            size,
            links,
            modified,
            device: None,
        }
    }
}
