//! A component that is ready to run, and its runs.

use crate::abi::v0_1::{BaseStep, BaseStepPre};
use crate::artifacts::Artifacts;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{Exceeded, Limit, Limits};
use crate::sandbox::{Interrupter, mismatch};
use crate::state::{OTHER_HANDLES, Parts, SharedTree, State, Tally};
use crate::watchdog::Watchdog;
use rootfs::Scope;
use std::time::{Duration, Instant};
use wasmtime::component::{InstancePre, ResourceTableError};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{I32Exit, WasiCtx};

/// Facts of the run that a step can ask for.
#[derive(Clone, Debug)]
pub struct StepFacts {
    /// The image's CPU architecture as `uname -m` names it.
    pub architecture: String,
    /// Seconds since 1970 that stand for "now".
    pub source_date_epoch: u64,
    /// Decides the step's random numbers.
    pub seed: [u8; 32],
}

/// What one run of a step is given.
pub struct StepRun {
    /// Settings as JSON.
    pub settings: String,
    /// The image.
    pub tree: SharedTree,
    /// The step's input files.
    pub artifacts: Artifacts,
    /// Facts of the run.
    pub facts: StepFacts,
    /// What it may use up.
    pub limits: Limits,
    /// Which files of the image it may read and write.
    pub scope: Scope,
}

/// What a run did.
#[derive(Clone, Copy, Debug)]
pub struct RunReport {
    /// Wall time of the whole run, from the making of the store on.
    pub elapsed: Duration,
    /// The part of it that the host spent in calls of the component.
    pub in_host: Duration,
    /// Calls of the component into the host.
    pub host_calls: u64,
    /// Bytes given to write calls.
    pub written: u64,
}

/// How a step describes itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Description {
    /// Lower-case words joined by `-`.
    pub name: String,
    /// Version of the step.
    pub version: String,
    /// One line.
    pub summary: String,
    /// JSON Schema (2020-12) of the settings.
    pub settings_schema: String,
}

/// A component that was compiled and linked.
pub struct LoadedStep {
    name: String,
    pre: BaseStepPre<State>,
    interrupter: Interrupter,
}

/// Bytes of standard output, and of standard error, that are kept at most.
const STDIO: usize = 1 << 20;

/// Bytes of native stack for the thread that runs a step: its WebAssembly stack and the host's own frames.
const NATIVE_STACK: usize = 8 << 20;

/// How long a step may take to describe itself.
const DESCRIBE_TIME: Duration = Duration::from_secs(10);

/// What a component wrote to standard output and standard error.
struct Output {
    stdout: MemoryOutputPipe,
    stderr: MemoryOutputPipe,
    /// Bytes that each of them holds.
    capacity: usize,
}

/// The component exports the step's functions with other types than the contract.
#[derive(Debug)]
struct WrongShape(String);

impl std::fmt::Display for WrongShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongShape {}

impl LoadedStep {
    pub(crate) fn new(name: &str, pre: InstancePre<State>, interrupter: Interrupter) -> Result<Self> {
        let pre = BaseStepPre::new(pre).map_err(|error| mismatch(name, error))?;
        Ok(Self { name: name.to_owned(), pre, interrupter })
    }

    /// Asks the component what it is. It can call nothing but the log meanwhile.
    ///
    /// # Errors
    /// As [`LoadedStep::run`].
    pub fn describe(&self) -> Result<Description> {
        let facts = StepFacts { architecture: String::new(), source_date_epoch: 0, seed: [0; 32] };
        let limits = Limits { time: DESCRIBE_TIME, ..Limits::default() };
        let output = Output::new(limits.log);
        let parts = self.parts(None, Artifacts::default(), facts, limits, &output);
        let (result, _) = self.on_own_thread(parts, &output, |store, pre| {
            let step = instantiate(store, pre)?;
            step.customizer_step_step().call_describe(store)
        });
        result.map(|described| Description {
            name: described.name,
            version: described.version,
            summary: described.summary,
            settings_schema: described.settings_schema,
        })
    }

