//! Stands in for the engine until it offers these calls; `run.rs` is its only user.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

#[derive(Clone, Default)]
pub(crate) struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    pub(crate) fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Backend {
    Auto,
    Userspace,
}

#[expect(dead_code, reason = "stub")]
pub(crate) struct CustomizeOptions {
    pub(crate) build_dir: PathBuf,
    pub(crate) config_file: PathBuf,
    pub(crate) image_file: Option<PathBuf>,
    pub(crate) output_image_file: Option<PathBuf>,
    pub(crate) output_image_format: Option<String>,
    pub(crate) backend: Backend,
    pub(crate) cancel: Cancellation,
}

#[expect(dead_code, reason = "stub")]
pub(crate) struct ConvertOptions {
    pub(crate) image_file: PathBuf,
    pub(crate) output_image_file: PathBuf,
    pub(crate) output_image_format: String,
    pub(crate) build_dir: Option<PathBuf>,
    pub(crate) cancel: Cancellation,
}

#[expect(dead_code, reason = "stub")]
pub(crate) struct ValidateOptions {
    pub(crate) config_file: PathBuf,
    pub(crate) build_dir: Option<PathBuf>,
    pub(crate) files: bool,
}

#[derive(Serialize)]
pub(crate) struct Report {}

#[derive(Serialize)]
pub(crate) struct Plan {}

impl fmt::Display for Plan {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

#[expect(dead_code, reason = "stub")]
pub(crate) trait Observer {
    fn phase(&self, phase: &str);
    fn progress(&self, done: u64, total: u64);
}

#[derive(Debug)]
pub(crate) struct Error(&'static str);

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`: the engine is not built in", self.0)
    }
}

impl std::error::Error for Error {}

impl Error {
    #[expect(clippy::unused_self, reason = "stub")]
    pub(crate) fn name(&self) -> Option<&'static str> {
        None
    }

    #[expect(clippy::unused_self, reason = "stub")]
    pub(crate) fn hint(&self) -> Option<String> {
        None
    }
}

pub(crate) fn customize(_: &CustomizeOptions, _: &dyn Observer) -> Result<Report, Error> {
    Err(Error("customize"))
}

pub(crate) fn plan(_: &CustomizeOptions, _: &dyn Observer) -> Result<Plan, Error> {
    Err(Error("--plan"))
}

pub(crate) fn convert(_: &ConvertOptions, _: &dyn Observer) -> Result<(), Error> {
    Err(Error("convert"))
}

pub(crate) fn validate_config(_: &ValidateOptions) -> Result<(), Error> {
    Err(Error("validate-config"))
}
