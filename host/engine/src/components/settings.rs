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

#[cfg(test)]
mod tests {
    use super::*;
    use config::{LoadOptions, Mode};

    /// What is found in the settings of a step, with rule, line and column.
    fn found(settings: &str, schema: &str) -> Vec<String> {
        let scene = tempfile::tempdir().unwrap();
        let file = scene.path().join("config.yaml");
        let steps = format!("steps:\n- name: own\n  component: a.wasm\n{settings}");
        std::fs::write(&file, format!("previewFeatures: [custom-steps]\n{steps}")).unwrap();
        let options = LoadOptions { mode: Mode::ValidateConfig, ..LoadOptions::default() };
        let config = config::load(&file, &options).unwrap();
        let problems = check(config.custom_steps().first().unwrap(), schema);
        let place = |problem: &Diagnostic| (problem.at.start.line, problem.at.start.column);
        let text = |problem: &Diagnostic| {
            let (line, column) = place(problem);
            format!("{} {line}:{column} {} {}", problem.rule.id(), problem.field, problem.message)
        };
        problems.iter().map(text).collect()
    }

    #[test]
    fn every_mistake_stands_at_its_place() {
        let schema = r#"{"required":["a"],"additionalProperties":false,
            "properties":{"a":{"items":{"properties":{"b/c":{"type":"boolean"}}}}}}"#;
        let cases = [
            ("", "step-settings 3:9 steps[0].settings the settings of step `own` do not fit: `a` is missing"),
            (
                "  settings: {a: [{}, {b/c: 1}]}\n",
                "step-settings 5:28 steps[0].settings.a[1].b/c the settings of step `own` do not fit: \
                 expected `true` or `false`, found a number",
            ),
            (
                "  settings: {a: [], x: 1}\n",
                "step-settings 5:21 steps[0].settings.x the settings of step `own` do not fit: `x` is not known here",
            ),
        ];
        for (settings, expected) in cases {
            assert_eq!(found(settings, schema), [expected]);
        }
        assert_eq!(found("  settings: {a: []}\n", schema), Vec::<String>::new());
    }

    #[test]
    fn a_schema_that_cannot_be_used_is_the_components_fault() {
        let deep = "[".repeat(100_000);
        let large = format!("{{\"title\":\"{}\"}}", "x".repeat(schema::MAX_TEXT));
        let bomb: Vec<String> = (0..50)
            .map(|n| {
                format!(
                    r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##,
                    n + 1
                )
            })
            .collect();
        let bomb = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d50":{{}}}}}}"##, bomb.join(","));
        for schema in
            ["", "[]", "{\"type\":1}", "{\"$ref\":\"http://a/b\"}", r##"{"$ref":"#"}"##, &deep, &large, &bomb]
        {
            let found = found("  settings: {a: 1}\n", schema);
            let begin =
                "step-settings-schema 4:14 steps[0].component the schema of the settings of step `own`";
            assert!(found.len() == 1 && found[0].starts_with(begin), "{found:?}");
        }
    }
}
