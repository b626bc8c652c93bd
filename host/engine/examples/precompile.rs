//! `precompile DIRECTORY`: writes the built-in steps and their native code, for a second build that embeds both.

use std::path::PathBuf;
use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "a program of the build")]
fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: precompile DIRECTORY");
        return ExitCode::from(2);
    };
    match imagecustomizer_engine::precompile(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("precompile: {error}");
            ExitCode::FAILURE
        }
    }
}
