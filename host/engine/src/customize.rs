//! `customize`: the whole pipeline, from configuration and base image to the new image.

use crate::build_dir::WorkDir;
use crate::cancellation::Cancellation;
use crate::components::{self, Components, Context, StepOptions, check_configuration};
use crate::configuration;
use crate::error::{Error, ErrorKind, Result};
use crate::history;
use crate::inspect::{Disk, System, open_tree};
use crate::observer::{Observer, Phase, Silent};
use crate::open::timestamp;
use crate::report::{PhaseReport, Report, milliseconds};
use crate::run_clock::RunClock;
use crate::steps::{Run, StepRunner};
use crate::usage::Usage;
use crate::written_files::{self, WrittenFile};
use crate::{TOOL_VERSION, seal};
use config::output::ImageFormat;
use config::{LoadOptions, PasswordPolicy, ResolvedConfig, ResolvedInput, Resources};
use image::OutputFormat;
use plan::{FileSystemFact, ImageFacts, InputFact, OutputFact, Plan, RunFacts};
use rootfs::Tree;
use sandbox::SharedTree;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What `customize` is asked to do.
#[derive(Clone, Debug)]
pub struct CustomizeOptions {
    /// Scratch directory; made if missing.
    pub build_dir: PathBuf,
    /// The configuration.
    pub config_file: PathBuf,
    /// Takes the place of `input.image` in the configuration.
    pub image_file: Option<PathBuf>,
    /// Takes the place of `output.image.path`.
    pub output_image_file: Option<PathBuf>,
    /// Takes the place of `output.image.format`.
    pub output_image_format: Option<ImageFormat>,
    /// Which kinds of passwords a configuration may hold.
    pub passwords: PasswordPolicy,
    /// Directory for compiled components; none: they are compiled in every run.
    pub code_cache: Option<PathBuf>,
    /// Seconds since 1970 that stand for "now"; equal runs with it give equal bytes.
    pub source_date_epoch: Option<u64>,
    /// Ends the run early.
    pub cancel: Cancellation,
    /// How the configuration's own steps are treated.
    pub steps: StepOptions,
    /// What telemetry may know of the run.
    pub usage: Usage,
    /// What is written besides the output, by this call or by the caller. None of it may be read.
    pub written: Vec<WrittenFile>,
}

/// Lets a caller stand between the steps and the image's tree, to watch what they do.
pub type TreeWrapper<'a> = &'a dyn Fn(Box<dyn Tree>) -> Box<dyn Tree>;

/// Customizes an image.
///
/// The input is only read; the output appears whole, at the end, or not at all.
///
/// # Errors
/// Any [`ErrorKind`].
pub fn customize(options: &CustomizeOptions, observer: &dyn Observer) -> Result<Report> {
    customize_through(options, observer, &|tree| tree)
}

/// As [`customize`], with a tree that the caller has wrapped.
///
/// # Errors
/// As [`customize`].
pub fn customize_through(
    options: &CustomizeOptions,
    observer: &dyn Observer,
    wrap: TreeWrapper<'_>,
) -> Result<Report> {
    let mut phases = Phases::new(observer, &options.cancel, &options.usage);
    let (opened, plan) = prepare(options, &mut phases)?;
    let Opened { work, clock, disk, tree, image_uuid, format, components } = opened;
    make_parent(&plan.output.path)?;

    phases.begin(Phase::Customize)?;
    let tree: SharedTree = Arc::new(Mutex::new(wrap(Box::new(tree))));
    let run = Run { clock: &clock, architecture: &plan.image.architecture, options };
    let steps = StepRunner::new(components, run)?.run(&plan, &tree, observer)?;

    phases.begin(Phase::Seal)?;
    let image = work.join(IMAGE);
    seal::seal(&plan, tree, &disk, &image)?;
    drop(disk);

    phases.begin(Phase::Export)?;
    let export = image::ExportOptions { source_date_epoch: clock.epoch(), seed: seed16(&clock) };
    image::export(image, &plan.output.path, format, &export, &|done, total| observer.progress(done, total))
        .map_err(output_error)?;
    Ok(Report {
        tool_version: TOOL_VERSION.to_owned(),
        image_uuid,
        input: plan.input,
        distribution: plan.image.distribution,
        output: plan.output,
        steps,
        phases: phases.end(),
    })
}

