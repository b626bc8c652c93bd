//! What needs no running program: format, lints, and the rules on crates.

use crate::Outcome;
use crate::build::TESTED;
use crate::setup::{Purpose, prepare};
use crate::shell::{cargo, run};

/// Everything, cheapest first.
pub(crate) fn all() -> Outcome {
    prepare(Purpose::Check)?;
    run(cargo("fmt").args(["--all", "--check"]))?;
    let lints = ["--all-targets", "--", "--deny", "warnings"];
    run(cargo("clippy").args(TESTED).args(lints))?;
    run(cargo("test").args(["--quiet", "--package", "imagecustomizer-e2e", "--test", "architecture"]))
}
