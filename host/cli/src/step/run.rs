//! `step run`: one component on a copy of a tree.

use std::path::PathBuf;

use engine::{Grant, Ground, Trial, TrialReport};

use super::{Bench, settings, show};
use crate::arguments::StepRun;
use crate::checks::{given, required};
use crate::environment;
use crate::failure::Failure;
use crate::registry::Located;
use crate::run::failure;

pub(super) fn run(flags: StepRun, bench: &Bench) -> Result<(), Failure> {
    let form = flags.format;
    let learn = flags.learn;
    let mut trial = trial(flags)?;
    let located = Located::find(&trial.component, &bench.cancel)?;
    trial.component.clone_from(&located.path);
    let mut report = bench.workbench.run(&trial).map_err(failure)?;
    if learn && report.incomplete_grant {
        tracing::warn!(
            "the grant is not all that the step needs: it touched more files than are noted, and those that came last \
             are missing"
        );
    }
    show(form, &report, if learn { grant } else { changes })?;
    match report.failure.take() {
        None => Ok(()),
        Some(error) => Err(failure(error)),
    }
}

fn trial(flags: StepRun) -> Result<Trial, Failure> {
    if flags.learn && !(flags.read.is_empty() && flags.write.is_empty() && !flags.nodes) {
        let failure =
            Failure::new("`--learn` lets the step do everything, so nothing can be granted beside it");
        return Err(failure.with_hint(Some("leave out `--learn`, or `--read`, `--write` and `--nodes`")));
    }
    let ground = match (given(flags.root.as_ref()), given(flags.image.as_ref())) {
        (Some(root), None) => Ground::Directory(root),
        (None, Some(image)) => Ground::Image(image),
        _ => {
            let failure = Failure::new("it is not said what the step is run on");
            return Err(failure.with_hint(Some("give `--root` or `--image`")));
        }
    };
    let read = (!flags.read.is_empty()).then_some(flags.read);
    Ok(Trial {
        component: required("FILE", flags.component)?,
        ground,
        settings: settings(&flags.settings)?,
        artifacts: flags.artifact.iter().map(|text| artifact(text)).collect::<Result<_, _>>()?,
        grant: (!flags.learn).then_some(Grant { read, write: flags.write, nodes: flags.nodes }),
        trace: given(flags.trace.as_ref()),
        source_date_epoch: environment::source_date_epoch()?,
    })
}

/// `NAME=PATH`.
pub(crate) fn artifact(text: &str) -> Result<(String, PathBuf), Failure> {
    match text.split_once('=').filter(|(name, path)| !name.is_empty() && !path.is_empty()) {
        Some((name, path)) => Ok((name.to_owned(), PathBuf::from(path))),
        None => {
            let failure = Failure::new(format!("`--artifact` is not understood: `{text}`"));
            Err(failure.with_hint(Some("it is `--artifact NAME=PATH`")))
        }
    }
}

fn changes(report: &TrialReport) -> String {
    report.changes.to_string()
}

fn grant(report: &TrialReport) -> String {
    report.grant.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_a_name_and_a_path() {
        assert_eq!(artifact("logo=files/a=b.txt").unwrap(), ("logo".to_owned(), "files/a=b.txt".into()));
        for text in ["", "logo", "=path", "logo="] {
            assert!(artifact(text).is_err(), "{text}");
        }
    }
}
