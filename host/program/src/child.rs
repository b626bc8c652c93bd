//! Starts a program and ties its life to the tool's: a child in a process group of its own that dies when the thread that
//! started it does.
//!
//! `std::process` could do this with `pre_exec`, but opens a pair of sockets for each such start, and a run that has
//! nothing to do with the network is to make no call on sockets at all (invariant I-6).
#![expect(unsafe_code, reason = "what happens between fork and exec is not for std")]

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
            (rustix::fs::open(c"/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?, None)
        };
        let (stdout_reader, stdout) = pipe()?;
        let (stderr_reader, stderr) = pipe()?;
        let (trouble, complaint) = pipe()?;
        let arguments = pointers(&call.arguments);
        let environment = pointers(&call.environment);
        let (streams, own) = ([stdin.as_raw_fd(), stdout.as_raw_fd(), stderr.as_raw_fd()], getpid());

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
        let pid = Pid::from_raw(forked).filter(|_| forked > 0).ok_or_else(io::Error::last_os_error)?;
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
    // SAFETY: `dup2` on numbers, `signal` and `sigprocmask` with a set on this stack are async-signal-safe. The
    // pointers lead to texts that end in a NUL and to arrays that end in a null pointer, all made before the fork and
    // alive in the parent until the start is known to have worked.
    unsafe {
        for (stream, number) in streams.into_iter().zip(0..) {
            if libc::dup2(stream, number) < 0 {
                return last_error();
            }
        }
        // As a program expects to find them; Rust's runtime ignores SIGPIPE.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::execve(file.as_ptr(), arguments.as_ptr(), environment.as_ptr());
    }
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
