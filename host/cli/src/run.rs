//! From the flags of a command to one call of the engine. The engine's types are named here and nowhere else.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::arguments::{
    Backend, Command, Convert, Customize, PlanFormat, Resource, ResourceList, ValidateConfig, path_list,
};
use crate::engine_stub as engine;
use crate::failure::Failure;
use crate::log::Log;
use crate::progress::Progress;
use crate::signals;

/// Formats whose content is compressed, and which are not plain disk images.
const COMPRESSED_FORMATS: [&str; 2] = ["cosi", "baremetal-image"];

/// How the message of a failure begins.
pub(crate) fn failure_phrase(command: &Command) -> &'static str {
    match command {
        Command::Customize(_) => "image customization failed",
        Command::Create(_) => "image creation failed",
        Command::InjectFiles(_) => "file injection failed",
        Command::Convert(_) => "image conversion failed",
        Command::ValidateConfig(_) => "config validation failed",
        Command::Doctor(_) => "programs are missing",
    }
}

/// Carries the command out.
pub(crate) fn run(command: Command, log: &Log) -> Result<(), Failure> {
    match command {
        Command::Customize(flags) => customize(*flags, log),
        Command::Create(_) => Err(Failure::not_supported("create")),
        Command::InjectFiles(_) => Err(Failure::not_supported("inject-files")),
        Command::Convert(flags) => convert(flags, log),
        Command::ValidateConfig(flags) => validate_config(flags),
        Command::Doctor(_) => doctor(),
    }
}

fn customize(flags: Customize, log: &Log) -> Result<(), Failure> {
    check_customize(&flags)?;
    let (plan, report) = (flags.plan, given(flags.report.as_ref()));
    let report = report.map(ReportFile::prepare).transpose()?;
    let options = customize_options(flags)?;
    let progress = Progress::start(log);
    if let Some(format) = plan {
        let plan = engine::plan(&options, &progress).map_err(failure)?;
        drop(progress);
        return print_plan(&plan, format);
    }
    let finished = engine::customize(&options, &progress).map_err(failure)?;
    drop(progress);
    if let Some(report) = report {
        report.write(&finished)?;
    }
    tracing::info!("image customization succeeded");
    Ok(())
}

fn check_customize(flags: &Customize) -> Result<(), Failure> {
    if is_given(flags.image.as_deref()) && given(flags.image_file.as_ref()).is_some() {
        let failure = Failure::new("`--image` and `--image-file` cannot be used together");
        return Err(failure.with_name(Some("Validation:MultipleInputImageOptions")));
    }
    check_level(flags.cosi_compression_level)?;
    refuse(&[
        ("--image", is_given(flags.image.as_deref())),
        ("--image-cache-dir", given(flags.image_cache_dir.as_ref()).is_some()),
        ("--output-selinux-policy-path", given(flags.output_selinux_policy_path.as_ref()).is_some()),
        ("--rpm-source", !path_list(&flags.rpm_source).is_empty()),
        ("--disable-base-image-rpm-repos", flags.disable_base_image_rpm_repos),
        ("--package-snapshot-time", is_given(flags.package_snapshot_time.as_deref())),
        ("--tools-dir", given(flags.tools_dir.as_ref()).is_some()),
        ("--setfiles-context", is_given(flags.setfiles_context.as_deref())),
        ("--backend=kernel", flags.backend == Backend::Kernel),
    ])
}

fn customize_options(flags: Customize) -> Result<engine::CustomizeOptions, Failure> {
    Ok(engine::CustomizeOptions {
        build_dir: absolute("--build-dir", &flags.build_dir)?,
        config_file: required("--config-file", flags.config_file)?,
        image_file: given(flags.image_file.as_ref()),
        output_image_file: given(flags.output_image_file.as_ref()),
        output_image_format: flags.output_image_format.filter(|format| !format.is_empty()),
        backend: match flags.backend {
            Backend::Userspace => engine::Backend::Userspace,
            Backend::Auto | Backend::Kernel => engine::Backend::Auto,
        },
        cancel: cancelled_by_signals()?,
    })
}

fn convert(flags: Convert, log: &Log) -> Result<(), Failure> {
    check_convert(&flags)?;
    let options = engine::ConvertOptions {
        image_file: required("--image-file", flags.image_file)?,
        output_image_file: required("--output-image-file", flags.output_image_file)?,
        output_image_format: flags.output_image_format,
        build_dir: given(flags.build_dir.as_ref()),
        cancel: cancelled_by_signals()?,
    };
    let progress = Progress::start(log);
    engine::convert(&options, &progress).map_err(failure)?;
    drop(progress);
    tracing::info!("image conversion succeeded");
    Ok(())
}

fn check_convert(flags: &Convert) -> Result<(), Failure> {
    let format = flags.output_image_format.as_str();
    let compressed = COMPRESSED_FORMATS.contains(&format);
    if format.is_empty() {
        return Err(Failure::new("`--output-image-format` is empty").with_hint(Some("name a format")));
    }
    if flags.cosi_compression_level.is_some() && !compressed {
        let text = format!("`--cosi-compression-level` does not apply to the format `{format}`");
        return Err(Failure::new(text).with_hint(Some("leave the flag out")));
    }
    check_level(flags.cosi_compression_level)?;
    if compressed && given(flags.build_dir.as_ref()).is_none() {
        let failure = Failure::new(format!("the format `{format}` needs a build directory"));
        let failure = failure.with_name(Some("Validation:ConvertBuildDirRequired"));
        return Err(failure.with_hint(Some("give `--build-dir`")));
    }
    refuse(&[("--tools-dir", given(flags.tools_dir.as_ref()).is_some())])
}

