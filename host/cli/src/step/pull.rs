//! `step pull`: takes a component out of a registry.

use std::io;
use std::path::{Path, PathBuf};

use engine::Cancellation;
use oci::Digest;
use serde::Serialize;

use super::show;
use crate::arguments::StepPull;
use crate::checks::given;
use crate::failure::Failure;
use crate::registry;
use crate::whole_file::{self, Existing};

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
    let pulled = registry::fetch(&reference, cancel, "pull")?;
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

fn write(path: &Path, component: &[u8], overwrite: bool) -> Result<(), Failure> {
    let existing = if overwrite { Existing::Replace } else { Existing::Keep };
    whole_file::write(path, component, existing).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => is_there(path),
        _ => Failure::because(format!("cannot write `{}`", path.display()), &error),
    })
}

fn is_there(path: &Path) -> Failure {
    let failure = Failure::new(format!("`{}` is there already", path.display()));
    failure.with_hint(Some("name another file with `--output`, or give `--overwrite`"))
}
