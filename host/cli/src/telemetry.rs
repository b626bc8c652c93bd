//! Usage data: what a run has to do with it, and the command `telemetry`.

mod preview;
mod status;

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ::telemetry::consent::process_variable;
use ::telemetry::registry;
use ::telemetry::session::{Finished, Inputs, NotShown, Session};
use ::telemetry::standing::Standing;
use ::telemetry::state::{self, Choice, StateFile};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, makedev};

use crate::arguments::{self, Action, Command, CommandLine, Form, Telemetry};
use crate::checks::given;
use crate::failure::Failure;
use crate::log::escape::escape_line;
use crate::log::{Level, Log};
use crate::run::print;

/// How long the command waits for a run that is just changing the state.
const PATIENCE: Duration = Duration::from_secs(2);

/// Decides on the telemetry of a run; `started` is when the process began.
pub(crate) fn begin(line: &CommandLine, started: SystemTime) -> Session {
    begin_logging_to(given(line.global.telemetry_log.as_ref()), line, started)
}

/// As [`begin`], without a file that tells what is sent.
pub(crate) fn begin_without_log(line: &CommandLine, started: SystemTime) -> Session {
    begin_logging_to(None, line, started)
}

fn begin_logging_to(log_file: Option<PathBuf>, line: &CommandLine, started: SystemTime) -> Session {
    Session::begin(Inputs {
        disabled: line.global.disable_telemetry,
        silent_command: is_silent(&line.command),
        log_file,
        variable: &process_variable,
        started,
    })
}

/// As [`begin`], for arguments that were not understood: `asked_for_help` when they were, and ask for help.
pub(crate) fn begin_without_line(
    arguments: &[OsString],
    asked_for_help: bool,
    started: SystemTime,
) -> Session {
    Session::begin(Inputs {
        disabled: names_the_flag(arguments),
        silent_command: asked_for_help || arguments.is_empty() || command_named(arguments).is_none(),
        log_file: None,
        variable: &process_variable,
        started,
    })
}

/// Whether arguments that were not understood might have asked for no telemetry. A misspelled flag may have been meant so,
/// and one that might be another flag's value counts too; only what plainly says the opposite does not.
fn names_the_flag(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| {
        let text = argument.to_string_lossy().to_lowercase();
        let value = text.strip_prefix("--disable-telemetry=").map(arguments::truth);
        let opposite = matches!(value, Some(Ok(false)));
        text.starts_with('-') && !opposite && MARKS.iter().any(|mark| text.contains(mark))
    })
}

/// What a flag contains that may be meant to switch telemetry off.
const MARKS: [&str; 4] = ["disable", "telem", "track", "metry"];

/// The command that arguments name which were not understood; `None` for one that never sends.
pub(crate) fn command_named(arguments: &[OsString]) -> Option<registry::Command> {
    match arguments::command_name(arguments)?.as_str() {
        "customize" if !arguments.iter().any(is_plan_flag) => Some(registry::Command::Customize),
        "create" => Some(registry::Command::Create),
        "inject-files" => Some(registry::Command::InjectFiles),
        "convert" => Some(registry::Command::Convert),
        "validate-config" => Some(registry::Command::ValidateConfig),
        _ => None,
    }
}

fn is_plan_flag(argument: &OsString) -> bool {
    let text = argument.to_string_lossy();
    text == "--plan" || text.starts_with("--plan=")
}

/// What telemetry calls a command; `None` for those that only say something about the program or its machine.
pub(crate) fn command_of(command: &Command) -> Option<registry::Command> {
    match command {
        Command::Customize(_) => Some(registry::Command::Customize),
        Command::Create(_) => Some(registry::Command::Create),
        Command::InjectFiles(_) => Some(registry::Command::InjectFiles),
        Command::Convert(_) => Some(registry::Command::Convert),
        Command::ValidateConfig(_) => Some(registry::Command::ValidateConfig),
        Command::Step(_)
        | Command::Replay(_)
        | Command::Doctor(_)
        | Command::Telemetry(_)
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Man(_) => None,
    }
}

/// `--plan` makes no image, so it would be counted wrongly.
fn is_silent(command: &Command) -> bool {
    let plans = matches!(command, Command::Customize(flags) if flags.plan.is_some());
    plans || command_of(command).is_none()
}

/// Shows the notice where one is due, as a record of the log or, when there is none, on standard error.
///
/// A run that is too quiet to show it sends nothing, nor does one whose standard error takes nothing or leads nowhere.
pub(crate) fn show_notice(session: &Session, log: Option<&Log>) {
    let shown = session.show_notice(|text| match log {
        Some(log) if !log.shows_on_stderr(Level::Info) => Err(io::ErrorKind::Unsupported.into()),
        _ if is_nowhere(io::stderr()) => Err(io::Error::other("standard error is thrown away")),
        Some(log) => log.tell(Level::Info, text),
        None => writeln!(io::stderr(), "imagecustomizer: {}", escape_line(text)),
    });
    if let Err(error) = shown {
        let cause = match &error {
            NotShown::Output(cause) => cause.to_string(),
            NotShown::State(cause) => cause.to_string(),
        };
        tracing::debug!("no usage data is sent: {error}: {cause}");
    }
}

