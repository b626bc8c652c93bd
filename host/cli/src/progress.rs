//! Shows the person at the terminal what the run is at: one line, repainted while a phase lasts.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::log::Log;

/// Often enough for a moving clock, seldom enough for a slow line.
const REPAINT: Duration = Duration::from_millis(250);

/// What the engine last said.
pub(crate) struct Progress {
    state: Arc<Mutex<State>>,
    /// Dropped to end the painter.
    stop: Option<Sender<()>>,
    painter: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    phase: Option<(String, Instant)>,
    done: u64,
    total: u64,
}

impl Progress {
    /// Starts the painter where a status line is shown; elsewhere phases are logged only.
    pub(crate) fn start(log: &Log) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (stop, stopped) = channel();
        let painter = log.shows_status().then(|| {
            let (state, log) = (Arc::clone(&state), log.clone());
            // Without a thread there is no status line, and the run goes on.
            thread::Builder::new().name("status".into()).spawn(move || paint(&state, &log, &stopped)).ok()
        });
        Self { state, stop: Some(stop), painter: painter.flatten() }
    }

    /// A phase begins, and the one before ends.
    pub(crate) fn phase(&self, name: &str) {
        let mut state = lock(&self.state);
        let before = state.phase.replace((name.to_owned(), Instant::now()));
        (state.done, state.total) = (0, 0);
        drop(state);
        log_end(before);
    }

    /// How much of the phase is done, in units of its own; cheap enough for every block.
    pub(crate) fn progress(&self, done: u64, total: u64) {
        let mut state = lock(&self.state);
        (state.done, state.total) = (done, total);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(painter) = self.painter.take() {
            // A painter that panicked has been reported by the panic hook.
            let _ = painter.join();
        }
        log_end(lock(&self.state).phase.take());
    }
}

fn log_end(phase: Option<(String, Instant)>) {
    if let Some((name, began)) = phase {
        tracing::debug!("phase `{name}` took {:.1} s", began.elapsed().as_secs_f64());
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn paint(state: &Mutex<State>, log: &Log, stopped: &Receiver<()>) {
    while stopped.recv_timeout(REPAINT) == Err(RecvTimeoutError::Timeout) {
        let line = lock(state).line(Instant::now());
        log.set_status(line.as_deref());
    }
    log.set_status(None);
}

impl State {
    /// `[  12s] writing the output  43%`.
    fn line(&self, now: Instant) -> Option<String> {
        let (name, began) = self.phase.as_ref()?;
        let seconds = now.saturating_duration_since(*began).as_secs();
        Some(format!("[{seconds:>4}s] {name}{}", percent(self.done, self.total)))
    }
}

fn percent(done: u64, total: u64) -> String {
    match (u128::from(done) * 100).checked_div(u128::from(total)) {
        Some(percent) => format!("  {:>3}%", percent.min(100)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_time_phase_and_share() {
        let began = Instant::now();
        let now = began + Duration::from_secs(12);
        let mut state = State::default();
        assert_eq!(state.line(now), None);
        state.phase = Some(("writing".into(), began));
        assert_eq!(state.line(now).unwrap(), "[  12s] writing");
        (state.done, state.total) = (43, 100);
        assert_eq!(state.line(now).unwrap(), "[  12s] writing   43%");
    }

    #[test]
    fn shares_never_overflow() {
        for (done, total, expected) in
            [(0, 0, ""), (1, 0, ""), (u64::MAX, 1, "  100%"), (u64::MAX, u64::MAX, "  100%")]
        {
            assert_eq!(percent(done, total), expected);
        }
    }
}
