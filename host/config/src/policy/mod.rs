//! The policy of an organisation: what custom steps may be, whatever a configuration grants them.

mod nulls;
mod patterns;

use std::path::Path;

use units::PathPattern;

use crate::decode::record;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::load::{Form, Reader};
use crate::model::steps::StepLimits;
use crate::resolved::{ComponentPlace, CustomStep};
use crate::rule::Rule;
use crate::source::{Located, Span};
use crate::validate::policy::check_policy;
pub(crate) use nulls::nulls;
use patterns::{covers, overlap};

record! {
    /// What custom steps may be. A field that is absent asks for nothing.
    pub struct Policy {
        /// Registries, or repositories in them with all below, that components may come from; with an empty list, none may.
        "allowedRegistries" allowed_registries: Option<Vec<Located<String>>>,
        /// SHA-256 of the components that may be used, in hex digits.
        "allowedComponents" allowed_components: Option<Vec<Located<String>>>,
        /// Whether a configuration has to name the digest of every component.
        "requireSha256" require_sha256: Option<Located<bool>>,
        /// The most that may be granted.
        "maximumGrants" maximum_grants: MaximumGrants,
        /// The most that may be used up; also what may be used where a configuration does not say.
        "maximumLimits" maximum_limits: StepLimits,
    }
}

record! {
    /// The most that may be granted. A field that is absent asks for nothing.
    pub struct MaximumGrants {
        /// Patterns that have to cover what may be read; without `read` in the grant, that is `/**`.
        "read" read: Option<Vec<Located<String>>>,
        /// Patterns that have to cover what may be written.
        "write" write: Option<Vec<Located<String>>>,
        /// Whether device nodes may be made.
        "nodes" nodes: Option<Located<bool>>,
        /// Whether programs of the image may be run.
        "commands" commands: Option<Located<bool>>,
        /// Whether packages may be changed.
        "packages" packages: Option<Located<bool>>,
    }
}

/// A checked policy.
#[derive(Debug)]
pub struct ResolvedPolicy {
    policy: Policy,
    reader: Reader,
}

/// Reads and checks a policy.
///
/// # Errors
/// All that is wrong with the file.
pub fn load_policy(file: &Path) -> Result<ResolvedPolicy, Diagnostics> {
    let mut reader = Reader::of(Form::Policy);
    let absolute = reader.absolute(file)?;
    let policy: Policy = reader.read_regular(&absolute)?;
    reader.fail_if_any(check_policy(&policy))?;
    Ok(ResolvedPolicy { policy, reader })
}

impl ResolvedPolicy {
    /// What may be used up at most.
    pub fn maximum_limits(&self) -> &StepLimits {
        &self.policy.maximum_limits
    }

