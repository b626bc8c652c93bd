//! Reads traces: once through to find the runs, and again, call by call, to replay one. A trace can be larger than
//! memory, and comes from anywhere.

use super::line::{Answer, Begin, Call, End, FORMAT, LONGEST_LINE, Line, Outcome};
use super::replay::is_secret;
use crate::regular_file::open_regular_file;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A trace whose runs are known.
#[derive(Debug)]
pub struct Trace {
    path: PathBuf,
    runs: Vec<TracedRun>,
}

/// One run of a step in a trace.
#[derive(Clone, Debug)]
pub struct TracedRun {
    path: PathBuf,
    pub(crate) begin: Begin,
    /// Where the line after the first begins, bytes.
    offset: u64,
    /// Number of the first line.
    line: u64,
    calls: u64,
    /// The first line whose answer was left out because it was a secret of the image.
    secret: Option<u64>,
    /// The artifacts whose contents were read, and so left out.
    artifacts: BTreeSet<String>,
    /// A call ended it: there can be no other.
    trapped: bool,
    /// `None`: the trace ends before the run did.
    outcome: Option<Outcome>,
}

/// Why a trace cannot be used.
#[derive(Debug)]
pub struct TraceError {
    /// From 1.
    line: Option<u64>,
    message: String,
    source: Option<io::Error>,
}

/// Runs in one trace.
const MOST_RUNS: usize = 10_000;
/// Artifacts that one run reads.
const MOST_ARTIFACTS: usize = 10_000;
/// The call that reads artifacts; a later contract that has another is to be added.
const READS_ARTIFACT: &str = "artifacts.read-at";

impl Trace {
    /// Reads the trace at `path` through.
    ///
    /// # Errors
    /// When the file cannot be read, or a line is not one of a trace.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let mut lines = Lines::open(path, 0, 0)?;
        let mut runs: Vec<TracedRun> = Vec::new();
        while let Some((line, number)) = lines.next()? {
            match (line, runs.last_mut()) {
                (Line::Begin(begin), _) => {
                    if runs.len() >= MOST_RUNS {
                        return Err(TraceError::at(number, format!("there are more than {MOST_RUNS} runs")));
                    }
                    runs.push(TracedRun::new(path, *begin, lines.offset, number)?);
                }
                (Line::Call(call), Some(run)) if run.outcome.is_none() && !run.trapped => {
                    run.calls += 1;
                    run.trapped = matches!(call.answer, Answer::Trap(_));
                    if is_secret(&call.answer) {
                        run.leave_out(&call, number);
                    }
                }
                (Line::End(end), Some(run)) if run.outcome.is_none() => run.close(&end, number)?,
                _ => return Err(TraceError::at(number, "the line belongs to no run")),
            }
        }
        Ok(Self { path: path.to_owned(), runs })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The runs in their order.
    #[must_use]
    pub fn runs(&self) -> &[TracedRun] {
        &self.runs
    }
}

impl TracedRun {
    fn new(path: &Path, begin: Begin, offset: u64, line: u64) -> Result<Self, TraceError> {
        if begin.format != FORMAT {
            let text = format!("the trace has the form {}, this program reads {FORMAT}", begin.format);
            return Err(TraceError::at(line, text));
        }
        let path = path.to_owned();
        let artifacts = BTreeSet::new();
        Ok(Self {
            path,
            begin,
            offset,
            line,
            calls: 0,
            secret: None,
            artifacts,
            trapped: false,
            outcome: None,
        })
    }

    /// Takes the last line, which has to fit those before it.
    fn close(&mut self, end: &End, line: u64) -> Result<(), TraceError> {
        if end.calls != self.calls {
            let text =
                format!("the run is said to have {} calls, and the trace holds {}", end.calls, self.calls);
            return Err(TraceError::at(line, text));
        }
        if self.trapped && end.outcome == Outcome::Succeeded {
            return Err(TraceError::at(line, "the run is said to have succeeded, but a call ended it"));
        }
        self.outcome = Some(end.outcome);
        Ok(())
    }

