//! Every flag of every command, with its help text.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};

use super::step::Step;
use super::values::{ResourceList, integer, one_of, path, resources, truth, words};
use crate::log::{Color, Format, Level};

const LEVELS: &[&str] = &["panic", "fatal", "error", "warn", "info", "debug", "trace"];
const DISTROS: &[&str] = &["azurelinux", "fedora"];
/// What `customize` and `inject-files` can be asked to write.
const IMAGE_FORMATS: &[&str] =
    &["vhd", "vhd-fixed", "vhdx", "qcow2", "raw", "iso", "pxe-dir", "pxe-tar", "cosi", "baremetal-image"];
const DISK_FORMATS: &[&str] = &["vhd", "vhd-fixed", "vhdx", "qcow2", "raw"];
const CONVERT_FORMATS: &[&str] = &["vhd", "vhd-fixed", "vhdx", "qcow2", "raw", "cosi", "baremetal-image"];
/// `--allowed-passwords` when it is not given; builds like the reference program's released ones say `locked`.
const DEFAULT_PASSWORDS: &str = if cfg!(feature = "locked-passwords-only") { "locked" } else { "any" };
/// Commands that say something about this program and its machine; the help lists them apart from those on images.
pub(super) const MORE: [&str; 5] = ["doctor", "telemetry", "schema", "completions", "man"];

/// Changes Linux disk images as a configuration file says, without booting them.
///
/// Flags may stand before or after the command. Without a command, `customize` runs;
/// `imagecustomizer COMMAND --help` shows the flags of a command.
#[derive(Debug, Parser)]
#[command(
    name = "imagecustomizer",
    version = super::VERSION,
    propagate_version = true,
    term_width = 100,
    disable_version_flag = true,
    disable_help_subcommand = true,
    disable_help_flag = true,
    args_override_self = true,
    subcommand_value_name = "COMMAND",
    override_usage = "imagecustomizer [COMMAND] [FLAGS]",
    after_help = "Without a command, `customize` runs; `imagecustomizer COMMAND --help` shows the flags of one.\n\
                  Exit codes: 0 success, 1 failure, 80 the command line is wrong.",
)]
pub(crate) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: GlobalFlags,
}

/// The flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global flags")]
pub(crate) struct GlobalFlags {
    /// Show this help
    #[arg(short, long, global = true, action = ArgAction::HelpShort)]
    help: Option<bool>,
    /// Show the version
    #[arg(long, global = true, action = ArgAction::Version)]
    version: Option<bool>,
    /// Least severe level shown on standard error
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    #[arg(value_parser = one_of(LEVELS).map(|word| Level::from_flag(&word)))]
    pub(crate) log_level: Level,
    /// Form of the log, on standard error and in the log file
    #[arg(long, global = true, value_name = "FORM", default_value = "text")]
    #[arg(value_parser = one_of(&["text", "json"]).map(|word| Format::from_flag(&word)))]
    pub(crate) log_format: Format,
    /// Colours; `auto`: when standard error is a terminal and NO_COLOR is not set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    #[arg(value_parser = one_of(&["always", "auto", "never"]).map(|word| Color::from_flag(&word)))]
    pub(crate) log_color: Color,
    /// Also log to this file, from level debug up; it is overwritten
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub(crate) log_file: Option<PathBuf>,
    /// Record when the run started and ended, as JSON lines
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub(crate) timestamp_file: Option<PathBuf>,
    /// Write what is sent of this run to this file, as JSON lines
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub(crate) telemetry_log: Option<PathBuf>,
    /// Send no usage data; see `imagecustomizer telemetry`
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, value_name = "true|false")]
    #[arg(default_value = "false", default_missing_value = "true", value_parser = truth)]
    #[arg(hide_default_value = true, action = ArgAction::Set)]
    pub(crate) disable_telemetry: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Change an image as a configuration says (the default command)
    Customize(Box<Customize>),
    /// Make a new image from packages (preview; not supported yet)
    Create(Create),
    /// Put files into the partitions of an image (preview; not supported yet)
    InjectFiles(InjectFiles),
    /// Change the format of an image, nothing else
    Convert(Convert),
    /// Check a configuration without touching an image
    ValidateConfig(ValidateConfig),
    /// Write steps of your own: start, build, test, look at and lock them
    Step(Step),
    /// Run a step again against a trace of it, without the image
    Replay(Replay),
    /// Look for the programs that this tool may need, and name the missing ones
    Doctor(Doctor),
    /// Show what usage data is sent, and switch it on or off
    Telemetry(Telemetry),
    /// Print the JSON Schema of configurations, for editors and checkers
    Schema(Schema),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual page
    Man(Man),
}

