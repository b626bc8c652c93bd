//! Whether a step does the same every time.

use crate::error::{Error, ErrorKind, Result};
use sandbox::{Difference, LoadedStep, StepRun, Trace, TraceSink, compare_runs};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What two runs of a step had in common.
#[derive(Debug)]
pub(crate) struct Determinism {
    /// The first thing that the second run did otherwise. Its `recorded` is the first run, its `now` the second.
    pub(crate) difference: Option<Difference>,
    /// Why the first run did not succeed: a step that fails in the same way every time is deterministic too.
    pub(crate) failure: Option<sandbox::Error>,
}

/// Runs `step` twice and compares the calls it makes and the answers it gets. `make` is asked for each run: the two have
/// to be equal, on trees of equal content. `scratch` is a directory for the traces; they are removed.
///
/// # Errors
/// Those of `make`; [`ErrorKind::Internal`] when the traces cannot be written or read.
pub(crate) fn check_determinism(
    step: &LoadedStep,
    scratch: &Path,
    mut make: impl FnMut() -> Result<StepRun>,
) -> Result<Determinism> {
    let paths = ["first.trace", "second.trace"].map(|name| scratch.join(name));
    let [first, second] = &paths;
    let checked = recorded(step, first, make()?).and_then(|failure| {
        recorded(step, second, make()?)?;
        let (first, second) = (read(first)?, read(second)?);
        let (Some(one), Some(other)) = (first.runs().first(), second.runs().first()) else {
            return Err(Error::saying(ErrorKind::Internal, "a run left no trace"));
        };
        let difference = compare_runs(one, other).map_err(internal)?;
        Ok(Determinism { difference, failure })
    });
    for path in paths {
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::debug!("`{}` stays: {error}", path.display());
        }
    }
    checked
}

/// Runs the step with a trace; why it did not succeed.
fn recorded(step: &LoadedStep, path: &Path, run: StepRun) -> Result<Option<sandbox::Error>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(internal)?;
    let sink = TraceSink::new(file);
    let result = step.run(StepRun { trace: Some(sink.clone()), ..run });
    sink.finish().map_err(internal)?;
    Ok(result.err())
}

fn read(path: &Path) -> Result<Trace> {
    Trace::open(path).map_err(internal)
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::saying(ErrorKind::Internal, "the runs of the step cannot be compared").caused_by(error)
}
