//! Whether a component keeps to the rules that a host can look at.

use super::golden::Case;
use super::{Candidate, Workbench};
use crate::error::{ErrorKind, Result};
use crate::trace::check_determinism;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What is checked, and with what.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// The component's file.
    pub component: PathBuf,
    /// Settings to run it with; none: those of the project's tests and the examples in its schema.
    pub settings: Option<Value>,
}

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// In the order in which they were looked at.
    pub checks: Vec<Checked>,
}

/// One rule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// What has to be.
    pub rule: String,
    /// Whether it is.
    pub verdict: Verdict,
    /// Why not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How a rule was kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is.
    Passed,
    /// It is not; the step works all the same.
    Warned,
    /// It is not.
    Failed,
    /// It could not be looked at.
    Skipped,
}

impl CheckReport {
    /// How many rules are not kept.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.checks.iter().filter(|checked| checked.verdict == Verdict::Failed).count()
    }

    fn add(&mut self, rule: impl Into<String>, verdict: Verdict, detail: impl Into<String>) {
        self.checks.push(Checked { rule: rule.into(), verdict, detail: detail.into() });
    }

    /// `wrong`: what is.
    fn judge(&mut self, rule: impl Into<String>, wrong: Option<String>) {
        let verdict = if wrong.is_some() { Verdict::Failed } else { Verdict::Passed };
        self.add(rule, verdict, wrong.unwrap_or_default());
    }
}

impl Workbench {
    /// Looks at a component, and runs it twice with each of the settings that there are.
    ///
    /// # Errors
    /// When it cannot be looked at, for a reason that is not its fault.
    pub fn check(&self, options: &CheckOptions) -> Result<CheckReport> {
        let mut report = CheckReport { checks: Vec::new() };
        let candidate = match self.candidate(&options.component) {
            Ok(candidate) => candidate,
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let file = options.component.display();
                report.judge(FOLLOWS, Some(format!("`{file}`: {}", cause.unwrap_or_default())));
                return Ok(report);
            }
        };
        report.judge(FOLLOWS, None);
        describes_itself(&candidate, &mut report);
        let cases = match &options.settings {
            Some(settings) => vec![Case::of_settings("the settings given", settings.clone())],
            None => samples(&options.component, &candidate)?,
        };
        if cases.is_empty() {
            let detail = "there are no settings to run it with: give `--settings`, or add tests or `examples` to the schema";
            report.add("it makes the same calls in every run", Verdict::Skipped, detail);
        }
        for case in &cases {
            self.check_cancelled()?;
            self.check_runs(&candidate, case, &mut report)?;
        }
        Ok(report)
    }

    /// Runs twice on equal trees, and once more on what became of the second.
    fn check_runs(&self, candidate: &Candidate, case: &Case, report: &mut CheckReport) -> Result<()> {
        let name = &case.name;
        let settings = case.settings()?;
        let misfits = candidate.misfits(&settings);
        if !misfits.is_empty() {
            let rule = format!("{name}: settings that do not fit the schema are not run");
            report.add(rule, Verdict::Skipped, misfits.join("; "));
            return Ok(());
        }
        let mut stages = Vec::new();
        let found = check_determinism(&candidate.step, &self.scratch, || {
            let stage = self.stage(case)?;
            let run = stage.step_run(case.given(&settings)?);
            stages.push(stage);
            Ok(run)
        })?;
        let wrong = found.difference.map(|difference| {
            format!("call {}: first {}, then {}", difference.call, difference.recorded, difference.now)
        });
        report.judge(format!("{name}: it makes the same calls in every run"), wrong);
        let [first, second] = stages.as_mut_slice() else { return Ok(()) };
        let wrong = (first.changes()? != second.changes()?).then(|| "the trees differ afterwards".to_owned());
        report.judge(format!("{name}: it leaves the same tree behind in every run"), wrong);
        if let Some(error) = found.failure {
            report.add(format!("{name}: it succeeds"), Verdict::Warned, error.to_string());
            return Ok(());
        }
        second.begin_anew()?;
        let again = candidate.step.run(second.step_run(case.given(&settings)?));
        let changes = second.changes()?;
        let rule = format!("{name}: a second run on the same tree changes nothing");
        match again {
            Err(error) => report.add(rule, Verdict::Warned, error.to_string()),
            Ok(_) if changes.is_empty() => report.add(rule, Verdict::Passed, ""),
            Ok(_) => report.add(rule, Verdict::Warned, changes.to_string().trim_end().to_owned()),
        }
        Ok(())
    }
}

fn describes_itself(candidate: &Candidate, report: &mut CheckReport) {
    let described = &candidate.description;
    // That they are lines that can be shown was asked when it was loaded.
    for (what, text) in [("version", &described.version), ("summary", &described.summary)] {
        let wrong = text.trim().is_empty().then(|| "it is empty".to_owned());
        report.judge(format!("it says its {what}"), wrong);
    }
    let wrong = match candidate.step.describe() {
        Ok(again) if again == *described => None,
        Ok(_) => Some("it said something else the second time".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    report.judge("it describes itself the same way every time", wrong);
    let refuses_unknown = candidate.misfits(&serde_json::json!({ "no-such-setting-anywhere": true }));
    if refuses_unknown.is_empty() {
        let detail = "a slip in the name of a setting goes unnoticed: say `additionalProperties: false`";
        report.add("it refuses settings that it does not know", Verdict::Warned, detail);
    } else {
        report.add("it refuses settings that it does not know", Verdict::Passed, "");
    }
}

/// The project's tests, and the examples of the schema.
fn samples(component: &Path, candidate: &Candidate) -> Result<Vec<Case>> {
    let project = component.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut cases = Case::of_project(project, &[])?;
    let schema: Value = serde_json::from_str(&candidate.description.settings_schema).unwrap_or_default();
    let examples = schema.get("examples").and_then(Value::as_array).cloned().unwrap_or_default();
    for (index, example) in examples.into_iter().take(MOST_EXAMPLES).enumerate() {
        cases.push(Case::of_settings(&format!("example {} of the schema", index + 1), example));
    }
    Ok(cases)
}

/// Loading it and asking it what it is shows as much: imports and exports, the name, the calls of `describe`, the schema.
const FOLLOWS: &str = "it is a component that follows the step contract, and its description can be used";
/// A component decides how many examples it gives.
const MOST_EXAMPLES: usize = 20;
