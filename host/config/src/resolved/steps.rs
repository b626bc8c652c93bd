//! Steps of the configuration, with their places.

use std::fmt;
use std::path::PathBuf;

use units::PathPattern;

use super::{ConfigFile, ResolvedConfig};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::steps::{Grant, Step};
use crate::rule::Rule;
use crate::source::{Located, Span};
use crate::validate::text_of;

/// A step of the configuration that is not built in.
#[derive(Clone, Copy, Debug)]
pub struct CustomStep<'a> {
    /// The file that names it.
    pub file: &'a ConfigFile,
    /// Its place in the file's list.
    pub index: usize,
    /// The item of the configuration.
    pub item: &'a Step,
}

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComponentPlace {
    /// A file of this machine, absolute.
    File(PathBuf),
    /// A registry.
    Oci(OciComponent),
}

/// A component in an OCI registry; prints as `REGISTRY/REPOSITORY[:TAG]@sha256:DIGEST`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OciComponent {
    /// Host name, with a port if one is given.
    pub registry: String,
    /// Path of the repository.
    pub repository: String,
    /// For people alone: the digest decides.
    pub tag: Option<String>,
    /// SHA-256 of the manifest: 64 lower-case hex digits.
    pub digest: String,
}

impl fmt::Display for OciComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        write!(f, "@sha256:{}", self.digest)
    }
}

impl OciComponent {
    /// Reads a checked reference.
    fn parse(reference: &str) -> Option<Self> {
        let (name, digest) = reference.split_once("@sha256:")?;
        let (registry, path) = name.split_once('/')?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (path, None),
        };
        let (registry, repository) = (registry.to_owned(), repository.to_owned());
        Some(Self { registry, repository, tag, digest: digest.to_owned() })
    }
}

/// A part of a step that a message is about.
#[derive(Clone, Copy, Debug)]
pub enum StepField<'a> {
    /// The step as a whole.
    Whole,
    /// `component`.
    Component,
    /// `sha256`, or `component` where there is none.
    Sha256,
    /// `grant`, or the step where there is none.
    Grant,
    /// `limits`, or the step where there is none.
    Limits,
    /// The value of a setting, by its JSON pointer.
    Setting(&'a str),
    /// The key of a setting, by its JSON pointer.
    SettingKey(&'a str),
}

impl<'a> CustomStep<'a> {
    /// The name.
    pub fn name(&self) -> &'a str {
        text_of(&self.item.name)
    }

    /// Where the component comes from.
    pub fn component(&self) -> ComponentPlace {
        let text = self.component_text();
        match text.strip_prefix("oci:").and_then(OciComponent::parse) {
            Some(oci) => ComponentPlace::Oci(oci),
            None => ComponentPlace::File(self.file.resolve(text)),
        }
    }

    /// `component` as it is written.
    pub fn component_text(&self) -> &'a str {
        text_of(&self.item.component)
    }

    /// The digest that the component must have, in lower-case hex.
    pub fn sha256(&self) -> Option<String> {
        self.item.sha256.as_ref().map(|digest| digest.to_ascii_lowercase())
    }

    /// The artifacts by name, with absolute paths.
    pub fn artifacts(&self) -> Vec<(&'a str, Located<PathBuf>)> {
        let resolve = |path: &Located<String>| path.clone().map(|path| self.file.resolve(&path));
        self.item.artifacts.iter().map(|(name, path)| (name.value.as_str(), resolve(path))).collect()
    }

    /// What may be read, if the configuration bounds it.
    pub fn read_patterns(&self) -> Option<Vec<PathPattern>> {
        self.item.grant.read.as_ref().map(|patterns| parsed(patterns))
    }

    /// What may be written.
    pub fn write_patterns(&self) -> Vec<PathPattern> {
        parsed(&self.item.grant.write)
    }

    /// Whether device nodes may be made.
    pub fn grants_nodes(&self) -> bool {
        Grant::is_set(&self.item.grant.nodes)
    }

    /// Whether programs of the image may be run.
    pub fn grants_commands(&self) -> bool {
        Grant::is_set(&self.item.grant.commands)
    }

    /// Whether packages may be changed.
    pub fn grants_packages(&self) -> bool {
        Grant::is_set(&self.item.grant.packages)
    }

    /// A problem with this step, for [`ResolvedConfig::refuse`].
    pub fn problem(&self, rule: Rule, field: StepField<'_>, message: impl Into<String>) -> Diagnostic {
        let (name, at) = self.place(field);
        Diagnostic::new(rule, format!("steps[{}]{name}", self.index), at, message)
    }

    /// The path of a part below the step, and where it stands.
    fn place(&self, field: StepField<'_>) -> (String, Span) {
        let item = self.item;
        let component = || {
            let at = item.component.as_ref().map_or(item.at, |component| component.at);
            (".component".to_owned(), at)
        };
        match field {
            StepField::Whole => (String::new(), self.name_at()),
            StepField::Component => component(),
            StepField::Sha256 => match &item.sha256 {
                Some(digest) => (".sha256".to_owned(), digest.at),
                None => component(),
            },
            StepField::Grant => (".grant".to_owned(), if_known(item.grant.at, self.name_at())),
            StepField::Limits => (".limits".to_owned(), if_known(item.limits.at, self.name_at())),
            StepField::Setting(pointer) | StepField::SettingKey(pointer) => {
                let place = item.settings.place(pointer);
                let at = place.map_or(Span::default(), |place| match field {
                    StepField::SettingKey(_) => place.key,
                    _ => place.value,
                });
                (format!(".settings{}", path_of(pointer)), if_known(at, self.name_at()))
            }
        }
    }

    /// Where the name stands: a step as a whole is many lines.
    fn name_at(&self) -> Span {
        self.item.name.as_ref().map_or(self.item.at, |name| name.at)
    }
}

fn if_known(at: Span, otherwise: Span) -> Span {
    if at.is_known() { at } else { otherwise }
}

/// A JSON pointer as fields are written in messages: `/a/0/b` → `.a[0].b`.
fn path_of(pointer: &str) -> String {
    let part = |part: &str| match part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() {
        true => format!("[{part}]"),
        false => format!(".{}", part.replace("~1", "/").replace("~0", "~")),
    };
    pointer.split('/').skip(1).map(part).collect()
}

/// Checked patterns.
fn parsed(list: &[Located<String>]) -> Vec<PathPattern> {
    list.iter().filter_map(|item| item.parse().ok()).collect()
}

impl ConfigFile {
    /// The steps of this file that are not built in.
    pub fn custom_steps(&self) -> impl Iterator<Item = CustomStep<'_>> {
        self.config.steps.iter().enumerate().map(move |(index, item)| CustomStep { file: self, index, item })
    }
}

impl ResolvedConfig {
    /// The steps that are not built in: those of base configurations first.
    pub fn custom_steps(&self) -> Vec<CustomStep<'_>> {
        self.files().iter().flat_map(ConfigFile::custom_steps).collect()
    }

    /// The error of problems that others found in this configuration; see [`CustomStep::problem`].
    pub fn refuse(&self, problems: Vec<Diagnostic>) -> Diagnostics {
        self.fail(problems)
    }
}
