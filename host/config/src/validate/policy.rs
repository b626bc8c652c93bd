//! Rules of a policy file.

use units::PathPattern;

use super::steps::check_limits;
use super::{Checker, PasswordPolicy};
use crate::decode::clip;
use crate::diagnostic::Diagnostic;
use crate::policy::Policy;
use crate::rule::Rule;

pub(crate) fn check_policy(policy: &Policy) -> Vec<Diagnostic> {
    let mut checker = Checker { problems: Vec::new(), passwords: PasswordPolicy::Any };
    for (index, digest) in policy.allowed_components.iter().flatten().enumerate() {
        if !super::steps::is_sha256(digest) {
            let field = format!("allowedComponents[{index}]");
            let message = format!("`{}` is not 64 hex digits", clip(digest));
            checker.fail(Rule::StepSha256, &field, digest.at, message);
        }
    }
    for (index, registry) in policy.allowed_registries.iter().flatten().enumerate() {
        let is_empty = registry.trim_end_matches('/').is_empty();
        if is_empty || registry.contains("://") || registry.contains('@') {
            let field = format!("allowedRegistries[{index}]");
            let message = format!("`{}` is not a registry", clip(registry));
            let hint = "write `registry.example.com`, or `registry.example.com/team` for what lies below";
            checker.fail_hint(Rule::PolicyForm, &field, registry.at, message, hint);
        }
    }
    let maximum = &policy.maximum_grants;
    for (name, patterns) in [("read", &maximum.read), ("write", &maximum.write)] {
        for (index, pattern) in patterns.iter().flatten().enumerate() {
            if let Err(error) = pattern.parse::<PathPattern>() {
                let field = format!("maximumGrants.{name}[{index}]");
                let message = format!("invalid pattern `{}`: {error}", clip(pattern));
                checker.fail_hint(Rule::StepGrantPattern, &field, pattern.at, message, error.hint());
            }
        }
    }
    check_limits(&policy.maximum_limits, "maximumLimits", &mut checker);
    checker.problems
}
