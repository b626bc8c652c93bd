//! The plan: what will be done, in which order and why.

use crate::facts::{FileSystemFact, ImageFacts, InputFact, OutputFact};
use crate::secret::Secret;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything a run will do to an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Where the image comes from.
    pub input: InputFact,
    /// What is in it.
    pub image: ImageFacts,
    /// How the file systems are reached, and why.
    pub back_end: BackEnd,
    /// Steps in the order in which they run.
    pub steps: Vec<PlannedStep>,
    /// What is done to the file systems afterwards.
    pub seal: Vec<Seal>,
    /// Where the result goes.
    pub output: OutputFact,
}

/// How the file tree is reached.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct BackEnd {
    /// `user-space`.
    pub name: &'static str,
    /// Why this one.
    pub reason: &'static str,
}

/// Work on a file system after the steps.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seal {
    /// The file system.
    #[serde(flatten)]
    pub file_system: FileSystemFact,
    /// Free blocks become holes of the image.
    pub trim: bool,
    /// The program that checks it.
    pub check: &'static str,
}

/// A component with what it is given.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlannedStep {
    /// Which component.
    pub step: BuiltIn,
    /// The field of the configuration that asks for it, or why it runs without being asked.
    pub reason: String,
    /// Settings, as the component gets them.
    pub settings: serde_json::Value,
    /// Input files by name.
    pub artifacts: BTreeMap<String, ArtifactSource>,
}

/// The steps that come with this program.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuiltIn {
    /// `/etc/hostname`.
    Hostname,
    /// Groups.
    Groups,
    /// Users.
    Users,
    /// `additionalDirs`.
    Directories,
    /// `additionalFiles`.
    Files,
    /// Services enabled and disabled.
    Services,
    /// Kernel modules.
    Modules,
    /// `/etc/image-customizer-release`.
    ReleaseFile,
    /// `history.json`.
    History,
}

impl BuiltIn {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 9] = [
        Self::Hostname,
        Self::Groups,
        Self::Users,
        Self::Directories,
        Self::Files,
        Self::Services,
        Self::Modules,
        Self::ReleaseFile,
        Self::History,
    ];

    /// The step's name, as its component gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hostname => "hostname",
            Self::Groups => "groups",
            Self::Users => "users",
            Self::Directories => "directories",
            Self::Files => "files",
            Self::Services => "services",
            Self::Modules => "modules",
            Self::ReleaseFile => "release-file",
            Self::History => "history",
        }
    }
}

/// Where an input of a step comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ArtifactSource {
    /// A file of the host.
    File(PathBuf),
    /// A directory of the host.
    Directory(PathBuf),
    /// Bytes from the configuration; only their number is shown.
    #[serde(serialize_with = "number_of_bytes")]
    InlineBytes(Secret),
}

fn number_of_bytes<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(secret.len() as u64)
}
