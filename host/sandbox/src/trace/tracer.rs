//! The interposition: every call of a traced run passes here before and after the host does it.

use super::line::{Answer, Begin, Call, End, Outcome, Time};
use super::replay::Replay;
use super::sink::TraceSink;
use super::value::{Recorded, Secrecy};
use crate::state::State;
use rootfs::{Aim, FileId};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Instant;
use wasmtime::component::HasData;

/// What becomes of the calls of one run.
pub(crate) struct Tracer {
    mode: Mode,
    start: Instant,
    calls: u64,
    /// Files that are held open and hold secrets.
    secret_files: BTreeSet<FileId>,
}

enum Mode {
    /// The host answers; call and answer are written down.
    Record(TraceSink),
    /// A trace answers.
    Replay(Box<Replay>),
}

/// The state of a traced run, as the linker sees it.
pub(crate) struct Traced<'a>(pub(crate) &'a mut State);

/// Names [`Traced`] to the linker.
pub(crate) struct Tracing;

impl HasData for Tracing {
    type Data<'a> = Traced<'a>;
}

/// The state with the tracer in front, for linkers.
pub(crate) fn traced(state: &mut State) -> Traced<'_> {
    Traced(state)
}

impl Tracer {
    pub(crate) fn record(sink: TraceSink, begin: &Begin) -> Self {
        sink.begin(begin);
        Self::new(Mode::Record(sink))
    }

    pub(crate) fn replay(replay: Replay) -> Self {
        Self::new(Mode::Replay(Box::new(replay)))
    }

    fn new(mode: Mode) -> Self {
        Self { mode, start: Instant::now(), calls: 0, secret_files: BTreeSet::new() }
    }

    /// The run is over.
    pub(crate) fn end(self, step: &str, outcome: Outcome, message: Option<String>) -> Option<Replay> {
        let time = Time { start: 0, took: nanoseconds(self.start, Instant::now()) };
        match self.mode {
            Mode::Record(sink) => {
                sink.end(&End { end: step.to_owned(), outcome, message, calls: self.calls, time });
                None
            }
            Mode::Replay(replay) => Some(*replay),
        }
    }

    fn note(&mut self, function: &str, arguments: Value, answer: Answer, start: Instant) {
        self.calls += 1;
        if let Mode::Record(sink) = &self.mode {
            let time =
                Time { start: nanoseconds(self.start, start), took: nanoseconds(start, Instant::now()) };
            sink.call(Call { call: function.to_owned(), arguments, answer, time });
        }
    }
}

impl Traced<'_> {
    /// A call that the host answers with `live`, or the trace in its place.
    pub(crate) fn call<R: Recorded>(
        &mut self,
        function: &'static str,
        arguments: Value,
        live: impl FnOnce(&mut State) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        if let Some(replay) = self.replay() {
            return replay.answer(function, &arguments);
        }
        let start = Instant::now();
        let result = live(self.0);
        self.note(function, arguments, to_answer(&result), start);
        result
    }

    /// A call that reaches nothing outside of the run, so that it is made in a replay too; its answer has to be the
    /// recorded one.
    pub(crate) fn call_within<R: Recorded>(
        &mut self,
        function: &'static str,
        arguments: Value,
        live: impl FnOnce(&mut State) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let start = Instant::now();
        if let Some(replay) = self.replay() {
            replay.expect_call(function, &arguments)?;
        }
        let result = live(self.0);
        let answer = to_answer(&result);
        match self.replay() {
            Some(replay) => replay.expect_answer(&answer)?,
            None => self.note(function, arguments, answer, start),
        }
        result
    }

    /// A call whose answer no trace holds: in a replay, too, `live` gives it.
    pub(crate) fn call_unheld<R: Recorded>(
        &mut self,
        function: &'static str,
        arguments: Value,
        live: impl FnOnce(&mut State) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let Some(replay) = self.replay() else { return self.call(function, arguments, live) };
        match replay.answer_unless_secret(function, &arguments)? {
            Some(answer) => Ok(answer),
            None => live(self.0),
        }
    }

    fn replay(&mut self) -> Option<&mut Replay> {
        match &mut self.0.tracer {
            Some(Tracer { mode: Mode::Replay(replay), .. }) => Some(replay),
            _ => None,
        }
    }

    /// Whether the calls are made for real.
    pub(crate) fn is_live(&mut self) -> bool {
        self.replay().is_none()
    }

    fn note(&mut self, function: &str, arguments: Value, answer: Answer, start: Instant) {
        if let Some(tracer) = &mut self.0.tracer {
            tracer.note(function, arguments, answer, start);
        }
    }

    /// Remembers whether a file that was opened holds secrets.
    pub(crate) fn opened(&mut self, file: FileId, secrecy: Secrecy) {
        if let Some(tracer) = &mut self.0.tracer {
            if secrecy == Secrecy::None {
                tracer.secret_files.remove(&file);
            } else {
                tracer.secret_files.insert(file);
            }
        }
    }

    /// How much a trace may hold of the file at `path`. A replay has no files.
    pub(crate) fn secrecy_at(&mut self, path: &str, aim: Aim) -> Secrecy {
        if self.is_live() && self.0.holds_secret(path, aim) { Secrecy::Unspeakable } else { Secrecy::None }
    }

    /// How much a trace may hold of an open file.
    pub(crate) fn secrecy_of_open(&self, file: FileId) -> Secrecy {
        match &self.0.tracer {
            Some(tracer) if tracer.secret_files.contains(&file) => Secrecy::Unspeakable,
            _ => Secrecy::None,
        }
    }
}

fn to_answer<R: Recorded>(result: &wasmtime::Result<R>) -> Answer {
    match result {
        Ok(value) => value.to_answer(),
        Err(error) => Answer::Trap(format!("{:#}", error.root_cause())),
    }
}

fn nanoseconds(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}