/// Makes the plan of a run and stops there; nothing but the build directory is touched.
///
/// # Errors
/// As [`customize`], up to the first step.
pub fn plan(options: &CustomizeOptions, observer: &dyn Observer) -> Result<Plan> {
    prepare(options, &mut Phases::new(observer, &options.cancel, &options.usage)).map(|(_, plan)| plan)
}

/// Name of the working file in the run's own directory.
pub(crate) const IMAGE: &str = "image.raw";

/// An image that is open, and what the run has decided about itself.
struct Opened {
    tree: rootfs::UserTree,
    disk: Disk,
    clock: RunClock,
    image_uuid: String,
    format: OutputFormat,
    components: Components,
    // Last, so that the tree lets go of the working file before its directory is removed.
    work: WorkDir,
}

impl CustomizeOptions {
    /// Tells telemetry of a run what is settled before it looks at anything but its configuration; reads that, and
    /// does nothing else.
    ///
    /// # Errors
    /// What a run would end with at this point.
    pub fn foresee(&self) -> Result<()> {
        Phases::new(&Silent, &self.cancel, &self.usage).begin(Phase::Validate)?;
        let config = settle(self)?;
        check_configuration(&config, &self.steps)?;
        if !config.custom_steps().is_empty() {
            self.usage.foreign_component();
        }
        Ok(())
    }
}

/// The configuration, if this build can do what it asks for.
fn settle(options: &CustomizeOptions) -> Result<ResolvedConfig> {
    let config = load(options)?;
    options.usage.config(&config);
    written_files::check(&config, options.steps.policy.as_deref(), &options.written)?;
    let unsupported = plan::unsupported(&config);
    if !unsupported.is_empty() {
        return Err(Error::from(config.unsupported(&unsupported)).of_kind(ErrorKind::NotSupportedYet));
    }
    Ok(config)
}

/// Everything before the first change: validation, import, inspection and the plan.
fn prepare(options: &CustomizeOptions, phases: &mut Phases<'_>) -> Result<(Opened, Plan)> {
    phases.begin(Phase::Validate)?;
    let config = settle(options)?;
    let paths = Paths::of(&config)?;
    config.validate_resources(Resources::FILES)?;
    image::check_output(&paths.output).map_err(output_error)?;
    let cache = options.code_cache.as_deref();
    let (steps, cancel, usage) = (&options.steps, &options.cancel, &options.usage);
    let context = Context { options: steps, cache, cancel, usage };
    let components = Components::prepare(&config, &context)?;
    let digests = history::digests(&config, components.digests())?;
    let history_config = config.history(&digests);
    let clock = RunClock::new(options.source_date_epoch, history_config.to_string().as_bytes())?;

    phases.begin(Phase::Import)?;
    let work = WorkDir::open(&options.build_dir)?;
    let image = work.join(IMAGE);
    let observer = phases.observer;
    let detected = image::import(&paths.input, &image, &|done, total| observer.progress(done, total))
        .map_err(input_error)?;
    options.usage.input(detected.format);

    phases.begin(Phase::Inspect)?;
    let disk = Disk::open(&image)?;
    let (mut tree, file_systems) = open_tree(&disk, timestamp(clock.epoch()))?;
    let system = System::inspect(&mut tree)?;
    options.usage.distribution(&system.distribution);

    let image_uuid = clock.image_uuid(&identity(&detected, &file_systems));
    let run = RunFacts {
        tool_version: TOOL_VERSION.to_owned(),
        build_date: clock.date(),
        image_uuid: image_uuid.clone(),
        history_config,
        components: components.digests(),
        directories: components::directories(&config),
    };
    let input = InputFact {
        path: paths.input.clone(),
        format: detected.format.name().to_owned(),
        disk_size: detected.virtual_size.bytes(),
    };
    let facts =
        ImageFacts { distribution: system.distribution, architecture: system.architecture, file_systems };
    let output = OutputFact { path: paths.output, format: paths.format.name().to_owned() };
    let plan = plan::make(&config, &run, input, facts, output)?;
    Ok((Opened { tree, disk, clock, image_uuid, format: paths.format, components, work }, plan))
}

