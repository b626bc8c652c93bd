//! Runs a step again against a trace: without the image, on any machine.

use crate::builtin;
use crate::cancellation::Cancellation;
use crate::components::read_component;
use crate::error::{Error, ErrorKind, Result};
use crate::steps::{open_cache, step_error};
use crate::workbench::artifacts;
use plan::BuiltIn;
use sandbox::{Difference, LoadedStep, Sandbox, Trace, TracedRun};
use std::path::PathBuf;

/// What is to be replayed.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// The trace.
    pub trace: PathBuf,
    /// The component to run; without it, the built-in step of the run's name.
    pub component: Option<PathBuf>,
    /// The artifacts that the step reads, by name: a trace does not hold what is in them.
    pub artifacts: Vec<(String, PathBuf)>,
    /// Which run of the trace, by the step's name; without it, the one run that there is, or that of the component.
    pub step: Option<String>,
    /// Directory for compiled code.
    pub code_cache: Option<PathBuf>,
    /// Ends the replay early.
    pub cancel: Cancellation,
}

/// What a replay found.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The step's name.
    pub step: String,
    /// Calls that were the recorded ones.
    pub calls: u64,
    /// Whether the component is the one that was recorded.
    pub same_component: bool,
    /// Whether the trace holds the run up to its end: what came after was compared with nothing.
    pub whole: bool,
    /// The first thing that was not as recorded.
    pub difference: Option<Difference>,
}

/// Replays one run of a trace.
///
/// # Errors
/// [`ErrorKind::Artifact`] when the trace or the component cannot be read, or no run or several are meant;
/// [`ErrorKind::Step`] when the component cannot be run, or the trace leaves out answers that were secrets.
pub fn replay(options: &ReplayOptions) -> Result<Replay> {
    let trace = Trace::open(&options.trace).map_err(|error| {
        Error::new(ErrorKind::Artifact, "use the trace").at(&options.trace).caused_by(error)
    })?;
    let sandbox = Sandbox::new(options.code_cache.as_deref().and_then(open_cache)).map_err(step_error)?;
    options.cancel.reaches(sandbox.interrupter());
    let read = |path: &PathBuf| {
        read_component(path)
            .map_err(|reason| Error::new(ErrorKind::Artifact, "use the component").at(path).caused_by(reason))
    };
    let wasm = options.component.as_ref().map(read).transpose()?;
    let digest = wasm.as_deref().map(sandbox::sha256);
    let run = select(&trace, options.step.as_deref(), digest.as_deref())?;
    let step = match &wasm {
        Some(wasm) => sandbox.load(run.step(), wasm).map_err(step_error)?,
        None => built_in(&sandbox, run)?,
    };
    let same_component = step.sha256() == run.component();
    let artifacts = artifacts::open(&options.artifacts)?;
    let replayed = step.replay(run, artifacts).map_err(step_error)?;
    Ok(Replay {
        step: run.step().to_owned(),
        calls: replayed.calls,
        same_component,
        whole: run.is_whole(),
        difference: replayed.difference,
    })
}

fn built_in(sandbox: &Sandbox, run: &TracedRun) -> Result<LoadedStep> {
    let Some(step) = BuiltIn::ALL.iter().find(|step| step.name() == run.step()) else {
        let text = format!("`{}` is not a built-in step", printable(run.step()));
        return Err(Error::saying(ErrorKind::Artifact, text).hint_at("name its component with `--component`"));
    };
    builtin::load(sandbox, *step).map_err(step_error)
}

/// The run that is meant: that of the step's name, else that of the component, else the only one.
fn select<'a>(trace: &'a Trace, step: Option<&str>, digest: Option<&str>) -> Result<&'a TracedRun> {
    let runs = trace.runs();
    let named = |run: &&TracedRun| step.is_none_or(|step| step == run.step());
    let mut candidates: Vec<&TracedRun> = runs.iter().filter(named).collect();
    if candidates.len() > 1 && candidates.iter().any(|run| Some(run.component()) == digest) {
        candidates.retain(|run| Some(run.component()) == digest);
    }
    if let [one] = candidates.as_slice() {
        return Ok(one);
    }
    let names: Vec<String> = runs.iter().take(20).map(|run| format!("`{}`", printable(run.step()))).collect();
    let text = match (candidates.len(), step) {
        _ if runs.is_empty() => "the trace holds no run of a step".to_owned(),
        (0, Some(step)) => format!("the trace holds no run of `{step}`"),
        _ => "the trace holds several runs that could be meant".to_owned(),
    };
    let error = Error::saying(ErrorKind::Artifact, text);
    Err(if runs.is_empty() {
        error
    } else {
        error.hint_at(format!("`--step` chooses among {}", names.join(", ")))
    })
}

/// A name from a trace, for messages.
fn printable(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_default).collect()
}
