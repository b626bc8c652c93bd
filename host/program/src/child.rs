//! Starts a program and ties its life to the tool's: a child in a process group of its own that dies when the thread that
//! started it does.
//!
//! `std::process` could do this with `pre_exec`, but opens a pair of sockets for each such start, and a run that has
//! nothing to do with the network is to make no call on sockets at all (invariant I-6).
#![expect(unsafe_code, reason = "what happens between fork and exec is not for std")]

mod signals;

use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, getppid, kill_process_group, set_parent_process_death_signal, setpgid,
    waitpid,
};

/// What is started: texts as the kernel takes them.
pub(crate) struct Call {
    pub(crate) file: CString,
    /// The program's name and its arguments.
    pub(crate) arguments: Vec<CString>,
    /// `NAME=value`.
    pub(crate) environment: Vec<CString>,
}

/// A program that runs, or has ended and is not reaped yet. Its whole group is killed on drop.
pub(crate) struct Child {
    pid: Pid,
    /// `None` once it is closed; from the start when the program has nothing to read.
    pub(crate) stdin: Option<File>,
    pub(crate) stdout: Option<File>,
    pub(crate) stderr: Option<File>,
    reaped: bool,
}

/// Exit code of a child that could not become the program; nobody sees it.
const NOT_STARTED: i32 = 127;

impl Child {
    /// Starts the program; with `has_input`, its standard input is a pipe, else empty.
    ///
    /// The calling thread must wait for it: the kernel kills the child when that thread ends.
    ///
    /// # Errors
    /// No process or pipe can be made, or the file cannot be executed.
    pub(crate) fn start(call: &Call, has_input: bool) -> io::Result<Self> {
        let (stdin, stdin_writer) = if has_input {
            let (reader, writer) = pipe()?;
            (reader, Some(File::from(writer)))
        } else {
            let nothing = rustix::fs::open(c"/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
            (above_streams(nothing)?, None)
        };
        let (stdout_reader, stdout) = pipe()?;
        let (stderr_reader, stderr) = pipe()?;
        let (trouble, complaint) = pipe()?;
        let arguments = pointers(&call.arguments);
        let environment = pointers(&call.environment);
        let (streams, own) = ([stdin.as_raw_fd(), stdout.as_raw_fd(), stderr.as_raw_fd()], getpid());

        let blocked = signals::Blocked::all()?;
        // SAFETY: the child makes system calls only, on memory that was made ready before, and never returns: it
        // neither allocates nor takes a lock that another thread may have held.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            let failure = become_program(&call.file, &arguments, &environment, streams, own);
            let number = failure.raw_os_error().to_ne_bytes();
            // Nobody is left to tell if this fails.
            let _ = rustix::io::write(&complaint, &number);
            // SAFETY: ends the child at once, without running anything of the parent's.
            unsafe { libc::_exit(NOT_STARTED) }
        }
        let pid = forked_child(forked)?;
        drop(blocked);
        let child = Self {
            pid,
            stdin: stdin_writer,
            stdout: Some(File::from(stdout_reader)),
            stderr: Some(File::from(stderr_reader)),
            reaped: false,
        };
        // The other ends are the child's alone; `complaint` closes when it becomes the program.
        drop((stdin, stdout, stderr, complaint));
        let mut number = [0; 4];
        match File::from(trouble).read_exact(&mut number) {
            Ok(()) => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(number))),
            Err(_) => Ok(child),
        }
    }

    /// Its process id; nobody else's before [`Self::end`].
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Kills what is left of the group, and reaps the program.
    pub(crate) fn end(mut self) -> io::Result<ExitStatus> {
        self.kill_and_reap()
    }

    fn kill_and_reap(&mut self) -> io::Result<ExitStatus> {
        // Not reaped yet, so its id cannot have passed to another group. Fails when every process of the group has
        // ended: just what is wanted.
        let _ = kill_process_group(self.pid, Signal::KILL);
        loop {
            match waitpid(Some(self.pid), WaitOptions::empty()) {
                Ok(Some((_, status))) => {
                    self.reaped = true;
                    return Ok(ExitStatus::from_raw(status.as_raw()));
                }
                Ok(None) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            // There is nobody to tell.
            let _ = self.kill_and_reap();
        }
    }
}

/// The child that a fork, which has just returned this in the parent, has made.
fn forked_child(forked: libc::pid_t) -> io::Result<Pid> {
    let pid = if forked > 0 { Pid::from_raw(forked) } else { None };
    pid.ok_or_else(io::Error::last_os_error)
}

/// A pipe whose ends no other program inherits.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((above_streams(reader)?, above_streams(writer)?))
}

