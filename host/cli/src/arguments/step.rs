//! The flags of `step` and the commands below it, for authors of steps.

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{ArgAction, Args, Subcommand};

use super::flags::Form;
use super::values::{one_of, path, truth, words};

const LANGUAGES: &[&str] = &["rust", "js", "python", "c", "go"];

/// `step` is nothing without one of its commands.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step COMMAND [FLAGS]", subcommand_value_name = "COMMAND")]
#[command(disable_help_subcommand = true, arg_required_else_help = false)]
#[command(
    after_help = "`imagecustomizer step COMMAND --help` shows the flags of one. A step runs here as it does in \
                        `customize`: within the same limits, with no more than it is granted."
)]
pub(crate) struct Step {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: StepCommand,
}

/// The commands of `step`.
#[derive(Debug, Subcommand)]
pub(crate) enum StepCommand {
    /// Start a project that builds as it is
    New(StepNew),
    /// Build a project's component, and look whether it can be used
    Build(StepBuild),
    /// Show what a component is, and what it would need
    Inspect(StepInspect),
    /// Look whether a component keeps to the rules, and does the same in every run
    Check(StepCheck),
    /// Run a project's golden tests
    Test(StepTest),
    /// Run a component on a copy of a directory or image, and show what it changes
    Run(Box<StepRun>),
    /// Write down in `imagecustomizer.lock` what the steps of a configuration are
    Lock(StepLock),
    /// Put a component into a registry, and print the reference that names it for ever
    Push(StepPush),
    /// Take a component out of a registry
    Pull(StepPull),
}

/// Flags of `step new`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step new NAME [--language LANGUAGE] [--directory DIR]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct StepNew {
    /// Name of the step: lower-case words joined by `-`
    #[arg(value_name = "NAME", help_heading = "Arguments")]
    pub(crate) name: String,
    /// What it is written in
    #[arg(long, value_name = "LANGUAGE", default_value = "rust", value_parser = words(LANGUAGES))]
    pub(crate) language: String,
    /// Where the project is made, instead of in a directory named after the step
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) directory: Option<PathBuf>,
}

/// Flags of `step build`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step build [--directory DIR]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct StepBuild {
    /// The project: `build.sh` in it is run, which writes `step.wasm`
    #[arg(long, value_name = "DIR", default_value = ".", value_parser = path())]
    pub(crate) directory: PathBuf,
}

/// Flags of `step inspect`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step inspect FILE [--format text|json]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct StepInspect {
    /// The component: a file, or `oci:REGISTRY/REPOSITORY:TAG`
    #[arg(value_name = "FILE", value_parser = path(), help_heading = "Arguments")]
    pub(crate) component: PathBuf,
    /// Form of what is printed
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form())]
    pub(crate) format: Form,
}

/// Flags of `step check`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step check FILE [--settings JSON|FILE] [--format text|json]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct StepCheck {
    /// The component: a file, or `oci:REGISTRY/REPOSITORY:TAG`
    #[arg(value_name = "FILE", value_parser = path(), help_heading = "Arguments")]
    pub(crate) component: PathBuf,
    /// Settings to run it with, instead of those of the tests beside it and the examples in its schema
    #[arg(long, value_name = "JSON|FILE", allow_hyphen_values = true)]
    pub(crate) settings: Option<String>,
    /// Form of what is printed
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form())]
    pub(crate) format: Form,
}

/// Flags of `step test`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step test [TEST]... [FLAGS]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct StepTest {
    /// Names of tests: directories in `tests/`; all of them if none is named
    #[arg(value_name = "TEST", help_heading = "Arguments")]
    pub(crate) tests: Vec<String>,
    /// The project
    #[arg(long, value_name = "DIR", default_value = ".", value_parser = path())]
    pub(crate) directory: PathBuf,
    /// The component, instead of `step.wasm` in the project
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) component: Option<PathBuf>,
    /// Take what happens for what is expected: write `expected.diff` and `expected.log` anew
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "true|false")]
    #[arg(default_value = "false", default_missing_value = "true", value_parser = truth)]
    #[arg(hide_default_value = true, action = ArgAction::Set)]
    pub(crate) update: bool,
    /// Form of what is printed
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form())]
    pub(crate) format: Form,
}

