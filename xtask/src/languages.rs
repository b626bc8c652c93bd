//! The same step in five languages.

use crate::Outcome;
use crate::setup::{Purpose, prepare};
use crate::shell::{cargo, run, target};

/// The step's name: one that is not that of the examples, so that every place of a name is seen.
const NAME: &str = "front-door";

/// Starts a project in each language and builds it as its author would. Compilers come from package registries, fixed by
/// digests in the projects, and are kept in `target/languages`.
pub(crate) fn build() -> Outcome {
    prepare(Purpose::Languages)?;
    let mut start = cargo("run");
    start.args(["--quiet", "--package", "imagecustomizer-step-kit", "--example", "languages", "--"]);
    run(start.arg(target().join("languages")).arg(NAME))
}

/// Prints a table of what the components cost, in the optimized build.
pub(crate) fn compare() -> Outcome {
    build()?;
    let mut test = cargo("test");
    test.args(["--release", "--package", "imagecustomizer-sandbox", "--test", "guests", "--"]);
    test.args(["--ignored", "--nocapture", "cost::five_languages"]);
    run(test.env("IMAGECUSTOMIZER_LANGUAGES", target().join("languages")))
}
