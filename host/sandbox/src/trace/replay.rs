//! The second source of answers: a trace in place of the image.

use super::line::{Answer, Call, Outcome};
use super::reader::{Calls, TraceError, TracedRun};
use super::value::{Recorded, SECRET};
use serde_json::Value;
use std::fmt;

/// What a replay found.
#[derive(Debug)]
pub struct Replayed {
    /// Calls that were made and were the recorded ones.
    pub calls: u64,
    /// The first thing that was not as recorded.
    pub difference: Option<Difference>,
}

/// The first place where a run and a trace part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// Number of the call, from 1.
    pub call: u64,
    /// Line of the trace that holds what was recorded, from 1.
    pub line: u64,
    /// What the trace holds.
    pub recorded: String,
    /// What the component did.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, line, recorded, now } = self;
        write!(f, "call {call} is not the recorded one\n  line {line}: {recorded}\n  now: {now}")
    }
}

/// Gives the recorded answers in their order, as long as the calls are the recorded ones.
pub(crate) struct Replay {
    calls: Calls,
    /// The call that was made last, and its line.
    last: Option<(Call, u64)>,
    made: u64,
    stop: Option<Stop>,
}

/// Why the replay ended before the component did.
#[derive(Debug)]
enum Stop {
    Difference(Difference),
    Damaged(TraceError),
    /// The recorded run was ended here by the call itself.
    Trap,
    /// The recorded run was ended here from outside.
    Cut,
}

/// Ends the component; the reason stands in the [`Replay`].
#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the replay ends here")
    }
}

impl std::error::Error for Stopped {}

/// Characters of a line that a difference shows.
const SHOWN: usize = 2000;

impl Replay {
    pub(crate) fn new(calls: Calls) -> Self {
        Self { calls, last: None, made: 0, stop: None }
    }

    /// The recorded answer to a call.
    pub(crate) fn answer<R: Recorded>(&mut self, function: &str, arguments: &Value) -> wasmtime::Result<R> {
        self.expect_call(function, arguments)?;
        self.last_answer()
    }

    /// As [`Replay::answer`]; `None` when the trace leaves the answer out because it was a secret.
    pub(crate) fn answer_unless_secret<R: Recorded>(
        &mut self,
        function: &str,
        arguments: &Value,
    ) -> wasmtime::Result<Option<R>> {
        self.expect_call(function, arguments)?;
        match &self.last {
            Some((call, _)) if is_secret(&call.answer) => Ok(None),
            _ => self.last_answer().map(Some),
        }
    }

    fn last_answer<R: Recorded>(&mut self) -> wasmtime::Result<R> {
        let Some((call, line)) = &self.last else { return self.stop(Stop::Cut) };
        if matches!(call.answer, Answer::Trap(_)) {
            return self.stop(Stop::Trap);
        }
        if let Some(answer) = R::from_answer(&call.answer) {
            return Ok(answer);
        }
        let reason = match call.answer {
            Answer::LeftOut(_) => "the answer was too long to be kept",
            _ => "the answer does not fit the call",
        };
        let error = TraceError::at(*line, reason);
        self.stop(Stop::Damaged(error))
    }

    /// Ends the run unless the call is the recorded one.
    pub(crate) fn expect_call(&mut self, function: &str, arguments: &Value) -> wasmtime::Result<()> {
        let next = match self.calls.next() {
            Ok(next) => next,
            Err(error) => return self.stop(Stop::Damaged(error)),
        };
        let now = || show(function, arguments);
        let Some((call, line)) = next else {
            if self.calls.outcome().is_none_or(|outcome| !outcome.is_the_steps_own()) {
                return self.stop(Stop::Cut);
            }
            let recorded = "the step ends".to_owned();
            return self.differ(self.calls.line(), recorded, now());
        };
        if call.call != function || !is_recorded(&call.arguments, arguments) {
            return self.differ(line, show(&call.call, &call.arguments), now());
        }
        self.made += 1;
        self.last = Some((call, line));
        Ok(())
    }

    /// Ends the run unless the answer is the recorded one.
    pub(crate) fn expect_answer(&mut self, answer: &Answer) -> wasmtime::Result<()> {
        let Some((call, line)) = &self.last else { return Ok(()) };
        if call.answer == *answer {
            return Ok(());
        }
        let recorded = format!("{} gives {}", call.call, show_answer(&call.answer));
        let now = format!("{} gives {}", call.call, show_answer(answer));
        let line = *line;
        self.made -= 1;
        self.differ(line, recorded, now)
    }

    fn differ<R>(&mut self, line: u64, recorded: String, now: String) -> wasmtime::Result<R> {
        let call = self.made.saturating_add(1);
        self.stop(Stop::Difference(Difference { call, line, recorded, now }))
    }

