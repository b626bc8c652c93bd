//! What authors of steps work with: one component alone, on a tree of its own, with the scope and the limits that a run
//! of `customize` would give it. Nothing that it is given is changed.

pub(crate) mod artifacts;
mod check;
mod diff;
mod golden;
mod grant;
mod ground;
mod inspect;
mod log;
mod snapshot;
mod trial;

pub use check::{CheckOptions, CheckReport, Checked, Verdict};
pub use diff::{Change, Changes};
pub use golden::{CaseReport, Difference, GoldenOptions, GoldenReport};
pub use grant::Grant;
pub use ground::Ground;
pub use inspect::{ImportReport, InspectionReport};
pub use trial::{Trial, TrialReport};

/// The longest text of a project that is read, in bytes.
const LONGEST_TEXT: u64 = 64 << 20;

use crate::cancellation::Cancellation;
use crate::components::read_component;
use crate::error::{Error, ErrorKind, Result};
use crate::steps::{open_cache, step_error};
use sandbox::{Description, LoadedStep, Sandbox};
use schema::Schema;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Runs components one by one. Scratch files lie in a directory of the caller's.
pub struct Workbench {
    sandbox: Sandbox,
    scratch: PathBuf,
    cancel: Cancellation,
}

/// A component that said what it is.
struct Candidate {
    step: LoadedStep,
    description: Description,
    schema: Schema,
}

impl Workbench {
    /// A workbench that keeps compiled code in `code_cache` and puts what it needs for a moment into `scratch`, which
    /// must be an empty directory of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Step`] when this machine cannot run WebAssembly.
    pub fn new(code_cache: Option<&Path>, scratch: &Path, cancel: &Cancellation) -> Result<Self> {
        let sandbox = Sandbox::new(code_cache.and_then(open_cache)).map_err(step_error)?;
        cancel.reaches(sandbox.interrupter());
        Ok(Self { sandbox, scratch: scratch.to_owned(), cancel: cancel.clone() })
    }

    /// Makes the component in `file` ready to run.
    fn candidate(&self, file: &Path) -> Result<Candidate> {
        let binary = binary(file)?;
        let step = self.sandbox.load(&file_name(file), &binary).map_err(|error| unusable(file, error))?;
        let description = step.describe().map_err(|error| unusable(file, error))?;
        // As a configuration would call it: a step can ask for its name.
        let step = step.named(&description.name);
        let schema = Schema::parse(&description.settings_schema).map_err(|error| {
            let error = Error::new(ErrorKind::Step, "use the schema that is in").at(file).caused_by(error);
            error.hint_at("the schema of the settings has to be JSON Schema, draft 2020-12")
        })?;
        Ok(Candidate { step, description, schema })
    }

    fn check_cancelled(&self) -> Result<()> {
        self.cancel.check()
    }
}

impl Candidate {
    /// What is wrong with `settings`, a line for each; nothing when they fit.
    fn misfits(&self, settings: &Value) -> Vec<String> {
        let line = |violation: schema::Violation| {
            let place = if violation.pointer.is_empty() { "settings" } else { &violation.pointer };
            match violation.hint {
                Some(hint) => format!("{place}: {} ({hint})", violation.message),
                None => format!("{place}: {}", violation.message),
            }
        };
        match self.schema.check(settings) {
            Ok(violations) => violations.into_iter().map(line).collect(),
            Err(error) => vec![format!("the schema takes too long: {error}")],
        }
    }

    /// Refuses settings that do not fit, as a configuration that holds them would be refused.
    fn check_settings(&self, settings: &Value) -> Result<()> {
        let misfits = self.misfits(settings);
        if misfits.is_empty() {
            return Ok(());
        }
        let error = Error::saying(ErrorKind::Step, "the settings do not fit the schema of the component");
        Err(error.caused_by(misfits.join("\n")).hint_at("`imagecustomizer step inspect` shows the schema"))
    }
}

fn binary(file: &Path) -> Result<Vec<u8>> {
    read_component(file)
        .map_err(|reason| Error::new(ErrorKind::Step, "read the component").at(file).caused_by(reason))
}

fn unusable(file: &Path, error: sandbox::Error) -> Error {
    if *error.kind() == sandbox::ErrorKind::Cancelled {
        return step_error(error);
    }
    let hint = error.hint_text().map(str::to_owned);
    let wrapped = Error::new(ErrorKind::Step, "use the component").at(file).caused_by(error);
    match hint {
        Some(hint) => wrapped.hint_at(hint),
        None => wrapped,
    }
}

/// A name for messages before the component has said its own: that of the file.
fn file_name(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| !stem.chars().any(char::is_control)).unwrap_or_else(|| "step".to_owned())
}