/// `fd` with a number above those of the standard streams, which a child overwrites one after the other.
fn above_streams(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > libc::STDERR_FILENO { Ok(fd) } else { Ok(rustix::io::fcntl_dupfd_cloexec(&fd, 3)?) }
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Runs in the child; returns only when something failed. Makes system calls and nothing else.
fn become_program(
    file: &CStr,
    arguments: &[*const c_char],
    environment: &[*const c_char],
    streams: [RawFd; 3],
    parent: Pid,
) -> Errno {
    if let Err(error) = leave(parent) {
        return error;
    }
    for (stream, number) in streams.into_iter().zip(0..) {
        // SAFETY: `dup2` on numbers is async-signal-safe.
        if unsafe { libc::dup2(stream, number) } < 0 {
            return last_error();
        }
    }
    signals::as_programs_find_them();
    // SAFETY: `execve` is async-signal-safe. The pointers lead to texts that end in a NUL and to arrays that end in a null
    // pointer, all made before the fork and alive in the parent until the start is known to have worked.
    unsafe { libc::execve(file.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    last_error()
}

/// Gives the child a group of its own, and has the kernel kill it when its parent ends, however it ends.
fn leave(parent: Pid) -> rustix::io::Result<()> {
    setpgid(None, None)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the call above, and then no signal comes. In a new pid namespace the
    // parent shows as none.
    match getppid() {
        Some(now) if now != parent => Err(Errno::SRCH),
        _ => Ok(()),
    }
}

fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;
    use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

    use rustix::fs::fcntl_setfl;
    use rustix::process::kill_current_process_group;

    use super::*;

    fn call(arguments: &[&str]) -> Call {
        let arguments: Vec<_> = arguments.iter().map(|text| CString::new(*text).unwrap()).collect();
        Call { file: arguments[0].clone(), arguments, environment: Vec::new() }
    }

    /// The masks of signals of a thread, as the kernel shows them.
    fn masks(status: &str) -> Vec<String> {
        let of_signals =
            |line: &&str| ["SigBlk:", "SigIgn:", "SigCgt:"].iter().any(|mask| line.starts_with(mask));
        status.lines().filter(of_signals).map(str::to_owned).collect()
    }

    #[test]
    fn signals_are_as_before_whether_a_start_works_or_not() {
        let own = || masks(&std::fs::read_to_string("/proc/thread-self/status").unwrap());
        let before = own();
        Child::start(&call(&["/bin/true"]), false).unwrap().end().unwrap();
        assert_eq!(own(), before);
        assert!(Child::start(&call(&["/nonexistent/x"]), false).is_err());
        assert_eq!(own(), before);
    }

    #[test]
    fn a_program_finds_no_signal_blocked_and_none_ignored_that_is_not_ignored_outside() {
        let mut child = Child::start(&call(&["/bin/cat", "/proc/self/status"]), false).unwrap();
        let mut status = String::new();
        child.stdout.take().unwrap().read_to_string(&mut status).unwrap();
        child.end().unwrap();
        let own = masks(&std::fs::read_to_string("/proc/self/status").unwrap());
        let bits = |line: &str| u64::from_str_radix(line.split_once(':').unwrap().1.trim(), 16).unwrap();
        let [blocked, ignored, caught] = masks(&status).try_into().unwrap();
        assert_eq!((bits(&blocked), bits(&caught)), (0, 0));
        assert_eq!(bits(&ignored), bits(&own[1]) & !(1 << (libc::SIGPIPE - 1)));
    }

    #[test]
    fn a_fork_that_failed_is_an_error() {
        assert!(forked_child(-1).is_err());
    }

    /// Where a handler tells of having run in a process other than this one.
    static STRAY: AtomicI32 = AtomicI32::new(-1);
    static OWN: AtomicI32 = AtomicI32::new(0);

    extern "C" fn tell_strays(_: libc::c_int) {
        // SAFETY: both calls are async-signal-safe, and the byte lives as long as the program.
        unsafe {
            if libc::getpid() != OWN.load(Ordering::SeqCst) {
                libc::write(STRAY.load(Ordering::SeqCst), c"!".as_ptr().cast(), 1);
            }
        }
    }

    #[test]
    #[ignore = "runs in a process of its own, which the test below starts"]
    fn starts_programs_under_a_hail_of_signals() {
        setpgid(None, None).unwrap();
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        fcntl_setfl(&reader, OFlags::NONBLOCK).unwrap();
        STRAY.store(writer.into_raw_fd(), Ordering::SeqCst);
        OWN.store(getpid().as_raw_nonzero().get(), Ordering::SeqCst);
        // SAFETY: zeros are a valid action; the handler makes system calls only.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = tell_strays as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    kill_current_process_group(Signal::USR1).unwrap();
                }
            });
            for _ in 0..400 {
                // The signal may have ended it.
                Child::start(&call(&["/bin/true"]), false).unwrap().end().unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        assert_eq!(rustix::io::read(&reader, &mut [0; 1]), Err(Errno::AGAIN), "a handler ran in a child");
    }

    #[test]
    fn no_handler_of_ours_runs_in_a_child() {
        let name = "child::tests::starts_programs_under_a_hail_of_signals";
        #[expect(clippy::disallowed_methods, reason = "a process with a group and handlers of its own")]
        let mut run = std::process::Command::new(std::env::current_exe().unwrap());
        let output = run.args(["--exact", name, "--ignored"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}
