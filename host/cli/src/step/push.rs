//! `step push`: puts a component into a registry.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use engine::InspectionReport;
use oci::{Component, Digest};
use serde::Serialize;

use super::{Bench, show};
use crate::arguments::StepPush;
use crate::checks::required;
use crate::environment;
use crate::failure::Failure;
use crate::log::time::rfc3339;
use crate::registry::{self, OwnedComponent, Registries};
use crate::run::failure;

/// What is printed.
#[derive(Serialize)]
struct PushReport {
    /// Names what was pushed for ever.
    reference: String,
    /// Of the manifest.
    digest: String,
    /// Of the component, in lower-case hex.
    sha256: String,
    /// Bytes of the component.
    size: u64,
}

pub(super) fn run(flags: StepPush, bench: &Bench) -> Result<(), Failure> {
    let reference = registry::reference(&flags.reference)?;
    let file = required("FILE", flags.component)?;
    let found = bench.workbench.inspect(&file).map_err(failure)?;
    if let Some(reason) = &found.unusable {
        let failure = Failure::new(format!("`{}` cannot be used as a step: {reason}", file.display()));
        return Err(
            failure.with_hint(Some(format!("`imagecustomizer step inspect {}` says more", file.display())))
        );
    }
    let component = OwnedComponent { binary: read(&file, &found)?, described: described(&found)? };
    let pushed = Registries::new(&bench.cancel).push(&reference, component);
    let digest = pushed.map_err(|error| error.into_failure(format!("cannot push to `{reference}`")))?;
    let report = PushReport {
        reference: reference.at(digest.clone()).to_string(),
        digest: digest.to_string(),
        sha256: found.sha256,
        size: found.size,
    };
    // One line, for scripts.
    show(flags.format, &report, |report| format!("{}\n", report.reference))
}

/// The bytes that were inspected.
fn read(file: &Path, found: &InspectionReport) -> Result<Vec<u8>, Failure> {
    let cannot = |error| Failure::because(format!("cannot read `{}`", file.display()), &error);
    let mut binary = Vec::new();
    File::open(file).map_err(cannot)?.take(found.size + 1).read_to_end(&mut binary).map_err(cannot)?;
    match Digest::of(&binary).hex() == found.sha256 {
        true => Ok(binary),
        false => Err(Failure::new(format!("`{}` changed while it was looked at", file.display()))),
    }
}

/// What the artifact says of the component. Without a date of the build's it is that of 1970: equal components then have
/// equal digests.
fn described(found: &InspectionReport) -> Result<Component<'static>, Failure> {
    let date = Duration::from_secs(environment::source_date_epoch()?.unwrap_or(0));
    Ok(Component {
        binary: &[],
        created: UNIX_EPOCH.checked_add(date).map_or_else(|| rfc3339(UNIX_EPOCH), rfc3339),
        name: found.name.clone(),
        version: found.version.clone(),
        summary: found.summary.clone(),
        exports: found.exports.clone(),
        imports: found.imports.iter().map(|import| import.name.clone()).collect(),
    })
}
