//! What planning needs to know besides the configuration.

use crate::distribution::Distribution;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Facts of the run itself.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// Version of this program.
    pub tool_version: String,
    /// The instant of the run in UTC, `YYYY-MM-DDThh:mm:ssZ`.
    pub build_date: String,
    /// Identifies the result: 8-4-4-4-12 lower-case hex digits.
    pub image_uuid: String,
    /// The configuration as the image history keeps it, secrets replaced.
    pub history_config: serde_json::Value,
    /// The digests of the configuration's components, as far as they are known, by the name of the step.
    pub components: BTreeMap<String, String>,
    /// Those artifacts of the configuration's steps that are directories.
    pub directories: BTreeSet<PathBuf>,
}

/// The input image.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputFact {
    /// The file.
    pub path: PathBuf,
    /// As found in its content.
    pub format: String,
    /// Bytes of the disk that it holds.
    pub disk_size: u64,
}

/// The output image.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputFact {
    /// The file.
    pub path: PathBuf,
    /// As configured.
    pub format: String,
}

/// One file system of the image's tree.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileSystemFact {
    /// Number of the partition.
    pub partition: u32,
    /// Where it is mounted inside the image.
    pub mount_point: String,
    /// As its superblock says: `ext4`, `vfat`, …
    pub kind: String,
    /// Its UUID or volume ID, in the form that fstab uses.
    pub uuid: Option<String>,
}

/// Facts about the image.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageFacts {
    /// The operating system.
    pub distribution: Distribution,
    /// As `uname -m` names it.
    pub architecture: String,
    /// In the order in which they are mounted, the root first.
    pub file_systems: Vec<FileSystemFact>,
}