/// Flags of `customize`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer [customize] --build-dir DIR --config-file FILE [FLAGS]")]
#[command(next_help_heading = "Required flags")]
pub(crate) struct Customize {
    /// Directory for work files; made if missing, may hold other files
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) build_dir: PathBuf,
    /// The configuration, YAML or JSON
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) config_file: PathBuf,

    /// The image to start from, instead of `input.image` in the configuration
    #[arg(long, value_name = "FILE", value_parser = path(), help_heading = "Input and output")]
    pub(crate) image_file: Option<PathBuf>,
    /// The image to download: `oci:URI` or `azurelinux:VARIANT:VERSION` (preview; not supported yet)
    #[arg(long, value_name = "SOURCE", help_heading = "Input and output")]
    pub(crate) image: Option<String>,
    /// Keep downloaded images here (not supported yet)
    #[arg(long, value_name = "DIR", value_parser = path(), help_heading = "Input and output")]
    pub(crate) image_cache_dir: Option<PathBuf>,
    /// The image to write, instead of `output.image.path` [alias: --output-path]
    #[arg(long, alias = "output-path", value_name = "FILE", value_parser = path())]
    #[arg(help_heading = "Input and output")]
    pub(crate) output_image_file: Option<PathBuf>,
    /// Format of the image to write, instead of `output.image.format`
    #[arg(long, value_name = "FORMAT", value_parser = one_of(IMAGE_FORMATS))]
    #[arg(help_heading = "Input and output")]
    pub(crate) output_image_format: Option<String>,
    /// Where to write the image's SELinux policy (not supported yet)
    #[arg(long, value_name = "DIR", value_parser = path(), help_heading = "Input and output")]
    pub(crate) output_selinux_policy_path: Option<PathBuf>,
    /// Compression of `cosi` and `baremetal-image`, 1 to 22; other formats ignore it
    #[arg(long, value_name = "LEVEL", value_parser = integer, help_heading = "Input and output")]
    pub(crate) cosi_compression_level: Option<i64>,

    /// Directory of packages or `.repo` file; repeat, or separate with commas (not supported yet)
    #[arg(long, value_name = "PATH", value_parser = clap::value_parser!(OsString))]
    #[arg(action = ArgAction::Append, help_heading = "Packages")]
    pub(crate) rpm_source: Vec<OsString>,
    /// Do not use the package repositories named in the image (not supported yet)
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "true|false")]
    #[arg(default_value = "false", default_missing_value = "true", value_parser = truth)]
    #[arg(hide_default_value = true, action = ArgAction::Set, help_heading = "Packages")]
    pub(crate) disable_base_image_rpm_repos: bool,
    /// Only packages published before this time (preview; not supported yet)
    #[arg(long, value_name = "TIME", help_heading = "Packages")]
    pub(crate) package_snapshot_time: Option<String>,
    /// Root directory with the tools to use (preview; not supported yet)
    #[arg(long, value_name = "DIR", value_parser = path(), help_heading = "Packages")]
    pub(crate) tools_dir: Option<PathBuf>,

    /// Show what would be done, and stop
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "text|json")]
    #[arg(default_missing_value = "text", hide_possible_values = true, help_heading = "Running")]
    #[arg(value_parser = one_of(&["text", "json"]).map(|word| Form::from_flag(&word)))]
    pub(crate) plan: Option<Form>,
    /// Write a report of the run to this file, as JSON
    #[arg(long, value_name = "FILE", value_parser = path(), help_heading = "Running")]
    #[arg(conflicts_with = "plan")]
    pub(crate) report: Option<PathBuf>,
    /// How the image's files are reached; `kernel` mounts them (not supported yet)
    #[arg(long, value_name = "BACKEND", default_value = "auto", help_heading = "Running")]
    #[arg(value_parser = one_of(&["auto", "userspace", "kernel"]).map(|word| Backend::from_flag(&word)))]
    pub(crate) backend: Backend,
    /// Passwords that a configuration may set; `locked`: none, accounts stay locked
    #[arg(long, value_name = "KIND", default_value = DEFAULT_PASSWORDS, help_heading = "Running")]
    #[arg(value_parser = one_of(&["any", "locked"]).map(|word| AllowedPasswords::from_flag(&word)))]
    pub(crate) allowed_passwords: AllowedPasswords,
    /// SELinux context in which file labels are set (not supported yet)
    #[arg(long, value_name = "CONTEXT", help_heading = "Running")]
    pub(crate) setfiles_context: Option<String>,

    #[command(flatten)]
    pub(crate) steps: StepFlags,
    /// Write down every call that steps make into the host, as JSON lines
    #[arg(long, value_name = "FILE", value_parser = path(), help_heading = "Steps of your own")]
    #[arg(conflicts_with = "plan")]
    pub(crate) trace_steps: Option<PathBuf>,
}

