//! One run's telemetry from its beginning to its end: decide, tell, and send once.

mod turn;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::OFlags;

use crate::consent::{self, Lookup};
use crate::destination::{self, Destination};
use crate::environment;
use crate::notice::Notice;
use crate::payload::{self, Payload, PayloadKind, Refused};
use crate::record::{Environment, RunRecord};
use crate::schema;
use crate::seeds::Seeds;
use crate::standing::{Because, Standing, Verdict};
use crate::state::{self, StateFile};
use crate::transport::{self, Sent};
use turn::Turn;

/// What a run knows when it begins.
pub struct Inputs<'a> {
    /// `--disable-telemetry`.
    pub disabled: bool,
    /// The command only says something about the program, and never sends.
    pub silent_command: bool,
    /// `--telemetry-log`: where to write what is sent.
    pub log_file: Option<PathBuf>,
    /// The variables of the process.
    pub variable: Lookup<'a>,
    /// When the run began.
    pub started: SystemTime,
}

/// The telemetry of one run. Shared by reference between the thread that runs and the one that waits for signals.
#[derive(Debug)]
pub struct Session {
    verdict: Verdict,
    /// `None` when nothing will happen, whatever is called.
    run: Option<Run>,
    turn: Turn,
}

#[derive(Debug)]
struct Run {
    started: SystemTime,
    environment: Environment,
    destination: Option<Destination>,
    log_file: Option<PathBuf>,
    state_file: Option<StateFile>,
    /// The log file is something else, and stays as it is.
    leaves_log: AtomicBool,
    /// From the beginning, or from the moment on in which the notice was shown.
    may_send: AtomicBool,
}

/// What [`Session::finish`] did.
#[derive(Debug, Default)]
pub struct Finished {
    /// How sending went; `None` when nothing was to be sent.
    pub sent: Option<Sent>,
    /// Why nothing was sent that should have been: a mistake in this program.
    pub refused: Option<Refused>,
    /// Why there is no `--telemetry-log` although it was asked for.
    pub log_error: Option<io::Error>,
}

impl Session {
    /// Decides. When the flag, the command or a variable has switched telemetry off, nothing else is looked at; a file
    /// is read only where there is somebody to send to, or a `--telemetry-log` to write.
    pub fn begin(inputs: Inputs<'_>) -> Self {
        let Inputs { disabled, silent_command, log_file, variable, started } = inputs;
        if let Some(rule) = consent::without_state(disabled, silent_command, variable) {
            return Self::without_run(Verdict::Off(rule));
        }
        let destination = destination::resolve(variable);
        if log_file.is_none() {
            match destination {
                Ok(Some(_)) => {}
                Ok(None) => return Self::without_run(Verdict::NoDestination),
                Err(_) => return Self::without_run(Verdict::DestinationUnusable),
            }
        }
        let Standing { verdict, destination, state_file, .. } =
            Standing::after_opt_outs(destination, variable);
        if verdict.is_off() {
            return Self::without_run(verdict);
        }
        let told = matches!(verdict, Verdict::Sends(Because::Chosen | Because::Told));
        let run = Run {
            started,
            environment: environment::detect(variable),
            destination: destination.ok().flatten(),
            log_file,
            state_file,
            leaves_log: AtomicBool::new(false),
            may_send: AtomicBool::new(told),
        };
        Self { verdict, run: Some(run), turn: Turn::default() }
    }

    fn without_run(verdict: Verdict) -> Self {
        Self { verdict, run: None, turn: Turn::default() }
    }

    /// What was decided, and why.
    #[cfg(test)]
    fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Shows the notice, if this run has to, by `show`, which gets one line without its line end.
    ///
    /// Nothing is sent by a run that should have shown it and did not; where showing it once is enough, it counts as
    /// shown when `show` has succeeded.
    ///
    /// # Errors
    /// It could not be shown, or could not be remembered: then nothing is sent, now or by the next run.
    pub fn show_notice(&self, show: impl FnOnce(&str) -> io::Result<()>) -> Result<(), NotShown> {
        let (Some(run), Some(notice)) = (&self.run, self.verdict.notice()) else { return Ok(()) };
        let Some(destination) = &run.destination else { return Ok(()) };
        let text = notice.text(destination);
        if notice == Notice::ThisRun {
            show(&text).map_err(NotShown::Output)?;
            run.may_send.store(true, Ordering::Release);
            return Ok(());
        }
        // Made ready first: where it cannot be kept, people would be told again and again of what never happens.
        let file = run.state_file.as_ref().ok_or_else(state::Error::no_place).map_err(NotShown::State)?;
        let remembered = file.prepare(NOTICE_PATIENCE, |state| state.notice = schema::version());
        let remembered = remembered.map_err(NotShown::State)?;
        show(&text).map_err(NotShown::Output)?;
        remembered.commit().map_err(NotShown::State)
    }

