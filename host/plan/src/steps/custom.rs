//! Steps of the configuration that are not built in: what each is given, and where it stands among the built-in ones.

use crate::facts::RunFacts;
use crate::plan::{ArtifactSource, BuiltIn, Limits, PlannedComponent, PlannedStep, Scope, Step};
use config::steps::BuiltInStep;
use config::{CustomStep, ResolvedConfig};

/// Puts the configuration's own steps among the built-in ones. Steps at one place keep the order of the configuration.
pub(super) fn insert(
    config: &ResolvedConfig,
    run: &RunFacts,
    built_in: Vec<PlannedStep>,
) -> Vec<PlannedStep> {
    let mut custom: Vec<(usize, PlannedStep)> = config
        .custom_steps()
        .into_iter()
        .map(|step| (place(&step, &built_in), planned(&step, run, config.files().len() == 1)))
        .collect();
    custom.sort_by_key(|(place, _)| *place);
    let mut custom = custom.into_iter().peekable();
    let mut all = Vec::with_capacity(built_in.len());
    for (index, step) in built_in.into_iter().enumerate() {
        while let Some((_, own)) = custom.next_if(|(place, _)| *place <= index) {
            all.push(own);
        }
        all.push(step);
    }
    all.extend(custom.map(|(_, step)| step));
    all
}

/// How many built-in steps run before this one. A step to stand behind or before need not run itself: its place in the
/// order counts.
fn place(step: &CustomStep<'_>, built_in: &[PlannedStep]) -> usize {
    let rank = |planned: &PlannedStep| planned.step.built_in().map(BuiltIn::rank);
    match (&step.item.after, &step.item.before) {
        (Some(after), _) => {
            let after = BuiltIn::from(after.value).rank();
            built_in.iter().rposition(|planned| rank(planned) <= Some(after)).map_or(0, |last| last + 1)
        }
        (None, before) => {
            let before = before.as_ref().map_or(BuiltIn::ReleaseFile, |before| before.value.into()).rank();
            built_in.iter().position(|planned| rank(planned) >= Some(before)).unwrap_or(built_in.len())
        }
    }
}

fn planned(step: &CustomStep<'_>, run: &RunFacts, only_file: bool) -> PlannedStep {
    let reason = match only_file {
        true => format!("`steps[{}]`", step.index),
        false => format!("`steps[{}]` in `{}`", step.index, step.file.path.display()),
    };
    let artifact = |path: std::path::PathBuf| match run.directories.contains(&path) {
        true => ArtifactSource::Directory(path),
        false => ArtifactSource::File(path),
    };
    let artifacts = step.artifacts().into_iter();
    PlannedStep {
        step: Step::Custom(step.name().to_owned()),
        reason,
        component: Some(PlannedComponent {
            source: step.component_text().to_owned(),
            sha256: run.components.get(step.name()).cloned().or_else(|| step.sha256()),
        }),
        scope: Some(Scope {
            read: step.read_patterns(),
            write: step.write_patterns(),
            nodes: step.grants_nodes(),
        }),
        limits: limits(step),
        settings: step.item.settings.to_json(),
        artifacts: artifacts.map(|(name, path)| (name.to_owned(), artifact(path.value))).collect(),
    }
}

fn limits(step: &CustomStep<'_>) -> Limits {
    let limits = &step.item.limits;
    let bytes =
        |limit: &Option<config::Located<config::bounds::ByteCount>>| limit.map(|limit| limit.value.bytes());
    Limits {
        memory: bytes(&limits.memory),
        time: limits.time.map(|time| time.value.duration().as_secs()),
        log: bytes(&limits.log),
        open_files: limits.open_files.map(|files| files.value),
        written: bytes(&limits.written),
    }
}

impl From<BuiltInStep> for BuiltIn {
    fn from(step: BuiltInStep) -> Self {
        match step {
            BuiltInStep::Hostname => Self::Hostname,
            BuiltInStep::Groups => Self::Groups,
            BuiltInStep::Users => Self::Users,
            BuiltInStep::Directories => Self::Directories,
            BuiltInStep::Files => Self::Files,
            BuiltInStep::Services => Self::Services,
            BuiltInStep::Modules => Self::Modules,
            BuiltInStep::ReleaseFile => Self::ReleaseFile,
            BuiltInStep::History => Self::History,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_knows_every_built_in_step_by_its_name_and_in_its_order() {
        let known = BuiltInStep::ALL.map(BuiltIn::from);
        assert_eq!(known, BuiltIn::ALL);
        for step in BuiltInStep::ALL {
            assert_eq!(step.word(), BuiltIn::from(step).name());
        }
    }
}