/// How steps of the configuration's own are treated.
#[derive(Debug, Args)]
#[command(next_help_heading = "Steps of your own")]
pub(crate) struct StepFlags {
    /// Refuse steps that differ from `imagecustomizer.lock` beside the configuration
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "true|false")]
    #[arg(default_value = "false", default_missing_value = "true", value_parser = truth)]
    #[arg(hide_default_value = true, action = ArgAction::Set)]
    pub(crate) locked: bool,
    /// Follow this policy too, beside /etc/imagecustomizer/policy.yaml
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) policy: Option<PathBuf>,
}

/// Flags of `create`.
#[derive(Debug, Args)]
#[command(
    override_usage = "imagecustomizer create --build-dir DIR --config-file FILE --rpm-source PATH\n       \
                            --tools-dir DIR [FLAGS]"
)]
#[command(next_help_heading = "Required flags")]
pub(crate) struct Create {
    /// Directory for work files; made if missing
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) build_dir: PathBuf,
    /// The configuration, YAML or JSON
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) config_file: PathBuf,
    /// Directory of packages or `.repo` file; repeat, or separate with commas
    #[arg(long, value_name = "PATH", required = true, value_parser = clap::value_parser!(OsString))]
    #[arg(action = ArgAction::Append)]
    pub(crate) rpm_source: Vec<OsString>,
    /// Root directory with the tools to use
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) tools_dir: PathBuf,

    /// The image to write, instead of `output.image.path` [alias: --output-path]
    #[arg(long, alias = "output-path", value_name = "FILE", value_parser = path(), help_heading = "Flags")]
    pub(crate) output_image_file: Option<PathBuf>,
    /// Format of the image to write, instead of `output.image.format`
    #[arg(long, value_name = "FORMAT", value_parser = one_of(DISK_FORMATS), help_heading = "Flags")]
    pub(crate) output_image_format: Option<String>,
    /// Distribution to install
    #[arg(long, value_name = "NAME", default_value = "azurelinux", help_heading = "Flags")]
    #[arg(value_parser = one_of(DISTROS))]
    pub(crate) distro: String,
    /// Version of the distribution
    #[arg(long, value_name = "VERSION", help_heading = "Flags")]
    pub(crate) distro_version: Option<String>,
    /// Only packages published before this time (preview)
    #[arg(long, value_name = "TIME", help_heading = "Flags")]
    pub(crate) package_snapshot_time: Option<String>,
    /// Passwords that a configuration may set; `locked`: none, accounts stay locked
    #[arg(long, value_name = "KIND", default_value = DEFAULT_PASSWORDS, help_heading = "Flags")]
    #[arg(value_parser = one_of(&["any", "locked"]).map(|word| AllowedPasswords::from_flag(&word)))]
    pub(crate) allowed_passwords: AllowedPasswords,
}

