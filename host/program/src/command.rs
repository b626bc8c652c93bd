//! One call of a program, from its arguments to its end.

use std::ffi::{CString, OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::capture::{self, Ended};
use crate::child::{Call, Child};
use crate::helper::Variables;
use crate::{Error, ErrorKind, Result};

/// How much of standard output is kept unless [`Command::output_limit`] says otherwise, in bytes.
const DEFAULT_OUTPUT_LIMIT: usize = 1 << 20;
/// How much of the end of standard error is kept, in bytes.
const STDERR_TAIL: usize = 1 << 10;

/// A call of a program. Arguments are values: no shell reads them.
#[derive(Debug)]
pub struct Command {
    name: String,
    file: PathBuf,
    path: OsString,
    arguments: Vec<OsString>,
    /// Beside `PATH` and the locale.
    environment: Variables,
    stdin: Vec<u8>,
    time_limit: Option<Duration>,
    output_limit: usize,
    success: &'static [i32],
}

/// What a program that succeeded printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// The last KiB of its standard error, without control characters but line ends.
    pub stderr: String,
    /// Its exit code: zero, or one of [`Command::success`].
    pub code: i32,
}

impl Command {
    pub(crate) fn new(name: &str, file: PathBuf, path: OsString) -> Self {
        Self {
            name: name.to_owned(),
            file,
            path,
            arguments: Vec::new(),
            environment: Variables::new(),
            stdin: Vec::new(),
            time_limit: None,
            output_limit: DEFAULT_OUTPUT_LIMIT,
            success: &[0],
        }
    }

    /// What the program's environment holds beside `PATH` and the locale.
    pub(crate) fn environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// What the program reads from standard input; nothing unless set.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    /// How long the program may run; for ever unless set.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// How many bytes the program may print to standard output; 1 MiB unless set.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// The exit codes that mean success; zero alone unless set.
    #[must_use]
    pub fn success(mut self, codes: &'static [i32]) -> Self {
        self.success = codes;
        self
    }

    /// Runs the program to its end. Whatever happens, no process of its group is left behind.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::ProgramFailed`], [`ErrorKind::TimedOut`], [`ErrorKind::OutputTooLong`].
    pub fn run(self) -> Result<Output> {
        let io_error = |source| self.error(ErrorKind::Io).with_source(source);
        let mut child = self.start().map_err(io_error)?;
        let deadline = self.time_limit.and_then(|limit| Instant::now().checked_add(limit));
        let captured =
            capture::capture(&mut child, &self.stdin, self.output_limit, deadline).map_err(io_error)?;
        let status = child.end().map_err(io_error)?;
        let stderr = printable_tail(&captured.stderr);
        match (captured.ended, status.code()) {
            (Ended::ByItself, Some(code)) if self.success.contains(&code) => {
                Ok(Output { stdout: captured.stdout, stderr, code })
            }
            (Ended::ByItself, _) => Err(self.error(ErrorKind::ProgramFailed).with_status(status, stderr)),
            (Ended::OutOfTime, _) => {
                Err(self.error(ErrorKind::TimedOut).with_limit(self.time_limit.unwrap_or_default()))
            }
            (Ended::TooMuchOutput, _) => Err(self.error(ErrorKind::OutputTooLong)),
        }
    }

    fn start(&self) -> std::io::Result<Child> {
        let file = self.file.as_os_str();
        let arguments = std::iter::once(file).chain(self.arguments.iter().map(OsString::as_os_str));
        let variable =
            |name: &str, value: &OsStr| text(&[OsStr::new(name), value].into_iter().collect::<OsString>());
        let mut environment = vec![variable("LC_ALL=", OsStr::new("C"))?, variable("PATH=", &self.path)?];
        for (name, value) in &self.environment {
            environment
                .push(text(&[name.as_os_str(), OsStr::new("="), value].into_iter().collect::<OsString>())?);
        }
        let call = Call {
            file: text(file)?,
            arguments: arguments.map(text).collect::<std::io::Result<_>>()?,
            environment,
        };
        Child::start(&call, !self.stdin.is_empty())
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, &self.name).with_command_line(self.command_line())
    }

    /// The call for a person to read: arguments that are not plain are quoted.
    fn command_line(&self) -> String {
        let mut line = self.name.clone();
        for argument in &self.arguments {
            let text = argument.to_string_lossy();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./,:=+@%".contains(&byte);
            // Writing to a String cannot fail.
            let _ = if !text.is_empty() && text.bytes().all(plain) {
                write!(line, " {text}")
            } else {
                write!(line, " {text:?}")
            };
        }
        line
    }
}

