//! Settings against the schema that a component gives for them.

use config::{CustomStep, Diagnostic, Rule, StepField};
use schema::{Schema, Violation};

/// What is wrong with the settings of a step, each at its place in the configuration.
pub(super) fn check(step: &CustomStep<'_>, text: &str) -> Vec<Diagnostic> {
    let unusable = |error: schema::SchemaError| {
        let message = format!("the schema of the settings of step `{}` cannot be used: {error}", step.name());
        let problem = step.problem(Rule::StepSettingsSchema, StepField::Component, message);
        vec![problem.hint("that is for the component's author to mend")]
    };
    let checked = Schema::parse(text).and_then(|schema| schema.check(&step.item.settings.to_json()));
    match checked {
        Ok(violations) => violations.into_iter().map(|violation| problem(step, violation)).collect(),
        Err(error) => unusable(error),
    }
}

fn problem(step: &CustomStep<'_>, violation: Violation) -> Diagnostic {
    let pointer = violation.pointer.as_str();
    let field =
        if violation.about_name { StepField::SettingKey(pointer) } else { StepField::Setting(pointer) };
    let message = format!("the settings of step `{}` do not fit: {}", step.name(), violation.message);
    let problem = step.problem(Rule::StepSettings, field, message);
    match violation.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