/// Flags of `inject-files`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer inject-files --build-dir DIR --config-file FILE \
                            --image-file FILE [FLAGS]")]
#[command(next_help_heading = "Required flags")]
pub(crate) struct InjectFiles {
    /// Directory for work files; made if missing
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) build_dir: PathBuf,
    /// What to put where, YAML or JSON
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) config_file: PathBuf,
    /// The image to change
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) image_file: PathBuf,

    /// The image to write; without it the image is replaced [alias: --output-path]
    #[arg(long, alias = "output-path", value_name = "FILE", value_parser = path(), help_heading = "Flags")]
    pub(crate) output_image_file: Option<PathBuf>,
    /// Format of the image to write; without it, that of the image
    #[arg(long, value_name = "FORMAT", value_parser = one_of(IMAGE_FORMATS), help_heading = "Flags")]
    pub(crate) output_image_format: Option<String>,
    /// Compression of `cosi` (9 if not given) and `baremetal-image` (22), 1 to 22
    #[arg(long, value_name = "LEVEL", value_parser = integer, help_heading = "Flags")]
    pub(crate) cosi_compression_level: Option<i64>,
    /// Root directory with the tools to use
    #[arg(long, value_name = "DIR", value_parser = path(), help_heading = "Flags")]
    pub(crate) tools_dir: Option<PathBuf>,
}

/// Flags of `convert`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer convert --image-file FILE --output-image-file FILE\n       \
                            --output-image-format FORMAT [FLAGS]")]
#[command(next_help_heading = "Required flags")]
pub(crate) struct Convert {
    /// The image to read: raw, qcow2, vhd or vhdx
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) image_file: PathBuf,
    /// The image to write [alias: --output-path]
    #[arg(long, alias = "output-path", value_name = "FILE", value_parser = path())]
    pub(crate) output_image_file: PathBuf,
    /// Format of the image to write
    #[arg(long, value_name = "FORMAT", value_parser = one_of(CONVERT_FORMATS))]
    pub(crate) output_image_format: String,

    /// Directory for work files; needed for `cosi` and `baremetal-image` only
    #[arg(long, value_name = "DIR", value_parser = path(), help_heading = "Flags")]
    pub(crate) build_dir: Option<PathBuf>,
    /// Compression of `cosi` and `baremetal-image`, 1 to 22
    #[arg(long, value_name = "LEVEL", value_parser = integer, help_heading = "Flags")]
    pub(crate) cosi_compression_level: Option<i64>,
    /// Root directory with the tools to use (not supported yet)
    #[arg(long, value_name = "DIR", value_parser = path(), help_heading = "Flags")]
    pub(crate) tools_dir: Option<PathBuf>,
}

/// Flags of `validate-config`.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer validate-config --config-file FILE [FLAGS]")]
#[command(next_help_heading = "Required flags")]
pub(crate) struct ValidateConfig {
    /// The configuration, YAML or JSON
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) config_file: PathBuf,

    /// Directory for work files; needed for the resources `oci` and `all` only
    #[arg(long, value_name = "DIR", value_parser = path(), help_heading = "Flags")]
    pub(crate) build_dir: Option<PathBuf>,
    /// What to look up besides the configuration itself: files, oci, all; repeat, or separate with commas
    #[arg(long, value_name = "LIST", value_parser = resources, action = ArgAction::Append)]
    #[arg(help_heading = "Flags")]
    pub(crate) validate_resources: Vec<ResourceList>,
    /// Passwords that a configuration may set; `locked`: none, accounts stay locked
    #[arg(long, value_name = "KIND", default_value = DEFAULT_PASSWORDS, help_heading = "Flags")]
    #[arg(value_parser = one_of(&["any", "locked"]).map(|word| AllowedPasswords::from_flag(&word)))]
    pub(crate) allowed_passwords: AllowedPasswords,

    #[command(flatten)]
    pub(crate) steps: StepFlags,
}

