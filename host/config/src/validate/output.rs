//! Rules of `output`.

use super::{Checker, given};
use crate::model::output::{Artifacts, Output};
use crate::rule::Rule;
use crate::source::Located;

/// The levels that Zstandard knows.
pub(crate) const COSI_LEVELS: std::ops::RangeInclusive<i64> = 1..=22;

pub(super) fn check(output: &Output, checker: &mut Checker) {
    if let Some(level) = &output.image.cosi.compression.level {
        check_level(level, checker);
    }
    if let Some(artifacts) = &output.artifacts {
        check_artifacts(artifacts, checker);
    }
}

fn check_level(level: &Located<i64>, checker: &mut Checker) {
    if !COSI_LEVELS.contains(&level.value) {
        let message = format!("compression level {level} is not from 1 to 22");
        checker.fail(Rule::CosiLevel, "output.image.cosi.compression.level", level.at, message);
    }
}

fn check_artifacts(artifacts: &Artifacts, checker: &mut Checker) {
    if artifacts.items.is_empty() {
        let message = "`output.artifacts.items` names no artifact";
        let hint = "list some of `ukis`, `shim`, `bootloader` and `verity-hash`";
        checker.fail_hint(Rule::ArtifactsItems, "output.artifacts.items", artifacts.at, message, hint);
    }
    if given(&artifacts.path).is_none() {
        let message = "`output.artifacts.path` is required";
        checker.fail(Rule::ArtifactsPath, "output.artifacts.path", artifacts.at, message);
    }
}
