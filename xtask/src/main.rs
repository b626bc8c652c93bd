//! The words of the project: one for each thing one does with it. CI and the README use the same ones.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod bench;
mod build;
mod check;
mod demo;
mod languages;
mod packages;
mod setup;
mod shell;
mod test;

use std::process::ExitCode;

/// Success, or what to tell the person at the terminal.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
usage: cargo xtask WORD

  demo [--real]     customize a small image and show what changed; with --real a bootable Debian
  test [--quick]    all tests; --quick leaves out the Debian image, its boot and the container
  check             format, lints, licences and the arrows between the crates
  build             the program, with the built-in steps inside: target/debug/imagecustomizer
  steps             the built-in steps alone, as components: target/steps
  setup             what the other words set up by themselves: Debian packages and the wasm target
  fixtures          every image that the tests use: target/fixtures
  languages         the same step in five languages, from the projects of `step new`: target/languages
  e2e [NAME…]       the end-to-end tests alone, or those whose names contain NAME
  fuzz [SECONDS]    damages images at random and looks for harm (60)
  bench [ROUNDS]    times the program beside the shell commands that do the same (5)
  bench --real [ROUNDS]  the same on a Debian with 100 MiB of files, beside loop and mount; needs root
  bench --languages the five components: sizes, cold and warm start
  bench --steps     a host call, the built-in steps' warm start, a thousand files by a step and natively
  dist              the program as it is released: target/dist/imagecustomizer
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Outcome {
    match words {
        ["demo"] => demo::small(),
        ["demo", "--real"] => demo::real(),
        ["test"] => test::all(),
        ["test", "--quick"] => test::quick(),
        ["check"] => check::all(),
        ["build"] => build::program().map(drop),
        ["steps"] => build::steps(),
        ["setup"] => setup::prepare(setup::Purpose::Test),
        ["fixtures"] => test::fixtures(),
        ["languages"] => languages::build(),
        ["e2e", names @ ..] => test::end_to_end(names),
        ["fuzz"] => test::fuzz("60"),
        ["fuzz", seconds] => test::fuzz(seconds),
        ["bench"] => bench::compare(5),
        ["bench", "--languages"] => languages::compare(),
        ["bench", "--steps"] => bench::steps(),
        ["bench", "--real"] => bench::compare_real(5),
        ["bench", "--real", rounds] => bench::compare_real(rounds.parse()?),
        ["bench", rounds] => bench::compare(rounds.parse()?),
        ["dist"] => build::distribution(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("no such word: `{}`\n\n{HELP}", words.join(" ")).into()),
    }
}
