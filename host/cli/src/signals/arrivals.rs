//! The numbers of arriving signals, to be read by an ordinary thread.
#![expect(unsafe_code, reason = "a signal handler may do little, which the compiler cannot check")]

use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;

use rustix::fs::{OFlags, fcntl_setfl};

/// Reads the numbers one by one.
pub(super) struct Arrivals {
    reader: PipeReader,
}

/// Has the arrivals of these signals told; their usual effect is gone from now on.
///
/// A pipe carries them: the ready-made iterators of `signal-hook` use a pair of sockets, and a run that has nothing to do
/// with the network is to make no call on sockets at all (invariant I-6).
///
/// # Errors
/// The handlers or the pipe cannot be made.
pub(super) fn of(signals: &[i32]) -> io::Result<Arrivals> {
    let (reader, writer) = io::pipe()?;
    // A handler must not wait; when nobody reads, what more arrives is dropped.
    fcntl_setfl(writer.as_fd(), OFlags::NONBLOCK)?;
    for &signal in signals {
        let writer = writer.try_clone()?;
        let number = [u8::try_from(signal).unwrap_or_default()];
        let tell = move || {
            let _ = rustix::io::write(&writer, &number);
        };
        // SAFETY: the handler makes one system call, `write`, which is async-signal-safe; rustix makes it without the
        // C library, so `errno` stays as it is. It neither allocates nor takes a lock, and it does not panic.
        unsafe { signal_hook::low_level::register(signal, tell)? };
    }
    Ok(Arrivals { reader })
}

impl Iterator for Arrivals {
    type Item = i32;

    fn next(&mut self) -> Option<i32> {
        let mut number = [0];
        self.reader.read_exact(&mut number).ok()?;
        Some(i32::from(number[0]))
    }
}
