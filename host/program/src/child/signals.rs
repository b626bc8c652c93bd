//! Signals around a fork: until a child has become its program, it has its parent's handlers, which would tell the parent
//! of what was meant for the child.
#![expect(unsafe_code, reason = "the standard library has no signals")]

use std::io;
use std::ptr::{null, null_mut};

use libc::{SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_SETMASK, SIGPIPE, c_int, sigset_t};

/// All signals of the calling thread wait until this is dropped.
pub(super) struct Blocked {
    before: sigset_t,
}

impl Blocked {
    /// # Errors
    /// The kernel refused.
    pub(super) fn all() -> io::Result<Self> {
        // SAFETY: sets are plain numbers, for which zeros are valid; both are on this stack.
        let (number, before) = unsafe {
            let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&raw mut all);
            (libc::pthread_sigmask(SIG_BLOCK, &raw const all, &raw mut before), before)
        };
        if number == 0 { Ok(Self { before }) } else { Err(io::Error::from_raw_os_error(number)) }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set was filled by the kernel. There is no other way to fail than a wrong number.
        unsafe { libc::pthread_sigmask(SIG_SETMASK, &raw const self.before, null_mut()) };
    }
}

/// Linux has no more.
const LAST: c_int = 64;

/// For the child, on its way to becoming a program: no handler is left, no signal waits. What its parent ignores it ignores
/// too, but for SIGPIPE, which Rust's runtime ignores and programs do not expect to.
///
/// Makes system calls and nothing else.
pub(super) fn as_programs_find_them() {
    for number in 1..=LAST {
        // SAFETY: `sigaction` is async-signal-safe; zeros are a valid action, the usual one. The numbers that are not
        // ours to ask for are refused, and nothing happens.
        unsafe {
            let (mut action, usual): (libc::sigaction, libc::sigaction) =
                (std::mem::zeroed(), std::mem::zeroed());
            let known = libc::sigaction(number, null(), &raw mut action) == 0;
            let kept =
                action.sa_sigaction == SIG_DFL || (action.sa_sigaction == SIG_IGN && number != SIGPIPE);
            if known && !kept {
                libc::sigaction(number, &raw const usual, null_mut());
            }
        }
    }
    // SAFETY: `sigprocmask` with a set on this stack is async-signal-safe.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(SIG_SETMASK, &raw const none, null_mut());
    }
}
