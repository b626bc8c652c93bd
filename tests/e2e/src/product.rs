//! The built program: where it lies, how it is called, how it ended.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fixtures::Format;
use fixtures::process::command;

use crate::scene::target_directory;
use crate::{Outcome, failed};

/// The time every run is told, so that its results can be compared: 2026-02-03T04:05:06Z.
pub const SOURCE_DATE: u64 = 1_770_091_506;

/// The user without any rights that [`Run::confined`] becomes.
const NOBODY: u32 = 65_534;

/// Turns telemetry off, in this program as in others.
const OPT_OUT: &str = "DO_NOT_TRACK";

/// What the tests' own surroundings could say to a run.
const OUTSIDE: [&str; 28] = [
    "TMPDIR",
    "CI",
    "ENABLE_TELEMETRY",
    "IMAGECUSTOMIZER_TELEMETRY",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_SDK_DISABLED",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_MONITOR_CONNECTION_STRING",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "REGISTRY_AUTH_FILE",
    "DOCKER_CONFIG",
    "SSL_CERT_FILE",
    "GITHUB_ACTIONS",
    "TF_BUILD",
    "GITLAB_CI",
];

/// A run that hangs is ended after this; a customization of a small image takes about a second.
const PATIENCE: Duration = Duration::from_secs(240);

/// Where the program lies: `IMAGECUSTOMIZER_BIN`, else beside the test program.
///
/// # Errors
/// It has not been built.
pub fn program() -> Outcome<PathBuf> {
    let path = match env::var_os("IMAGECUSTOMIZER_BIN") {
        Some(path) => PathBuf::from(path),
        None => target_directory()?.join("debug/imagecustomizer"),
    };
    if path.is_file() {
        return Ok(path);
    }
    let advice = "build it with `cargo xtask build`, or name it in IMAGECUSTOMIZER_BIN";
    Err(failed(format!("there is no program at `{}`: {advice}", path.display())))
}

/// One call of the program.
pub struct Run {
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, String)>,
}

/// How a call ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Whether the program fell over its own fault instead of refusing something.
    pub fn is_bug(&self) -> bool {
        ["panicked", "imagecustomizer: bug:"].iter().any(|mark| self.stderr.contains(mark))
    }
}

