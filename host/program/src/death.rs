//! Ties a child's life to the tool's.
#![expect(unsafe_code, reason = "`pre_exec` is the only way to run code between fork and exec")]

use std::io;
use std::os::unix::process::CommandExt;

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

/// Has the kernel kill the child when the thread that starts it ends, however it ends.
///
/// The thread must therefore wait for the child; [`crate::Command`] starts and waits in one call.
pub(crate) fn die_with_parent(command: &mut std::process::Command) {
    let parent = getpid();
    // SAFETY: between fork and exec only async-signal-safe functions may be called. `bind_to` makes two system calls
    // (prctl and getppid) and builds an `io::Error` from a number; it neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(move || bind_to(parent));
    }
}

/// Runs in the child.
fn bind_to(parent: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the call above, and then no signal comes. In a new pid namespace the
    // parent shows as none.
    match getppid() {
        Some(now) if now != parent => {
            Err(io::Error::from_raw_os_error(rustix::io::Errno::SRCH.raw_os_error()))
        }
        _ => Ok(()),
    }
}