/// What tells one base image from another without reading all of it.
fn identity(detected: &image::Detected, file_systems: &[FileSystemFact]) -> String {
    let uuids = file_systems.iter().map(|file_system| file_system.uuid.as_deref().unwrap_or("-"));
    format!("{} {}", detected.virtual_size.bytes(), uuids.collect::<Vec<_>>().join(" "))
}

fn load(options: &CustomizeOptions) -> Result<ResolvedConfig> {
    let overrides = config::Overrides {
        image_file: options.image_file.clone(),
        output_image_file: options.output_image_file.clone(),
        output_image_format: options.output_image_format,
        ..config::Overrides::default()
    };
    let load = LoadOptions { overrides, passwords: options.passwords, mode: config::Mode::Customize };
    configuration::load(&options.config_file, load, &options.cancel)
}

/// Input and output, as validation has made sure of.
struct Paths {
    input: PathBuf,
    output: PathBuf,
    format: OutputFormat,
}

impl Paths {
    fn of(config: &ResolvedConfig) -> Result<Self> {
        let missing = |what: &str| Error::saying(ErrorKind::Internal, format!("no {what} is named"));
        let input = match config.input().map(|input| input.value) {
            Some(ResolvedInput::File(path)) => path,
            _ => return Err(missing("base image file")),
        };
        let format = config.output_format().and_then(|format| OutputFormat::from_name(format.value.word()));
        Ok(Self {
            input,
            output: config.output_path().ok_or_else(|| missing("output file"))?.value,
            format: format.ok_or_else(|| missing("output format"))?,
        })
    }
}

/// The parts of a run as they begin and end.
pub(crate) struct Phases<'a> {
    observer: &'a dyn Observer,
    cancel: &'a Cancellation,
    usage: &'a Usage,
    current: Option<(Phase, Instant)>,
    done: Vec<PhaseReport>,
}

impl<'a> Phases<'a> {
    pub(crate) fn new(observer: &'a dyn Observer, cancel: &'a Cancellation, usage: &'a Usage) -> Self {
        Self { observer, cancel, usage, current: None, done: Vec::new() }
    }

    /// Ends the current phase and begins the next, unless the run is cancelled.
    pub(crate) fn begin(&mut self, phase: Phase) -> Result<()> {
        self.close();
        self.cancel.check()?;
        tracing::debug!("phase: {}", phase.name());
        self.usage.phase(Some(phase));
        self.current = Some((phase, Instant::now()));
        self.observer.phase(phase);
        Ok(())
    }

    fn close(&mut self) {
        if let Some((phase, start)) = self.current.take() {
            self.done.push(PhaseReport { phase, elapsed_ms: milliseconds(start.elapsed()) });
        }
    }

    fn end(mut self) -> Vec<PhaseReport> {
        self.close();
        self.usage.phase(None);
        self.done
    }
}

pub(crate) fn input_error(error: image::Error) -> Error {
    match error.kind() {
        image::ErrorKind::NoRoom => {
            image_error(ErrorKind::BuildDirectory, "the input image cannot be unpacked", error)
        }
        _ => image_error(ErrorKind::InputImage, "the input image cannot be used", error),
    }
}

pub(crate) fn output_error(error: image::Error) -> Error {
    image_error(ErrorKind::OutputImage, "the output image cannot be written", error)
}

fn image_error(kind: ErrorKind, message: &str, error: image::Error) -> Error {
    let (name, hint) = (error.name(), error.hint());
    let wrapped = Error::saying(kind, message).named(name).caused_by(error);
    match hint {
        Some(hint) => wrapped.hint_at(hint),
        None => wrapped,
    }
}

pub(crate) fn make_parent(output: &Path) -> Result<()> {
    let Some(parent) = output.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(parent).map_err(|error| {
        Error::new(ErrorKind::OutputImage, "make the output's directory").at(parent).caused_by(error)
    })
}

pub(crate) fn seed16(clock: &RunClock) -> [u8; 16] {
    let seed = clock.seed("output");
    std::array::from_fn(|index| seed.get(index).copied().unwrap_or_default())
}
