//! A component that is ready to run, and its runs.

use crate::abi::{Bound, Contract, WrongShape};
use crate::artifacts::Artifacts;
use crate::backtrace::Backtrace;
use crate::description::CallsHost;
use crate::error::{Error, ErrorKind, Result};
use crate::imports::{self, Import};
use crate::limits::{Exceeded, Limit, Limits};
use crate::linker;
use crate::sandbox::{Interrupter, mismatch};
use crate::state::{OTHER_HANDLES, Parts, SharedTree, State, Tally};
use crate::trace::{
    self, Begin, Limited, Outcome, Replay, Replayed, TraceError, TraceSink, TracedRun, Tracer,
};
use crate::watchdog::Watchdog;
use rootfs::{Guard, Scope, Touches};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
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
    /// Where its calls are written down, if they are.
    pub trace: Option<TraceSink>,
    /// Takes what the run touches in the image, if somebody wants to know.
    pub touches: Option<SharedTouches>,
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
    /// Calls that the scope did not cover. The step went on without what they would have given.
    pub denied: u64,
}

/// What a run touched, for whoever started it: filled when the run has ended, well or not.
pub type SharedTouches = Arc<Mutex<Touches>>;

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
    contract: &'static Contract,
    bound: Box<dyn Bound>,
    origin: Origin,
    interrupter: Interrupter,
}

/// What tells one component from another; computed when somebody asks.
pub(crate) enum Origin {
    Digest([u8; 32]),
    Binary(&'static [u8]),
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

/// What is left of a run.
struct Finished<T> {
    result: Result<T>,
    tally: Tally,
    tracer: Option<Tracer>,
    /// `None` when it did not begin.
    guard: Option<Guard>,
}

impl LoadedStep {
    pub(crate) fn new(
        name: &str,
        contract: &'static Contract,
        pre: InstancePre<State>,
        origin: Origin,
        interrupter: Interrupter,
    ) -> Result<Self> {
        let bound = (contract.bind)(pre).map_err(|error| mismatch(name, error))?;
        Ok(Self { name: name.to_owned(), contract, bound, origin, interrupter })
    }

    /// The same step under another name: that which it is told, and which messages use.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// SHA-256 of the component, hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        self.origin.sha256()
    }

    /// The version of the step contract that serves the component.
    #[must_use]
    pub fn contract(&self) -> &'static str {
        self.contract.version
    }

    /// What the component imports.
    #[must_use]
    pub fn imports(&self) -> Vec<Import> {
        let component = self.bound.pre().component();
        imports::list(component.engine(), component)
    }

    /// Asks the component what it is. Of the contract it can call nothing but the log meanwhile.
    ///
    /// # Errors
    /// As [`LoadedStep::run`]; [`ErrorKind::ContractMismatch`] when it calls more than that.
    pub fn describe(&self) -> Result<Description> {
        let facts = StepFacts { architecture: String::new(), source_date_epoch: 0, seed: [0; 32] };
        let limits = Limits { time: DESCRIBE_TIME, ..Limits::default() };
        let output = Output::new(limits.log);
        let parts = self.parts(None, Artifacts::default(), facts, limits, &output);
        let described = self.on_own_thread(parts, &output, |store| self.bound.describe(store)).result;
        described?.checked(&self.name)
    }

    /// Runs the step once, in a store of its own.
    ///
    /// # Errors
    /// [`ErrorKind::ContractMismatch`] when the exported functions have other types,
    /// [`ErrorKind::StepFailed`] with the step's own message, [`ErrorKind::Trapped`] with the panic message or the
    /// trap and a backtrace, [`ErrorKind::Exited`], [`ErrorKind::LimitExceeded`], [`ErrorKind::Cancelled`].
    pub fn run(&self, run: StepRun) -> Result<RunReport> {
        let start = Instant::now();
        self.check_settings(&run)?;
        let output = Output::new(run.limits.log);
        let begin = run.trace.is_some().then(|| self.begin(&run));
        let mut parts = self.parts(Some(run.tree), run.artifacts, run.facts, run.limits, &output);
        parts.guard = Guard::new(run.scope);
        if run.touches.is_some() {
            parts.guard = parts.guard.recording();
        }
        if let (Some(_), Some(tree)) = (&run.trace, &parts.tree) {
            parts.guard.find_secrets(tree.lock().unwrap_or_else(PoisonError::into_inner).as_mut());
        }
        parts.tracer = run.trace.zip(begin).map(|(sink, begin)| Tracer::record(sink, &begin));
        let Finished { result, tally, tracer, guard } = self.call_run(parts, &output, &run.settings)?;
        let mut guard = guard.unwrap_or_else(|| Guard::new(Scope::default()));
        if let (Some(taker), Some(touches)) = (&run.touches, guard.take_touches()) {
            *taker.lock().unwrap_or_else(PoisonError::into_inner) = touches;
        }
        let result = self.say_what_was_denied(&guard, result);
        if let Some(tracer) = tracer {
            let (outcome, message) = outcome(&result);
            tracer.end(&self.name, outcome, message);
        }
        let report = RunReport {
            elapsed: start.elapsed(),
            in_host: tally.in_host,
            host_calls: tally.calls,
            written: tally.written,
            denied: guard.denied(),
        };
        result.map(|()| report).map_err(|error| error.with_report(report))
    }