/// Flags of `step run`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step run FILE (--root DIR | --image FILE) [FLAGS]")]
#[command(next_help_heading = "What it is run on")]
pub(crate) struct StepRun {
    /// The component: a file, or `oci:REGISTRY/REPOSITORY:TAG`
    #[arg(value_name = "FILE", value_parser = path(), help_heading = "Arguments")]
    pub(crate) component: PathBuf,

    /// A directory that stands for the image; it is copied, all of it owned by root, and never written
    #[arg(long, value_name = "DIR", value_parser = path(), conflicts_with = "image")]
    #[arg(required_unless_present = "image")]
    pub(crate) root: Option<PathBuf>,
    /// A disk image; it is copied, and never written
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) image: Option<PathBuf>,

    /// The step's settings: JSON, or a file with it
    #[arg(long, value_name = "JSON|FILE", default_value = "{}", allow_hyphen_values = true)]
    #[arg(help_heading = "What it is given")]
    pub(crate) settings: String,
    /// An input file or directory, and the name the step knows it by; repeat for more
    #[arg(long, value_name = "NAME=PATH", action = ArgAction::Append, help_heading = "What it is given")]
    pub(crate) artifact: Vec<String>,
    /// What it may read; everything but secrets if not given; repeat for more
    #[arg(long, value_name = "PATTERN", action = ArgAction::Append, help_heading = "What it is given")]
    pub(crate) read: Vec<String>,
    /// What it may make, change and remove; nothing if not given; repeat for more
    #[arg(long, value_name = "PATTERN", action = ArgAction::Append, help_heading = "What it is given")]
    pub(crate) write: Vec<String>,
    /// It may make device nodes, pipes and sockets where it may write
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "true|false")]
    #[arg(default_value = "false", default_missing_value = "true", value_parser = truth)]
    #[arg(hide_default_value = true, action = ArgAction::Set, help_heading = "What it is given")]
    pub(crate) nodes: bool,
    /// Let it do everything, and print the smallest `grant` that it needed, to paste into a configuration
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "true|false")]
    #[arg(default_value = "false", default_missing_value = "true", value_parser = truth)]
    #[arg(hide_default_value = true, action = ArgAction::Set, help_heading = "What it is given")]
    pub(crate) learn: bool,

    /// Write down every call that it makes into the host, as JSON lines
    #[arg(long, value_name = "FILE", value_parser = path(), help_heading = "What is shown")]
    pub(crate) trace: Option<PathBuf>,
    /// Form of what is printed
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form())]
    #[arg(help_heading = "What is shown")]
    pub(crate) format: Form,
}

/// Flags of `step lock`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step lock --config-file FILE [FLAGS]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct StepLock {
    /// The configuration; the lock is written beside it
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) config_file: PathBuf,
    /// Follow this policy too, beside /etc/imagecustomizer/policy.yaml
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) policy: Option<PathBuf>,
}

/// Flags of `step push`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step push FILE REFERENCE [--format text|json]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct StepPush {
    /// The component
    #[arg(value_name = "FILE", value_parser = path(), help_heading = "Arguments")]
    pub(crate) component: PathBuf,
    /// Where it is put: `REGISTRY/REPOSITORY:TAG`
    #[arg(value_name = "REFERENCE", help_heading = "Arguments")]
    pub(crate) reference: String,
    /// Form of what is printed
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form())]
    pub(crate) format: Form,
}

/// Flags of `step pull`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer step pull REFERENCE [--output FILE] [FLAGS]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct StepPull {
    /// What is fetched: `REGISTRY/REPOSITORY:TAG`, `REGISTRY/REPOSITORY@sha256:DIGEST`, or both
    #[arg(value_name = "REFERENCE", help_heading = "Arguments")]
    pub(crate) reference: String,
    /// Where the component is written, instead of to a file named after the repository
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) output: Option<PathBuf>,
    /// Take the place of a file that is there
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "true|false")]
    #[arg(default_value = "false", default_missing_value = "true", value_parser = truth)]
    #[arg(hide_default_value = true, action = ArgAction::Set)]
    pub(crate) overwrite: bool,
    /// Form of what is printed
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form())]
    pub(crate) format: Form,
}

fn form() -> impl TypedValueParser<Value = Form> {
    one_of(&["text", "json"]).map(|word| Form::from_flag(&word))
}
