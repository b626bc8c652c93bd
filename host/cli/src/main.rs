//! The `imagecustomizer` command: flags, one call of the engine, an exit code.
//!
//! Standard output holds what was asked for by `--help`, `--version`, `--plan`, `doctor`, `schema`, `completions`,
//! `man`, `telemetry` and the commands of `step`; everything else is a record of the log. The exit codes are listed in
//! `docs/exit-codes.md`.

mod arguments;
mod bug;
mod checks;
mod describe;
mod doctor;
mod environment;
mod failure;
mod log;
mod progress;
mod registry;
mod replay;
mod report_file;
mod reporter;
mod run;
mod signals;
mod step;
mod telemetry;
mod timestamp_file;
mod whole_file;
mod written_files;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::SystemTime;

use ::telemetry::registry::ErrorType;
use arguments::{CommandLine, GlobalFlags, Usage};
use failure::Failure;
use log::{Level, Log, Settings};
use reporter::Reporter;
use timestamp_file::TimestampFile;

/// The run failed, or was stopped.
const FAILED: u8 = 1;
/// The command line is wrong.
const USAGE: u8 = 80;

fn main() -> ExitCode {
    let started = SystemTime::now();
    bug::report_panics();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    bug::catch(|| run_with(&arguments, started)).unwrap_or(ExitCode::from(FAILED))
}

fn run_with(arguments: &[OsString], started: SystemTime) -> ExitCode {
    match arguments::parse(arguments) {
        Ok(line) => run_logged(line, started),
        Err(usage) => {
            let code = print_usage(&usage);
            report_misuse(arguments, &usage, code, started);
            ExitCode::from(code)
        }
    }
}

/// A command line that was not understood counts as a failed run of the command that it names.
fn report_misuse(arguments: &[OsString], usage: &Usage, code: u8, started: SystemTime) {
    let session = telemetry::begin_without_line(arguments, usage.error.is_none(), started);
    telemetry::show_notice(&session, None);
    let command = telemetry::command_named(arguments).unwrap_or(::telemetry::registry::Command::Other);
    Reporter::new(session, engine::Usage::of(command)).ended(Some(ErrorType::Usage), code);
}

/// Nobody is left to tell when the streams are closed, so failures to write are dropped here.
fn print_usage(usage: &Usage) -> u8 {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(usage.text.as_bytes()).and_then(|()| stdout.flush());
    match &usage.error {
        Some(message) => {
            complain(message);
            USAGE
        }
        None => 0,
    }
}

/// For what goes wrong before there is a log.
fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "imagecustomizer: error: {message}");
}

fn run_logged(line: CommandLine, started: SystemTime) -> ExitCode {
    let log = match start_log(&line) {
        Ok(log) => log,
        Err((message, error)) => {
            complain(&log::escape::escape_line(&message));
            report_without_log(&line, error, started);
            return ExitCode::from(FAILED);
        }
    };
    let timestamps = start_timestamps(&line.global);
    let phrase = run::failure_phrase(&line.command);
    let session = telemetry::begin(&line, started);
    telemetry::show_notice(&session, Some(&log));
    let command = telemetry::command_of(&line.command).unwrap_or(::telemetry::registry::Command::Other);
    let reporter = Reporter::new(session, engine::Usage::of(command));
    let outcome = bug::catch(|| run::run(line, &log, &reporter));
    stop_timestamps(timestamps);
    let (failure, code) = match outcome.unwrap_or_else(|| Err(Failure::internal())) {
        Ok(()) => (None, 0),
        Err(failure) => {
            failure.log(phrase, &log);
            if failure.leaves_files() {
                reporter.leave_log();
            }
            (Some(failure.reported()), FAILED)
        }
    };
    reporter.ended(failure, code);
    ExitCode::from(code)
}

/// The log, if nothing is wrong that has to be known before; else what is.
fn start_log(line: &CommandLine) -> Result<Log, (String, ErrorType)> {
    if let Some(message) = contradiction(line) {
        return Err((message, ErrorType::Usage));
    }
    let settings = log_settings(&line.global);
    Log::start(&settings).map_err(|error| {
        let file = settings.file.unwrap_or_default();
        (format!("cannot make the log file `{}`: {error}", file.display()), ErrorType::OutputWrite)
    })
}

/// How the flags that all commands have, or the files that are named, contradict each other.
fn contradiction(line: &CommandLine) -> Option<String> {
    if log_settings(&line.global).contradict() {
        return Some("--log-color=always cannot be used together with --log-format=json".into());
    }
    written_files::check(&written_files::named(line)).err()
}

/// A run that fails before it has a log counts too. What it sends is not written to a file: its name may be what is wrong.
fn report_without_log(line: &CommandLine, error: ErrorType, started: SystemTime) {
    let session = telemetry::begin_without_log(line, started);
    if line.global.log_level >= Level::Info {
        telemetry::show_notice(&session, None);
    }
    let command = telemetry::command_of(&line.command).unwrap_or(::telemetry::registry::Command::Other);
    Reporter::new(session, engine::Usage::of(command)).ended(Some(error), FAILED);
}

fn log_settings(flags: &GlobalFlags) -> Settings {
    let file = flags.log_file.clone().filter(|file| !file.as_os_str().is_empty());
    Settings { level: flags.log_level, format: flags.log_format, color: flags.log_color, file }
}

/// The record is a help for measuring: without it the run goes on.
fn start_timestamps(flags: &GlobalFlags) -> Option<TimestampFile> {
    let path = flags.timestamp_file.as_deref().filter(|path| !path.as_os_str().is_empty())?;
    let file = TimestampFile::start(path);
    file.inspect_err(|error| tracing::warn!("cannot make the timestamp file `{}`: {error}", path.display()))
        .ok()
}

fn stop_timestamps(timestamps: Option<TimestampFile>) {
    if let Some(Err(error)) = timestamps.map(TimestampFile::stop) {
        tracing::warn!("cannot write the timestamp file: {error}");
    }
}
