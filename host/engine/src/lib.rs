//! Carries a plan out: opens the image, lends its tree to one step after the other, checks and writes the result.

mod build_dir;
mod built_in_scope;
mod builtin;
mod cancellation;
mod components;
mod configuration;
mod convert;
mod customize;
mod error;
mod history;
mod inspect;
mod observer;
mod open;
mod regular_file;
mod report;
mod run_clock;
mod seal;
mod steps;
mod trace;
mod usage;
mod validate;
mod workbench;
mod written_files;

pub use builtin::{components, precompile};
pub use cancellation::Cancellation;
pub use components::{ComponentSource, FetchError, Lock, LockOptions, StepOptions, check_registry, lock};
pub use convert::{ConvertOptions, convert};
pub use customize::{CustomizeOptions, TreeWrapper, customize, customize_through, plan};
pub use error::{Error, ErrorKind, Result};
pub use observer::{Observer, Phase, Silent};
pub use open::open_image;
pub use plan::{Plan, Step};
pub use program::Program;
pub use report::{PhaseReport, Report, StepReport};
pub use trace::{Replay, ReplayOptions, replay};
pub use usage::{End, Usage};
pub use validate::{ValidateOptions, validate_config};
pub use workbench::{
    CaseReport, Change, Changes, CheckOptions, CheckReport, Checked, Difference, GoldenOptions, GoldenReport,
    Grant, Ground, ImportReport, InspectionReport, Trial, TrialReport, Verdict, Workbench,
};
pub use written_files::{FileIdentity, WrittenFile, is_below};

/// The version of this program.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");
