//! What one run of a step holds: the data of its store.

use crate::artifacts::Artifacts;
use crate::clock::{ClockView, VirtualClock};
use crate::description::CallsHost;
use crate::limits::{Exceeded, Growth, Limit, Limits};
use crate::random::SeededRandom;
use crate::step::StepFacts;
use crate::trace::Tracer;
use rootfs::{Aim, FileId, Guard, ImagePath, Scope, Tree, TreeReport};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// Handles beside those of open files: the few resources that WASI's own interfaces hand out.
pub(crate) const OTHER_HANDLES: usize = 256;

/// An image's file tree that its owner lends to one step after the other.
pub type SharedTree = Arc<Mutex<Box<dyn Tree>>>;

/// How loud a step's message is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// The files that a step holds open, as far as the tree knows them.
#[derive(Default)]
pub(crate) struct OpenFiles(BTreeSet<FileId>);

impl OpenFiles {
    /// Ends the step when it may not open another file.
    pub(crate) fn check_room(&self, limits: &Limits) -> wasmtime::Result<()> {
        if self.0.len() < limits.open_files {
            return Ok(());
        }
        Err(Exceeded { limit: Limit::OpenFiles, maximum: limits.open_files as u64 }.into())
    }

    pub(crate) fn insert(&mut self, file: FileId) {
        self.0.insert(file);
    }

    pub(crate) fn remove(&mut self, file: FileId) {
        self.0.remove(&file);
    }
}

/// Time and calls of one run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Calls from the component into the host.
    pub(crate) calls: u64,
    /// Wall time spent in them.
    pub(crate) in_host: Duration,
    /// Bytes given to write calls.
    pub(crate) written: u64,
    /// Bytes of log messages.
    pub(crate) logged: u64,
}

pub(crate) struct State {
    pub(crate) step: String,
    pub(crate) facts: StepFacts,
    pub(crate) limits: Limits,
    pub(crate) artifacts: Artifacts,
    pub(crate) open_files: OpenFiles,
    pub(crate) table: ResourceTable,
    pub(crate) growth: Growth,
    pub(crate) random: SeededRandom,
    pub(crate) tally: Tally,
    /// Stands between the component and everything here, if the run is linked for it.
    pub(crate) tracer: Option<Tracer>,
    /// Stands between the component and the image.
    pub(crate) guard: Guard,
    tree: Option<SharedTree>,
    clock: VirtualClock,
    wasi: WasiCtx,
    /// `None`: never.
    deadline: Option<Instant>,
}

/// The image and what stands before it, lent by [`State::lend_image`].
pub(crate) struct LentImage {
    tree: SharedTree,
    guard: Guard,
    /// The limit.
    most_written: u64,
}

impl LentImage {
    /// As [`State::with_tree`].
    pub(crate) fn with_tree<T>(&mut self, call: impl FnOnce(&mut dyn Tree) -> T) -> wasmtime::Result<T> {
        on_tree(&self.tree, &mut self.guard, self.most_written, call)
    }
}

fn no_image() -> wasmtime::Error {
    CallsHost("rootfs").into()
}

/// Calls the tree as `guard` lets it be seen.
fn on_tree<T>(
    tree: &SharedTree,
    guard: &mut Guard,
    most_written: u64,
    call: impl FnOnce(&mut dyn Tree) -> T,
) -> wasmtime::Result<T> {
    let mut tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
    if guard.is_idle() {
        return Ok(call(tree.as_mut()));
    }
    let answer = call(&mut guard.over(tree.as_mut()));
    if guard.is_overdrawn() {
        return Err(Exceeded { limit: Limit::Written, maximum: most_written }.into());
    }
    Ok(answer)
}

/// What a [`State`] is made of.
pub(crate) struct Parts {
    pub(crate) step: String,
    pub(crate) facts: StepFacts,
    pub(crate) limits: Limits,
    pub(crate) artifacts: Artifacts,
    /// What it may do in the tree.
    pub(crate) guard: Guard,
    /// `None` while a step only describes itself.
    pub(crate) tree: Option<SharedTree>,
    pub(crate) wasi: WasiCtx,
    pub(crate) tracer: Option<Tracer>,
}