/// As the kernel takes it: without a NUL inside.
fn text(text: &OsStr) -> std::io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

/// The last KiB of `stderr` as text that is safe to show on a terminal.
fn printable_tail(stderr: &[u8]) -> String {
    let start = stderr.len().saturating_sub(STDERR_TAIL);
    let text = String::from_utf8_lossy(stderr.get(start..).unwrap_or_default()).replace("\r\n", "\n");
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        Command::new("sh", "/bin/sh".into(), "/usr/bin:/bin".into()).arg("-c").arg(script)
    }

    #[test]
    fn the_environment_holds_two_variables() {
        let output = Command::new("env", "/usr/bin/env".into(), "/usr/bin:/bin".into()).run().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "LC_ALL=C\nPATH=/usr/bin:/bin\n");
    }

    #[test]
    fn a_helper_gets_more_variables() {
        let more = [("HOME".into(), "/home/x".into())];
        let command = Command::new("env", "/usr/bin/env".into(), "/usr/bin:/bin".into()).environment(more);
        let output = command.run().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "LC_ALL=C\nPATH=/usr/bin:/bin\nHOME=/home/x\n");
    }

    #[test]
    fn standard_input_reaches_the_program_and_its_output_comes_back() {
        let bytes = vec![b'x'; 300_000]; // more than a pipe holds
        let output = shell("cat").stdin(bytes.clone()).run().unwrap();
        assert_eq!(output.stdout, bytes);
    }

    #[test]
    fn a_program_that_does_not_read_its_input_is_no_error() {
        assert_eq!(shell("exit 0").stdin(vec![0; 300_000]).run().unwrap().stdout, b"");
    }

    #[test]
    fn a_failure_keeps_command_line_status_and_the_last_words() {
        let error = shell("printf 'a\\033[31mb\\n' >&2; exit 3").run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProgramFailed);
        assert_eq!(error.status().unwrap().code(), Some(3));
        assert_eq!(error.stderr(), "a [31mb\n");
        assert_eq!(error.command_line().unwrap(), r#"sh -c "printf 'a\\033[31mb\\n' >&2; exit 3""#);
        assert_eq!(error.to_string(), "`sh` failed: exit status: 3: a [31mb");
    }

    #[test]
    fn a_signal_is_a_failure() {
        let error = shell("kill -TERM $$").run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProgramFailed);
        assert_eq!(error.status().unwrap().code(), None);
    }

    #[test]
    fn other_codes_of_success_are_returned() {
        assert_eq!(shell("exit 4").success(&[0, 4]).run().unwrap().code, 4);
        assert_eq!(shell("exit 0").success(&[4]).run().unwrap_err().kind(), ErrorKind::ProgramFailed);
    }

    #[test]
    fn endless_output_ends_the_program() {
        let error = shell("yes").output_limit(100_000).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutputTooLong);
    }

    #[test]
    fn endless_errors_are_bounded() {
        let error = shell("yes 123456789 | head -c 3000000 >&2; exit 1").run().unwrap_err();
        assert_eq!(error.stderr().len(), STDERR_TAIL);
        assert!(error.stderr().ends_with("123456789\n"));
    }

    #[test]
    fn a_program_that_runs_too_long_is_killed_with_its_children() {
        let started = Instant::now();
        let error = shell("sleep 60 & sleep 60").time_limit(Duration::from_millis(200)).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_child_left_behind_with_the_pipes_open_does_not_delay_and_is_killed() {
        let started = Instant::now();
        let output = shell("sleep 60 & echo $!").run().unwrap();
        assert!(started.elapsed() < Duration::from_secs(30));
        let pid: i32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        // Killed; a moment may pass until init reaps it.
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        while !(state().is_empty() || state().contains(") Z ")) {
            assert!(started.elapsed() < Duration::from_secs(30), "{}", state());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_program_that_cannot_be_started_is_an_io_error() {
        let error = Command::new("x", "/nonexistent/x".into(), OsString::new()).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
    }
}
