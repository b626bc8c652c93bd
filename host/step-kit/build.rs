//! Puts the step contract and the projects of `examples/steps` into this crate, as they are in the tree.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What a build leaves in a project.
const MADE: [&str; 4] = ["target", "node_modules", ".toolchain", "__pycache__"];

fn main() -> Outcome {
    let top = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("contract.rs"), contract(&top.join("wit/step"))?)?;
    let adapter = "src/wasip1/adapter.wat";
    println!("cargo::rerun-if-changed={adapter}");
    fs::write(out.join("adapter.wasm"), wat::parse_file(adapter)?)?;
    fs::write(out.join("projects.rs"), projects(&top.join("examples/steps"))?)?;
    Ok(())
}

fn contract(directory: &Path) -> Outcome<String> {
    let mut text = "static CONTRACT: &[(&str, &str)] = &[\n".to_owned();
    for (path, file) in files(directory)? {
        writeln!(text, "({path:?}, include_str!({file:?})),")?;
    }
    Ok(text + "];\n")
}

fn projects(directory: &Path) -> Outcome<String> {
    let mut text = "static PROJECTS: &[(&str, &[Embedded])] = &[\n".to_owned();
    for language in ["rust", "js", "python", "c", "go"] {
        writeln!(text, "({language:?}, &[")?;
        for (path, file) in files(&directory.join(language).join("motd"))? {
            writeln!(text, "({path:?}, include_bytes!({file:?})),")?;
        }
        text.push_str("]),\n");
    }
    Ok(text + "];\n")
}

/// Paths below `directory`, sorted, with where each file lies. Links are followed: the contract and the kit for authors are
/// in the tree once.
fn files(directory: &Path) -> Outcome<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    collect(directory, "", &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(directory: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) -> Outcome {
    println!("cargo::rerun-if-changed={}", directory.display());
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?;
        let path = format!("{prefix}{name}");
        if fs::metadata(entry.path())?.is_dir() {
            if !MADE.contains(&name.as_str()) {
                collect(&entry.path(), &format!("{path}/"), found)?;
            }
        } else if !name.ends_with(".wasm") {
            println!("cargo::rerun-if-changed={}", entry.path().display());
            found.push((path, entry.path()));
        }
    }
    Ok(())
}
