//! SIGINT and SIGTERM stop the run in order: the engine is told, removes what is half done, and returns.

mod arrivals;

use std::io;
use std::process;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

/// How long a record may take to be written while the run is being stopped.
const PATIENCE: Duration = Duration::from_millis(200);
/// A stopped run is a failed run; see `docs/exit-codes.md`.
pub(crate) const STOPPED: i32 = 1;

/// From now on the first of these signals calls `cancel`. The process ends at the second one, or `grace` after
/// the first: so long may the run take to stop by itself. Then `cancel` is called once more, as the run may be over by
/// now and only this process not, and at last `last`, which gives the exit code. Child processes die with this one in any
/// case.
///
/// # Errors
/// The handlers could not be installed, or no thread be started.
pub(crate) fn on_stop(
    grace: Duration,
    cancel: impl Fn() + Send + 'static,
    last: impl FnOnce() -> i32 + Send + 'static,
) -> io::Result<()> {
    let arrivals = arrivals::of(&[SIGINT, SIGTERM])?;
    let (sender, received) = channel();
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in arrivals {
            if sender.send(signal).is_err() {
                break;
            }
        }
    })?;
    thread::Builder::new().name("stop".into()).spawn(move || {
        let Ok(signal) = received.recv() else { return };
        cancel();
        say(format!("received {}, stopping", name(signal)));
        let second = received.recv_timeout(grace);
        cancel();
        match second {
            Ok(signal) => say(format!("received {}, ending without cleaning up", name(signal))),
            Err(RecvTimeoutError::Timeout) if grace.is_zero() => {}
            Err(_) => say("the run does not stop, ending without cleaning up".into()),
        }
        process::exit(last());
    })?;
    Ok(())
}

/// Logs the text, but does not wait for a reader of the log that has stopped reading.
fn say(text: String) {
    let (said, heard) = channel();
    let thread = thread::Builder::new().name("last words".into()).spawn(move || {
        tracing::error!("{text}");
        // Nobody listens any more when it took too long.
        let _ = said.send(());
    });
    if thread.is_ok() {
        let _ = heard.recv_timeout(PATIENCE);
    }
}

fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "signal",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "these tests stop a process of their own")]

    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    /// Milliseconds of grace that the process under test gives.
    const GRACE: &str = "IMAGECUSTOMIZER_TEST_GRACE";

    #[test]
    #[ignore = "runs in a process of its own, which the tests below start and stop"]
    fn waits_to_be_stopped() {
        let grace = std::env::var(GRACE).unwrap().parse().unwrap();
        let last = || {
            println!("ended");
            STOPPED
        };
        on_stop(Duration::from_millis(grace), || println!("cancelled"), last).unwrap();
        println!("ready");
        thread::sleep(Duration::from_secs(60));
    }

    /// Sends each signal after the line it waits for, and returns the exit code.
    fn stop(grace: &str, signals: &[(&str, &str)]) -> Option<i32> {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "signals::tests::waits_to_be_stopped", "--ignored", "--nocapture"]);
        let mut child = command.env(GRACE, grace).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for (line, signal) in signals {
            assert!(lines.any(|printed| printed.unwrap().ends_with(line)), "`{line}` was not printed");
            // The shell's own `kill`: the program is missing on small systems.
            let id = child.id().to_string();
            let sent = Command::new("sh").args(["-c", "kill \"$0\" \"$1\"", signal, &id]).status().unwrap();
            assert!(sent.success());
        }
        assert!(lines.any(|printed| printed.unwrap().ends_with("ended")), "the last call was left out");
        child.wait().unwrap().code()
    }

    #[test]
    fn the_first_signal_cancels_and_the_second_ends() {
        assert_eq!(stop("50000", &[("ready", "-TERM"), ("cancelled", "-INT")]), Some(STOPPED));
        assert_eq!(stop("50000", &[("ready", "-INT"), ("cancelled", "-INT")]), Some(STOPPED));
    }

    #[test]
    fn a_run_that_does_not_stop_is_ended() {
        assert_eq!(stop("10", &[("ready", "-TERM")]), Some(STOPPED));
        assert_eq!(stop("0", &[("ready", "-INT")]), Some(STOPPED));
    }
}
