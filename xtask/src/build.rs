//! Building the program, its steps, and what is released.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::setup::{Purpose, prepare};
use crate::shell::{cargo, command, run, target};

const PACKAGE: &str = "imagecustomizer-cli";
const ENGINE: &str = "imagecustomizer-engine";
const PROGRAM: &str = "imagecustomizer";

/// All of the workspace, with what is not in the released program and yet tested.
pub(crate) const TESTED: [&str; 3] = ["--workspace", "--features", "imagecustomizer-cli/grpc"];

/// Builds the program for tests and the demonstration, and returns its path.
pub(crate) fn program() -> Outcome<PathBuf> {
    prepare(Purpose::Build)?;
    run(cargo("build").args(["--package", PACKAGE]))?;
    Ok(target().join("debug").join(PROGRAM))
}

/// Builds the program together with all tests, and returns its path.
///
/// Built alone it could get other features of its dependencies than the tests ask for, and all would be built twice.
pub(crate) fn program_with_tests() -> Outcome<PathBuf> {
    run(cargo("build").args(TESTED).args(["--bins", "--tests"]))?;
    Ok(target().join("debug").join(PROGRAM))
}

/// Builds the built-in steps as components, for those who want to look at them.
pub(crate) fn steps() -> Outcome {
    prepare(Purpose::Build)?;
    let directory = target().join("steps");
    let mut build = cargo("build");
    build.args(["--profile", "step", "--target", "wasm32-wasip2", "--target-dir"]).arg(&directory);
    for step in step_packages()? {
        build.args(["--package", &step]);
    }
    run(&mut build)?;
    println!("built-in steps: {}", directory.join("wasm32-wasip2/step").display());
    Ok(())
}

/// Names of the packages below `guest-steps/` that are steps; `sdk` and libraries of theirs make no component.
fn step_packages() -> Outcome<Vec<String>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(crate::shell::workspace().join("guest-steps"))? {
        let manifest = fs::read_to_string(entry?.path().join("Cargo.toml"))?;
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
        if let Some(name) = name.filter(|_| manifest.contains("cdylib")) {
            packages.push(name.trim_matches('"').to_owned());
        }
    }
    packages.sort();
    Ok(packages)
}

/// Builds the program as it is released: a first build compiles the built-in steps to native code, a second one embeds
/// that, so that no run has to compile them.
pub(crate) fn distribution() -> Outcome {
    let built = released()?;
    let directory = target().join("dist");
    fs::create_dir_all(&directory)?;
    let size = fs::copy(&built, directory.join(PROGRAM))?;
    println!("{}: {} KiB", directory.join(PROGRAM).display(), size / 1024);
    Ok(())
}

/// The program with native code of its steps inside.
pub(crate) fn released() -> Outcome<PathBuf> {
    let steps = target().join("steps/native");
    fs::create_dir_all(&steps)?;
    release()?;
    run(command(target().join("release/examples/precompile")).arg(&steps))?;
    release_build(Some(&steps))
}

/// Builds the optimized program and returns its path.
pub(crate) fn release() -> Outcome<PathBuf> {
    prepare(Purpose::Build)?;
    release_build(None)
}

/// Both packages are named every time: named alone, each would get other features of what both depend on, and all of that
/// would be built twice.
fn release_build(steps: Option<&Path>) -> Outcome<PathBuf> {
    let mut build = cargo("build");
    build.args(["--release", "--package", PACKAGE, "--package", ENGINE, "--bins"]);
    match steps {
        Some(steps) => build.env("IMAGECUSTOMIZER_STEPS_DIR", steps),
        None => build.arg("--examples"),
    };
    run(&mut build)?;
    Ok(target().join("release").join(PROGRAM))
}