    /// What the configuration alone breaks: origin, digests, grants, limits. Places are those of the policy. `secrets` are
    /// the files that only a pattern with a plain last name may cover.
    ///
    /// # Errors
    /// Every rule that is broken.
    pub fn check(&self, steps: &[CustomStep<'_>], secrets: &[PathPattern]) -> Result<(), Diagnostics> {
        let mut problems = Vec::new();
        for step in steps {
            let mut check = Check { step, problems: &mut problems };
            self.check_origin(&mut check);
            self.check_grants(secrets, &mut check);
            self.check_limits(&mut check);
        }
        self.reader.fail_if_any(problems)
    }

    /// Whether the component with this digest, in lower-case hex, may be used.
    ///
    /// # Errors
    /// When it is not one of those that are allowed.
    pub fn check_component(&self, step: &CustomStep<'_>, sha256: &str) -> Result<(), Diagnostics> {
        let Some(allowed) = &self.policy.allowed_components else { return Ok(()) };
        if allowed.iter().any(|digest| digest.eq_ignore_ascii_case(sha256)) {
            return Ok(());
        }
        let mut problems = Vec::new();
        let message = format!("its component {sha256} is not among `allowedComponents`");
        Check { step, problems: &mut problems }.fail(
            Rule::PolicyComponent,
            "allowedComponents",
            self.list_at(allowed),
            &message,
        );
        self.reader.fail_if_any(problems)
    }

    /// Whether components may come from `place`, `REGISTRY/REPOSITORY`, when no configuration asks for them.
    ///
    /// # Errors
    /// When it is not in or below one of those that are allowed.
    pub fn check_registry(&self, place: &str) -> Result<(), Diagnostics> {
        let problem = self.foreign_to(place).map(|at| {
            let message = format!("the policy refuses `{place}`: it is not among `allowedRegistries`");
            Diagnostic::new(Rule::PolicyRegistry, "allowedRegistries", at, message)
        });
        self.reader.fail_if_any(problem.into_iter().collect::<Vec<_>>())
    }

    /// Where the list stands that `place` is missing from, if it is.
    fn foreign_to(&self, place: &str) -> Option<Span> {
        let registries = self.policy.allowed_registries.as_ref()?;
        let allowed = registries.iter().any(|registry| is_from(place, registry));
        (!allowed).then(|| self.list_at(registries))
    }

    fn check_origin(&self, check: &mut Check<'_, '_>) {
        if let ComponentPlace::Oci(oci) = check.step.component() {
            let place = format!("{}/{}", oci.registry, oci.repository);
            if let Some(at) = self.foreign_to(&place) {
                let message = format!("`{place}` is not among `allowedRegistries`");
                check.fail(Rule::PolicyRegistry, "allowedRegistries", at, &message);
            }
        }
        if let Some(required) = self.policy.require_sha256.filter(|required| required.value)
            && check.step.sha256().is_none()
        {
            let message = "`requireSha256` asks for the digest of its component";
            check.fail(Rule::PolicySha256, "requireSha256", required.at, message);
        }
    }

    fn check_grants(&self, secrets: &[PathPattern], check: &mut Check<'_, '_>) {
        let maximum = &self.policy.maximum_grants;
        let everything: Vec<PathPattern> = "/**".parse().into_iter().collect();
        let read = check.step.read_patterns();
        let is_named = read.is_some();
        let lists = [
            ("read", &maximum.read, read.unwrap_or(everything), is_named),
            ("write", &maximum.write, check.step.write_patterns(), true),
        ];
        for (name, allowed, granted, is_named) in lists {
            let Some(allowed) = allowed else { continue };
            let field = format!("maximumGrants.{name}");
            for pattern in &granted {
                let is_secret = is_named && names_secret(pattern, secrets);
                let covering = |allowed: &Located<String>| {
                    covers(allowed, pattern.as_str()) && (!is_secret || has_plain_end(allowed))
                };
                if allowed.iter().any(covering) {
                    continue;
                }
                let message = match is_named {
                    true => format!("`grant.{name}` of `{pattern}` is more than `{field}` allows"),
                    false => {
                        format!("without `grant.{name}` it may {name} everything, more than `{field}` allows")
                    }
                };
                check.fail(Rule::PolicyGrant, &field, self.list_at(allowed), &message);
            }
        }
        let flags = [
            ("nodes", maximum.nodes, check.step.grants_nodes()),
            ("commands", maximum.commands, check.step.grants_commands()),
            ("packages", maximum.packages, check.step.grants_packages()),
        ];
        for (name, allowed, granted) in flags {
            if let Some(allowed) = allowed.filter(|allowed| granted && !allowed.value) {
                let field = format!("maximumGrants.{name}");
                let message = format!("`grant.{name}` is more than `{field}` allows");
                check.fail(Rule::PolicyGrant, &field, allowed.at, &message);
            }
        }
    }

    fn check_limits(&self, check: &mut Check<'_, '_>) {
        let (limits, most) = (&check.step.item.limits, &self.policy.maximum_limits);
        let memory = above(limits.memory, most.memory);
        let time = above(limits.time, most.time);
        let log = above(limits.log, most.log);
        let files = above(limits.open_files, most.open_files);
        let written = above(limits.written, most.written);
        let all =
            [("memory", memory), ("time", time), ("log", log), ("openFiles", files), ("written", written)];
        for (name, above) in all {
            if let Some((given, most, at)) = above {
                let field = format!("maximumLimits.{name}");
                let message =
                    format!("`limits.{name}` of {given} is more than {most}, which `{field}` allows");
                check.fail(Rule::PolicyLimit, &field, at, &message);
            }
        }
    }

    /// The first item of a list; an empty one has no place but the file.
    fn list_at(&self, list: &[Located<String>]) -> Span {
        list.first().map_or(self.policy.at, |first| first.at)
    }
}

/// Collects what one step breaks.
struct Check<'a, 'c> {
    step: &'a CustomStep<'c>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Check<'_, '_> {
    fn fail(&mut self, rule: Rule, field: &str, at: Span, message: &str) {
        let step = self.step;
        let message = format!("the policy refuses step `{}`: {message}", step.name());
        let hint = format!("change `steps[{}]` of `{}`", step.index, step.file.path.display());
        self.problems.push(Diagnostic::new(rule, field, at, message).hint(hint));
    }
}

/// What is given, what is the most, and where that stands, if more is given.
fn above<T: PartialOrd + std::fmt::Display>(
    given: Option<Located<T>>,
    most: Option<Located<T>>,
) -> Option<(String, String, Span)> {
    let (given, most) = (given?, most?);
    (given.value > most.value).then(|| (given.to_string(), most.to_string(), most.at))
}

/// Whether a component lies in a registry, or in a repository or below it.
fn is_from(place: &str, allowed: &str) -> bool {
    place
        .strip_prefix(allowed.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the pattern may be what makes a secret readable or writable.
fn names_secret(pattern: &PathPattern, secrets: &[PathPattern]) -> bool {
    has_plain_end(pattern.as_str()) && secrets.iter().any(|secret| overlap(secret.as_str(), pattern.as_str()))
}

fn has_plain_end(pattern: &str) -> bool {
    pattern.rsplit('/').next().is_some_and(|name| !name.contains(['*', '?']))
}
