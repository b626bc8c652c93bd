//! Runs the plan's steps, one component after the other.

use crate::components::Components;
use crate::customize::CustomizeOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::observer::Observer;
use crate::report::StepReport;
use crate::run_clock::RunClock;
use crate::trace;
use crate::{built_in_scope, builtin};
use config::Located;
use config::bounds::ByteCount;
use plan::{ArtifactSource, BuiltIn, Plan, PlannedStep, Step};
use sandbox::{
    Artifact, Artifacts, CodeCache, Limits, LoadedStep, Sandbox, Scope, SharedTree, StepFacts, StepRun,
    TraceSink,
};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all steps of a run share.
pub(crate) struct StepRunner<'a> {
    sandbox: Sandbox,
    built_in: BTreeMap<BuiltIn, LoadedStep>,
    components: Components,
    run: Run<'a>,
    trace: Option<TraceSink>,
}

/// The run that the steps are part of.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) clock: &'a RunClock,
    pub(crate) architecture: &'a str,
    pub(crate) options: &'a CustomizeOptions,
}

impl<'a> StepRunner<'a> {
    /// Takes the components with the sandbox that they were made for.
    pub(crate) fn new(mut components: Components, run: Run<'a>) -> Result<Self> {
        let sandbox = match components.take_sandbox() {
            Some(sandbox) => sandbox,
            None => {
                let cache = run.options.code_cache.as_deref().and_then(open_cache);
                Sandbox::new(cache).map_err(step_error)?
            }
        };
        run.options.cancel.reaches(sandbox.interrupter());
        let trace = run.options.steps.trace.as_deref().map(trace::open).transpose()?;
        Ok(Self { sandbox, built_in: BTreeMap::new(), components, run, trace })
    }

