//! From the flags of a command to one call of the engine. The engine's types are named here and nowhere else.

use config::output::ImageFormat;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::telemetry::registry::ErrorType;
use config::Diagnostics;

use crate::arguments::{Command, CommandLine, Convert, Customize, Form, Resource, StepFlags, ValidateConfig};
use crate::checks::{self, absolute, given, required};
use crate::failure::{Failure, Finding};
use crate::log::Log;
use crate::log::escape::{escape_json, escape_line};
use crate::progress::Progress;
use crate::registry::Registries;
use crate::report_file::ReportFile;
use crate::reporter::Reporter;
use crate::{describe, doctor, environment, replay, signals, step, telemetry, written_files};

/// How long a run that was stopped by a signal may clean up.
const GRACE: Duration = Duration::from_secs(5);

/// How the message of a failure begins.
pub(crate) fn failure_phrase(command: &Command) -> &'static str {
    match command {
        Command::Customize(_) => "image customization failed",
        Command::Create(_) => "image creation failed",
        Command::InjectFiles(_) => "file injection failed",
        Command::Convert(_) => "image conversion failed",
        Command::ValidateConfig(_) => "config validation failed",
        Command::Step(flags) => step::failure_phrase(&flags.command),
        Command::Replay(_) => "replay failed",
        Command::Doctor(_) => "programs are missing",
        Command::Telemetry(_) => "telemetry failed",
        Command::Schema(_) | Command::Completions(_) | Command::Man(_) => "printing failed",
    }
}

/// Carries the command out.
pub(crate) fn run(line: CommandLine, log: &Log, reporter: &Reporter) -> Result<(), Failure> {
    let written = written_files::written(&line);
    let CommandLine { command, global } = line;
    let cancel = cancelled_by_signals(&command, reporter)?;
    let usage = reporter.usage();
    match command {
        Command::Customize(flags) => customize(*flags, Given { cancel, usage, written }, log),
        Command::Create(_) => Err(Failure::not_supported("create")),
        Command::InjectFiles(_) => Err(Failure::not_supported("inject-files")),
        Command::Convert(flags) => convert(flags, cancel, usage, log),
        Command::ValidateConfig(flags) => validate_config(flags, Given { cancel, usage, written }),
        Command::Step(flags) => step::run(flags.command, &cancel),
        Command::Replay(flags) => replay::replay(flags, cancel),
        Command::Doctor(_) => doctor::doctor(),
        Command::Telemetry(flags) => telemetry::run(&flags, global.disable_telemetry),
        Command::Schema(_) => print(&describe::schema()?),
        Command::Completions(flags) => print(&describe::completions(flags.shell)),
        Command::Man(_) => print(&describe::manual()?),
    }
}

/// What a signal sets, and the engine looks at.
fn cancelled_by_signals(command: &Command, reporter: &Reporter) -> Result<engine::Cancellation, Failure> {
    let cancel = engine::Cancellation::default();
    let flag = cancel.clone();
    let leaves_traces = matches!(command, Command::Customize(_) | Command::Convert(_) | Command::Step(_));
    let grace = if leaves_traces { GRACE } else { Duration::ZERO };
    let (running, ending) = (reporter.clone(), reporter.clone());
    let cancelled = move || {
        running.hurry();
        flag.cancel();
    };
    signals::on_stop(grace, cancelled, move || ending.stopped()).map_err(|error| {
        Failure::because("cannot prepare for being stopped by a signal", &error)
            .reported_as(ErrorType::Internal)
    })?;
    Ok(cancel)
}

/// What a command is given besides its own flags.
pub(crate) struct Given {
    pub(crate) cancel: engine::Cancellation,
    pub(crate) usage: engine::Usage,
    pub(crate) written: Vec<engine::WrittenFile>,
}

fn customize(flags: Customize, besides: Given, log: &Log) -> Result<(), Failure> {
    let (plan, report) = (flags.plan, given(flags.report.as_ref()));
    let options = customize_options(flags, besides)?;
    let report = report.map(ReportFile::prepare).transpose()?;
    let progress = Progress::start(log);
    if let Some(format) = plan {
        let plan = engine::plan(&options, &progress).map_err(failure)?;
        drop(progress);
        return print_plan(&plan, format);
    }
    let finished = engine::customize(&options, &progress).map_err(failure)?;
    drop(progress);
    if let Some(report) = report {
        report.write(&finished)?;
    }
    tracing::info!("image customization succeeded");
    Ok(())
}

/// `--backend` is not passed on: of its values only the one way that the engine has gets through the checks.
pub(crate) fn customize_options(
    flags: Customize,
    Given { cancel, usage, written }: Given,
) -> Result<engine::CustomizeOptions, Failure> {
    checks::customize(&flags)?;
    let passwords = checks::passwords(flags.allowed_passwords)?;
    let steps = step_options(&flags.steps, flags.trace_steps.as_ref(), &cancel);
    Ok(engine::CustomizeOptions {
        build_dir: absolute("--build-dir", &flags.build_dir)?,
        config_file: required("--config-file", flags.config_file)?,
        image_file: given(flags.image_file.as_ref()),
        output_image_file: given(flags.output_image_file.as_ref()),
        // The parser has checked the word; an empty one stands for a flag that was not given.
        output_image_format: flags.output_image_format.as_deref().and_then(ImageFormat::from_word),
        passwords,
        code_cache: environment::code_cache(),
        source_date_epoch: environment::source_date_epoch()?,
        cancel,
        steps,
        usage,
        written,
    })
}

