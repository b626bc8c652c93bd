//! The plan: what will be done, in which order and why.

use crate::facts::{FileSystemFact, ImageFacts, InputFact, OutputFact};
use crate::secret::Secret;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::path::PathBuf;
use units::PathPattern;

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
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Which step; shown as its name.
    pub step: Step,
    /// The field of the configuration that asks for it, or why it runs without being asked.
    pub reason: String,
    /// Where the component comes from; `None` for one that is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<PlannedComponent>,
    /// What it may touch; `None`: whatever its settings lead to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What it may use up where the configuration says so.
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Settings, as the component gets them.
    pub settings: serde_json::Value,
    /// Input files by name.
    pub artifacts: BTreeMap<String, ArtifactSource>,
}

/// One step of a run, by its name.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// One that comes with this program.
    BuiltIn(BuiltIn),
    /// One of the configuration's `steps`, by its name there.
    Custom(String),
}

impl Step {
    /// The name; no two steps of the configuration share one.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(step) => step.name(),
            Self::Custom(name) => name,
        }
    }

    /// The step, if it comes with this program.
    #[must_use]
    pub fn built_in(&self) -> Option<BuiltIn> {
        match self {
            Self::BuiltIn(step) => Some(*step),
            Self::Custom(_) => None,
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A component of the configuration.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedComponent {
    /// As the configuration names it.
    pub source: String,
    /// Its digest in lower-case hex, as far as it is known when the plan is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What a step may touch in the image: patterns of absolute paths, in which `*` and `?` stand for parts of a name and `**`
/// for any number of names. Whoever runs the step enforces it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// What may be read; `None`: everything but secrets.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_texts")]
    pub read: Option<Vec<PathPattern>>,
    /// What may be changed.
    #[serde(serialize_with = "texts")]
    pub write: Vec<PathPattern>,
    /// Whether device nodes may be made, where `write` lets it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nodes: bool,
}

fn texts<S: Serializer>(patterns: &[PathPattern], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(patterns.iter().map(PathPattern::as_str))
}

fn optional_texts<S: Serializer>(
    patterns: &Option<Vec<PathPattern>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    texts(patterns.as_deref().unwrap_or_default(), serializer)
}

/// What a step may use up; `None`: as much as any step.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Seconds on the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
    /// Bytes of messages and other output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<u64>,
    /// Files held open at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// Bytes written into the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
}

impl Limits {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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

    /// Its place in the order in which steps run.
    pub(crate) fn rank(self) -> usize {
        Self::ALL.iter().position(|step| *step == self).unwrap_or(Self::ALL.len())
    }

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
