//! `step`: what authors of steps need, from an empty directory to a lock file. Nothing here sends usage data.

mod build;
mod check;
mod inspect;
mod lock;
mod new;
mod pull;
mod push;
mod run;
mod stale;
mod test;

pub(crate) use run::artifact;

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use engine::{Cancellation, Workbench};
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::arguments::{Form, StepCommand};
use crate::environment;
use crate::failure::Failure;
use crate::log::escape::{escape_json, escape_line};
use crate::run::{failure, print};

/// The file that a build writes.
const COMPONENT: &str = "step.wasm";

/// How the message of a failure begins.
pub(crate) fn failure_phrase(command: &StepCommand) -> &'static str {
    match command {
        StepCommand::New(_) => "no project was made",
        StepCommand::Build(_) => "the step was not built",
        StepCommand::Inspect(_) => "the component cannot be inspected",
        StepCommand::Check(_) => "the component does not keep to the rules",
        StepCommand::Test(_) => "the tests did not pass",
        StepCommand::Run(_) => "the step did not run",
        StepCommand::Lock(_) => "the steps were not locked",
        StepCommand::Push(_) => "the component was not pushed",
        StepCommand::Pull(_) => "the component was not pulled",
    }
}

/// Carries the command out.
pub(crate) fn run(command: StepCommand, cancel: &Cancellation) -> Result<(), Failure> {
    match command {
        StepCommand::New(flags) => new::run(&flags),
        StepCommand::Build(flags) => build::run(&flags, &Bench::new(cancel)?),
        StepCommand::Inspect(flags) => inspect::run(&flags, &Bench::new(cancel)?),
        StepCommand::Check(flags) => check::run(&flags, &Bench::new(cancel)?),
        StepCommand::Test(flags) => test::run(flags, &Bench::new(cancel)?),
        StepCommand::Run(flags) => run::run(*flags, &Bench::new(cancel)?),
        StepCommand::Lock(flags) => lock::run(flags, cancel),
        StepCommand::Push(flags) => push::run(flags, &Bench::new(cancel)?),
        StepCommand::Pull(flags) => pull::run(&flags, cancel),
    }
}

/// A workbench, and the directory that its scratch files vanish with.
struct Bench {
    workbench: Workbench,
    cancel: Cancellation,
    _scratch: TempDir,
}

impl Bench {
    fn new(cancel: &Cancellation) -> Result<Self, Failure> {
        let scratch =
            tempfile::Builder::new().prefix("imagecustomizer-step-").tempdir().map_err(|error| {
                let failure = Failure::because("cannot make a directory for scratch files", &error);
                failure.with_hint(Some("`TMPDIR` says where it is made"))
            })?;
        let cache = environment::code_cache();
        let workbench = Workbench::new(cache.as_deref(), scratch.path(), cancel).map_err(failure)?;
        Ok(Self { workbench, cancel: cancel.clone(), _scratch: scratch })
    }
}

/// More than a step is given, in bytes.
const LARGEST_SETTINGS: u64 = 16 << 20;

/// The settings that a flag gives: JSON, or a file that holds it.
fn settings(flag: &str) -> Result<Value, Failure> {
    let text = flag.trim_start();
    let is_json = text.starts_with(['{', '[', '"']) || serde_json::from_str::<Value>(text).is_ok();
    if is_json {
        return serde_json::from_str(text)
            .map_err(|error| Failure::because("the value of `--settings` is no JSON", &error));
    }
    let cannot = |error: &dyn std::error::Error| {
        let failure = Failure::because(format!("cannot use the settings in `{flag}`"), error);
        failure.with_hint(Some("`--settings` takes JSON, or the name of a file with it"))
    };
    // A pipe is fine; what has no end is cut, and then no JSON.
    let file = std::fs::File::open(flag).map_err(|error| cannot(&error))?;
    serde_json::from_reader(BufReader::new(file.take(LARGEST_SETTINGS))).map_err(|error| cannot(&error))
}

/// A project's component, or the one that is named.
fn component(directory: &Path, named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return Ok(path);
    }
    let path = directory.join(COMPONENT);
    match path.exists() {
        true => Ok(path),
        false => {
            let failure = Failure::new(format!("there is no `{}`", path.display()));
            Err(failure.with_hint(Some("`imagecustomizer step build` makes it")))
        }
    }
}

/// Prints `report` as JSON, or the text that `lines` makes of it. Both hold what a component says, so both are escaped.
fn show<T: Serialize>(form: Form, report: &T, text: impl FnOnce(&T) -> String) -> Result<(), Failure> {
    match form {
        Form::Text => print(&escape_lines(&text(report))),
        Form::Json => {
            let json = serde_json::to_string_pretty(report)
                .map_err(|error| Failure::because("cannot write the report", &error))?;
            print(&(escape_json(&json) + "\n"))
        }
    }
}

fn escape_lines(text: &str) -> String {
    text.lines().map(|line| escape_line(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_json_or_a_file_with_it() {
        let scene = tempfile::tempdir().unwrap();
        let file = scene.path().join("settings.json");
        std::fs::write(&file, "{ \"text\": \"hello\" }\n").unwrap();
        let broken = scene.path().join("broken.json");
        std::fs::write(&broken, "{ text: hello }").unwrap();
        assert_eq!(settings("{}").unwrap(), json!({}));
        assert_eq!(settings(" {\"a\": 1}").unwrap(), json!({ "a": 1 }));
        assert_eq!(settings("7").unwrap(), json!(7));
        assert_eq!(settings(file.to_str().unwrap()).unwrap(), json!({ "text": "hello" }));
        for flag in ["{", "", "none.json", broken.to_str().unwrap()] {
            assert!(settings(flag).is_err(), "{flag}");
        }
    }
}
