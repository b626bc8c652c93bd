//! The components of the configuration's own steps: fetched, compared with what is known of them, compiled, asked what
//! they are and held against what the configuration says. All of it happens before an image is opened.

mod lock;
mod policy;
mod settings;
mod source;

pub(crate) use lock::lock_path;
pub use lock::{Lock, LockOptions, lock};
pub use policy::check_registry;
pub(crate) use policy::files as policy_files;
pub(crate) use source::read as read_component;
pub use source::{ComponentSource, FetchError};

use crate::cancellation::Cancellation;
use crate::error::{Error, ErrorKind, Result};
use crate::steps::{open_cache, step_error};
use crate::usage::Usage;
use config::steps::StepLimits;
use config::{CustomStep, Diagnostic, ResolvedConfig, Rule, StepField};
use policy::Policies;
use sandbox::{Capability, LoadedStep, Sandbox};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the configuration's own steps are treated.
#[derive(Clone, Debug, Default)]
pub struct StepOptions {
    /// Steps have to be as `imagecustomizer.lock` beside the configuration says.
    pub locked: bool,
    /// A policy to follow, beside that of the machine.
    pub policy: Option<PathBuf>,
    /// Fetches components from registries; without it they are refused.
    pub source: Option<Arc<dyn ComponentSource>>,
    /// Where every call of every step into the host is written down.
    pub trace: Option<PathBuf>,
}

/// The components of a configuration, ready to run.
#[derive(Default)]
pub(crate) struct Components {
    sandbox: Option<Sandbox>,
    loaded: BTreeMap<String, Component>,
    /// Of the policies.
    limits: Vec<StepLimits>,
}

/// One of them.
struct Component {
    step: LoadedStep,
    sha256: String,
}

/// What checking needs beside the configuration.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a StepOptions,
    /// Directory for compiled code.
    pub(crate) cache: Option<&'a Path>,
    pub(crate) cancel: &'a Cancellation,
    /// Told before the first component is looked at.
    pub(crate) usage: &'a Usage,
}

/// What the configuration alone shows, with no component looked at: the policies, and the lock as far as that goes.
///
/// # Errors
/// All that is refused.
pub(crate) fn check_configuration(config: &ResolvedConfig, options: &StepOptions) -> Result<()> {
    Checks::of(config, options).map(drop)
}

/// The rules that a configuration's steps are held against.
struct Checks {
    policies: Policies,
    lock: Option<Lock>,
}

impl Checks {
    /// Reads the rules, and holds the configuration against them as far as it goes.
    fn of(config: &ResolvedConfig, options: &StepOptions) -> Result<Self> {
        let steps = config.custom_steps();
        let policies = Policies::load(options.policy.as_deref(), !steps.is_empty())?;
        policies.check(&steps)?;
        let lock = options.locked.then(|| Lock::read(&lock_path(config))).transpose()?.flatten();
        if options.locked {
            lock::check_names(config, &steps, lock.as_ref())?;
        }
        if let Some(lock) = &lock {
            lock::check_configuration(config, &steps, lock)?;
        }
        Ok(Self { policies, lock })
    }
}

impl Components {
    /// Makes the components of all steps ready; nothing when the configuration has no step of its own.
    ///
    /// # Errors
    /// All that is wrong with the steps, as far as it could be looked at.
    pub(crate) fn prepare(config: &ResolvedConfig, context: &Context<'_>) -> Result<Self> {
        let Checks { policies, lock } = Checks::of(config, context.options)?;
        let steps = config.custom_steps();
        if steps.is_empty() {
            return Ok(Self::default());
        }
        let binaries = binaries(config, &steps, context)?;
        for (step, binary) in steps.iter().zip(&binaries) {
            policies.check_component(step, &binary.sha256)?;
        }
        if let Some(lock) = &lock {
            lock::check_bytes(config, &steps, &binaries, lock)?;
        }
        let sandbox = Sandbox::new(context.cache.and_then(open_cache)).map_err(step_error)?;
        context.cancel.reaches(sandbox.interrupter());
        let mut components =
            Self { sandbox: Some(sandbox), loaded: BTreeMap::new(), limits: policies.limits() };
        components.load_all(config, &steps, &binaries, context.usage)?;
        if let Some(lock) = &lock {
            lock::check_components(config, &steps, &components, lock)?;
        }
        Ok(components)
    }

    /// The sandbox that the components were compiled for, if there are any.
    pub(crate) fn take_sandbox(&mut self) -> Option<Sandbox> {
        self.sandbox.take()
    }

    /// What a step may use up at most where the configuration does not say.
    pub(crate) fn limits(&self) -> &[StepLimits] {
        &self.limits
    }

    /// The component of a step.
    pub(crate) fn get(&self, step: &str) -> Option<&LoadedStep> {
        self.loaded.get(step).map(|component| &component.step)
    }

    /// The digests of the components, in lower-case hex, by the name of the step.
    pub(crate) fn digests(&self) -> BTreeMap<String, String> {
        self.loaded.iter().map(|(name, component)| (name.clone(), component.sha256.clone())).collect()
    }