impl State {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { step, facts, limits, artifacts, guard, tree, wasi, tracer } = parts;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.open_files.saturating_add(OTHER_HANDLES));
        let deadline = Instant::now().checked_add(limits.time);
        Self {
            growth: Growth::new(limits.memory),
            random: SeededRandom::new(facts.seed),
            clock: VirtualClock::new(facts.source_date_epoch),
            deadline,
            open_files: OpenFiles::default(),
            tally: Tally::default(),
            tracer,
            step,
            facts,
            limits,
            artifacts,
            table,
            guard: guard.until(deadline),
            tree,
            wasi,
        }
    }

    /// Runs `call` on behalf of the component: counts it, and ends the step when its time is over.
    pub(crate) fn host_call<T>(
        &mut self,
        call: impl FnOnce(&mut Self) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        let start = self.begin_call()?;
        let answer = call(self);
        self.end_call(start);
        answer
    }

    /// As the first half of [`State::host_call`]: gives when the call began.
    pub(crate) fn begin_call(&self) -> wasmtime::Result<Instant> {
        let start = Instant::now();
        if self.deadline.is_some_and(|deadline| start >= deadline) {
            let maximum = u64::try_from(self.limits.time.as_millis()).unwrap_or(u64::MAX);
            return Err(Exceeded { limit: Limit::Time, maximum }.into());
        }
        Ok(start)
    }

    /// The second half.
    pub(crate) fn end_call(&mut self, start: Instant) {
        self.tally.calls += 1;
        self.tally.in_host += start.elapsed();
    }

    /// Whether the step's time is over.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Calls the image's tree; a trap while the step only describes itself.
    pub(crate) fn with_tree<T>(
        &mut self,
        call: impl FnOnce(&mut dyn Tree, &mut Artifacts) -> T,
    ) -> wasmtime::Result<T> {
        let Some(tree) = &self.tree else { return Err(no_image()) };
        on_tree(tree, &mut self.guard, self.limits.written, |tree| call(tree, &mut self.artifacts))
    }

    /// The image for one call that looks into the component's memory meanwhile, which the state then must not be needed for.
    /// A trap while the step only describes itself.
    pub(crate) fn lend_image(&mut self) -> wasmtime::Result<LentImage> {
        let tree = Arc::clone(self.tree.as_ref().ok_or_else(no_image)?);
        let guard = std::mem::replace(&mut self.guard, Guard::new(Scope::default()));
        Ok(LentImage { tree, guard, most_written: self.limits.written })
    }

    /// Every image that was lent comes back by this.
    pub(crate) fn take_image_back(&mut self, image: LentImage) {
        self.guard = image.guard;
    }

    /// Ends `describe` where it calls what only a run has: the `interface` of the contract.
    pub(crate) fn check_runs(&self, interface: &'static str) -> wasmtime::Result<()> {
        // A replay has no tree either, but a trace.
        if self.tree.is_some() || self.tracer.is_some() { Ok(()) } else { Err(CallsHost(interface).into()) }
    }

    /// Whether what is at `path` is a secret of the image.
    pub(crate) fn holds_secret(&mut self, path: &str, aim: Aim) -> bool {
        let Some(tree) = &self.tree else { return false };
        let mut tree = tree.lock().unwrap_or_else(PoisonError::into_inner);
        self.guard.holds_secret(tree.as_mut(), ImagePath::new(path), aim)
    }

    /// Closes every file that the step left open.
    pub(crate) fn close_files(&mut self) {
        for file in std::mem::take(&mut self.open_files).0 {
            let closed = self.with_tree(|tree, _| tree.close(file));
            if let Ok(Err(error)) = closed {
                tracing::debug!("a file that step `{}` left open does not close: {error}", self.step);
            }
        }
    }

    /// Books bytes written into the image; ends the step beyond its limit.
    pub(crate) fn spend_written(&mut self, bytes: u64) -> wasmtime::Result<()> {
        self.tally.written = self.tally.written.saturating_add(bytes);
        if self.tally.written > self.limits.written {
            return Err(Exceeded { limit: Limit::Written, maximum: self.limits.written }.into());
        }
        Ok(())
    }

    /// As [`State::with_tree`] for a call that writes as much as it finds: it ends when the limit is reached, and what it
    /// wrote is booked whether it went well or not.
    pub(crate) fn fill_tree<F>(
        &mut self,
        call: impl FnOnce(&mut dyn Tree, &mut Artifacts) -> Result<TreeReport, F>,
    ) -> wasmtime::Result<Result<TreeReport, F>> {
        self.guard.set_room(self.limits.written.saturating_sub(self.tally.written));
        let answer = self.with_tree(call);
        let written = self.guard.written();
        self.guard.set_room(u64::MAX);
        let answer = answer?;
        self.spend_written(answer.as_ref().map_or(written, |report| report.bytes))?;
        Ok(answer)
    }

    /// Passes a message of the step on to the log; ends the step beyond its limit.
    pub(crate) fn log(
        &mut self,
        level: LogLevel,
        message: &str,
        fields: &[(String, String)],
    ) -> wasmtime::Result<()> {
        let field_bytes: usize =
            fields.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
        // The constant stands for what a line costs besides its text, so that empty messages are limited too.
        let bytes = message.len().saturating_add(field_bytes).saturating_add(16) as u64;
        self.tally.logged = self.tally.logged.saturating_add(bytes);
        if self.tally.logged > self.limits.log {
            return Err(Exceeded { limit: Limit::Log, maximum: self.limits.log }.into());
        }
        self.host_call(|state| {
            emit(level, &state.step, message, fields);
            Ok(())
        })
    }

    pub(crate) fn clock_view(&mut self) -> ClockView<'_> {
        ClockView { clock: &mut self.clock, table: &mut self.table }
    }
}

/// One event in the user's log. Control characters are left to the log, which escapes them.
fn emit(level: LogLevel, step: &str, message: &str, fields: &[(String, String)]) {
    let mut text = message.to_owned();
    for (name, value) in fields {
        text.push_str(&format!(" {name}={value:?}"));
    }
    match level {
        LogLevel::Trace => tracing::trace!(target: "step", step, "{text}"),
        LogLevel::Debug => tracing::debug!(target: "step", step, "{text}"),
        LogLevel::Info => tracing::info!(target: "step", step, "{text}"),
        LogLevel::Warn => tracing::warn!(target: "step", step, "{text}"),
        LogLevel::Error => tracing::error!(target: "step", step, "{text}"),
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
