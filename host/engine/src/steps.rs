//! Runs the plan's steps, one component after the other.

use crate::builtin;
use crate::cancellation::Cancellation;
use crate::error::{Error, ErrorKind, Result};
use crate::observer::Observer;
use crate::report::StepReport;
use crate::run_clock::RunClock;
use plan::{ArtifactSource, BuiltIn, Plan, PlannedStep};
use sandbox::{
    Artifact, Artifacts, CodeCache, Limits, LoadedStep, Sandbox, Scope, SharedTree, StepFacts, StepRun,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all steps of a run share.
pub(crate) struct StepRunner<'a> {
    sandbox: Sandbox,
    loaded: BTreeMap<BuiltIn, LoadedStep>,
    clock: &'a RunClock,
    architecture: &'a str,
    cancel: &'a Cancellation,
}

impl<'a> StepRunner<'a> {
    pub(crate) fn new(
        cache: Option<&Path>,
        clock: &'a RunClock,
        architecture: &'a str,
        cancel: &'a Cancellation,
    ) -> Result<Self> {
        let sandbox = Sandbox::new(cache.and_then(open_cache)).map_err(step_error)?;
        cancel.reaches(sandbox.interrupter());
        Ok(Self { sandbox, loaded: BTreeMap::new(), clock, architecture, cancel })
    }

    /// Runs all steps of the plan on `tree`.
    pub(crate) fn run(
        &mut self,
        plan: &Plan,
        tree: &SharedTree,
        observer: &dyn Observer,
    ) -> Result<Vec<StepReport>> {
        let total = plan.steps.len() as u64;
        let mut reports = Vec::new();
        for (index, step) in plan.steps.iter().enumerate() {
            observer.progress(index as u64, total);
            self.check_cancelled()?;
            reports.push(self.run_one(index, step, tree)?);
        }
        observer.progress(total, total);
        Ok(reports)
    }

    fn check_cancelled(&self) -> Result<()> {
        if self.cancel.is_requested() {
            return Err(Error::saying(ErrorKind::Cancelled, "the run was cancelled"));
        }
        Ok(())
    }

    fn run_one(&mut self, index: usize, step: &PlannedStep, tree: &SharedTree) -> Result<StepReport> {
        let name = step.step.name();
        tracing::debug!("step `{name}` begins, because of {}", step.reason);
        let run = StepRun {
            settings: step.settings.to_string(),
            tree: Arc::clone(tree),
            artifacts: open_artifacts(step)?,
            facts: StepFacts {
                architecture: self.architecture.to_owned(),
                source_date_epoch: self.clock.epoch(),
                seed: self.clock.seed(&format!("step {index} {name}")),
            },
            limits: Limits::default(),
            scope: Scope::unrestricted(),
        };
        let (component, load) = self.component(step.step)?;
        let report = component.run(run).map_err(step_error)?;
        tracing::info!("step `{name}` done ({} calls, {} bytes written)", report.host_calls, report.written);
        Ok(StepReport::new(step.step, load, report))
    }

    /// The step's component, and how long it took to make it ready.
    fn component(&mut self, step: BuiltIn) -> Result<(&LoadedStep, Duration)> {
        let start = Instant::now();
        let slot = match self.loaded.entry(step) {
            std::collections::btree_map::Entry::Occupied(loaded) => {
                return Ok((loaded.into_mut(), Duration::ZERO));
            }
            std::collections::btree_map::Entry::Vacant(slot) => slot,
        };
        let loaded = slot.insert(builtin::load(&self.sandbox, step).map_err(step_error)?);
        Ok((loaded, start.elapsed()))
    }
}

fn open_cache(directory: &Path) -> Option<CodeCache> {
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