/// What `replay` is asked for.
#[derive(Debug, Args)]
#[command(
    override_usage = "imagecustomizer replay TRACE [--component FILE] [--artifact NAME=PATH] [--step NAME] [FLAGS]"
)]
pub(crate) struct Replay {
    /// The trace, as `customize --trace-steps` writes it
    #[arg(value_name = "TRACE", value_parser = path(), help_heading = "Arguments")]
    pub(crate) trace: PathBuf,
    /// The component to run; a built-in step needs none
    #[arg(long, value_name = "FILE", value_parser = path(), help_heading = "Flags")]
    pub(crate) component: Option<PathBuf>,
    /// An input file or directory that the step reads; can be repeated. The trace does not hold them
    #[arg(long, value_name = "NAME=PATH", help_heading = "Flags")]
    pub(crate) artifact: Vec<String>,
    /// Which step of the trace, if it holds several
    #[arg(long, value_name = "NAME", help_heading = "Flags")]
    pub(crate) step: Option<String>,
}

/// `doctor` has no flags of its own.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer doctor [FLAGS]")]
pub(crate) struct Doctor {}

/// What `telemetry` is asked for.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer telemetry [status|on|off|schema] [FLAGS]\n       \
                            imagecustomizer telemetry preview [COMMAND] [FLAGS]")]
#[command(next_help_heading = "Flags")]
pub(crate) struct Telemetry {
    /// What to do: show whether and where usage data is sent, switch it on or off, show what a command line would
    /// send, show all that can be sent
    #[arg(value_name = "ACTION", default_value = "status", help_heading = "Arguments")]
    #[arg(value_parser = words(ACTIONS).map(|word| Action::from_word(&word)))]
    pub(crate) action: Action,
    /// For `preview`: the command line to look at; `customize` without flags if missing
    #[arg(value_name = "COMMAND", help_heading = "Arguments", value_parser = clap::value_parser!(OsString))]
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, num_args = 0..)]
    pub(crate) command_line: Vec<OsString>,
    /// Form of what `status` and `schema` print
    #[arg(long, value_name = "FORM", default_value = "text")]
    #[arg(value_parser = one_of(&["text", "json"]).map(|word| Form::from_flag(&word)))]
    pub(crate) format: Form,
}

impl Telemetry {
    /// A word that only `preview` would take.
    pub(super) fn misplaced(&self) -> Option<&OsString> {
        self.command_line.first().filter(|_| self.action != Action::Preview)
    }
}

const ACTIONS: &[&str] = &["status", "on", "off", "preview", "schema"];

/// What `telemetry` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Status,
    On,
    Off,
    Preview,
    Schema,
}

impl Action {
    fn from_word(word: &str) -> Self {
        match word {
            "on" => Self::On,
            "off" => Self::Off,
            "preview" => Self::Preview,
            "schema" => Self::Schema,
            _ => Self::Status,
        }
    }
}

/// `schema` has no flags of its own.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer schema [FLAGS]")]
pub(crate) struct Schema {}

/// What `completions` is asked for.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer completions SHELL [FLAGS]")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = words(SHELLS).map(|word| Shell::from_word(&word)))]
    #[arg(help_heading = "Arguments")]
    pub(crate) shell: Shell,
}

/// `man` has no flags of its own.
#[derive(Debug, Args)]
#[command(override_usage = "imagecustomizer man [FLAGS]")]
pub(crate) struct Man {}

const SHELLS: &[&str] = &["bash", "zsh", "fish"];