    /// What the host hands over is limited as what the step hands over.
    fn check_settings(&self, run: &StepRun) -> Result<()> {
        let (bytes, most) = (run.settings.len(), run.limits.call);
        if bytes <= most {
            return Ok(());
        }
        let text = format!("its settings have {bytes} bytes, at most {most} are handed over");
        Err(Error::new(ErrorKind::LimitExceeded(Limit::Call), &self.name, text))
    }

    /// Runs the step against a recorded run of it, or of another version of it: without the image, as long as it makes
    /// the recorded calls. The trace does not hold what the step read of its `artifacts`.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`] when the trace cannot be read, leaves answers out because they were secrets of the image, or
    /// an artifact is missing that was read.
    pub fn replay(&self, recorded: &TracedRun, artifacts: Artifacts) -> Result<Replayed> {
        let begin = &recorded.begin;
        self.check_replay(recorded, &artifacts)?;
        let facts = begin.facts().ok_or_else(|| self.trace_error("its seed is damaged"))?;
        let limits = begin.limits.limits();
        let output = Output::new(limits.log);
        let read = |error: TraceError| self.trace_error("its trace cannot be used").caused_by_trace(error);
        let mut parts = self.parts(None, artifacts, facts, limits, &output);
        parts.tracer = Some(Tracer::replay(Replay::new(recorded.open().map_err(read)?)));
        let Finished { result, tracer, .. } = self.call_run(parts, &output, &begin.settings)?;
        let (outcome, message) = outcome(&result);
        match tracer.and_then(|tracer| tracer.end(&self.name, outcome, None)) {
            Some(replay) => replay.end(outcome, message.as_deref()).map_err(read),
            // The host did not get as far as to run it.
            None => result.map(|()| Replayed { calls: 0, difference: None }),
        }
    }

    /// Refuses what cannot be replayed by this component.
    fn check_replay(&self, recorded: &TracedRun, artifacts: &Artifacts) -> Result<()> {
        let begin = &recorded.begin;
        if let Some(missing) = recorded.artifacts().find(|name| !artifacts.has(name)) {
            let missing: String = missing.escape_default().take(64).collect();
            let text = format!("the trace leaves out what the artifact `{missing}` held");
            return Err(self
                .trace_error(&text)
                .hint("a replay has to be given the artifacts that the step reads: `--artifact NAME=PATH`"));
        }
        if let Some(line) = recorded.secret() {
            let text =
                format!("line {line} of the trace leaves out what was read there, because it is a secret");
            return Err(self
                .trace_error(&text)
                .hint("trace a run on an image whose secrets the step does not read"));
        }
        if Contract::serving(&begin.contract).is_none_or(|one| one.line() != self.contract.line()) {
            let recorded: String = begin.contract.escape_default().take(40).collect();
            let now = self.contract.version;
            let text = format!("it was recorded by contract {recorded}, and the component follows {now}");
            return Err(self.trace_error(&text));
        }
        if trace::sha256(begin.settings.as_bytes()) != begin.settings_sha256 {
            return Err(self.trace_error("the settings in the trace were changed"));
        }
        Ok(())
    }

    /// Runs the step in a store of `parts`.
    fn call_run(&self, parts: Parts, output: &Output, settings: &str) -> Result<Finished<()>> {
        let traced = parts.tracer.is_some().then(|| self.traced()).transpose()?;
        let bound = traced.as_ref().unwrap_or(&self.bound);
        let Finished { result, tally, tracer, guard } =
            self.on_own_thread(parts, output, |store| bound.run(store, settings));
        let failed = |message| Error::new(ErrorKind::StepFailed, &self.name, message);
        Ok(Finished { result: result.and_then(|result| result.map_err(failed)), tally, tracer, guard })
    }