    /// Runs all steps of the plan on `tree`.
    pub(crate) fn run(
        mut self,
        plan: &Plan,
        tree: &SharedTree,
        observer: &dyn Observer,
    ) -> Result<Vec<StepReport>> {
        let total = plan.steps.len() as u64;
        let mut reports = Vec::new();
        let mut result = Ok(());
        for (index, step) in plan.steps.iter().enumerate() {
            observer.progress(index as u64, total);
            let ran = self.run.options.cancel.check().and_then(|()| self.run_one(index, step, tree));
            match ran.map_err(|error| error.in_step(&step.step)) {
                Ok(report) => reports.push(report),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        // A trace is wanted most when a step failed.
        let traced = self.end_trace();
        result.and(traced)?;
        observer.progress(total, total);
        Ok(reports)
    }

    fn end_trace(&self) -> Result<()> {
        let (Some(trace), Some(path)) = (&self.trace, &self.run.options.steps.trace) else { return Ok(()) };
        trace::end(trace, path)
    }

    fn run_one(&mut self, index: usize, step: &PlannedStep, tree: &SharedTree) -> Result<StepReport> {
        let name = step.step.name();
        tracing::debug!("step `{name}` begins, because of {}", step.reason);
        let load = self.load(step)?;
        let run = StepRun {
            settings: step.settings.to_string(),
            tree: Arc::clone(tree),
            artifacts: open_artifacts(step)?,
            facts: StepFacts {
                architecture: self.run.architecture.to_owned(),
                source_date_epoch: self.run.clock.epoch(),
                seed: self.run.clock.seed(&format!("step {index} {name}")),
            },
            limits: self.limits(step),
            scope: scope(step, tree),
            trace: self.trace.clone(),
            touches: None,
        };
        let component = self.component(&step.step)?;
        let report = component.run(run).map_err(step_error)?;
        let sha256 = step.step.built_in().is_none().then(|| component.sha256());
        tracing::info!("step `{name}` done ({} calls, {} bytes written)", report.host_calls, report.written);
        Ok(StepReport::new(step.step.clone(), sha256, load, report))
    }

    /// Makes a built-in step ready, and says how long that took; the others are.
    fn load(&mut self, step: &PlannedStep) -> Result<Duration> {
        let start = Instant::now();
        if let Some(built_in) = step.step.built_in()
            && let Entry::Vacant(slot) = self.built_in.entry(built_in)
        {
            slot.insert(builtin::load(&self.sandbox, built_in).map_err(step_error)?);
            return Ok(start.elapsed());
        }
        Ok(Duration::ZERO)
    }

    fn component(&self, step: &Step) -> Result<&LoadedStep> {
        let component = match step {
            Step::BuiltIn(step) => self.built_in.get(step),
            Step::Custom(name) => self.components.get(name),
        };
        let missing = || format!("step `{}` was not made ready", step.name());
        component.ok_or_else(|| Error::saying(ErrorKind::Internal, missing()))
    }

    /// What the configuration says, no more than the policies allow; the built-in steps follow no policy.
    fn limits(&self, step: &PlannedStep) -> Limits {
        let own = step.limits;
        let mut limits = Limits::default();
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        limits.memory = own.memory.map_or(limits.memory, bytes);
        limits.time = own.time.map_or(limits.time, Duration::from_secs);
        limits.log = own.log.unwrap_or(limits.log);
        limits.open_files = own.open_files.map_or(limits.open_files, bytes);
        limits.written = own.written.unwrap_or(limits.written);
        if step.step.built_in().is_some() {
            return limits;
        }
        for most in self.components.limits() {
            let least = |limit: u64, most: Option<u64>| most.map_or(limit, |most| limit.min(most));
            let count = |most: &Option<Located<ByteCount>>| most.map(|most| most.value.bytes());
            limits.memory = bytes(least(limits.memory as u64, count(&most.memory)));
            limits.time = most.time.map_or(limits.time, |most| limits.time.min(most.value.duration()));
            limits.log = least(limits.log, count(&most.log));
            limits.open_files =
                bytes(least(limits.open_files as u64, most.open_files.map(|most| most.value)));
            limits.written = least(limits.written, count(&most.written));
        }
        limits
    }
}

/// What the step may touch.
fn scope(step: &PlannedStep, tree: &SharedTree) -> Scope {
    if let Some(built_in) = step.step.built_in() {
        let mut tree = tree.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        return built_in_scope::of(built_in, step, tree.as_mut());
    }
    match &step.scope {
        Some(scope) => Scope::new(scope.read.clone(), scope.write.clone(), scope.nodes),
        None => Scope::default(),
    }
}

pub(crate) fn open_cache(directory: &Path) -> Option<CodeCache> {
    CodeCache::open(directory).inspect_err(|error| tracing::debug!("compiled code is not kept: {error}")).ok()
}

fn open_artifacts(step: &PlannedStep) -> Result<Artifacts> {
    let mut artifacts = Artifacts::default();
    for (name, source) in &step.artifacts {
        let artifact = match source {
            ArtifactSource::File(path) => Artifact::open_file(path).map_err(|error| (path, error)),
            ArtifactSource::Directory(path) => Artifact::open_directory(path).map_err(|error| (path, error)),
            ArtifactSource::InlineBytes(secret) => Ok(Artifact::Inline(secret.expose())),
        };
        let artifact = artifact.map_err(|(path, error)| {
            Error::new(ErrorKind::Artifact, "read the input file").at(path).caused_by(error)
        })?;
        artifacts.insert(name, artifact);
    }
    Ok(artifacts)
}

pub(crate) fn step_error(error: sandbox::Error) -> Error {
    let kind = match error.kind() {
        sandbox::ErrorKind::Cancelled => ErrorKind::Cancelled,
        _ => ErrorKind::Step,
    };
    let hint = error.hint_text().map(str::to_owned);
    let wrapped = Error::saying(kind, "a customization step did not succeed").caused_by(error);
    match hint {
        Some(hint) => wrapped.hint_at(hint),
        None => wrapped,
    }
}
