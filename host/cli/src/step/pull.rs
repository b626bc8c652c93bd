//! `step pull`: takes a component out of a registry.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use engine::Cancellation;
use oci::Digest;
use serde::Serialize;

use super::show;
use crate::arguments::StepPull;
use crate::checks::given;
use crate::failure::Failure;
use crate::registry::{self, LARGEST, Registries};

/// What is printed.
#[derive(Serialize)]
struct PullReport {
    /// Where the component is.
    file: String,
    /// Names what was pulled for ever.
    reference: String,
    /// Of the manifest.
    digest: String,
    /// Of the component, in lower-case hex.
    sha256: String,
    /// Bytes of the component.
    size: u64,
}

pub(super) fn run(flags: &StepPull, cancel: &Cancellation) -> Result<(), Failure> {
    let reference = registry::reference(&flags.reference)?;
    let own_name = || PathBuf::from(format!("{}.wasm", registry::name(&reference)));
    let file = given(flags.output.as_ref()).unwrap_or_else(own_name);
    if !flags.overwrite && file.symlink_metadata().is_ok() {
        return Err(is_there(&file));
    }
    let pulled = Registries::new(cancel).pull(&reference, LARGEST);
    let pulled = pulled.map_err(|error| error.into_failure(format!("cannot pull `{reference}`")))?;
    write(&file, &pulled.component, flags.overwrite)?;
    let report = PullReport {
        file: file.display().to_string(),
        reference: reference.at(pulled.digest.clone()).to_string(),
        digest: pulled.digest.to_string(),
        sha256: Digest::of(&pulled.component).hex().to_owned(),
        size: pulled.component.len() as u64,
    };
    show(flags.format, &report, text)
}

fn text(report: &PullReport) -> String {
    let PullReport { file, reference, sha256, size, .. } = report;
    format!("{file}\n  {reference}\n  {size} bytes\n  sha256 {sha256}\n")
}

/// The place never holds half a component.
fn write(path: &Path, component: &[u8], overwrite: bool) -> Result<(), Failure> {
    let cannot = |error: io::Error| Failure::because(format!("cannot write `{}`", path.display()), &error);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
    // As an ordinary new file has it; the process's mask is taken off.
    let permissions = Permissions::from_mode(0o666);
    let mut file =
        tempfile::Builder::new().permissions(permissions).tempfile_in(directory).map_err(cannot)?;
    file.write_all(component).map_err(cannot)?;
    if overwrite {
        return file.persist(path).map(drop).map_err(|error| cannot(error.error));
    }
    file.persist_noclobber(path).map(drop).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => is_there(path),
        _ => cannot(error.error),
    })
}

fn is_there(path: &Path) -> Failure {
    let failure = Failure::new(format!("`{}` is there already", path.display()));
    failure.with_hint(Some("name another file with `--output`, or give `--overwrite`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_overwritten_only_when_that_is_asked_for() {
        let scene = tempfile::tempdir().unwrap();
        let path = scene.path().join("a.wasm");
        write(&path, b"one", false).unwrap();
        assert!(write(&path, b"two", false).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write(&path, b"two", true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(scene.path()).unwrap().count(), 1);
    }
}
