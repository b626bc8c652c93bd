//! Feeds a child and takes in what it prints, without ever blocking on one pipe alone.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::child::Child;

/// Bytes of the end of standard error that are kept.
const STDERR_KEPT: usize = 4 << 10;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// What came out of a child.
pub(crate) struct Captured {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) ended: Ended,
}

/// Why the capture is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The program has ended; it is not reaped yet.
    ByItself,
    /// The deadline has passed; the program still runs.
    OutOfTime,
    /// Standard output exceeded its limit; the program still runs.
    TooMuchOutput,
}

/// Serves `child` until it ends or a limit is met. The end of the program counts, not the end of its output:
/// a process it left behind may hold the pipes open.
pub(crate) fn capture(
    child: &mut Child,
    input: &[u8],
    output_limit: usize,
    deadline: Option<Instant>,
) -> io::Result<Captured> {
    let end = pidfd_open(child.pid(), PidfdFlags::empty())?;
    let mut input = Input { pipe: child.stdin.take(), rest: input };
    let mut stdout = Pipe::new(child.stdout.take(), output_limit.saturating_add(1), Keep::Start)?;
    let mut stderr = Pipe::new(child.stderr.take(), STDERR_KEPT, Keep::End)?;
    if let Some(pipe) = &input.pipe {
        set_nonblocking(pipe.as_fd())?;
    }
    let ended = loop {
        if !wait(&end, &input, &stdout, &stderr, deadline)? {
            break Ended::OutOfTime;
        }
        // Looked at before the pipes are: what the program wrote before its end is then still read below.
        let has_ended = is_readable(&end)?;
        input.feed()?;
        stdout.drain(has_ended)?;
        stderr.drain(has_ended)?;
        if stdout.kept.len() > output_limit {
            break Ended::TooMuchOutput;
        }
        if has_ended {
            break Ended::ByItself;
        }
    };
    Ok(Captured { stdout: stdout.kept.into(), stderr: stderr.kept.into(), ended })
}

/// Waits until the child ends or a pipe can be used; false when the deadline has passed.
fn wait(
    end: &OwnedFd,
    input: &Input<'_>,
    stdout: &Pipe,
    stderr: &Pipe,
    deadline: Option<Instant>,
) -> io::Result<bool> {
    let mut watched = vec![PollFd::new(end, PollFlags::IN)];
    watched.extend(input.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
    for pipe in [stdout, stderr] {
        watched.extend(pipe.reader.as_ref().map(|reader| PollFd::new(reader, PollFlags::IN)));
    }
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    if left == Some(Duration::ZERO) {
        return Ok(false);
    }
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(&mut watched, timeout.as_ref()) {
        Ok(0) if timeout.is_some() => Ok(false),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn is_readable(fd: &OwnedFd) -> io::Result<bool> {
    let mut watched = [PollFd::new(fd, PollFlags::IN)];
    Ok(poll(&mut watched, Some(&Timespec::default()))? > 0)
}

fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?)
}

/// The child's standard input; closed once all is written, or the child closes its end.
struct Input<'a> {
    pipe: Option<File>,
    rest: &'a [u8],
}

impl Input<'_> {
    fn feed(&mut self) -> io::Result<()> {
        while let Some(pipe) = &mut self.pipe {
            if self.rest.is_empty() {
                self.pipe = None;
                return Ok(());
            }
            match pipe.write(self.rest) {
                Ok(written) => self.rest = self.rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The program need not read what it is offered; its status tells whether it should have.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.pipe = None,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Which part of the output is kept when there is too much.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Start,
    End,
}

/// One output of the child; `reader` is `None` after its end.
struct Pipe {
    reader: Option<File>,
    kept: VecDeque<u8>,
    limit: usize,
    keep: Keep,
}

impl Pipe {
    fn new(reader: Option<File>, limit: usize, keep: Keep) -> io::Result<Self> {
        if let Some(reader) = &reader {
            set_nonblocking(reader.as_fd())?;
        }
        Ok(Self { reader, kept: VecDeque::new(), limit, keep })
    }

    /// Takes in what is there: one chunk, or (`to_the_end`) until the pipe is empty or more than the limit was
    /// seen. A process left behind may write for ever; a chunk count bounds that.
    fn drain(&mut self, to_the_end: bool) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        // A pipe holds 1 MiB at most (fs.pipe-max-size for ordinary users): 16 chunks.
        let rounds = if to_the_end { 17 } else { 1 };
        for _ in 0..rounds {
            let Some(reader) = &mut self.reader else { return Ok(()) };
            match reader.read(&mut chunk) {
                Ok(0) => self.reader = None,
                Ok(count) => self.take(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        match self.keep {
            Keep::Start => {
                let room = self.limit.saturating_sub(self.kept.len()).min(bytes.len());
                self.kept.extend(bytes.iter().take(room));
            }
            Keep::End => {
                let new = bytes.get(bytes.len().saturating_sub(self.limit)..).unwrap_or_default();
                let excess = (self.kept.len() + new.len()).saturating_sub(self.limit);
                self.kept.drain(..excess.min(self.kept.len()));
                self.kept.extend(new);
            }
        }
    }
}
