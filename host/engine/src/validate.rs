//! `validate-config`: everything that can be said of a configuration without an image.

use crate::cancellation::Cancellation;
use crate::components::{Components, Context, StepOptions, check_configuration};
use crate::configuration;
use crate::error::Result;
use crate::usage::Usage;
use crate::written_files::{self, WrittenFile};
use config::{LoadOptions, Mode, Overrides, PasswordPolicy, ResolvedConfig, Resources};
use std::path::PathBuf;

/// What `validate-config` is asked to do.
#[derive(Clone, Debug)]
pub struct ValidateOptions {
    /// The configuration.
    pub config_file: PathBuf,
    /// Whether the files that it names are looked at.
    pub files: bool,
    /// Which kinds of passwords it may hold.
    pub passwords: PasswordPolicy,
    /// How steps of its own are treated. Their components are looked at with the other files.
    pub steps: StepOptions,
    /// Directory for compiled components; none: they are compiled in every run.
    pub code_cache: Option<PathBuf>,
    /// Ends the work early.
    pub cancel: Cancellation,
    /// What telemetry may know of the run.
    pub usage: Usage,
    /// What the caller writes. None of it may be read.
    pub written: Vec<WrittenFile>,
}

impl ValidateOptions {
    /// Tells telemetry of a run what is settled before it looks at anything but its configuration; reads that, and
    /// does nothing else.
    ///
    /// # Errors
    /// What a run would end with at this point.
    pub fn foresee(&self) -> Result<()> {
        let config = settle(self)?;
        check_configuration(&config, &self.steps)?;
        if self.files && !config.custom_steps().is_empty() {
            self.usage.foreign_component();
        }
        Ok(())
    }
}

/// The configuration, if it is one.
fn settle(options: &ValidateOptions) -> Result<ResolvedConfig> {
    let load = LoadOptions {
        overrides: Overrides::default(),
        passwords: options.passwords,
        mode: Mode::ValidateConfig,
    };
    let config = configuration::load(&options.config_file, load, &options.cancel)?;
    options.usage.config(&config);
    written_files::check(&config, options.steps.policy.as_deref(), &options.written)?;
    Ok(config)
}

/// Checks a configuration and its bases; with `files`, also what they name.
///
/// # Errors
/// [`crate::ErrorKind::Config`].
pub fn validate_config(options: &ValidateOptions) -> Result<()> {
    let config = settle(options)?;
    if !options.files {
        return check_configuration(&config, &options.steps);
    }
    config.validate_resources(Resources::FILES)?;
    let cache = options.code_cache.as_deref();
    let (steps, cancel, usage) = (&options.steps, &options.cancel, &options.usage);
    Components::prepare(&config, &Context { options: steps, cache, cancel, usage })?;
    Ok(())
}