    /// Runs the step once, in a store of its own.
    ///
    /// # Errors
    /// [`ErrorKind::ContractMismatch`] when the exported functions have other types,
    /// [`ErrorKind::StepFailed`] with the step's own message, [`ErrorKind::Trapped`] with the panic message or the
    /// trap and a backtrace, [`ErrorKind::Exited`], [`ErrorKind::LimitExceeded`], [`ErrorKind::Cancelled`].
    pub fn run(&self, run: StepRun) -> Result<RunReport> {
        let start = Instant::now();
        let output = Output::new(run.limits.log);
        let parts = self.parts(Some(run.tree), run.artifacts, run.facts, run.limits, &output);
        let settings = run.settings;
        let (result, tally) = self.on_own_thread(parts, &output, |store, pre| {
            let step = instantiate(store, pre)?;
            step.customizer_step_step().call_run(store, &settings)
        });
        result?.map_err(|failure| Error::new(ErrorKind::StepFailed, &self.name, failure.message))?;
        Ok(RunReport {
            elapsed: start.elapsed(),
            in_host: tally.in_host,
            host_calls: tally.calls,
            written: tally.written,
        })
    }

    fn parts(
        &self,
        tree: Option<SharedTree>,
        artifacts: Artifacts,
        facts: StepFacts,
        limits: Limits,
        output: &Output,
    ) -> Parts {
        let wasi = WasiCtx::builder().stdout(output.stdout.clone()).stderr(output.stderr.clone()).build();
        Parts { step: self.name.clone(), facts, limits, artifacts, tree, wasi }
    }

    /// Makes a store of `parts` and does `call` in it, on a thread with room for the step's stack.
    fn on_own_thread<T: Send>(
        &self,
        parts: Parts,
        output: &Output,
        call: impl FnOnce(&mut Store<State>, &BaseStepPre<State>) -> wasmtime::Result<T> + Send,
    ) -> (Result<T>, Tally) {
        let limits = parts.limits.clone();
        let run = || {
            let mut store = Store::new(self.pre.engine(), State::new(parts));
            let result = self.guarded(&mut store, &limits, output, call);
            let mut state = store.into_data();
            state.close_files();
            (result, state.tally)
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("step".to_owned()).stack_size(NATIVE_STACK);
            match thread.spawn_scoped(scope, run) {
                Ok(thread) => thread
                    .join()
                    .unwrap_or_else(|_| (Err(self.host_error("the host panicked")), Tally::default())),
                Err(error) => (Err(self.host_error(&error.to_string())), Tally::default()),
            }
        })
    }

    /// Does `call` within the limits, and says why it ended if it did not end well.
    fn guarded<T>(
        &self,
        store: &mut Store<State>,
        limits: &Limits,
        output: &Output,
        call: impl FnOnce(&mut Store<State>, &BaseStepPre<State>) -> wasmtime::Result<T>,
    ) -> Result<T> {
        store.limiter(|state| &mut state.growth);
        // The epoch belongs to the engine: whoever moves it, each run looks at its own deadline.
        store.set_epoch_deadline(1);
        let interrupter = self.interrupter.clone();
        store.epoch_deadline_callback(move |context| {
            let over = interrupter.is_cancelled() || context.data().is_late();
            Ok(if over { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
        });
        store.set_hostcall_fuel(limits.call);
        store.set_max_component_handles(limits.open_files.saturating_add(OTHER_HANDLES));
        let watchdog = Watchdog::start(self.interrupter.clone(), limits.time)
            .map_err(|error| self.host_error(&error.to_string()))?;
        if self.interrupter.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, &self.name, ""));
        }
        let result = call(store, &self.pre);
        drop(watchdog);
        output.pass_on(&self.name, result.is_err());
        result.map_err(|error| self.explain(store.data(), limits, output, error))
    }

    fn host_error(&self, message: &str) -> Error {
        Error::new(ErrorKind::Host, &self.name, message)
    }

    /// Finds out which limit, panic or trap ended the step.
    fn explain(&self, state: &State, limits: &Limits, output: &Output, error: wasmtime::Error) -> Error {
        let exceeded =
            |limit: Limit, message: String| Error::new(ErrorKind::LimitExceeded(limit), &self.name, message);
        if let Some(Exceeded { limit, maximum }) = error.downcast_ref::<Exceeded>() {
            return exceeded(*limit, format!("at most {}", with_unit(*limit, *maximum)));
        }
        if error.downcast_ref::<WrongShape>().is_some() {
            return mismatch(&self.name, error);
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
            let most = limits.open_files.saturating_add(OTHER_HANDLES);
            return exceeded(Limit::OpenFiles, format!("at most {most} handles of all kinds"));
        }
        if error.downcast_ref::<I32Exit>().is_some() {
            return Error::new(ErrorKind::Exited, &self.name, "");
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) if self.interrupter.is_cancelled() => {
                return Error::new(ErrorKind::Cancelled, &self.name, "");
            }
            Some(Trap::Interrupt) => {
                return exceeded(Limit::Time, format!("at most {} s", limits.time.as_secs_f64()));
            }
            Some(Trap::StackOverflow) => {
                return exceeded(Limit::Stack, format!("at most {} bytes", crate::limits::STACK))
                    .caused_by(error);
            }
            _ => {}
        }
        let panic_message = output.panic_message();
        // A step may get over a refusal; one that panics afterwards says itself why.
        if state.growth.refused() && panic_message.is_none() {
            return exceeded(Limit::Memory, format!("at most {} bytes", limits.memory));
        }
        let text = format!("{:#}", error.root_cause());
        if text.contains("too much data is being copied between the host and the guest") {
            return exceeded(Limit::Call, format!("at most {} bytes", limits.call));
        }
        if output.is_full() {
            return exceeded(
                Limit::Log,
                format!("at most {} bytes of standard output and of standard error", output.capacity),
            );
        }
        let error_text = panic_message.unwrap_or(text);
        let mut trapped = Error::new(ErrorKind::Trapped, &self.name, error_text);
        if matches!(error.downcast_ref::<Trap>(), Some(Trap::MemoryOutOfBounds)) {
            trapped = trapped.hint("a stack overflow of the step looks like this too");
        }
        trapped.caused_by(error)
    }
}

