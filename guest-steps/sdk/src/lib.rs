//! The kit for authors of customization steps: the trait [`Step`], the [`Host`] that a step works through, and
//! [`export_step!`], which makes a component of a step.

mod failure;
mod host;

pub use failure::{Failure, FailureCode, Result};
pub use host::{Entry, Existing, Host, Kind, Level, Metadata, Owner, ROOT, TreeOptions, TreeReport, WriteOptions};

/// A customization step.
pub trait Step {
    /// What the image definition says to the step; deny unknown fields.
    type Settings: serde::de::DeserializeOwned;
    /// Lower-case words joined by `-`.
    const NAME: &'static str;
    /// One line for `step inspect`.
    const SUMMARY: &'static str;
    /// JSON Schema (2020-12) of [`Step::Settings`].
    const SETTINGS_SCHEMA: &'static str;

    /// Changes the image. May be run twice; finds the image only through `host`.
    ///
    /// # Errors
    /// Any [`Failure`] ends the whole customization; its message names what is wrong.
    fn run(settings: &Self::Settings, host: &dyn Host) -> Result<()>;
}
