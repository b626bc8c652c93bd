//! Brings a machine that has rustup to where a word works. Where nothing is missing, nothing is done.

use crate::Outcome;
use crate::packages::{self, DEBIAN_IMAGE, LANGUAGES, Need, SMALL_IMAGES, TESTS, USER_NAMESPACE};
use crate::shell::{command, run, text};

/// What the machine is to be able to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Build the program.
    Build,
    /// Look at the sources: format and lints.
    Check,
    /// Show the program on a small image.
    Demo,
    /// Show the program on a Debian image.
    RealDemo,
    /// Build the same step in five languages.
    Languages,
    /// Run every test.
    Test,
}

/// Built-in steps are components for this target.
const STEP_TARGET: &str = "wasm32-wasip2";

/// Sets up what is missing.
pub(crate) fn prepare(purpose: Purpose) -> Outcome {
    packages::install(&packages::missing(&needs(purpose)))?;
    if matches!(purpose, Purpose::Check | Purpose::Test) {
        add_components()?;
    }
    add_step_target()
}

fn needs(purpose: Purpose) -> Vec<Need> {
    let groups: &[&[Need]] = match purpose {
        Purpose::Build | Purpose::Check => &[],
        Purpose::Demo => &[&SMALL_IMAGES],
        Purpose::RealDemo => &[&SMALL_IMAGES, &DEBIAN_IMAGE],
        Purpose::Languages => &[&LANGUAGES],
        Purpose::Test => &[&SMALL_IMAGES, &DEBIAN_IMAGE, &TESTS, &LANGUAGES],
    };
    let debian = matches!(purpose, Purpose::RealDemo | Purpose::Test);
    let as_user: &[Need] = if debian && !packages::is_root() { &USER_NAMESPACE } else { &[] };
    [groups.concat(), as_user.to_vec()].concat()
}

/// `rust-toolchain.toml` asks for the target, but rustup may be told not to install by itself, and then says nothing.
fn add_step_target() -> Outcome {
    let targets = text(command("rustup").args(["target", "list", "--installed"]));
    // Without rustup, a distribution's own Rust has to have the target; the build will tell.
    match targets {
        Some(list) if !list.lines().any(|target| target == STEP_TARGET) => {
            run(command("rustup").args(["target", "add", STEP_TARGET]))
        }
        _ => Ok(()),
    }
}

fn add_components() -> Outcome {
    let installed = text(command("rustup").args(["component", "list", "--installed"]));
    let Some(installed) = installed else { return Ok(()) };
    for component in ["clippy", "rustfmt"] {
        if !installed.lines().any(|line| line.starts_with(component)) {
            run(command("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}
