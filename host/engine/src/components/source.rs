//! Where components come from.

use crate::regular_file;
use config::{ComponentPlace, CustomStep, Diagnostic, OciComponent, Rule, StepField};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Fetches components that are not files of this machine.
pub trait ComponentSource: fmt::Debug + Send + Sync {
    /// The binary of a component, of at most `limit` bytes. Whoever implements this compares the digest of the manifest.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn fetch(&self, component: &OciComponent, limit: u64) -> Result<Vec<u8>, FetchError>;
}

/// Why a component could not be fetched.
#[derive(Clone, Debug)]
pub struct FetchError {
    /// Lower case, no full stop; shows no credentials.
    pub message: String,
    /// What the person can do.
    pub hint: Option<String>,
}

/// A component's bytes.
pub(crate) struct Binary {
    pub(crate) bytes: Vec<u8>,
    /// Lower-case hex.
    pub(crate) sha256: String,
}

/// The largest component that is read: what the sandbox takes, 128 MiB.
const LARGEST: u64 = 128 << 20;

/// Bytes that all components of a configuration may have together: they are held until all were looked at.
const LARGEST_TOGETHER: u64 = 1 << 30;

/// Reads components, each place once.
pub(super) struct Sources<'a> {
    registry: Option<&'a dyn ComponentSource>,
    known: BTreeMap<ComponentPlace, Arc<Binary>>,
    left: u64,
}

impl<'a> Sources<'a> {
    pub(super) fn new(registry: Option<&'a dyn ComponentSource>) -> Self {
        Self { registry, known: BTreeMap::new(), left: LARGEST_TOGETHER }
    }

    /// The component of a step, if it has the digest that the configuration names.
    pub(super) fn fetch(&mut self, step: &CustomStep<'_>) -> Result<Arc<Binary>, Diagnostic> {
        let place = step.component();
        let binary = match self.known.get(&place) {
            Some(known) => Arc::clone(known),
            None => {
                let binary = Arc::new(self.read(step, &place)?);
                self.known.insert(place, Arc::clone(&binary));
                binary
            }
        };
        match step.sha256().filter(|named| *named != binary.sha256) {
            None => Ok(binary),
            Some(_) => {
                let (name, sha256) = (step.name(), &binary.sha256);
                let message = format!("the component of step `{name}` has another digest: {sha256}");
                let problem = step.problem(Rule::StepComponentSha256, StepField::Sha256, message);
                Err(problem.hint("if the component is the one that is meant, write its digest here"))
            }
        }
    }

    fn read(&mut self, step: &CustomStep<'_>, place: &ComponentPlace) -> Result<Binary, Diagnostic> {
        let bytes = match place {
            ComponentPlace::File(path) => read(path).map_err(|reason| {
                let message = format!("the component `{}` cannot be used: {reason}", path.display());
                step.problem(Rule::StepComponentFile, StepField::Component, message)
            })?,
            ComponentPlace::Oci(component) => download(step, component, self.registry)?,
        };
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            let message = "the components of all steps have more than 1 GiB together";
            step.problem(Rule::StepComponentFile, StepField::Component, message)
        })?;
        let sha256 = sandbox::sha256(&bytes);
        Ok(Binary { bytes, sha256 })
    }
}

/// Reads the component in a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    regular_file::read(path, LARGEST).map_err(|error| error.to_string())
}

fn download(
    step: &CustomStep<'_>,
    component: &OciComponent,
    source: Option<&dyn ComponentSource>,
) -> Result<Vec<u8>, Diagnostic> {
    let Some(source) = source else {
        let message = "components from registries are not supported yet";
        let problem = step.problem(Rule::Unsupported, StepField::Component, message);
        return Err(problem.hint("download the component, and name the file in `component`"));
    };
    let failed = |error: FetchError| {
        let message = format!("the component `{component}` cannot be fetched: {}", error.message);
        let problem = step.problem(Rule::StepComponentFetch, StepField::Component, message);
        match error.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    };
    let bytes = source.fetch(component, LARGEST).map_err(failed)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(failed(FetchError { message: "it is larger than 128 MiB".to_owned(), hint: None })),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_components() {
        let scene = tempfile::tempdir().unwrap();
        let pipe = scene.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(read(&pipe).unwrap_err(), "it is not a regular file");
        assert_eq!(read(scene.path()).unwrap_err(), "it is not a regular file");
        assert!(read(&scene.path().join("none")).unwrap_err().contains("No such file"));
        let large = scene.path().join("large");
        std::fs::File::create(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(read(&large).unwrap_err(), "it is larger than 128 MiB");
    }
}
