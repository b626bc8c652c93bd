//! `imagecustomizer.lock`: what the configuration's own steps were when somebody looked at them last.

use super::{Components, Context, StepOptions, source};
use crate::cancellation::Cancellation;
use crate::configuration;
use crate::error::{Error, ErrorKind, Result};
use crate::regular_file;
use crate::usage::Usage;
use config::{
    CustomStep, Diagnostic, LoadOptions, Mode, PasswordPolicy, ResolvedConfig, Rule, Span, StepField,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use units::PathPattern;

/// The name of the file.
const NAME: &str = "imagecustomizer.lock";
/// The form of the file.
const VERSION: u32 = 1;
/// The largest file that is read.
const LARGEST: u64 = 16 << 20;
/// What to do about differences.
const HINT: &str = "if that is meant, run `imagecustomizer step lock` and look at what it changes";

/// What is known of the steps of a configuration.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of the file.
    version: u32,
    /// In the order of their names.
    steps: Vec<LockedStep>,
}

/// One step.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct LockedStep {
    name: String,
    /// As the configuration names it.
    component: String,
    /// Lower-case hex.
    sha256: String,
    /// The version of the step contract that the component follows.
    contract: String,
    /// In order.
    imports: Vec<String>,
    grant: LockedGrant,
}

/// What is granted; patterns in order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct LockedGrant {
    /// `null`: everything but secrets.
    read: Option<Vec<String>>,
    write: Vec<String>,
    nodes: bool,
    commands: bool,
    packages: bool,
}

/// What [`lock`] is asked to do.
#[derive(Clone, Debug)]
pub struct LockOptions {
    /// The configuration.
    pub config_file: PathBuf,
    /// Policy, registries; `locked` is of no effect.
    pub steps: StepOptions,
    /// Directory for compiled components.
    pub code_cache: Option<PathBuf>,
    /// Ends the work early.
    pub cancel: Cancellation,
}

/// Looks at the components of a configuration, and gives the lock that describes them with its path. Writes nothing.
///
/// # Errors
/// As [`crate::validate_config`] with files.
pub fn lock(options: &LockOptions) -> Result<(PathBuf, Lock)> {
    let load = LoadOptions {
        mode: Mode::ValidateConfig,
        passwords: PasswordPolicy::Any,
        overrides: config::Overrides::default(),
    };
    let config = configuration::load(&options.config_file, load, &options.cancel)?;
    let steps = StepOptions { locked: false, ..options.steps.clone() };
    let context = Context {
        options: &steps,
        cache: options.code_cache.as_deref(),
        cancel: &options.cancel,
        // Writing a lock is no run that is told of.
        usage: &Usage::default(),
    };
    let components = Components::prepare(&config, &context)?;
    let steps = config.custom_steps();
    let locked = steps.iter().filter_map(|step| LockedStep::of(step, &components));
    Ok((lock_path(&config), Lock::new(locked.collect())))
}

/// The lock of a configuration: beside the file that was named.
pub(crate) fn lock_path(config: &ResolvedConfig) -> PathBuf {
    config.files().last().map_or_else(|| PathBuf::from(NAME), |file| file.dir.join(NAME))
}

impl Lock {
    fn new(mut steps: Vec<LockedStep>) -> Self {
        steps.sort_by(|a, b| a.name.cmp(&b.name));
        Self { version: VERSION, steps }
    }

    /// Reads a lock; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is of another form.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let failed = || Error::new(ErrorKind::Config, "use the lock file").at(path);
        let text = match regular_file::read_text(path, LARGEST) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed().caused_by(error)),
        };
        let lock: Self = serde_json::from_str(&text).map_err(|error| {
            failed().caused_by(error).hint_at("write it anew with `imagecustomizer step lock`")
        })?;
        if let Some(name) = lock.twice() {
            let text = format!("step `{}` is there twice", clip(name));
            return Err(failed().caused_by(text).hint_at("write it anew with `imagecustomizer step lock`"));
        }
        match lock.version {
            VERSION => Ok(Some(lock)),
            version => {
                Err(failed().caused_by(format!("its form is {version}, and this program knows {VERSION}")))
            }
        }
    }

    /// The text of the file.
    ///
    /// # Errors
    /// None that could be met: the lock is plain data.
    pub fn to_text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        let text =
            text.map_err(|error| Error::new(ErrorKind::Internal, "write the lock").caused_by(error))?;
        Ok(text + "\n")
    }

    /// A name that two steps have, of which only one would be followed.
    fn twice(&self) -> Option<&str> {
        let mut names = BTreeSet::new();
        self.steps.iter().map(|step| step.name.as_str()).find(|name| !names.insert(*name))
    }

    fn step(&self, name: &str) -> Option<&LockedStep> {
        self.steps.iter().find(|step| step.name == name)
    }
}