/// Registries are asked only when a step is from one.
fn step_options(
    flags: &StepFlags,
    trace: Option<&PathBuf>,
    cancel: &engine::Cancellation,
) -> engine::StepOptions {
    engine::StepOptions {
        locked: flags.locked,
        policy: given(flags.policy.as_ref()).or_else(environment::policy),
        source: Some(Arc::new(Registries::new(cancel))),
        trace: given(trace),
    }
}

fn convert(
    flags: Convert,
    cancel: engine::Cancellation,
    usage: engine::Usage,
    log: &Log,
) -> Result<(), Failure> {
    let options = convert_options(flags, cancel, usage)?;
    let progress = Progress::start(log);
    engine::convert(&options, &progress).map_err(failure)?;
    drop(progress);
    tracing::info!("image conversion succeeded");
    Ok(())
}

pub(crate) fn convert_options(
    flags: Convert,
    cancel: engine::Cancellation,
    usage: engine::Usage,
) -> Result<engine::ConvertOptions, Failure> {
    checks::convert(&flags)?;
    Ok(engine::ConvertOptions {
        image_file: required("--image-file", flags.image_file)?,
        output_image_file: required("--output-image-file", flags.output_image_file)?,
        output_image_format: flags.output_image_format,
        build_dir: given(flags.build_dir.as_ref()),
        source_date_epoch: environment::source_date_epoch()?,
        cancel,
        usage,
    })
}

fn validate_config(flags: ValidateConfig, besides: Given) -> Result<(), Failure> {
    let options = validate_options(flags, besides)?;
    engine::validate_config(&options).map_err(failure)?;
    tracing::info!("config validation succeeded");
    Ok(())
}

pub(crate) fn validate_options(
    flags: ValidateConfig,
    Given { cancel, usage, written }: Given,
) -> Result<engine::ValidateOptions, Failure> {
    let resources = checks::validate_config(&flags)?;
    Ok(engine::ValidateOptions {
        config_file: required("--config-file", flags.config_file)?,
        files: resources.contains(&Resource::Files),
        passwords: checks::passwords(flags.allowed_passwords)?,
        steps: step_options(&flags.steps, None, &cancel),
        code_cache: environment::code_cache(),
        cancel,
        usage,
        written,
    })
}

pub(crate) fn failure(error: engine::Error) -> Failure {
    let failure = Failure::from_error(&error).with_name(error.name()).with_hint(error.hint());
    let failure = failure.reported_as(error.reported());
    let failure = match error.kind() {
        engine::ErrorKind::InputOverwritten => failure.leaving_files(),
        _ => failure,
    };
    match error.diagnostics() {
        Some(diagnostics) => failure
            .with_names(diagnostics.names())
            .with_findings(findings(diagnostics), diagnostics.to_string()),
        None => failure,
    }
}

fn findings(diagnostics: &Diagnostics) -> Vec<Finding> {
    let finding = |diagnostic: &config::Diagnostic| {
        let place = diagnostics.place(diagnostic);
        // Line 0 stands for the file as a whole.
        let position = place.as_ref().map(|place| place.position).filter(|position| position.line > 0);
        Finding {
            rule: diagnostic.rule.id().to_owned(),
            message: diagnostic.message.clone(),
            file: place.map(|place| place.path.display().to_string()),
            line: position.map(|position| position.line.into()),
            column: position.map(|position| position.column.into()),
            hint: diagnostic.hint.clone(),
        }
    };
    diagnostics.iter().map(finding).collect()
}

impl engine::Observer for Progress {
    fn phase(&self, phase: engine::Phase) {
        Self::phase(self, phase.name());
    }

    fn progress(&self, done: u64, total: u64) {
        Self::progress(self, done, total);
    }
}

/// A plan holds names from the image, so it is escaped like the log.
fn print_plan(plan: &engine::Plan, format: Form) -> Result<(), Failure> {
    let text = match format {
        Form::Text => plan.to_string().trim_end().split('\n').map(escape_line).collect::<Vec<_>>().join("\n"),
        Form::Json => {
            let json = serde_json::to_string_pretty(plan);
            escape_json(&json.map_err(|error| {
                Failure::because("cannot write the plan", &error).reported_as(ErrorType::Internal)
            })?)
        }
    };
    print(&format!("{text}\n"))
}

/// Writes to standard output, for commands whose result is a text.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| {
        Failure::because("cannot write to standard output", &error)
            .after_the_work()
            .reported_as(ErrorType::OutputWrite)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_in(text: &str) -> Vec<Finding> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("c.yaml");
        std::fs::write(&file, text).unwrap();
        let options = config::LoadOptions {
            overrides: config::Overrides::default(),
            passwords: config::PasswordPolicy::default(),
            mode: config::Mode::ValidateConfig,
        };
        findings(&config::load(&file, &options).unwrap_err())
    }

    #[test]
    fn what_is_wrong_with_a_configuration_is_found_at_its_place() {
        let found = found_in("os:\n  hostnam: x\n");
        assert_eq!(found.len(), 1);
        let Finding { message, file, line, column, hint, .. } = &found[0];
        assert!(message.contains("hostnam"), "{message}");
        assert!(file.as_deref().unwrap().ends_with("/c.yaml"), "{file:?}");
        assert_eq!((*line, *column), (Some(2), Some(3)));
        assert!(hint.as_deref().unwrap().contains("hostname"), "{hint:?}");
    }

    #[test]
    fn a_file_as_a_whole_has_no_line() {
        let found = found_in("");
        assert_eq!((found[0].line, found[0].column), (None, None), "{found:?}");
        assert!(found[0].message.contains("c.yaml") || found[0].file.is_some(), "{found:?}");
    }
}
