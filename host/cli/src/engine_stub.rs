//! Stands in for the engine until it offers these calls; `run.rs` is its only user.
#![allow(dead_code, clippy::unused_self, unreachable_pub, reason = "a stand-in with the shape of the engine")]

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use program::Program;
use serde::Serialize;

#[derive(Clone, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub struct CustomizeOptions {
    pub build_dir: PathBuf,
    pub config_file: PathBuf,
    pub image_file: Option<PathBuf>,
    pub output_image_file: Option<PathBuf>,
    pub output_image_format: Option<String>,
    pub passwords: config::PasswordPolicy,
    pub code_cache: Option<PathBuf>,
    pub source_date_epoch: Option<u64>,
    pub cancel: Cancellation,
}

pub struct ConvertOptions {
    pub image_file: PathBuf,
    pub output_image_file: PathBuf,
    pub output_image_format: String,
    pub build_dir: Option<PathBuf>,
    pub source_date_epoch: Option<u64>,
    pub cancel: Cancellation,
}

pub struct ValidateOptions {
    pub config_file: PathBuf,
    pub files: bool,
    pub passwords: config::PasswordPolicy,
}

#[derive(Serialize)]
pub struct Report {}

#[derive(Serialize)]
pub struct Plan {}

impl fmt::Display for Plan {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

#[derive(Clone, Copy)]
pub struct Phase;

impl Phase {
    pub fn name(self) -> &'static str {
        ""
    }
}

pub trait Observer {
    fn phase(&self, phase: Phase);
    fn progress(&self, done: u64, total: u64);
}

#[derive(Debug)]
pub struct Error(&'static str);

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`: the engine is not built in", self.0)
    }
}

impl std::error::Error for Error {}

impl Error {
    pub fn name(&self) -> Option<&'static str> {
        None
    }

    pub fn hint(&self) -> Option<String> {
        None
    }

    pub fn diagnostics(&self) -> Option<&config::Diagnostics> {
        None
    }
}

pub fn customize(_: &CustomizeOptions, _: &dyn Observer) -> Result<Report, Error> {
    Err(Error("customize"))
}

pub fn plan(_: &CustomizeOptions, _: &dyn Observer) -> Result<Plan, Error> {
    Err(Error("--plan"))
}

pub fn convert(_: &ConvertOptions, _: &dyn Observer) -> Result<(), Error> {
    Err(Error("convert"))
}

pub fn validate_config(_: &ValidateOptions) -> Result<(), Error> {
    Err(Error("validate-config"))
}