    /// A step that failed may have failed for what it was denied; one that swallowed it leaves a warning.
    fn say_what_was_denied(&self, guard: &Guard, result: Result<()>) -> Result<()> {
        let Some(first) = guard.denials().first() else { return result };
        match result {
            Ok(()) => {
                for denial in guard.denials() {
                    tracing::warn!(target: "step", step = self.name, "it was denied, and went on: {denial}");
                }
                let more = guard.denied().saturating_sub(guard.denials().len() as u64);
                if more > 0 {
                    tracing::warn!(target: "step", step = self.name, "{more} more calls were denied");
                }
                Ok(())
            }
            Err(error) => match error.kind() {
                // A step in Python, JavaScript or Go that does not handle a failure crashes with it.
                ErrorKind::StepFailed | ErrorKind::Trapped | ErrorKind::Exited => {
                    Err(error.hint_first(&first.to_string()))
                }
                _ => Err(error),
            },
        }
    }

    /// The same component, linked so that every call goes through the tracer.
    fn traced(&self) -> Result<Box<dyn Bound>> {
        let component = self.bound.pre().component();
        linker::make_traced(component.engine())
            .and_then(|linker| linker.instantiate_pre(component))
            .and_then(self.contract.bind)
            .map_err(|error| self.host_error("it cannot be traced").caused_by(error))
    }

    /// The first line of a trace of `run`.
    fn begin(&self, run: &StepRun) -> Begin {
        Begin {
            begin: self.name.clone(),
            format: trace::FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            contract: self.contract.version.to_owned(),
            component: self.sha256(),
            settings_sha256: trace::sha256(run.settings.as_bytes()),
            settings: run.settings.clone(),
            architecture: run.facts.architecture.clone(),
            source_date_epoch: run.facts.source_date_epoch,
            seed: trace::hex(&run.facts.seed),
            limits: Limited::from(&run.limits),
            scope: run.scope.clone(),
        }
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
        Parts {
            step: self.name.clone(),
            facts,
            limits,
            artifacts,
            guard: Guard::new(Scope::default()),
            tree,
            wasi,
            tracer: None,
        }
    }

    /// Makes a store of `parts` and does `call` in it, on a thread with room for the step's stack.
    fn on_own_thread<T: Send>(
        &self,
        parts: Parts,
        output: &Output,
        call: impl FnOnce(&mut Store<State>) -> wasmtime::Result<T> + Send,
    ) -> Finished<T> {
        let limits = parts.limits.clone();
        let run = || {
            let engine = self.bound.pre().component().engine();
            let mut store = Store::new(engine, State::new(parts));
            let result = self.guarded(&mut store, &limits, output, call);
            let mut state = store.into_data();
            state.close_files();
            Finished { result, tally: state.tally, tracer: state.tracer, guard: Some(state.guard) }
        };
        let lost = |message: &str| Finished {
            result: Err(self.host_error(message)),
            tally: Tally::default(),
            tracer: None,
            guard: None,
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("step".to_owned()).stack_size(NATIVE_STACK);
            match thread.spawn_scoped(scope, run) {
                Ok(thread) => thread.join().unwrap_or_else(|_| lost("the host panicked")),
                Err(error) => lost(&error.to_string()),
            }
        })
    }

    /// Does `call` within the limits, and says why it ended if it did not end well.
    fn guarded<T>(
        &self,
        store: &mut Store<State>,
        limits: &Limits,
        output: &Output,
        call: impl FnOnce(&mut Store<State>) -> wasmtime::Result<T>,
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
        let result = call(store);
        drop(watchdog);
        output.pass_on(&self.name, result.is_err());
        result.map_err(|error| self.explain(store.data(), limits, output, error))
    }

    fn host_error(&self, message: &str) -> Error {
        Error::new(ErrorKind::Host, &self.name, message)
    }

    fn trace_error(&self, message: &str) -> Error {
        Error::new(ErrorKind::Trace, &self.name, message)
    }

    /// Finds out which limit, panic or trap ended the step.
    fn explain(&self, state: &State, limits: &Limits, output: &Output, error: wasmtime::Error) -> Error {
        let exceeded =
            |limit: Limit, message: String| Error::new(ErrorKind::LimitExceeded(limit), &self.name, message);
        if let Some(Exceeded { limit, maximum }) = error.downcast_ref::<Exceeded>() {
            return exceeded(*limit, format!("at most {}", with_unit(*limit, *maximum)));
        }
        if let Some(calls) = error.downcast_ref::<CallsHost>() {
            return Error::new(ErrorKind::ContractMismatch, &self.name, calls.to_string())
                .hint("this is for the step's author to change: `describe` says the same on every machine");
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
                    .with_backtrace(Backtrace::of(&error));
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
        let breaks_rules = panic_message.is_none() && breaks_rules(&text);
        let message = panic_message.unwrap_or_else(|| match output.last_words() {
            Some(words) => format!("{text}; its last words: {words}"),
            None => text,
        });
        let mut trapped = Error::new(ErrorKind::Trapped, &self.name, message);
        if matches!(error.downcast_ref::<Trap>(), Some(Trap::MemoryOutOfBounds)) {
            trapped = trapped.hint("a stack overflow of the step looks like this too");
        }
        if breaks_rules {
            trapped = trapped.hint(
                "the component does not keep to the rules of the component model: its toolchain is at fault, or it is \
                 not meant well",
            );
        }
        trapped.with_backtrace(Backtrace::of(&error))
    }
}

