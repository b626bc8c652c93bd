//! SIGINT and SIGTERM stop the run in order: the engine is told, removes what is half done, and returns.

use std::io;
use std::process;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long the run may take to stop by itself. The child processes die with this one in any case.
const GRACE: Duration = Duration::from_secs(5);
/// A stopped run is a failed run; see `docs/exit-codes.md`.
const STOPPED: i32 = 1;

/// From now on the first of these signals calls `cancel`. The process ends at the second one, or
/// [`GRACE`] after the first.
///
/// # Errors
/// The handlers could not be installed, or no thread be started.
pub(crate) fn on_stop(cancel: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let (sender, received) = channel();
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in &mut signals {
            if sender.send(signal).is_err() {
                break;
            }
        }
    })?;
    thread::Builder::new().name("stop".into()).spawn(move || {
        let Ok(signal) = received.recv() else { return };
        tracing::error!("{}: stopping", name(signal));
        cancel();
        match received.recv_timeout(GRACE) {
            Ok(signal) => tracing::error!("{}: ending without cleaning up", name(signal)),
            Err(RecvTimeoutError::Timeout) => {
                tracing::error!("the run does not stop: ending without cleaning up")
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
        process::exit(STOPPED);
    })?;
    Ok(())
}

fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "signal",
    }
}