    /// Writes no log file, whoever asked for it: the file that is there is not to be lost.
    pub fn leave_log(&self) {
        if let Some(run) = &self.run {
            run.leaves_log.store(true, Ordering::Release);
        }
    }

    /// Makes the payload out of `record`, writes the log file, and sends, within the budget that a run of `elapsed`
    /// has. Only the first call does anything; a later one waits for it as long as it may take.
    ///
    /// Nothing that goes wrong here is a reason for the run to fail.
    pub fn finish(&self, record: &RunRecord, elapsed: Duration, cancelled: bool) -> Finished {
        let Some(run) = &self.run else { return Finished::default() };
        let budget = transport::budget(elapsed, cancelled);
        self.turn
            .take(budget, || {
                // A mistake in here must not change how the run ends.
                let result = panic::catch_unwind(AssertUnwindSafe(|| run.finish(record, budget)));
                let finished = result.unwrap_or_default();
                if matches!(self.verdict, Verdict::Sends(Because::Chosen | Because::Told)) {
                    run.remember(finished.sent);
                }
                finished
            })
            .unwrap_or_default()
    }
}

/// How long a run waits for another one that changes the state.
const NOTICE_PATIENCE: Duration = Duration::from_millis(100);

impl Run {
    fn finish(&self, record: &RunRecord, budget: Duration) -> Finished {
        let begun = Instant::now();
        let may_send = self.may_send.load(Ordering::Acquire) && !self.was_switched_off();
        let mut finished = Finished::default();
        let log_file = self.log_file.as_deref().filter(|_| !self.leaves_log.load(Ordering::Acquire));
        if !may_send && log_file.is_none() {
            return finished;
        }
        let payload = match self.payload(record) {
            Ok(payload) => payload,
            Err(refused) => {
                finished.refused = Some(refused);
                return finished;
            }
        };
        finished.log_error = log_file.and_then(|file| write_log(file, &payload).err());
        if let Some(destination) = self.destination.as_ref().filter(|_| may_send) {
            let left = budget.saturating_sub(begun.elapsed());
            finished.sent = Some(transport::send(payload, destination, left));
        }
        finished
    }

    /// Long runs leave time for second thoughts.
    fn was_switched_off(&self) -> bool {
        self.state_file.as_ref().is_some_and(|file| consent::with_state(&file.read()).is_err())
    }

    fn payload(&self, record: &RunRecord) -> Result<Payload, Refused> {
        let key = self.destination.as_ref().and_then(Destination::instrumentation_key);
        let kind = key.map_or(PayloadKind::Otlp, PayloadKind::AzureMonitor);
        let seeds = Seeds::draw(self.started).map_err(|_| Refused::because("no randomness"))?;
        payload::payload(record, &self.environment, kind, &seeds)
    }

    /// For `telemetry status`. Only where the word changes; and never waits, never complains.
    fn remember(&self, sent: Option<Sent>) {
        let (Some(file), Some(sent)) = (&self.state_file, sent) else { return };
        // Without it, the next status tells of an earlier run.
        let _ = file.change(Duration::ZERO, |state| state.last = Some(sent.as_str().to_owned()));
    }
}

/// Writes what is sent, as JSON lines. Opening does not wait for the other end of a pipe. A file that would be left empty is
/// removed.
fn write_log(path: &Path, payload: &Payload) -> io::Result<()> {
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    let opened = File::options().write(true).create(true).truncate(true).custom_flags(flags).open(path);
    let mut file = opened?;
    let written = file.write_all(payload.to_json_lines().as_bytes());
    written.map_err(|error| {
        let is_empty = file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
        match is_empty && std::fs::remove_file(path).is_ok() {
            true => {
                io::Error::new(error.kind(), format!("{error}; nothing was written, so the file is removed"))
            }
            false => error,
        }
    })
}

/// Why a notice was not shown, or does not count.
#[derive(Debug)]
pub enum NotShown {
    /// There was no way to write it.
    Output(io::Error),
    /// It would be forgotten.
    State(state::Error),
}

impl std::fmt::Display for NotShown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Output(_) => formatter.write_str("the notice on usage data could not be shown"),
            Self::State(_) => formatter.write_str("the notice on usage data could not be remembered"),
        }
    }
}

impl std::error::Error for NotShown {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Output(error) => Some(error),
            Self::State(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests;
