//! Running tests: by `cargo nextest` where it is installed, by `cargo test` elsewhere.

use std::process::Command;

use crate::Outcome;
use crate::build;
use crate::languages;
use crate::packages::is_root;
use crate::setup::{Purpose, prepare};
use crate::shell::{cargo, command, fixture_cache, run, text, workspace};

/// Tests in modules of this name take minutes: a Debian image, its boot, the container, steps in five languages.
const SLOW: &str = "whole_system::";

/// Every test there is. The runner comes last: its closing line is the result.
pub(crate) fn all() -> Outcome {
    prepare(Purpose::Test)?;
    documentation()?;
    schema()?;
    languages::build()?;
    runner(&build::TESTED, &[])
}

/// Every test but the slow ones.
pub(crate) fn quick() -> Outcome {
    prepare(Purpose::Test)?;
    documentation()?;
    runner(&build::TESTED, &["--skip", SLOW])
}

/// The schema that the program prints, looked at by a validator that nobody here wrote.
fn schema() -> Outcome {
    let program = build::program_with_tests()?;
    run(command("sh").arg("tests/schema/run.sh").arg(program))
}

/// The end-to-end tests alone.
pub(crate) fn end_to_end(names: &[&str]) -> Outcome {
    prepare(Purpose::Test)?;
    runner(&["--package", "imagecustomizer-e2e"], names)
}

/// Damages images at random for a while, then every parser's input, where `cargo fuzz` and a nightly Rust are there.
pub(crate) fn fuzz(seconds: &str) -> Outcome {
    seconds.parse::<u64>()?;
    prepare(Purpose::Demo)?;
    damage_images(seconds)?;
    if text(command("cargo").args(["+nightly", "fuzz", "--version"])).is_none() {
        println!("`cargo +nightly fuzz` is not installed: the parsers' own fuzz targets are left out");
        return Ok(());
    }
    for directory in fuzz_directories()? {
        let list = text(command("cargo").current_dir(&directory).args(["+nightly", "fuzz", "list"]));
        for name in list.unwrap_or_default().lines() {
            let limit = format!("-max_total_time={seconds}");
            let mut target = command("cargo");
            run(target.current_dir(&directory).args(["+nightly", "fuzz", "run", name, "--", &limit]))?;
        }
    }
    Ok(())
}

/// Crates keep their fuzz targets in a folder `fuzz`.
fn fuzz_directories() -> Outcome<Vec<std::path::PathBuf>> {
    let mut directories = Vec::new();
    for entry in std::fs::read_dir(workspace().join("host"))? {
        let directory = entry?.path().join("fuzz");
        if directory.is_dir() {
            directories.push(directory);
        }
    }
    directories.sort();
    Ok(directories)
}

fn damage_images(seconds: &str) -> Outcome {
    let mut test = with_program(cargo("test"))?;
    test.args(["--package", "imagecustomizer-e2e", "--test", "fuzz", "--", "--ignored", "--nocapture"]);
    run(test.env("IMAGECUSTOMIZER_FUZZ_SECONDS", seconds))
}

/// Makes all images that the tests use.
pub(crate) fn fixtures() -> Outcome {
    prepare(Purpose::Test)?;
    let cache = fixture_cache();
    for recipe in fixtures::Recipe::all() {
        println!("{}", fixtures::image(recipe, &cache)?.display());
    }
    for kind in [fixtures::Foreign::Xfs, fixtures::Foreign::Btrfs] {
        println!("{}", fixtures::foreign::image(kind, &cache)?.display());
    }
    println!("{}", fixtures::debian::image(&cache)?.display());
    Ok(())
}

/// Examples in the documentation; nextest leaves them out.
fn documentation() -> Outcome {
    if has_nextest() { run(cargo("test").args(build::TESTED).args(["--quiet", "--doc"])) } else { Ok(()) }
}

/// Runs the tests of `packages`; `filter` is what stands behind `--`.
fn runner(packages: &[&str], filter: &[&str]) -> Outcome {
    let mut test = with_program(if has_nextest() { nextest() } else { cargo("test") })?;
    test.args(packages).args(["--no-fail-fast", "--"]).args(filter);
    if is_root() {
        return run(&mut test);
    }
    // Made before: `mmdebstrap` makes a user namespace of its own, and would take ours for root's.
    let cache = fixture_cache();
    fixtures::debian::image(&cache)?;
    fixtures::debian::container_base(&cache)?;
    run(&mut in_user_namespace(&test))
}

/// The same command where we are root over ids that are ours: the steps are compared with programs like `useradd`,
/// which insist on that.
fn in_user_namespace(test: &Command) -> Command {
    let mut inside = command("unshare");
    inside
        .args(["--map-root-user", "--map-auto", "--mount", "--"])
        .arg(test.get_program())
        .args(test.get_args());
    inside.envs(test.get_envs().filter_map(|(name, value)| Some((name, value?))));
    inside
}

fn nextest() -> Command {
    let mut nextest = cargo("nextest");
    nextest.args(["run", "--no-tests=pass"]);
    nextest
}

fn has_nextest() -> bool {
    text(cargo("nextest").arg("--version")).is_some()
}

/// Builds the program and tells the tests where it lies.
fn with_program(mut test: Command) -> Outcome<Command> {
    test.env("IMAGECUSTOMIZER_BIN", build::program_with_tests()?)
        .env("IMAGECUSTOMIZER_FIXTURES", fixture_cache());
    Ok(test)
}
