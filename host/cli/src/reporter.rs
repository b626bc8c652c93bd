//! Tells telemetry of a run, once, however it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use ::telemetry::registry::ErrorType;
use ::telemetry::session::{Finished, Session};
use ::telemetry::transport::LAST_WORDS;
use engine::{End, Usage};

use crate::signals::STOPPED;
use crate::telemetry;

/// The run has not ended yet.
const RUNNING: i32 = -1;

/// Shared between the run and whoever may end it.
#[derive(Clone)]
pub(crate) struct Reporter {
    shared: Arc<Shared>,
}

struct Shared {
    session: Session,
    usage: Usage,
    begun: Instant,
    /// The exit code, from when nothing is left to do but to tell.
    code: AtomicI32,
}

impl Reporter {
    pub(crate) fn new(session: Session, usage: Usage) -> Self {
        let code = AtomicI32::new(RUNNING);
        Self { shared: Arc::new(Shared { session, usage, begun: Instant::now(), code }) }
    }

    /// What the run tells of itself while it goes on.
    pub(crate) fn usage(&self) -> Usage {
        self.shared.usage.clone()
    }

    /// The file of `--telemetry-log` stays as it is.
    pub(crate) fn leave_log(&self) {
        self.shared.session.leave_log();
    }

    /// The run ended, with this exit code; `None`: as asked.
    pub(crate) fn ended(&self, failure: Option<ErrorType>, code: u8) {
        self.shared.code.store(code.into(), Ordering::SeqCst);
        let finished = match failure {
            None => self.tell(End::Success),
            Some(ErrorType::None) => self.tell(End::Cancelled),
            Some(error) => self.tell(End::Failure(error)),
        };
        telemetry::log_finished(finished);
    }

    /// The process ends now, because a signal asked for it; returns its exit code: that of the run if it is over.
    ///
    /// Writes nothing to the log: that nobody reads it may be why the process has to be ended.
    pub(crate) fn stopped(&self) -> i32 {
        // What became of it is for the log alone.
        let _ = self.tell(End::Cancelled);
        match self.shared.code.load(Ordering::SeqCst) {
            RUNNING => STOPPED,
            code => code,
        }
    }

    /// Ends the process soon if the run is over and only tells of itself.
    pub(crate) fn hurry(&self) {
        let code = self.shared.code.load(Ordering::SeqCst);
        if code != RUNNING {
            std::thread::sleep(LAST_WORDS);
            std::process::exit(code);
        }
    }

    fn tell(&self, end: End) -> Finished {
        let Shared { session, usage, begun, .. } = &*self.shared;
        session.finish(&usage.record(end), begun.elapsed(), end == End::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use ::telemetry::registry::Command;
    use ::telemetry::session::Inputs;

    use super::*;

    fn reporter() -> Reporter {
        let inputs = Inputs {
            disabled: true,
            silent_command: false,
            log_file: None,
            variable: &|_| None,
            started: SystemTime::UNIX_EPOCH,
        };
        Reporter::new(Session::begin(inputs), Usage::of(Command::Convert))
    }

    #[test]
    fn a_run_that_is_over_keeps_its_exit_code_however_often_it_is_told_to_stop() {
        assert_eq!(reporter().stopped(), STOPPED);
        for (failure, code) in [(None, 0), (Some(ErrorType::Space), 1), (Some(ErrorType::Usage), 80)] {
            let reporter = reporter();
            reporter.ended(failure, code);
            assert_eq!(reporter.stopped(), i32::from(code));
        }
    }
}
