//! The rules that one configuration file has to keep by itself, in the order of the reference
//! program. All broken rules are reported, the first one first.

mod address;
mod filesystems;
mod inject;
mod input;
mod layout;
mod live_os;
mod os;
mod output;
mod partitions;
pub(crate) mod policy;
mod preview;
mod scripts;
pub(crate) mod steps;
mod storage;
mod text;
mod verity;

pub(crate) use address::oci_reference;
pub(crate) use inject::check_inject_config;
pub(crate) use layout::layout;
pub use layout::{DiskLayout, PartitionExtent};
pub(crate) use text::{azure_linux_variant, azure_linux_version, snapshot_time};

use crate::diagnostic::Diagnostic;
use crate::model::Config;
use crate::model::os::PasswordType;
use crate::model::preview::PreviewFeature;
use crate::rule::Rule;
use crate::source::{Located, Span};

/// Which password types a configuration may use.
///
/// The reference program's released builds accept only locked accounts; its development builds accept
/// every type. Which of the two holds is up to the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasswordPolicy {
    /// Only `locked`.
    LockedOnly,
    /// Every type.
    #[default]
    Any,
}

impl PasswordPolicy {
    fn allows(self, kind: PasswordType) -> bool {
        self == Self::Any || kind == PasswordType::Locked
    }
}

/// Checks one file; returns what is wrong, in the order of the checks.
pub(crate) fn check(config: &Config, passwords: PasswordPolicy) -> Vec<Diagnostic> {
    let mut checker = Checker { problems: Vec::new(), passwords };
    input::check(&config.input, &mut checker);
    storage::check(&config.storage, &mut checker);
    if let Some(iso) = &config.iso {
        live_os::check_iso(iso, &mut checker);
    }
    if let Some(pxe) = &config.pxe {
        live_os::check_pxe(pxe, &mut checker);
    }
    if let Some(os) = &config.os {
        os::check(os, &mut checker);
        preview::check_uki(config, os, &mut checker);
        preview::check_packages(config, os, &mut checker);
    }
    steps::check(config, &mut checker);
    scripts::check(&config.scripts, &mut checker);
    storage::check_boot_loader_reset(config, &mut checker);
    output::check(&config.output, &mut checker);
    preview::check_output(config, &mut checker);
    preview::check_storage(config, &mut checker);
    preview::check_base_configs(config, &mut checker);
    preview::check_input(config, &mut checker);
    preview::check_live_os(config, &mut checker);
    preview::check_btrfs(config, &mut checker);
    checker.problems
}

/// Collects the broken rules.
pub(crate) struct Checker {
    problems: Vec<Diagnostic>,
    passwords: PasswordPolicy,
}

impl Checker {
    fn fail(&mut self, rule: Rule, field: &str, at: Span, message: impl Into<String>) {
        self.problems.push(Diagnostic::new(rule, field, at, message));
    }

    fn fail_hint(
        &mut self,
        rule: Rule,
        field: &str,
        at: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Diagnostic::new(rule, field, at, message).hint(hint));
    }

    fn count(&self) -> usize {
        self.problems.len()
    }

    /// A field that has to be there and not be empty. Returns it, or reports its absence at `owner`.
    fn required<'v>(
        &mut self,
        rule: Rule,
        field: &str,
        value: &'v Option<Located<String>>,
        owner: Span,
    ) -> Option<&'v Located<String>> {
        let found = given(value);
        if found.is_none() {
            let at = value.as_ref().map_or(owner, |value| value.at);
            self.fail(rule, field, at, format!("`{field}` is required"));
        }
        found
    }
}

/// The value of a text field that is there and not empty.
pub(crate) fn given(value: &Option<Located<String>>) -> Option<&Located<String>> {
    value.as_ref().filter(|value| !value.is_empty())
}

/// The text of a field; empty when it is absent.
pub(crate) fn text_of(value: &Option<Located<String>>) -> &str {
    value.as_ref().map_or("", |value| value.value.as_str())
}

fn has(config: &Config, feature: PreviewFeature) -> bool {
    config.preview_features.iter().any(|given| given.value == feature)
}
