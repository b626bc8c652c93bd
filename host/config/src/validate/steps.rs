//! Rules of `steps`.

use std::collections::HashMap;

use units::PathPattern;

use super::preview::gate;
use super::text::{is_oci_component, step_name};
use super::{Checker, given};
use crate::decode::clip;
use crate::diagnostic::Diagnostic;
use crate::model::Config;
use crate::model::bounds::{ByteCount, Seconds};
use crate::model::preview::PreviewFeature;
use crate::model::steps::{BuiltInStep, Grant, Step, StepLimits};
use crate::rule::Rule;
use crate::source::Located;

/// The most patterns of one list.
const MAX_PATTERNS: usize = 1000;
/// The most artifacts of one step, and the most bytes of a name.
const MAX_ARTIFACTS: usize = 1000;
const MAX_ARTIFACT_NAME: usize = 255;

/// The ranges of limits. A component of WebAssembly has no more than 4 GiB of memory.
const MEMORY: (ByteCount, ByteCount) = (ByteCount::new(64 << 10), ByteCount::new(4 << 30));
const TIME: (Seconds, Seconds) = (Seconds::new(1), Seconds::new(24 * 3600));
const LOG: (ByteCount, ByteCount) = (ByteCount::new(0), ByteCount::new(1 << 30));
const OPEN_FILES: (u64, u64) = (1, 65_536);
const WRITTEN: (ByteCount, ByteCount) = (ByteCount::new(0), ByteCount::new(64 << 40));

pub(super) fn check(config: &Config, checker: &mut Checker) {
    let Some(first) = config.steps.first() else { return };
    gate(config, PreviewFeature::CustomSteps, Rule::CustomStepsPreview, "steps", first.at, checker);
    for (index, step) in config.steps.iter().enumerate() {
        check_step(step, &format!("steps[{index}]"), checker);
    }
    checker.problems.extend(repeated(config.steps.iter().enumerate()));
}

/// The first name that stands twice.
pub(crate) fn repeated<'a>(steps: impl Iterator<Item = (usize, &'a Step)>) -> Option<Diagnostic> {
    let mut first_of = HashMap::new();
    for (index, step) in steps {
        let Some(name) = given(&step.name) else { continue };
        if let Some(first) = first_of.insert(name.as_str(), name.at) {
            let message =
                format!("two steps are named `{}`, the first one in line {}", clip(name), first.start.line);
            let problem =
                Diagnostic::new(Rule::StepNameRepeated, format!("steps[{index}].name"), name.at, message);
            return Some(problem.hint("give one of them another name"));
        }
    }
    None
}

fn check_step(step: &Step, field: &str, checker: &mut Checker) {
    check_name(step, field, checker);
    check_component(step, field, checker);
    check_artifacts(step, field, checker);
    check_grant(&step.grant, &format!("{field}.grant"), checker);
    check_limits(&step.limits, &format!("{field}.limits"), checker);
    if let (Some(_), Some(before)) = (&step.after, &step.before) {
        let message = "the step has both `after` and `before`";
        checker.fail_hint(
            Rule::StepPosition,
            &format!("{field}.before"),
            before.at,
            message,
            "keep one of them",
        );
    }
}

fn check_name(step: &Step, field: &str, checker: &mut Checker) {
    let field = format!("{field}.name");
    let Some(name) = checker.required(Rule::StepName, &field, &step.name, step.at) else { return };
    if !step_name(name) {
        let message = format!("invalid name of a step `{}`", clip(name));
        let hint = "write lower-case letters and digits, words joined by `-`, at most 64 characters";
        checker.fail_hint(Rule::StepName, &field, name.at, message, hint);
    } else if BuiltInStep::from_word(name).is_some() {
        let message = format!("`{name}` is the name of a built-in step");
        checker.fail_hint(Rule::StepNameBuiltIn, &field, name.at, message, "give the step another name");
    }
}