impl LockedStep {
    fn of(step: &CustomStep<'_>, components: &Components) -> Option<Self> {
        let component = components.loaded.get(step.name())?;
        Some(Self {
            name: step.name().to_owned(),
            component: step.component_text().to_owned(),
            sha256: component.sha256.clone(),
            contract: component.step.contract().to_owned(),
            imports: imports(component),
            grant: LockedGrant::of(step),
        })
    }
}

impl LockedGrant {
    fn of(step: &CustomStep<'_>) -> Self {
        Self {
            read: step.read_patterns().map(sorted),
            write: sorted(step.write_patterns()),
            nodes: step.grants_nodes(),
            commands: step.grants_commands(),
            packages: step.grants_packages(),
        }
    }
}

fn sorted(patterns: Vec<PathPattern>) -> Vec<String> {
    let texts: BTreeSet<String> = patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    texts.into_iter().collect()
}

fn imports(component: &super::Component) -> Vec<String> {
    let names: BTreeSet<String> = component.step.imports().into_iter().map(|import| import.name).collect();
    names.into_iter().collect()
}

/// Whether the lock speaks of the steps that there are, and of no others.
pub(super) fn check_names(
    config: &ResolvedConfig,
    steps: &[CustomStep<'_>],
    lock: Option<&Lock>,
) -> Result<()> {
    let mut problems = Vec::new();
    for step in steps.iter().filter(|step| lock.is_none_or(|lock| lock.step(step.name()).is_none())) {
        let name = step.name();
        let message = match lock {
            None => format!("step `{name}` is locked nowhere: there is no `{NAME}`"),
            Some(_) => format!("step `{name}` is not in `{NAME}`"),
        };
        problems.push(step.problem(Rule::StepLocked, StepField::Whole, message).hint(HINT));
    }
    for locked in lock.iter().flat_map(|lock| &lock.steps) {
        if !steps.iter().any(|step| step.name() == locked.name) {
            let message = format!("step `{}` of `{NAME}` is not in the configuration", clip(&locked.name));
            problems.push(Diagnostic::new(Rule::StepLocked, "steps", Span::default(), message).hint(HINT));
        }
    }
    super::refuse_if_any(config, problems)
}

/// Whether the configuration is what was locked; no component was looked at yet, and no registry asked.
pub(super) fn check_configuration(
    config: &ResolvedConfig,
    steps: &[CustomStep<'_>],
    lock: &Lock,
) -> Result<()> {
    let mut problems = Vec::new();
    for step in steps {
        let Some(locked) = lock.step(step.name()) else { continue };
        let grant = LockedGrant::of(step);
        let mut differ = |field, what: &str, is: &str, was: &str| {
            problems.push(difference(step, field, what, is, was));
        };
        if step.component_text() != locked.component {
            differ(StepField::Component, "component", step.component_text(), &locked.component);
        }
        for (what, is, was) in grant.differences(&locked.grant) {
            differ(StepField::Grant, what, &is, &was);
        }
    }
    super::refuse_if_any(config, problems)
}

/// Whether the components' bytes are what was locked; nothing was compiled yet.
pub(super) fn check_bytes(
    config: &ResolvedConfig,
    steps: &[CustomStep<'_>],
    binaries: &[Arc<source::Binary>],
    lock: &Lock,
) -> Result<()> {
    let mut problems = Vec::new();
    for (step, binary) in steps.iter().zip(binaries) {
        let Some(locked) = lock.step(step.name()).filter(|locked| locked.sha256 != binary.sha256) else {
            continue;
        };
        let (is, was) = (&binary.sha256, &locked.sha256);
        problems.push(difference(step, StepField::Sha256, "component's sha256", is, was));
    }
    super::refuse_if_any(config, problems)
}

/// Whether the components, now that they are compiled, are what was locked.
pub(super) fn check_components(
    config: &ResolvedConfig,
    steps: &[CustomStep<'_>],
    components: &Components,
    lock: &Lock,
) -> Result<()> {
    let mut problems = Vec::new();
    for step in steps {
        let (Some(locked), Some(found)) = (lock.step(step.name()), LockedStep::of(step, components)) else {
            continue;
        };
        if found.contract != locked.contract {
            let (is, was) = (&found.contract, &locked.contract);
            problems.push(difference(step, StepField::Component, "contract version", is, was));
        }
        if found.imports != locked.imports {
            let changes = changes(&found.imports, &locked.imports);
            let message =
                format!("the imports of step `{}` are not those in `{NAME}`: {changes}", step.name());
            problems.push(step.problem(Rule::StepLocked, StepField::Component, message).hint(HINT));
        }
    }
    super::refuse_if_any(config, problems)
}

/// What one list has that the other lacks, each way.
fn changes(is: &[String], was: &[String]) -> String {
    let only_in = |one: &[String], other: &[String]| {
        let names: Vec<&str> = one.iter().filter(|name| !other.contains(name)).map(String::as_str).collect();
        (!names.is_empty()).then(|| clip(&names.join(", ")))
    };
    let added = only_in(is, was).map(|names| format!("`{names}` is new"));
    let missing = only_in(was, is).map(|names| format!("`{names}` is missing"));
    let changes: Vec<String> = added.into_iter().chain(missing).collect();
    match changes.is_empty() {
        true => "their order is another one".to_owned(),
        false => changes.join(", "),
    }
}

fn difference(step: &CustomStep<'_>, field: StepField<'_>, what: &str, is: &str, was: &str) -> Diagnostic {
    let (name, is, was) = (step.name(), clip(is), clip(was));
    let message = format!("the {what} of step `{name}` is `{is}`, but `{was}` in `{NAME}`");
    step.problem(Rule::StepLocked, field, message).hint(HINT)
}

impl LockedGrant {
    /// What differs, with what it is and what it was.
    fn differences(&self, was: &Self) -> Vec<(&'static str, String, String)> {
        let list = |patterns: Option<&Vec<String>>| match patterns {
            None => "everything but secrets".to_owned(),
            Some(patterns) if patterns.is_empty() => "nothing".to_owned(),
            Some(patterns) => patterns.join(", "),
        };
        let all = [
            ("`grant.read`", list(self.read.as_ref()), list(was.read.as_ref())),
            ("`grant.write`", list(Some(&self.write)), list(Some(&was.write))),
            ("`grant.nodes`", self.nodes.to_string(), was.nodes.to_string()),
            ("`grant.commands`", self.commands.to_string(), was.commands.to_string()),
            ("`grant.packages`", self.packages.to_string(), was.packages.to_string()),
        ];
        all.into_iter().filter(|(_, is, was)| is != was).collect()
    }
}

/// A text for a message; a lock may hold anything.
fn clip(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_lock_is_refused() {
        let scene = tempfile::tempdir().unwrap();
        let path = scene.path().join(NAME);
        assert_eq!(Lock::read(&path).unwrap(), None);
        for (text, cause) in [
            ("", "EOF"),
            ("{}", "missing field"),
            (r#"{"version":2,"steps":[]}"#, "its form is 2"),
            (r#"{"version":1,"steps":[],"more":1}"#, "unknown field"),
            (r#"{"version":1,"steps":[{"name":"a"}]}"#, "missing field"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Lock::read(&path).unwrap_err();
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains(cause), "{text}: {source}");
        }
        let grant = r#"{"read":null,"write":[],"nodes":false,"commands":false,"packages":false}"#;
        let step = |name: &str, sha256: &str| {
            let facts = format!(r#""component":"c","sha256":"{sha256}","contract":"0.1.0","imports":[]"#);
            format!(r#"{{"name":"{name}",{facts},"grant":{grant}}}"#)
        };
        let of = |steps: &[String]| format!(r#"{{"version":1,"steps":[{}]}}"#, steps.join(","));
        std::fs::write(&path, of(&[step("a", "1"), step("b", "1"), step("a", "2")])).unwrap();
        let error = Lock::read(&path).unwrap_err();
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "step `a` is there twice");
        std::fs::write(&path, of(&[step("a", "1"), step("b", "1")])).unwrap();
        assert!(Lock::read(&path).unwrap().is_some());
        std::fs::write(&path, Lock::new(Vec::new()).to_text().unwrap()).unwrap();
        assert_eq!(Lock::read(&path).unwrap(), Some(Lock::new(Vec::new())));
        let pipe = scene.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(Lock::read(&pipe).is_err());
    }
}
