//! Makes a component of a module, as the last part of a build does: `component MODULE COMPONENT`.
#![allow(clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [module, component] => make(module, component),
        _ => Err("usage: component MODULE COMPONENT".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("component: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(module: &str, component: &str) -> Result<(), Box<dyn std::error::Error>> {
    let made = step_kit::make_component(&std::fs::read(module)?)?;
    std::fs::write(component, made)?;
    Ok(())
}