    fn load_all(
        &mut self,
        config: &ResolvedConfig,
        steps: &[CustomStep<'_>],
        binaries: &[Arc<source::Binary>],
        usage: &Usage,
    ) -> Result<()> {
        let mut problems = Vec::new();
        for (step, binary) in steps.iter().zip(binaries) {
            usage.foreign_component();
            if let Some(component) = self.load(step, binary, &mut problems)? {
                self.loaded.insert(step.name().to_owned(), component);
            }
        }
        refuse_if_any(config, problems)
    }

    fn load(
        &self,
        step: &CustomStep<'_>,
        binary: &source::Binary,
        problems: &mut Vec<Diagnostic>,
    ) -> Result<Option<Component>> {
        let Some(sandbox) = &self.sandbox else { return Ok(None) };
        let name = step.name();
        let loaded = match sandbox.load(name, &binary.bytes) {
            Ok(loaded) => loaded,
            Err(error) => {
                problems.push(unusable(sandbox, step, binary, error)?);
                return Ok(None);
            }
        };
        let described = match loaded.describe() {
            Ok(described) => described,
            Err(error) => {
                problems.push(not_usable(step, error)?);
                return Ok(None);
            }
        };
        tracing::debug!("step `{name}` is `{}` {}", described.name, described.version);
        problems.extend(settings::check(step, &described.settings_schema));
        warn_of_missing_grants(step, &loaded);
        Ok(Some(Component { step: loaded, sha256: binary.sha256.clone() }))
    }
}

/// The component of each step.
fn binaries(
    config: &ResolvedConfig,
    steps: &[CustomStep<'_>],
    context: &Context<'_>,
) -> Result<Vec<Arc<source::Binary>>> {
    let mut problems = Vec::new();
    let mut binaries = Vec::new();
    let mut sources = source::Sources::new(context.options.source.as_deref());
    for step in steps {
        let fetched = sources.fetch(step);
        // A fetch that was broken off says nothing of the component.
        context.cancel.check()?;
        match fetched {
            Ok(binary) => binaries.push(binary),
            Err(problem) => problems.push(problem),
        }
    }
    refuse_if_any(config, problems)?;
    Ok(binaries)
}

fn refuse_if_any(config: &ResolvedConfig, problems: Vec<Diagnostic>) -> Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(config.refuse(problems).into()) }
}

/// Why a component could not be loaded, as a problem of the configuration. Imports that need a grant are named with the
/// line to add.
fn unusable(
    sandbox: &Sandbox,
    step: &CustomStep<'_>,
    binary: &source::Binary,
    error: sandbox::Error,
) -> Result<Diagnostic> {
    if *error.kind() != sandbox::ErrorKind::RefusedImports {
        return not_usable(step, error);
    }
    let Ok(inspected) = sandbox.inspect(step.name(), &binary.bytes) else { return not_usable(step, error) };
    if inspected.imports.iter().any(|import| import.refused.is_some()) {
        return not_usable(step, error);
    }
    let needs: BTreeSet<&'static str> = inspected
        .imports
        .iter()
        .flat_map(|import| &import.needs)
        .filter_map(|capability| match capability {
            Capability::Commands => Some("commands"),
            Capability::Packages => Some("packages"),
            _ => None,
        })
        .collect();
    let imports: Vec<String> = needs.iter().map(|name| format!("`customizer:step/{name}`")).collect();
    let message = format!(
        "the component of step `{}` imports {}, which is not granted, and which this version cannot serve yet",
        step.name(),
        imports.join(" and ")
    );
    let hint = "this takes a component that does without it: no line of the step's `grant` helps";
    Ok(step.problem(Rule::StepGrantMissing, StepField::Grant, message).hint(hint))
}

/// What is no fault of the component ends the run.
fn not_usable(step: &CustomStep<'_>, error: sandbox::Error) -> Result<Diagnostic> {
    match error.kind() {
        sandbox::ErrorKind::Cancelled | sandbox::ErrorKind::Host => Err(step_error(error)),
        _ => {
            let problem = step.problem(Rule::StepComponentInvalid, StepField::Component, one_line(&error));
            Ok(match error.hint_text() {
                Some(hint) => problem.hint(hint),
                None => problem,
            })
        }
    }
}

/// A component's own words may be many lines; the first ones say what matters.
fn one_line(error: &sandbox::Error) -> String {
    const LONGEST: usize = 1000;
    let text = error.to_string().replace('\n', " ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A component that changes the image is of little use to a step that may change nothing. It may mean to change nothing:
/// some languages bring all functions along, used or not.
fn warn_of_missing_grants(step: &CustomStep<'_>, loaded: &LoadedStep) {
    let can_write = loaded.imports().iter().any(|import| import.needs.contains(&Capability::Write));
    if can_write && step.item.grant.write.is_empty() {
        tracing::warn!(
            "step `{}` may change nothing in the image; to let it, add `grant: {{ write: [PATTERN, …] }}`",
            step.name()
        );
    }
}

/// The artifacts that are directories: the plan says which, and it looks at no files.
pub(crate) fn directories(config: &ResolvedConfig) -> BTreeSet<PathBuf> {
    let steps = config.custom_steps().into_iter();
    let paths = steps.flat_map(|step| step.artifacts()).map(|(_, path)| path.value);
    paths.filter(|path| path.is_dir()).collect()
}

impl Error {
    /// A policy cannot be used, or refuses something.
    fn of_policy(diagnostics: config::Diagnostics, message: &str) -> Self {
        Self::saying(ErrorKind::Config, message).with_diagnostics(diagnostics)
    }
}