fn validate_config(flags: ValidateConfig) -> Result<(), Failure> {
    let resources: Vec<Resource> =
        flags.validate_resources.into_iter().flat_map(|ResourceList(list)| list).collect();
    let remote = resources.iter().any(|resource| matches!(resource, Resource::Oci | Resource::All));
    let build_dir = given(flags.build_dir.as_ref());
    if remote && build_dir.is_none() {
        let failure = Failure::new("checking resources `oci` or `all` needs a build directory");
        let failure = failure.with_name(Some("Validation:ValidateConfigOptionsBuildDirRequiredForOci"));
        return Err(failure.with_hint(Some("give `--build-dir`")));
    }
    refuse(&[("--validate-resources=oci", resources.contains(&Resource::Oci))])?;
    refuse(&[("--validate-resources=all", resources.contains(&Resource::All))])?;
    let options = engine::ValidateOptions {
        config_file: required("--config-file", flags.config_file)?,
        build_dir,
        files: resources.contains(&Resource::Files),
    };
    engine::validate_config(&options).map_err(failure)?;
    tracing::info!("config validation succeeded");
    Ok(())
}

/// One line for each program; a failure when one is missing.
fn doctor() -> Result<(), Failure> {
    let mut text = String::new();
    let mut packages = Vec::new();
    for program in program::Program::all() {
        match program.find() {
            Some(path) => text.push_str(&format!("{:<12} {}\n", program.name(), path.display())),
            None => {
                let package = program.debian_package();
                text.push_str(&format!("{:<12} missing, package `{package}`\n", program.name()));
                packages.push(package);
            }
        }
    }
    print(&text)?;
    if packages.is_empty() {
        return Ok(());
    }
    let hint = format!("apt-get install {}", packages.join(" "));
    Err(Failure::new(format!("{} of the programs that may be needed are not installed", packages.len()))
        .with_hint(Some(hint)))
}

fn failure(error: engine::Error) -> Failure {
    Failure::from_error(&error).with_name(error.name()).with_hint(error.hint())
}

impl engine::Observer for Progress {
    fn phase(&self, phase: &str) {
        Self::phase(self, phase);
    }

    fn progress(&self, done: u64, total: u64) {
        Self::progress(self, done, total);
    }
}

/// The flag by which a signal stops the engine.
fn cancelled_by_signals() -> Result<engine::Cancellation, Failure> {
    let cancel = engine::Cancellation::default();
    let flag = cancel.clone();
    signals::on_stop(move || flag.cancel())
        .map_err(|error| Failure::because("cannot prepare for being stopped by a signal", &error))?;
    Ok(cancel)
}

/// The first flag that was given, but would have no effect yet, is an error.
fn refuse(flags: &[(&str, bool)]) -> Result<(), Failure> {
    match flags.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(Failure::not_supported(name)),
        None => Ok(()),
    }
}

fn check_level(level: Option<i64>) -> Result<(), Failure> {
    match level {
        Some(level) if !(1..=22).contains(&level) => {
            let text = format!("`--cosi-compression-level` must be from 1 to 22 but is {level}");
            Err(Failure::new(text))
        }
        _ => Ok(()),
    }
}

/// The empty text stands for a flag that was not given.
fn is_given(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn given(path: Option<&PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty()).cloned()
}

fn required(flag: &str, path: PathBuf) -> Result<PathBuf, Failure> {
    given(Some(&path))
        .ok_or_else(|| Failure::new(format!("`{flag}` is empty")).with_hint(Some("name a path")))
}

fn absolute(flag: &str, path: &Path) -> Result<PathBuf, Failure> {
    let path = required(flag, path.to_owned())?;
    std::path::absolute(&path)
        .map_err(|error| Failure::because(format!("cannot make `{flag}` absolute"), &error))
}

fn print_plan(plan: &engine::Plan, format: PlanFormat) -> Result<(), Failure> {
    let text = match format {
        PlanFormat::Text => plan.to_string(),
        PlanFormat::Json => serde_json::to_string_pretty(plan)
            .map_err(|error| Failure::because("cannot write the plan", &error))?,
    };
    print(&format!("{}\n", text.trim_end()))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::because("cannot write to standard output", &error))
}

/// `--report`: made before the run, so that a path that cannot be written is known then; filled after it.
struct ReportFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl ReportFile {
    fn prepare(path: PathBuf) -> Result<Self, Failure> {
        if path.is_dir() {
            return Err(Failure::new(format!("the report `{}` is a directory", path.display())));
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        // As an ordinary new file has it; the process's mask is taken off.
        let permissions = fs::Permissions::from_mode(0o666);
        let file = fs::create_dir_all(&directory)
            .and_then(|()| tempfile::Builder::new().permissions(permissions).tempfile_in(&directory));
        let text = || format!("cannot make the report `{}`", path.display());
        let file = file.map_err(|error| Failure::because(text(), &error))?;
        Ok(Self { path, file })
    }

    fn write(mut self, report: &impl Serialize) -> Result<(), Failure> {
        let text = format!("cannot write the report `{}`", self.path.display());
        let written = serde_json::to_writer_pretty(&mut self.file, report).map_err(io::Error::from);
        let written = written.and_then(|()| self.file.write_all(b"\n"));
        let persisted = written.and_then(|()| self.file.persist(&self.path).map_err(io::Error::from));
        persisted.map(|_| ()).map_err(|error| Failure::because(text, &error))
    }
}