fn check_component(step: &Step, field: &str, checker: &mut Checker) {
    let of_component = format!("{field}.component");
    if let Some(component) = checker.required(Rule::StepComponent, &of_component, &step.component, step.at)
        && let Some(reference) = component.strip_prefix("oci:")
        && let Err(reason) = is_oci_component(reference)
    {
        let message = format!("the component's reference is not valid: {reason}");
        let hint = "write `oci:REGISTRY/REPOSITORY:TAG@sha256:DIGEST`";
        checker.fail_hint(Rule::StepComponentOci, &of_component, component.at, message, hint);
    }
    if let Some(digest) = &step.sha256
        && !is_sha256(digest)
    {
        let field = format!("{field}.sha256");
        let hint = "write what `sha256sum` prints for the component";
        checker.fail_hint(Rule::StepSha256, &field, digest.at, "`sha256` is not 64 hex digits", hint);
    }
}

/// 64 hex digits of either case.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn check_artifacts(step: &Step, field: &str, checker: &mut Checker) {
    // A field of the history alone.
    if let Some((key, _)) = step.artifact_hashes.iter().next() {
        let message = format!("unknown field `artifactHashes` in `{field}`");
        checker.fail(Rule::FieldUnknown, field, key.at, message);
    }
    let field = format!("{field}.artifacts");
    for (name, path) in step.artifacts.iter() {
        let fits = (1..=MAX_ARTIFACT_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
        if !fits {
            let message = format!("invalid name of an artifact `{}`", clip(name));
            let hint = format!("write 1 to {MAX_ARTIFACT_NAME} bytes without control characters");
            checker.fail_hint(Rule::StepArtifact, &field, name.at, message, hint);
        } else if path.is_empty() {
            let message = format!("the artifact `{}` has no path", clip(name));
            checker.fail(Rule::StepArtifact, &field, path.at, message);
        }
    }
    if step.artifacts.iter().count() > MAX_ARTIFACTS {
        let message = format!("the step has more than {MAX_ARTIFACTS} artifacts");
        checker.fail_hint(Rule::StepArtifact, &field, step.at, message, "hand it a folder instead");
    }
}

fn check_grant(grant: &Grant, field: &str, checker: &mut Checker) {
    let read = grant.read.as_deref().unwrap_or_default();
    for (list, patterns) in [("read", read), ("write", &grant.write)] {
        let field = format!("{field}.{list}");
        for (index, pattern) in patterns.iter().enumerate() {
            if let Err(error) = pattern.parse::<PathPattern>() {
                let message = format!("invalid pattern `{}`: {error}", clip(pattern));
                let field = format!("{field}[{index}]");
                checker.fail_hint(Rule::StepGrantPattern, &field, pattern.at, message, error.hint());
            }
        }
        if let Some(first) = patterns.get(MAX_PATTERNS) {
            let message = format!("there are more than {MAX_PATTERNS} patterns");
            checker.fail(Rule::StepGrantPattern, &field, first.at, message);
        }
    }
}

pub(crate) fn check_limits(limits: &StepLimits, field: &str, checker: &mut Checker) {
    let StepLimits { memory, time, log, open_files, written, .. } = limits;
    in_range(memory, MEMORY, &format!("{field}.memory"), checker);
    in_range(time, TIME, &format!("{field}.time"), checker);
    in_range(log, LOG, &format!("{field}.log"), checker);
    in_range(open_files, OPEN_FILES, &format!("{field}.openFiles"), checker);
    in_range(written, WRITTEN, &format!("{field}.written"), checker);
}

fn in_range<T: PartialOrd + std::fmt::Display>(
    limit: &Option<Located<T>>,
    (least, most): (T, T),
    field: &str,
    checker: &mut Checker,
) {
    if let Some(limit) = limit
        && !(least <= limit.value && limit.value <= most)
    {
        let message = format!("`{field}` is {}, but must be from {least} to {most}", limit.value);
        checker.fail(Rule::StepLimit, field, limit.at, message);
    }
}
