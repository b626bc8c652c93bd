//! `convert`: an image in another format, its content untouched.

use crate::build_dir::WorkDir;
use crate::cancellation::Cancellation;
use crate::customize::{IMAGE, Phases, input_error, make_parent, output_error, seed16};
use crate::error::{Error, ErrorKind, Result};
use crate::observer::{Observer, Phase};
use crate::run_clock::RunClock;
use crate::usage::Usage;
use image::OutputFormat;
use std::path::PathBuf;

/// What `convert` is asked to do.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// The image to read.
    pub image_file: PathBuf,
    /// The image to write.
    pub output_image_file: PathBuf,
    /// Its format.
    pub output_image_format: String,
    /// Scratch directory; none: one is made beside the output for the time of the run.
    pub build_dir: Option<PathBuf>,
    /// Seconds since 1970 that stand for "now".
    pub source_date_epoch: Option<u64>,
    /// Ends the run early.
    pub cancel: Cancellation,
    /// What telemetry may know of the run.
    pub usage: Usage,
}

impl ConvertOptions {
    /// Tells telemetry of a run what is settled before it looks at any file; does nothing else.
    ///
    /// # Errors
    /// What a run would end with at this point.
    pub fn foresee(&self) -> Result<()> {
        settle(self).map(drop)
    }
}

/// The output format, if this build can write it.
fn settle(options: &ConvertOptions) -> Result<OutputFormat> {
    let name = &options.output_image_format;
    if let Some(format) = config::output::ImageFormat::from_word(name) {
        options.usage.output(format);
    }
    OutputFormat::from_name(name).ok_or_else(|| {
        Error::saying(ErrorKind::NotSupportedYet, format!("output format `{name}` is not supported yet"))
    })
}

/// Writes an image in another format. The input is only read; the output appears whole or not at all.
///
/// # Errors
/// [`ErrorKind::NotSupportedYet`] for formats that cannot be written yet, [`ErrorKind::InputImage`],
/// [`ErrorKind::OutputImage`], [`ErrorKind::BuildDirectory`].
pub fn convert(options: &ConvertOptions, observer: &dyn Observer) -> Result<()> {
    let format = settle(options)?;
    let clock = RunClock::new(options.source_date_epoch, options.output_image_format.as_bytes())?;
    let mut phases = Phases::new(observer, &options.cancel, &options.usage);

    image::check_output(&options.output_image_file).map_err(output_error)?;
    phases.begin(Phase::Import)?;
    make_parent(&options.output_image_file)?;
    let work = match &options.build_dir {
        Some(build_dir) => WorkDir::open(build_dir)?,
        None => WorkDir::beside(&options.output_image_file)?,
    };
    let working_file = work.join(IMAGE);
    let progress = |done, total| observer.progress(done, total);
    let detected = image::import(&options.image_file, &working_file, &progress).map_err(input_error)?;
    options.usage.input(detected.format);

    phases.begin(Phase::Export)?;
    let export = image::ExportOptions { source_date_epoch: clock.epoch(), seed: seed16(&clock) };
    image::export(working_file, &options.output_image_file, format, &export, &progress).map_err(output_error)
}
