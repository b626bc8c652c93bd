//! The policies that a run follows: that of the machine, and one that is named.

use crate::error::{Error, Result};
use config::steps::StepLimits;
use config::{CustomStep, ResolvedPolicy, load_policy};
use std::path::Path;
use units::PathPattern;

/// The machine's policy. It holds whatever else is named: a policy can only take away.
const OF_THE_MACHINE: &str = "/etc/imagecustomizer/policy.yaml";

/// The files of the policies that a run may follow, whether they are there or not.
pub(crate) fn files(named: Option<&Path>) -> impl Iterator<Item = &Path> {
    std::iter::once(Path::new(OF_THE_MACHINE)).chain(named)
}

/// The policies of a run.
pub(super) struct Policies(Vec<ResolvedPolicy>);

impl Policies {
    /// Reads the policies; that of the machine where there are steps that it could be about.
    ///
    /// # Errors
    /// When one that is there, or is named, cannot be used.
    pub(super) fn load(named: Option<&Path>, has_steps: bool) -> Result<Self> {
        let of_the_machine = Path::new(OF_THE_MACHINE);
        // What cannot be looked at counts as there, so that nobody gets past it.
        let is_there = std::fs::symlink_metadata(of_the_machine)
            .map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |_| true);
        let files = (has_steps && is_there).then_some(of_the_machine).into_iter().chain(named);
        let load = |file: &Path| {
            load_policy(file).map_err(|problems| Error::of_policy(problems, "the policy cannot be used"))
        };
        files.map(load).collect::<Result<_>>().map(Self)
    }

    /// What the configuration alone shows.
    pub(super) fn check(&self, steps: &[CustomStep<'_>]) -> Result<()> {
        let secrets: Vec<PathPattern> =
            rootfs::SECRETS.iter().filter_map(|pattern| pattern.parse().ok()).collect();
        self.0.iter().try_for_each(|policy| policy.check(steps, &secrets).map_err(refused))
    }

    /// What may be used up at most, by each policy.
    pub(super) fn limits(&self) -> Vec<StepLimits> {
        self.0.iter().map(|policy| policy.maximum_limits().clone()).collect()
    }

    /// Which components may be used.
    pub(super) fn check_component(&self, step: &CustomStep<'_>, sha256: &str) -> Result<()> {
        self.0.iter().try_for_each(|policy| policy.check_component(step, sha256).map_err(refused))
    }
}

/// Holds a repository that somebody wants a component from against the policy of the machine and the one that is named.
/// For commands that follow no configuration.
///
/// # Errors
/// A policy that is there, or is named, cannot be used, or does not allow `place`, which is `REGISTRY/REPOSITORY`.
pub fn check_registry(named: Option<&Path>, place: &str) -> Result<()> {
    let policies = Policies::load(named, true)?;
    policies.0.iter().try_for_each(|policy| policy.check_registry(place).map_err(refused))
}

fn refused(problems: config::Diagnostics) -> Error {
    Error::of_policy(problems, "the policy does not allow this")
}