/// Whether what is written there is thrown away although writing succeeds: on the null device, which Rust's runtime also
/// puts in the place of a stream that was closed, and where only reading is allowed, of which its streams say nothing.
fn is_nowhere(stream: impl AsFd) -> bool {
    // The numbers are those of Linux's list of allocated devices.
    let null = |stat: rustix::fs::Stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == makedev(1, 3)
    };
    let read_only = |flags: OFlags| flags.intersection(OFlags::RWMODE) == OFlags::RDONLY;
    fstat(&stream).is_ok_and(null) || fcntl_getfl(&stream).is_ok_and(read_only)
}

/// Says at most a word in the log about what became of a run's telemetry.
pub(crate) fn log_finished(finished: Finished) {
    if let Some(error) = finished.log_error {
        tracing::warn!("cannot write the telemetry log: {error}");
    }
    match (finished.refused, finished.sent) {
        (Some(refused), _) => tracing::debug!("usage data: {refused}"),
        (None, Some(sent)) => tracing::debug!("usage data: {sent}"),
        (None, None) => {}
    }
}

/// The command `telemetry`.
pub(crate) fn run(flags: &Telemetry, disabled: bool) -> Result<(), Failure> {
    match flags.action {
        Action::Status => status::print_status(&Standing::look(disabled, &process_variable), flags.format),
        Action::On => choose(Choice::On, disabled),
        Action::Off => choose(Choice::Off, disabled),
        Action::Preview => preview::preview(&flags.command_line, disabled),
        Action::Schema => match flags.format {
            Form::Text => print(&::telemetry::schema::text()),
            Form::Json => print(&format!("{:#}\n", ::telemetry::schema::json())),
        },
    }
}

fn choose(choice: Choice, disabled: bool) -> Result<(), Failure> {
    let file = StateFile::locate(&process_variable).ok_or_else(state::Error::no_place);
    let stored = file.and_then(|file| file.set(PATIENCE, |state| state.choice = choice).map(|()| file));
    let file = stored.map_err(|error| {
        let failure = Failure::because("the choice could not be kept", &error);
        failure.with_hint(error.hint())
    })?;
    let verdict = Standing::look(disabled, &process_variable).verdict;
    print(&format!("{verdict}\nkept in {}\n", escape_line(&file.path().display().to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_flag_is_heard_in_lines_that_are_not_understood() {
        let cases = [
            ("--nonsense", false),
            ("--nonsense --disable-telemetry", true),
            ("--disable-telemetry=true --nonsense", true),
            ("--nonsense --disable-telemetry=YES", true),
            ("--nonsense --disable-telemetry=maybe", true),
            ("--nonsense --disable-telemetry=", true),
            ("--disable-telemetrie --nonsense", true),
            ("--disable-telmetry", true),
            ("--no-telemetry", true),
            ("--Disable-Telemetry", true),
            ("--do-not-track", true),
            ("disable-telemetry", false),
            ("--disable-telemetryx", true),
            ("--nonsense --disable-telemetry=false", false),
            ("--disable-telemetry=false --nonsense --disable-telemetry", true),
            ("--log-file --disable-telemetry --nonsense", true),
        ];
        for (line, expected) in cases {
            assert_eq!(names_the_flag(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn lines_that_are_not_understood_are_counted_for_the_command_they_name() {
        use registry::Command::{Convert, Customize};
        let cases = [
            ("--nonsense convert", Some(Convert)),
            ("convert --nonsense", Some(Convert)),
            ("--nonsense", Some(Customize)),
            ("secret-name --nonsense", Some(Customize)),
            ("telemetry --nonsense", None),
            ("doctor --nonsense", None),
            ("step run --nonsense", None),
            ("--version --nonsense", None),
            ("--plan --nonsense", None),
            ("customize --nonsense --plan=json", None),
            ("customize --plans", Some(Customize)),
        ];
        for (line, expected) in cases {
            assert_eq!(command_named(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn what_is_thrown_away_counts_as_not_shown() {
        use std::fs::File;
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(is_nowhere(File::options().write(true).open("/dev/null").unwrap()));
        assert!(is_nowhere(File::open(file.path()).unwrap()));
        assert!(!is_nowhere(file.as_file()));
        assert!(!is_nowhere(std::io::pipe().unwrap().1));
    }

    fn silent(line: &str) -> bool {
        is_silent(&arguments::parse(&words(line)).unwrap().command)
    }

    #[test]
    fn commands_that_only_tell_something_send_nothing() {
        for line in [
            "doctor",
            "schema",
            "man",
            "step build",
            "step run f --root d",
            "completions bash",
            "telemetry",
            "telemetry preview",
        ] {
            assert!(silent(line), "{line}");
        }
        assert!(silent("--build-dir b --config-file c --plan"));
        for line in ["--build-dir b --config-file c", "validate-config --config-file c"] {
            assert!(!silent(line), "{line}");
        }
    }
}
