//! Starts a project in every language, builds each as its author would, and puts the components side by side: `languages
//! DIRECTORY NAME` writes `DIRECTORY/LANGUAGE.wasm`, and `DIRECTORY/kit-LANGUAGE.wasm` of the programs in `tests/kits`. Toolchains are kept in the projects, so that a second run is quick.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use step_kit::Language;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let built = match arguments.as_slice() {
        [directory, name] => all(Path::new(directory), name),
        _ => Err("usage: languages DIRECTORY NAME".into()),
    };
    match built {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("languages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn all(directory: &Path, name: &str) -> Outcome {
    for language in Language::ALL {
        let project = directory.join(language.name());
        let changed = start(&project, language, name)?;
        // Their builds take longest, give other bytes every time, and do not end in this crate.
        let finished = matches!(language, Language::JavaScript | Language::Python);
        if finished && !changed && project.with_extension("wasm").exists() {
            continue;
        }
        println!("building {}", project.display());
        run("sh", &["build.sh"], &project)?;
        if language == Language::Rust {
            run("cargo", &["test", "--quiet", "--target-dir", "target"], &project)?;
        }
        component(&project, &project.with_extension("wasm"))?;
        if let Some((program, place)) = kit_program(language) {
            // The same project with another program in it, after the component of the first is safe.
            write(&project.join(place), &fs::read(program)?)?;
            run("sh", &["build.sh"], &project)?;
            component(&project, &directory.join(format!("kit-{}.wasm", language.name())))?;
        }
    }
    Ok(())
}

fn component(project: &Path, to: &Path) -> Outcome {
    write(to, &step_kit::make_component(&fs::read(project.join("step.wasm"))?)?)?;
    Ok(())
}

/// The program in `tests/kits` that makes every call through the language's kit, and which file of a project it replaces.
fn kit_program(language: Language) -> Option<(PathBuf, &'static str)> {
    let (program, place) = match language {
        Language::Rust => ("rust/lib.rs", "src/lib.rs"),
        Language::C => ("c/main.c", "main.c"),
        Language::Go => ("go/main.go", "main.go"),
        Language::JavaScript | Language::Python => return None,
    };
    Some((Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kits").join(program), place))
}

/// Writes the project's files, and tells whether one is new. What has not changed stays as it is, for the sake of the
/// compilers' caches.
fn start(project: &Path, language: Language, name: &str) -> Outcome<bool> {
    let mut changed = false;
    for file in step_kit::project(language, name)? {
        let path = project.join(&file.path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        changed |= write(&path, &file.content)?;
    }
    Ok(changed)
}

fn write(path: &Path, content: &[u8]) -> Outcome<bool> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(false);
    }
    fs::write(path, content).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(true)
}

#[expect(clippy::disallowed_methods, reason = "the `program` crate is for the product")]
fn run(program: &str, arguments: &[&str], directory: &Path) -> Outcome {
    let mut command = std::process::Command::new(program);
    command.args(arguments).current_dir(directory);
    // Set by the cargo that runs us. An author's cargo knows none of them.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_TARGET_"].iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    let status = command.status().map_err(|error| format!("{program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", directory.display()).into()) }
}