    /// Notes a call whose answer the trace does not hold.
    fn leave_out(&mut self, call: &Call, line: u64) {
        let artifact = call.arguments.get("name").and_then(|name| name.as_str());
        match artifact.filter(|_| call.call == READS_ARTIFACT && self.artifacts.len() < MOST_ARTIFACTS) {
            Some(name) => {
                self.artifacts.insert(name.to_owned());
            }
            None => {
                self.secret.get_or_insert(line);
            }
        }
    }

    /// The step's name.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.begin.begin
    }

    /// SHA-256 of the component that ran, hexadecimal.
    #[must_use]
    pub fn component(&self) -> &str {
        &self.begin.component
    }

    /// Whether the trace holds the run up to its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.outcome.is_some()
    }

    /// How many calls it made.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The line of the first answer that the trace leaves out because it is a secret of the image.
    #[must_use]
    pub fn secret(&self) -> Option<u64> {
        self.secret
    }

    /// The artifacts that were read: the trace leaves their contents out, so a replay has to be given them.
    pub fn artifacts(&self) -> impl Iterator<Item = &str> {
        self.artifacts.iter().map(String::as_str)
    }

    /// The calls from the first on.
    pub(crate) fn open(&self) -> Result<Calls, TraceError> {
        Ok(Calls {
            lines: Lines::open(&self.path, self.offset, self.line)?,
            end: None,
            outcome: self.outcome,
        })
    }
}

/// The calls of one run, as they are needed.
pub(crate) struct Calls {
    lines: Lines,
    end: Option<End>,
    outcome: Option<Outcome>,
}

impl Calls {
    /// The next call and the number of its line; `None` when there is no other.
    pub(crate) fn next(&mut self) -> Result<Option<(Call, u64)>, TraceError> {
        if self.end.is_some() {
            return Ok(None);
        }
        match self.lines.next()? {
            Some((Line::Call(call), number)) => Ok(Some((call, number))),
            Some((Line::End(end), _)) => {
                self.end = Some(end);
                Ok(None)
            }
            Some((Line::Begin(_), _)) | None => Ok(None),
        }
    }

    /// How the run ended; `None` when the trace was cut off before. Known from the start.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The last line, once all calls are through.
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Number of the line that was read last.
    pub(crate) fn line(&self) -> u64 {
        self.lines.number
    }
}

struct Lines {
    input: BufReader<File>,
    /// Of the line that was read last.
    number: u64,
    /// Bytes up to its end.
    offset: u64,
    buffer: Vec<u8>,
}

impl Lines {
    fn open(path: &Path, offset: u64, number: u64) -> Result<Self, TraceError> {
        let read =
            |error| TraceError { line: None, message: "it cannot be read".into(), source: Some(error) };
        // Nothing else can be read twice.
        let mut file = open_regular_file(path).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => {
                TraceError { line: None, message: error.to_string(), source: None }
            }
            _ => read(error),
        })?;
        file.seek(SeekFrom::Start(offset)).map_err(read)?;
        Ok(Self { input: BufReader::new(file), number, offset, buffer: Vec::new() })
    }

    fn next(&mut self) -> Result<Option<(Line, u64)>, TraceError> {
        self.buffer.clear();
        let number = self.number.saturating_add(1);
        let read = (&mut self.input).take(LONGEST_LINE + 1).read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error| TraceError {
            line: Some(number),
            message: "it cannot be read".into(),
            source: Some(error),
        })?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 > LONGEST_LINE {
            return Err(TraceError::at(number, format!("the line is longer than {LONGEST_LINE} bytes")));
        }
        self.number = number;
        self.offset = self.offset.saturating_add(read as u64);
        if self.buffer.last() != Some(&b'\n') {
            // The writer was stopped in the middle of it.
            return Ok(None);
        }
        let line = serde_json::from_slice(&self.buffer);
        line.map(|line| Some((line, number)))
            .map_err(|_| TraceError::at(number, "this is not a line of a trace of steps"))
    }
}

impl TraceError {
    pub(crate) fn at(line: u64, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into(), source: None }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