/// A shell whose completions can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    fn from_word(word: &str) -> Self {
        match word {
            "zsh" => Self::Zsh,
            "fish" => Self::Fish,
            _ => Self::Bash,
        }
    }
}

/// Which passwords a configuration may give to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AllowedPasswords {
    Any,
    Locked,
}

impl AllowedPasswords {
    /// The empty word stands for a flag that was not given.
    fn from_flag(word: &str) -> Self {
        let word = if word.is_empty() { DEFAULT_PASSWORDS } else { word };
        if word == "locked" { Self::Locked } else { Self::Any }
    }
}

/// What `validate-config` looks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Local files that the configuration names.
    Files,
    /// Images in registries.
    Oci,
    /// Both.
    All,
}

impl Resource {
    /// The kind called `word`.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "files" => Some(Self::Files),
            "oci" => Some(Self::Oci),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// How something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Form {
    pub(super) fn from_flag(word: &str) -> Self {
        if word == "json" { Self::Json } else { Self::Text }
    }
}

/// How the image's files are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// In process where possible.
    Auto,
    /// In process.
    Userspace,
    /// By mounting.
    Kernel,
}

impl Backend {
    fn from_flag(word: &str) -> Self {
        match word {
            "userspace" => Self::Userspace,
            "kernel" => Self::Kernel,
            _ => Self::Auto,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    /// The part of the page below the heading, up to the next one.
    fn section(heading: &str) -> &'static str {
        const PAGE: &str = include_str!("../../../../docs/cli.md");
        let (_, below) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
        below.split("\n## ").next().unwrap()
    }

    fn has_section(command: &str) -> bool {
        !MORE.contains(&command) || command == "telemetry"
    }

    /// The flags that a table describes in its first column.
    fn described(section: &str) -> Vec<String> {
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `-")?.split(" |").next());
        let words = cells.flat_map(|cell| cell.split([',', '`']));
        words.filter_map(|word| Some(word.split_once('-')?.1.trim_start_matches('-').to_owned())).collect()
    }

    fn spellings<'a>(flags: impl Iterator<Item = &'a clap::Arg>) -> Vec<String> {
        let names = flags.flat_map(|flag| {
            flag.get_long_and_visible_aliases()
                .into_iter()
                .flatten()
                .chain(flag.get_all_aliases().into_iter().flatten())
        });
        names.map(str::to_owned).collect()
    }

    #[test]
    fn the_page_on_the_command_line_lists_every_command() {
        let definition = CommandLine::command();
        let page = include_str!("../../../../docs/cli.md");
        for command in definition.get_subcommands() {
            assert!(page.contains(&format!("\n| `{}` |", command.get_name())), "{}", command.get_name());
        }
        for name in MORE.into_iter().filter(|name| !has_section(name)) {
            // What these take is described in one section, because it is next to nothing.
            let command = definition.find_subcommand(name).unwrap();
            let flags = command.get_arguments().filter(|flag| !flag.is_positional()).count();
            assert_eq!(flags, 0, "{name}");
        }
    }

    #[test]
    fn the_page_on_the_command_line_describes_every_flag() {
        let definition = CommandLine::command();
        let mut pages = vec![("Flags of all commands", spellings(definition.get_arguments()))];
        let commands = definition.get_subcommands().filter(|command| has_section(command.get_name()));
        pages.extend(commands.map(|command| (command.get_name(), spellings(command.get_arguments()))));
        let steps = definition.find_subcommand("step").unwrap();
        let names: Vec<String> =
            steps.get_subcommands().map(|command| format!("step {}", command.get_name())).collect();
        let flags = steps.get_subcommands().map(|command| spellings(command.get_arguments()));
        pages.extend(names.iter().map(String::as_str).zip(flags));
        for (heading, mut defined) in pages {
            let mut described = described(section(heading));
            described.sort();
            defined.sort();
            assert_eq!(described, defined, "{heading}");
        }
    }
}
