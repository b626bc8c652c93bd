//! `telemetry preview`: the exact bytes that a command line would send, which is read but not run.

use std::ffi::OsString;
use std::time::SystemTime;

use ::telemetry::consent::process_variable;
use ::telemetry::destination::Destination;
use ::telemetry::environment;
use ::telemetry::payload::{self, PayloadKind};
use ::telemetry::record::RunRecord;
use ::telemetry::registry::{BaseSource, DurationClass, ErrorType, InputFormat, Phase};
use ::telemetry::seeds::Seeds;
use ::telemetry::standing::Standing;
use engine::{Cancellation, End, Usage};

use super::{command_named, command_of, is_silent, names_the_flag};
use crate::arguments::{self, Command, CommandLine};
use crate::contradiction;
use crate::failure::Failure;
use crate::run::{self, Given, print};
use crate::written_files;

/// What a command line would report.
struct Example {
    /// `None`: nothing.
    record: Option<RunRecord>,
    disabled: bool,
}

/// Prints what a run of `words` would send, whether or not it would send it now.
pub(super) fn preview(words: &[OsString], disabled: bool) -> Result<(), Failure> {
    let Example { record, disabled: by_line } = example(words);
    let Some(record) = record else {
        tracing::info!("this command line sends nothing");
        return Ok(());
    };
    let standing = Standing::look(disabled || by_line, &process_variable);
    if !standing.verdict.sends() {
        tracing::info!("a run now would not send it; {}", standing.verdict);
    }
    tracing::info!("ids are drawn and times are cut down to the hour anew for each run");
    let destination = standing.destination.ok().flatten();
    let key = destination.as_ref().and_then(Destination::instrumentation_key);
    let kind = key.map_or(PayloadKind::Otlp, PayloadKind::AzureMonitor);
    let failed = "the preview could not be made";
    let seeds = Seeds::draw(SystemTime::now()).map_err(|error| internal(failed, &error))?;
    let environment = environment::detect(&process_variable);
    let payload =
        payload::payload(&record, &environment, kind, &seeds).map_err(|error| internal(failed, &error))?;
    print(&payload.to_json_lines())
}

fn internal(text: &str, error: &dyn std::error::Error) -> Failure {
    Failure::because(text, error).reported_as(ErrorType::Internal)
}

fn example(words: &[OsString]) -> Example {
    if words.is_empty() {
        let record = succeeded(&Usage::of(::telemetry::registry::Command::Customize));
        return Example { record: Some(record), disabled: false };
    }
    match arguments::parse(words) {
        Ok(line) => Example { disabled: line.global.disable_telemetry, record: of_line(line) },
        Err(usage) => {
            let record = usage.error.zip(command_named(words)).map(|(message, command)| {
                tracing::warn!("this command line is wrong, and its failure would be reported: {message}");
                failed(&Usage::of(command), ErrorType::Usage)
            });
            Example { record, disabled: names_the_flag(words) }
        }
    }
}

fn of_line(line: CommandLine) -> Option<RunRecord> {
    let usage = Usage::of(command_of(&line.command)?);
    if is_silent(&line.command) {
        return None;
    }
    if let Some(message) = contradiction(&line) {
        tracing::warn!("this command line is wrong, and its failure would be reported: {message}");
        return Some(failed(&usage, ErrorType::Usage));
    }
    let written = written_files::written(&line);
    let (cancel, told) = (Cancellation::default(), usage.clone());
    let foreseen = match line.command {
        Command::Customize(flags) => run::customize_options(*flags, Given { cancel, usage: told, written })
            .and_then(|options| options.foresee().map_err(run::failure)),
        Command::ValidateConfig(flags) => {
            run::validate_options(flags, Given { cancel, usage: told, written })
                .and_then(|options| options.foresee().map_err(run::failure))
        }
        Command::Convert(flags) => run::convert_options(flags, cancel, told)
            .and_then(|options| options.foresee().map_err(run::failure)),
        Command::Create(_) => Err(Failure::not_supported("create")),
        Command::InjectFiles(_) => Err(Failure::not_supported("inject-files")),
        _ => return None,
    };
    Some(match foreseen {
        Ok(()) => succeeded(&usage),
        Err(failure) => {
            tracing::warn!("such a run fails, and its failure would be reported");
            failed(&usage, failure.reported())
        }
    })
}

/// A run that fails at once, in the part that it is in.
fn failed(usage: &Usage, error: ErrorType) -> RunRecord {
    let record = usage.record(End::Failure(error));
    let entered: Vec<Phase> = record.phases.iter().map(|(phase, _)| phase).collect();
    shortest(record, &entered)
}

/// A run that succeeds, in the shortest time, on a raw image: these are not known before it has run.
fn succeeded(usage: &Usage) -> RunRecord {
    use ::telemetry::registry::Command as Reported;
    let mut record = usage.record(End::Success);
    let phases: &[Phase] = match record.command {
        Reported::Customize => Phase::ALL,
        Reported::Convert => &[Phase::Import, Phase::Export],
        _ => &[],
    };
    if phases.contains(&Phase::Import) {
        record.input = InputFormat::Raw;
        record.source = if record.source == BaseSource::None { BaseSource::File } else { record.source };
    }
    shortest(record, phases)
}

fn shortest(mut record: RunRecord, phases: &[Phase]) -> RunRecord {
    record.duration = DurationClass::Lt1s;
    for phase in phases {
        record.phases.set(*phase, DurationClass::Lt1s);
    }
    record
}
