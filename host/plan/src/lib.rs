//! What a run will do, as a value: the configuration and the facts about the image become an ordered list of steps and
//! host actions. No input or output happens here (invariant I-9).

mod built_in_scope;
mod distribution;
mod error;
mod facts;
mod os_release;
mod plan;
mod render;
mod secret;
mod steps;
mod support;

pub use built_in_scope::ImageText;
pub use distribution::{Distribution, Family};
pub use error::{Error, Result};
pub use facts::{FileSystemFact, ImageFacts, InputFact, OutputFact, RunFacts};
pub use os_release::OsRelease;
pub use plan::{
    ArtifactSource, BackEnd, BuiltIn, Limits, Plan, PlannedComponent, PlannedStep, Scope, Seal, Step,
};
pub use secret::Secret;
pub use steps::make;
pub use support::unsupported;
