//! `step lock`: writes down what the steps of a configuration are.

use std::path::Path;
use std::sync::Arc;

use engine::{Cancellation, LockOptions, StepOptions};

use crate::arguments::StepLock;
use crate::checks::{given, required};
use crate::environment;
use crate::failure::Failure;
use crate::log::escape::escape_line;
use crate::registry::Registries;
use crate::run::{failure, print};
use crate::whole_file::{self, Existing};

pub(super) fn run(flags: StepLock, cancel: &Cancellation) -> Result<(), Failure> {
    let policy = given(flags.policy.as_ref()).or_else(environment::policy);
    let options = LockOptions {
        config_file: required("--config-file", flags.config_file)?,
        steps: StepOptions {
            policy,
            source: Some(Arc::new(Registries::new(cancel))),
            ..StepOptions::default()
        },
        code_cache: environment::code_cache(),
        cancel: cancel.clone(),
    };
    let (path, lock) = engine::lock(&options).map_err(failure)?;
    let text = lock.to_text().map_err(failure)?;
    let shown = escape_line(&path.display().to_string());
    if is_there(&path, &text) {
        return print(&format!("{shown} is as it was\n"));
    }
    // Other runs may read it meanwhile.
    whole_file::write(&path, text.as_bytes(), Existing::Replace)
        .map_err(|error| Failure::because(format!("cannot write `{}`", path.display()), &error))?;
    print(&format!("{shown} is written\n"))
}

/// Whether `path` holds `text` already. What is no file, or of another length, is not read: it may have no end.
fn is_there(path: &Path, text: &str) -> bool {
    let alike = |found: std::fs::Metadata| found.is_file() && found.len() == text.len() as u64;
    std::fs::metadata(path).is_ok_and(alike)
        && std::fs::read(path).is_ok_and(|found| found == text.as_bytes())
}
