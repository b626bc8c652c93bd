//! The deadline: what is not sent by then is given up, whatever the network does.
//!
//! Each part of a payload has a thread. A thread that waits for a name server cannot be ended; it is left behind, and
//! goes with the process. So the wait here never depends on the time-outs of those below being kept.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Sent, http};
use crate::destination::{Destination, Line, Protocol};
use crate::payload::{Part, Payload};

/// How long a run that was told to stop still tells of itself: enough for an endpoint near by, too short to be noticed.
pub const LAST_WORDS: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(2);
/// Of the run's time, one part in so many is lent to sending.
const SHARE: u32 = 20;

/// A thread's stack in bytes: TLS handshakes and the system's name lookup fit several times over.
const STACK: usize = 512 << 10;

/// How long sending may take after a run that took `run`: a twentieth of it, but 250 ms at least and 2 s at most. A
/// user who cancelled the run waits 250 ms at most.
pub fn budget(run: Duration, cancelled: bool) -> Duration {
    if cancelled { LAST_WORDS } else { (run / SHARE).clamp(LAST_WORDS, LONGEST) }
}

/// Sends each part of `payload` to its place and waits for that, for `budget` at most.
pub fn send(payload: Payload, destination: &Destination, budget: Duration) -> Sent {
    let deadline = Instant::now() + budget.min(LONGEST);
    let (report, reports) = mpsc::channel();
    let mut outcomes = Vec::new();
    let mut threads = 0_usize;
    for part in payload.parts {
        let Some(line) = destination.line(part.signal).cloned() else { continue };
        let report = report.clone();
        let work = move || {
            let sent = carry(&part, &line, deadline);
            // Nobody may listen any more.
            report.send(sent).ok();
        };
        match thread::Builder::new().name("telemetry".to_owned()).stack_size(STACK).spawn(work) {
            Ok(_) => threads += 1,
            Err(_) => outcomes.push(Sent::Failed),
        }
    }
    drop(report);
    outcomes.extend(wait(&reports, threads, deadline));
    outcomes.into_iter().reduce(Sent::worst).unwrap_or(Sent::Nothing)
}

/// The reports of so many threads.
fn wait(
    reports: &mpsc::Receiver<Sent>,
    threads: usize,
    deadline: Instant,
) -> impl Iterator<Item = Sent> + '_ {
    (0..threads).map(move |_| {
        match reports.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(sent) => sent,
            Err(RecvTimeoutError::Timeout) => Sent::TimedOut,
            // A thread panicked.
            Err(RecvTimeoutError::Disconnected) => Sent::Failed,
        }
    })
}

fn carry(part: &Part, line: &Line, deadline: Instant) -> Sent {
    match line.protocol {
        Protocol::Http => http::post(part, line, deadline),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => super::grpc::call(part, line, deadline),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_a_share_of_the_run_within_bounds() {
        let cases = [
            (0, false, 250),
            (5_000, false, 250),
            (10_000, false, 500),
            (40_000, false, 2_000),
            (3_600_000, false, 2_000),
            (3_600_000, true, 250),
        ];
        for (run, cancelled, expected) in cases {
            let expected = Duration::from_millis(expected);
            assert_eq!(budget(Duration::from_millis(run), cancelled), expected, "{run} {cancelled}");
        }
        assert_eq!(budget(Duration::MAX, false), LONGEST);
    }

    #[test]
    fn a_thread_that_says_nothing_is_waited_for_until_the_deadline_alone() {
        let (silent, reports) = mpsc::channel();
        let started = Instant::now();
        let outcome: Vec<_> = wait(&reports, 2, started + Duration::from_millis(50)).collect();
        assert_eq!(outcome, [Sent::TimedOut, Sent::TimedOut]);
        assert!(started.elapsed() < Duration::from_millis(550));
        drop(silent);
        assert_eq!(wait(&reports, 1, Instant::now() + LONGEST).collect::<Vec<_>>(), [Sent::Failed]);
    }

    #[test]
    fn the_worst_outcome_of_the_parts_counts() {
        assert_eq!(Sent::Delivered.worst(Sent::Refused), Sent::Refused);
        assert_eq!(Sent::TimedOut.worst(Sent::Failed), Sent::TimedOut);
        assert_eq!(Sent::Delivered.worst(Sent::Delivered), Sent::Delivered);
    }
}
