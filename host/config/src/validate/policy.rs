//! Rules of a policy file.

use std::net::Ipv6Addr;

use units::PathPattern;

use super::steps::check_limits;
use super::text::is_repository_segment;
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
        if !is_registry_or_repository(registry) {
            let field = format!("allowedRegistries[{index}]");
            let message = format!("`{}` is not a registry", clip(registry));
            let hint = "write `registry.example.com`, or `registry.example.com/team`: what lies below is meant too, without `*`";
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

/// `HOST[:PORT]`, with the beginning of a repository's name behind `/`: what else there is, no component comes from.
fn is_registry_or_repository(text: &str) -> bool {
    let (registry, repository) = match text.trim_end_matches('/').split_once('/') {
        Some((registry, repository)) => (registry, Some(repository)),
        None => (text.trim_end_matches('/'), None),
    };
    is_plain_host(registry) && repository.is_none_or(|path| path.split('/').all(is_repository_segment))
}

fn is_plain_host(text: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            let is_rest = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
            return is_rest && address.parse::<Ipv6Addr>().is_ok();
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_name = |b: char| b.is_alphanumeric() || matches!(b, '.' | '-' | '_');
    !host.is_empty() && host.chars().all(is_name) && port.is_none_or(is_port)
}