/// Whether a step ended because what it handed over is none of what its types say; wasmtime has only words for it.
fn breaks_rules(text: &str) -> bool {
    const WORDS: [&str; 8] = [
        "out of bounds of memory",
        "pointer out of bounds",
        "not aligned",
        "discriminant",
        "utf-8",
        "unpaired surrogate",
        "unknown handle",
        "beyond end of memory",
    ];
    WORDS.iter().any(|words| text.contains(words))
}

impl Origin {
    fn sha256(&self) -> String {
        match self {
            Self::Digest(digest) => trace::hex(digest),
            Self::Binary(wasm) => trace::hex(&Sha256::digest(wasm)),
        }
    }
}

/// How a run ended, for its trace.
fn outcome(result: &Result<()>) -> (Outcome, Option<String>) {
    let Err(error) = result else { return (Outcome::Succeeded, None) };
    let outcome = match error.kind() {
        ErrorKind::StepFailed => Outcome::Failed,
        ErrorKind::Trapped | ErrorKind::Exited => Outcome::Crashed,
        ErrorKind::InvalidComponent | ErrorKind::RefusedImports | ErrorKind::ContractMismatch => {
            Outcome::Mismatch
        }
        ErrorKind::LimitExceeded(_) => Outcome::Limit,
        ErrorKind::Cancelled | ErrorKind::Trace | ErrorKind::Host => Outcome::Stopped,
    };
    (outcome, Some(error.to_string()))
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

    /// What the component said last before it ended: other languages than Rust put their message there.
    fn last_words(&self) -> Option<String> {
        last_words(&String::from_utf8_lossy(&self.stderr.contents()))
    }
}

/// Lines of a panic's message that are shown.
const PANIC_LINES: usize = 20;

/// Finds `thread 'main' panicked at src/lib.rs:10:5:` and the lines behind it, up to Rust's own note.
fn panic_message(stderr: &str) -> Option<String> {
    let mut lines = stderr.lines();
    let place = lines.by_ref().find_map(|line| line.split_once(" panicked at "))?.1;
    let message = lines.take_while(|line| !line.starts_with("note: run with"));
    let message: Vec<&str> = message.take(PANIC_LINES).collect();
    Some(format!("panicked at {place} {}", message.join("\n")).trim_end().to_owned())
}

/// Go's line that begins with `panic: `, else the last line that holds anything: Python and JavaScript end with the
/// exception.
fn last_words(stderr: &str) -> Option<String> {
    let go = stderr.lines().find(|line| line.starts_with("panic: "));
    let last = || stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
    go.or_else(last).map(str::to_owned)
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
        let long = "\nthread 'main' (1) panicked at a.rs:1:2:\nleft: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1` x";
        assert_eq!(panic_message(long).unwrap(), "panicked at a.rs:1:2: left: 1\n right: 2");
        let flood = format!("thread 'x' panicked at a.rs:1:2:\n{}", "line\n".repeat(1000));
        assert_eq!(panic_message(&flood).unwrap().lines().count(), PANIC_LINES);
    }

    #[test]
    fn the_last_words_of_other_languages_are_found() {
        for (stderr, words) in [
            ("panic: no such thing\n\ngoroutine 1 [running]:\nmain.main()\n", Some("panic: no such thing")),
            (
                "Traceback (most recent call last):\n  File \"a.py\"\nValueError: no\n\n",
                Some("ValueError: no"),
            ),
            ("", None),
            ("\n \n", None),
        ] {
            assert_eq!(last_words(stderr).as_deref(), words, "{stderr}");
        }
    }
}
