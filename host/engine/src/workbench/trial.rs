//! One run of one component on a copy of a tree.

use super::diff::Changes;
use super::ground::{self, Ground, Modes, Prepared};
use super::snapshot::Snapshot;
use super::{Candidate, Grant, Workbench, artifacts, log};
use crate::error::{Error, ErrorKind, Result};
use crate::open::timestamp;
use crate::run_clock::RunClock;
use crate::steps::step_error;
use crate::trace as trace_file;
use rootfs::{Timestamp, UserTree};
use sandbox::{Artifacts, Limits, Scope, SharedTouches, SharedTree, StepFacts, StepRun};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What is tried, on what, with what.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The component's file.
    pub component: PathBuf,
    /// What it is tried on.
    pub ground: Ground,
    /// The step's settings.
    pub settings: Value,
    /// Its input files, by name.
    pub artifacts: Vec<(String, PathBuf)>,
    /// What it may touch; `None`: everything, secrets too, to learn what it needs.
    pub grant: Option<Grant>,
    /// Where its calls into the host are written down.
    pub trace: Option<PathBuf>,
    /// Seconds since 1970 that stand for "now".
    pub source_date_epoch: Option<u64>,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialReport {
    /// The name that the component gives itself.
    pub step: String,
    /// The component's digest, lower-case hex.
    pub component_sha256: String,
    /// What it changed, also when it failed.
    pub changes: Changes,
    /// What it said, a line for each message: level, message, `NAME=VALUE`.
    pub log: Vec<String>,
    /// The smallest grant that allows what it touched.
    pub grant: Grant,
    /// It touched more than can be noted, so that the grant is too small.
    pub incomplete_grant: bool,
    /// Calls that its grant did not cover.
    pub denied_calls: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Milliseconds from its start to its end.
    pub elapsed_ms: f64,
    /// Why it failed.
    #[serde(rename = "failed", skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub failure: Option<Error>,
}

fn as_text<S: serde::Serializer>(failure: &Option<Error>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = failure
        .as_ref()
        .map(|error| std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string));
    text.serialize(serializer)
}

impl Workbench {
    /// Runs a component on a copy of what it is tried on. A step that fails is part of the report.
    ///
    /// # Errors
    /// When it does not come to a run: the component, the settings, the grant or the tree cannot be used.
    pub fn run(&self, trial: &Trial) -> Result<TrialReport> {
        let candidate = self.candidate(&trial.component)?;
        candidate.check_settings(&trial.settings)?;
        let scope = match &trial.grant {
            Some(grant) => grant.scope()?,
            None => Scope::unrestricted(),
        };
        let artifacts = artifacts::open(&trial.artifacts)?;
        let identity = format!("trial {}", candidate.step.sha256());
        let clock = RunClock::new(trial.source_date_epoch, identity.as_bytes())?;
        let time = timestamp(clock.epoch());
        let Prepared { tree, architecture } =
            ground::prepare(&trial.ground, Modes::Kept, time, &self.scratch)?;
        self.check_cancelled()?;
        let facts = StepFacts {
            architecture,
            source_date_epoch: clock.epoch(),
            seed: clock.seed(&format!("step 0 {}", candidate.description.name)),
        };
        let mut stage = Stage::new(tree, time)?;
        let given = Given { settings: &trial.settings, artifacts, facts, scope };
        let trace = trial.trace.clone().unwrap_or_else(|| self.scratch.join("trace.jsonl"));
        let ran = stage.run(&candidate, given, &trace)?;
        let changes = stage.changes()?;
        let done = ran.report().copied();
        Ok(TrialReport {
            step: candidate.description.name,
            component_sha256: candidate.step.sha256(),
            changes,
            log: ran.log,
            grant: ran.grant,
            incomplete_grant: ran.incomplete_grant,
            denied_calls: done.map_or(0, |done| done.denied),
            host_calls: done.map_or(0, |done| done.host_calls),
            bytes_written: done.map_or(0, |done| done.written),
            elapsed_ms: done.map_or(0.0, |done| crate::report::milliseconds(done.elapsed)),
            failure: ran.result.err().map(step_error),
        })
    }
}

/// What one run is given besides its tree.
pub(super) struct Given<'a> {
    pub(super) settings: &'a Value,
    pub(super) artifacts: Artifacts,
    pub(super) facts: StepFacts,
    pub(super) scope: Scope,
}

/// What one run did, besides what it changed.
pub(super) struct Ran {
    pub(super) result: sandbox::Result<sandbox::RunReport>,
    pub(super) log: Vec<String>,
    /// The smallest that it needed.
    pub(super) grant: Grant,
    /// It touched more than was noted.
    pub(super) incomplete_grant: bool,
}

impl Ran {
    /// What it did: a step that failed did things, too.
    pub(super) fn report(&self) -> Option<&sandbox::RunReport> {
        self.result.as_ref().map_or_else(sandbox::Error::report, Some)
    }
}

/// A tree, and what it held at first.
pub(super) struct Stage {
    tree: SharedTree,
    before: Snapshot,
    clock: Timestamp,
}

impl Stage {
    pub(super) fn new(mut tree: UserTree, clock: Timestamp) -> Result<Self> {
        let before = Snapshot::take(&mut tree)?;
        Ok(Self { tree: Arc::new(Mutex::new(Box::new(tree))), before, clock })
    }

    /// Runs a step on the tree; its calls are in `trace` then.
    pub(super) fn run(&self, candidate: &Candidate, given: Given<'_>, trace: &Path) -> Result<Ran> {
        let sink = trace_file::open(trace)?;
        let touches = SharedTouches::default();
        let touched = Some(Arc::clone(&touches));
        let result = candidate.step.run(StepRun {
            trace: Some(sink.clone()),
            touches: touched,
            ..self.step_run(given)
        });
        trace_file::end(&sink, trace)?;
        if let Err(error) = &result
            && matches!(error.kind(), sandbox::ErrorKind::Cancelled | sandbox::ErrorKind::Host)
        {
            return Err(result.err().map_or_else(|| Error::new(ErrorKind::Internal, "run"), step_error));
        }
        let failed = || Error::new(ErrorKind::Internal, "read the trace").at(trace);
        let log = log::lines(trace).map_err(|error| failed().caused_by(error))?;
        let touches = touches.lock().unwrap_or_else(PoisonError::into_inner);
        let (grant, incomplete_grant) = (Grant::learned(&touches), touches.is_incomplete());
        Ok(Ran { result, log, grant, incomplete_grant })
    }

    /// A run on the tree, within the limits of every step.
    pub(super) fn step_run(&self, given: Given<'_>) -> StepRun {
        StepRun {
            settings: given.settings.to_string(),
            tree: Arc::clone(&self.tree),
            artifacts: given.artifacts,
            facts: given.facts,
            limits: Limits::default(),
            scope: given.scope,
            trace: None,
            touches: None,
        }
    }

    /// What is different from the beginning.
    pub(super) fn changes(&mut self) -> Result<Changes> {
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        let after = self.before.later(tree.as_mut())?;
        Ok(Changes::between(&self.before, &after, self.clock))
    }

    /// Takes what the tree holds now for the beginning.
    pub(super) fn begin_anew(&mut self) -> Result<()> {
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        self.before = Snapshot::take(tree.as_mut())?;
        Ok(())
    }
}
