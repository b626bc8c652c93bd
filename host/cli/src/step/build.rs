//! `step build`: the project's own build, then a component of what it wrote.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use tempfile::NamedTempFile;

use super::{Bench, COMPONENT};
use crate::arguments::StepBuild;
use crate::checks::required;
use crate::failure::Failure;
use crate::log::escape::escape_line;
use crate::run::{failure, print};

/// What a project is built by.
const SCRIPT: &str = "build.sh";

/// What makes a project one in C.
const C: &str = "main.c";

/// What it takes to build a project that holds a file: programs of which one is enough, and what to install.
const NEEDS: &[(&str, &[&str], &str)] = &[
    ("Cargo.toml", &["cargo"], "install Rust with rustup: https://rustup.rs"),
    ("package.json", &["npm"], "install Node.js 18 or later with npm: `apt-get install nodejs npm`"),
    ("app.py", &["python3"], "install Python 3 with venv: `apt-get install python3-venv`"),
    (
        "go.mod",
        &["go", "python3"],
        "install Go 1.24 or later, or Python 3 with venv: `apt-get install python3-venv`",
    ),
    (C, &["zig", "python3"], "install zig, or Python 3 with venv: `apt-get install python3-venv`"),
];

/// The target that Rust builds for.
const TARGET: &str = "wasm32-wasip2";

pub(super) fn run(flags: &StepBuild, bench: &Bench) -> Result<(), Failure> {
    let directory = required("--directory", flags.directory.clone())?;
    let script = directory.join(SCRIPT);
    if !script.is_file() {
        let failure = Failure::new(format!("there is no `{}`", script.display()));
        return Err(failure.with_hint(Some(
            "`imagecustomizer step new` makes a project with one; `--directory` names another project",
        )));
    }
    check_toolchain(&directory)?;
    run_script(&directory)?;
    let path = directory.join(COMPONENT);
    make_component(&path)?;
    let found = bench.workbench.inspect(&path).map_err(failure)?;
    if let Some(reason) = found.unusable {
        let failure = Failure::new(format!("`{}` cannot be used: {reason}", path.display()));
        return Err(
            failure.with_hint(Some(format!("`imagecustomizer step inspect {}` says more", path.display())))
        );
    }
    let text = [
        path.display().to_string(),
        format!(
            "  {} {}, {} bytes",
            found.name.unwrap_or_default(),
            found.version.unwrap_or_default(),
            found.size
        ),
        format!("  sha256 {}", found.sha256),
    ];
    print(&(text.map(|line| escape_line(&line)).join("\n") + "\n"))
}

/// Says what to install before a build fails in other words.
fn check_toolchain(directory: &Path) -> Result<(), Failure> {
    for (file, programs, hint) in NEEDS {
        // `build.sh` of a project in C takes another compiler.
        let has_own = *file == C && env::var_os("CC").is_some_and(|compiler| !compiler.is_empty());
        if directory.join(file).exists() && !has_own && !programs.iter().any(|name| is_installed(name)) {
            let names: Vec<String> = programs.iter().map(|name| format!("`{name}`")).collect();
            let failure = Failure::new(format!("{} is not installed", names.join(" or ")));
            return Err(failure.with_hint(Some(*hint)));
        }
    }
    if directory.join("Cargo.toml").exists() && !is_installed("rustup") && !has_target() {
        let failure = Failure::new(format!("the Rust that is installed has no target `{TARGET}`"));
        return Err(failure.with_hint(Some(format!(
            "install Rust with rustup (https://rustup.rs), then `rustup target add {TARGET}`; or your distribution's \
             package of that target"
        ))));
    }
    Ok(())
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Whether the compiler's library for the target is there. A compiler that does not say is left to the build.
fn has_target() -> bool {
    let mut rustc = command("rustc");
    let said = rustc.args(["--print", "target-libdir", "--target", TARGET]).stderr(Stdio::null()).output();
    match said {
        Ok(said) if said.status.success() => Path::new(String::from_utf8_lossy(&said.stdout).trim()).is_dir(),
        _ => true,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the author's own build runs in the author's surroundings; the crate `program` is for what the product needs"
)]
fn command(program: &str) -> Command {
    Command::new(program)
}

/// Runs the build; what it prints goes to standard error, as the log does.
fn run_script(directory: &Path) -> Result<(), Failure> {
    let mut shell = command("sh");
    let status = shell.arg(SCRIPT).current_dir(directory).stdin(Stdio::null()).stdout(io::stderr()).status();
    let status = status.map_err(|error| Failure::because(format!("cannot run `{SCRIPT}`"), &error))?;
    if status.success() {
        return Ok(());
    }
    let failure = Failure::new(format!("`{}` ended with {status}", directory.join(SCRIPT).display()));
    Err(failure.with_hint(Some("what it printed stands above")))
}

/// Puts a component in the place of a module. The place never holds half of one.
fn make_component(path: &Path) -> Result<(), Failure> {
    let cannot = |error: io::Error| {
        Failure::because(format!("cannot use `{}`, which the build writes", path.display()), &error)
    };
    let built = fs::read(path).map_err(cannot)?;
    let component = step_kit::make_component(&built).map_err(|error| {
        let failure = Failure::because(format!("no component can be made of `{}`", path.display()), &error);
        failure.with_hint(Some(error.hint()))
    })?;
    if component == built {
        return Ok(());
    }
    let directory = path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    let permissions = fs::metadata(path).map_err(cannot)?.permissions();
    let mut file = NamedTempFile::new_in(directory).map_err(cannot)?;
    file.write_all(&component).map_err(cannot)?;
    file.as_file().set_permissions(permissions).map_err(cannot)?;
    file.persist(path).map_err(|error| cannot(error.error))?;
    Ok(())
}