/// Makes the component's instance; what it may not do while it starts is limited as everything else.
fn instantiate(store: &mut Store<State>, pre: &BaseStepPre<State>) -> wasmtime::Result<BaseStep> {
    let instance = pre.instance_pre().instantiate(&mut *store)?;
    BaseStep::new(store, &instance)
        .map_err(|error| wasmtime::Error::new(WrongShape(format!("{:#}", error.root_cause()))))
}

fn with_unit(limit: Limit, maximum: u64) -> String {
    match limit {
        Limit::Time => format!("{} s", Duration::from_millis(maximum).as_secs_f64()),
        Limit::OpenFiles => format!("{maximum} files"),
        _ => format!("{maximum} bytes"),
    }
}

impl Output {
    /// With room for what the log may hold, within reason.
    fn new(log: u64) -> Self {
        let capacity = usize::try_from(log).map_or(STDIO, |log| log.min(STDIO));
        Self { stdout: MemoryOutputPipe::new(capacity), stderr: MemoryOutputPipe::new(capacity), capacity }
    }

    /// Writes what the component printed into the user's log: quietly, unless it failed.
    fn pass_on(&self, step: &str, failed: bool) {
        for pipe in [&self.stdout, &self.stderr] {
            for line in String::from_utf8_lossy(&pipe.contents()).lines().filter(|line| !line.is_empty()) {
                if failed {
                    tracing::warn!(target: "step", step, "{line}");
                } else {
                    tracing::debug!(target: "step", step, "{line}");
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        [&self.stdout, &self.stderr].iter().any(|pipe| pipe.contents().len() >= self.capacity)
    }

    /// The message of the panic that ended the component, if that is how it ended.
    fn panic_message(&self) -> Option<String> {
        panic_message(&String::from_utf8_lossy(&self.stderr.contents()))
    }
}

/// Finds `thread 'main' panicked at src/lib.rs:10:5:` and the line behind it.
fn panic_message(stderr: &str) -> Option<String> {
    let mut lines = stderr.lines();
    let place = lines.by_ref().find_map(|line| line.split_once(" panicked at "))?.1;
    let message = lines.next().unwrap_or_default();
    Some(format!("panicked at {place} {message}").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_found_in_standard_error() {
        let stderr =
            "note\n\nthread '<unnamed>' (1) panicked at src/lib.rs:10:5:\nno such thing\nnote: run with\n";
        assert_eq!(panic_message(stderr).unwrap(), "panicked at src/lib.rs:10:5: no such thing");
        assert_eq!(panic_message("nothing"), None);
    }
}