    fn stop<R>(&mut self, stop: Stop) -> wasmtime::Result<R> {
        // What was found first stands: a component may go on after a trap only by mistake of ours.
        self.stop.get_or_insert(stop);
        Err(wasmtime::Error::new(Stopped))
    }

    /// Compares the ends, after the component has ended in `outcome`.
    pub(crate) fn end(mut self, outcome: Outcome, message: Option<&str>) -> Result<Replayed, TraceError> {
        let calls = self.made;
        let found = |difference| Ok(Replayed { calls, difference });
        match self.stop.take() {
            Some(Stop::Difference(difference)) => return found(Some(difference)),
            Some(Stop::Damaged(error)) => return Err(error),
            Some(Stop::Trap | Stop::Cut) => return found(None),
            None => {}
        }
        let number = calls.saturating_add(1);
        let now = show_end(outcome, message);
        if let Some((call, line)) = self.calls.next()? {
            let recorded = show(&call.call, &call.arguments);
            return found(Some(Difference { call: number, line, recorded, now }));
        }
        let line = self.calls.line();
        let Some(end) = self.calls.end() else { return found(None) };
        let same_message = outcome != Outcome::Failed || end.message.as_deref() == message;
        if !end.outcome.is_the_steps_own() || (end.outcome == outcome && same_message) {
            return found(None);
        }
        let recorded = show_end(end.outcome, end.message.as_deref());
        found(Some(Difference { call: number, line, recorded, now }))
    }
}

/// Whether an answer was left out of the trace because it is a secret.
pub(crate) fn is_secret(answer: &Answer) -> bool {
    matches!(answer, Answer::Result(value) if value.get(SECRET).is_some())
}

/// Whether arguments are the recorded ones. What was left out because it was a secret can be anything.
fn is_recorded(recorded: &Value, now: &Value) -> bool {
    let (Some(recorded), Some(now)) = (recorded.as_object(), now.as_object()) else {
        return recorded == now;
    };
    let same = |(name, value): (&String, &Value)| {
        now.get(name).is_some_and(|now| value == now || value.get(SECRET).is_some())
    };
    recorded.len() == now.len() && recorded.iter().all(same)
}

fn show(function: &str, arguments: &Value) -> String {
    short(format!("{function} {arguments}"))
}

fn show_answer(answer: &Answer) -> String {
    short(match answer {
        Answer::Result(value) => value.to_string(),
        Answer::Failure { code, message } => format!("{code}: {message}"),
        Answer::Trap(message) => format!("a trap: {message}"),
        Answer::LeftOut(bytes) => format!("an answer of {bytes} bytes that was left out"),
    })
}

fn show_end(outcome: Outcome, message: Option<&str>) -> String {
    let text = format!("the step ends: {}", outcome.name());
    short(message.map_or(text.clone(), |message| format!("{text}: {message}")))
}

fn short(mut text: String) -> String {
    if text.len() > SHOWN {
        text.truncate(text.floor_char_boundary(SHOWN));
        text.push('…');
    }
    text
}

/// The first difference between two runs, their times left alone: other settings or facts, another call, another answer,
/// another end. The first run is the recorded one, the second is now.
///
/// # Errors
/// When one of the traces cannot be read.
pub fn compare(first: &TracedRun, second: &TracedRun) -> Result<Option<Difference>, TraceError> {
    let given = |run: &TracedRun| format!("begins with settings {}", run.begin.settings_sha256);
    if first.begin != second.begin {
        let (recorded, now) = (given(first), given(second));
        let what = if recorded == now { "begins with other facts, limits or component" } else { &now };
        return Ok(Some(Difference { call: 0, line: 0, recorded, now: what.to_owned() }));
    }
    let (mut recorded, mut now) = (first.open()?, second.open()?);
    let mut number = 0;
    loop {
        number += 1;
        let (one, other) = (recorded.next()?, now.next()?);
        let line = recorded.line();
        let differ = |recorded, now| Ok(Some(Difference { call: number, line, recorded, now }));
        match (one, other) {
            (Some((one, _)), Some((other, _))) => {
                if one.call != other.call || one.arguments != other.arguments {
                    return differ(show(&one.call, &one.arguments), show(&other.call, &other.arguments));
                }
                if one.answer != other.answer {
                    let text = |call: &Call| format!("{} gives {}", call.call, show_answer(&call.answer));
                    return differ(text(&one), text(&other));
                }
            }
            (Some((one, _)), None) => return differ(show(&one.call, &one.arguments), end_of(&now)),
            (None, Some((other, _))) => {
                return differ(end_of(&recorded), show(&other.call, &other.arguments));
            }
            (None, None) => {
                let (one, other) = (end_of(&recorded), end_of(&now));
                return if one == other { Ok(None) } else { differ(one, other) };
            }
        }
    }
}

fn end_of(calls: &Calls) -> String {
    calls
        .end()
        .map_or_else(|| "the trace ends".to_owned(), |end| show_end(end.outcome, end.message.as_deref()))
}
