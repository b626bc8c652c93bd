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
use config::output::ImageFormat;
use engine::{End, Usage};

use super::{command_named, command_of, names_the_flag};
use crate::arguments::{self, Command, Customize, ValidateConfig};
use crate::checks::{self, given};
use crate::failure::Failure;
use crate::run::print;

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
        Ok(line) => Example { record: of_command(line.command), disabled: line.global.disable_telemetry },
        Err(usage) => {
            let record = usage.error.zip(command_named(words)).map(|(message, command)| {
                tracing::warn!("this command line is wrong, and its failure would be reported: {message}");
                failed(&Usage::of(command), ErrorType::Usage)
            });
            Example { record, disabled: names_the_flag(words) }
        }
    }
}

fn of_command(command: Command) -> Option<RunRecord> {
    let usage = Usage::of(command_of(&command)?);
    let told = match command {
        Command::Customize(flags) if flags.plan.is_some() => return None,
        Command::Customize(flags) => customize(&flags, &usage),
        Command::ValidateConfig(flags) => validate_config(&flags, &usage),
        Command::Convert(flags) => {
            tell_output(&usage, &flags.output_image_format);
            checks::convert(&flags).map_err(|failure| failure.reported())
        }
        Command::Create(_) => Err(Failure::not_supported("create").reported()),
        Command::InjectFiles(_) => Err(Failure::not_supported("inject-files").reported()),
        _ => return None,
    };
    Some(match told {
        Ok(()) => succeeded(&usage),
        Err(error) => {
            tracing::warn!("such a run fails, and its failure would be reported");
            failed(&usage, error)
        }
    })
}

fn customize(flags: &Customize, usage: &Usage) -> Result<(), ErrorType> {
    checks::customize(flags).map_err(|failure| failure.reported())?;
    let overrides = config::Overrides {
        image_file: given(flags.image_file.as_ref()),
        output_image_file: given(flags.output_image_file.as_ref()),
        output_image_format: flags.output_image_format.as_deref().and_then(ImageFormat::from_word),
        ..config::Overrides::default()
    };
    let passwords = checks::passwords(flags.allowed_passwords).map_err(|failure| failure.reported())?;
    let options = config::LoadOptions { overrides, passwords, mode: config::Mode::Customize };
    read(&flags.config_file, &options, usage)
}

fn validate_config(flags: &ValidateConfig, usage: &Usage) -> Result<(), ErrorType> {
    checks::validate_config(flags).map_err(|failure| failure.reported())?;
    let passwords = checks::passwords(flags.allowed_passwords).map_err(|failure| failure.reported())?;
    let mode = config::Mode::ValidateConfig;
    let options = config::LoadOptions { overrides: config::Overrides::default(), passwords, mode };
    read(&flags.config_file, &options, usage)
}

fn read(file: &std::path::Path, options: &config::LoadOptions, usage: &Usage) -> Result<(), ErrorType> {
    let config = config::load(file, options).map_err(|_| ErrorType::ConfigInvalid)?;
    usage.config(&config);
    Ok(())
}

fn tell_output(usage: &Usage, word: &str) {
    if let Some(format) = ImageFormat::from_word(word) {
        usage.output(format);
    }
}

fn failed(usage: &Usage, error: ErrorType) -> RunRecord {
    shortest(usage.record(End::Failure(error)), &[Phase::Validate])
}

/// A run that succeeds, in the shortest time, on a raw image: these are not known before it has run.
fn succeeded(usage: &Usage) -> RunRecord {
    use ::telemetry::registry::Command as Reported;
    let mut record = usage.record(End::Success);
    let phases: &[Phase] = match record.command {
        Reported::Customize => Phase::ALL,
        Reported::Convert => &[Phase::Import, Phase::Export],
        _ => &[Phase::Validate],
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