impl Run {
    /// A call with these arguments and the fixed date.
    pub fn new<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        let variables = vec![("SOURCE_DATE_EPOCH", SOURCE_DATE.to_string()), (OPT_OUT, "1".to_owned())];
        Self { arguments, variables }
    }

    /// `customize` with all that it needs.
    pub fn customize(base: &Path, config: &Path, build: &Path, output: &Path, format: Format) -> Self {
        let mut run = Self::new(["customize", "--log-color", "never"]);
        let flags = [
            ("--image-file", base),
            ("--config-file", config),
            ("--build-dir", build),
            ("--output-image-file", output),
        ];
        for (flag, path) in flags {
            run.arguments.push(flag.into());
            run.arguments.push(path.into());
        }
        run.argument("--output-image-format").argument(format.name())
    }

    /// Adds an argument.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable of the environment.
    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Lets the run send its telemetry to what `variable` names, as on a machine of continuous integration: at once.
    /// Without it, telemetry is off in all runs of the tests.
    pub fn telemetry(mut self, variable: &'static str, destination: &str) -> Self {
        self.variables.retain(|(name, _)| *name != OPT_OUT);
        self.variable(variable, destination).variable("CI", "true")
    }

    /// Starts the program without waiting for it. Nobody reads what it writes, but it is written: on the null device a
    /// notice would not count as shown, and nothing be sent.
    ///
    /// # Errors
    /// It is not built, or does not start.
    pub fn start(&self) -> Outcome<Child> {
        let mut child = command(program()?);
        self.dress(&mut child);
        Ok(child.stdout(Stdio::null()).stderr(tempfile::tempfile()?).spawn()?)
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// It is not built, or does not start.
    pub fn finish(&self) -> Outcome<Finished> {
        let mut timed = timeout();
        self.dress(timed.arg(program()?));
        finished(timed)
    }

    /// Runs the program to its end and insists on success.
    ///
    /// # Errors
    /// It failed; the error holds what it said.
    #[track_caller]
    pub fn succeed(&self) -> Outcome<Finished> {
        let finished = self.finish()?;
        if finished.code == Some(0) { Ok(finished) } else { Err(failed(format!("{finished:#?}"))) }
    }

    /// Runs the program to its end with nothing a container without rights would not have: as nobody, without
    /// capabilities, in a network namespace without a way out, and with a `/dev` that holds no loop device,
    /// no `/dev/kvm` and no `/dev/fuse`. The scene's directory is given to nobody first. Where the tests run as an
    /// ordinary user, that user stands for nobody.
    ///
    /// # Errors
    /// Namespaces cannot be made, or the program does not start.
    pub fn confined(&self, scene: &Path) -> Outcome<Finished> {
        self.confined_as(&program()?, scene)
    }

    /// As [`Run::confined`], with another program.
    ///
    /// # Errors
    /// As for [`Run::confined`].
    pub fn confined_as(&self, program: &Path, scene: &Path) -> Outcome<Finished> {
        let own = scene.join("program");
        fs::copy(program, &own)?;
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755))?;
        fs::create_dir_all(scene.join("dev"))?;
        let mut confined = timeout();
        confined.args(["unshare", "--net", "--ipc", "--mount", "--propagation=private"]);
        let becomes: &[&str] = if is_root()? {
            give_away(scene)?;
            &["--reuid=65534", "--regid=65534", "--clear-groups"]
        } else {
            // An ordinary user is without rights outside; inside a user namespace the devices can be hidden.
            confined.args(["--user", "--map-root-user"]);
            &[]
        };
        confined.args(["sh", "-euc", BARE_DEV, "sh"]).arg(scene.join("dev"));
        confined.args(["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]).args(becomes);
        self.dress(confined.arg("--").arg(&own));
        finished(confined)
    }

    /// Runs the program to its end as nobody; the scene's directory is given to nobody first. An ordinary user stands
    /// for nobody.
    ///
    /// # Errors
    /// The program is not built, or does not start.
    pub fn as_nobody(&self, scene: &Path) -> Outcome<Finished> {
        let own = scene.join("program");
        fs::copy(program()?, &own)?;
        let mut command = timeout();
        if is_root()? {
            give_away(scene)?;
            command.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        }
        self.dress(command.arg(&own));
        finished(command)
    }

    /// Gives `command`, which calls the program, the arguments and variables of this run.
    pub fn dress(&self, command: &mut Command) {
        for variable in OUTSIDE {
            command.env_remove(variable);
        }
        command.env("HOME", "/nonexistent");
        command.args(&self.arguments).envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

/// Puts the harmless devices into the directory `$1`, makes it the only `/dev`, and becomes the rest of the words.
const BARE_DEV: &str = "\
    bare=$1; shift; mount -n -t tmpfs -o mode=755 bare \"$bare\"; \
    for name in null zero full random urandom; do \
        touch \"$bare/$name\"; mount -n --bind \"/dev/$name\" \"$bare/$name\"; done; \
    mount -n --move \"$bare\" /dev; exec \"$@\"";

/// Whether these tests run as root: its files are those in `/proc/self`.
fn is_root() -> Outcome<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

fn timeout() -> Command {
    let mut timeout = command("timeout");
    timeout.args(["--signal=KILL", &PATIENCE.as_secs().to_string()]);
    timeout
}

fn finished(mut command: Command) -> Outcome<Finished> {
    let output = fixtures::process::finished(&mut command)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Finished { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

fn give_away(path: &Path) -> Outcome {
    chown(path, Some(NOBODY), Some(NOBODY))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give_away(&entry?.path())?;
        }
    }
    Ok(())
}

/// Runs the program, and insists on a plain refusal that says `words`.
///
/// # Errors
/// The program cannot be run.
///
/// # Panics
/// It succeeds, fails in another way, or says something else.
#[track_caller]
pub fn refused(run: &Run, words: &[&str]) -> Outcome<Finished> {
    let finished = run.finish()?;
    assert!(!finished.is_bug(), "{finished:#?}");
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    for word in words {
        assert!(finished.stderr.contains(word), "no {word:?} in {}", finished.stderr);
    }
    Ok(finished)
}

/// A path as a word of a command line.
///
/// # Errors
/// It is not UTF-8.
pub fn text(path: &Path) -> Outcome<String> {
    Ok(path.to_str().ok_or_else(|| failed("a path is not UTF-8"))?.to_owned())
}
