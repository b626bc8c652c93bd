//! Tells telemetry of a run, once, however it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use ::telemetry::registry::ErrorType;
use ::telemetry::session::Session;
use engine::{End, Usage};

use crate::telemetry;

/// How long a run that was told to stop still tells of itself.
const LAST_WORDS: Duration = Duration::from_millis(250);
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

    /// The run ended, with this exit code; `None`: as asked.
    pub(crate) fn ended(&self, failure: Option<ErrorType>, code: u8) {
        self.shared.code.store(code.into(), Ordering::SeqCst);
        match failure {
            None => self.tell(End::Success),
            Some(ErrorType::None) => self.tell(End::Cancelled),
            Some(error) => self.tell(End::Failure(error)),
        }
    }

    /// The process ends now, because a signal asked for it.
    pub(crate) fn stopped(&self) {
        self.tell(End::Cancelled);
    }

    /// Ends the process soon if the run is over and only tells of itself.
    pub(crate) fn hurry(&self) {
        let code = self.shared.code.load(Ordering::SeqCst);
        if code != RUNNING {
            std::thread::sleep(LAST_WORDS);
            std::process::exit(code);
        }
    }

    fn tell(&self, end: End) {
        let Shared { session, usage, begun, .. } = &*self.shared;
        telemetry::finish(session, &usage.record(end), begun.elapsed(), end == End::Cancelled);
    }
}
