//! `step new`: a project to start with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use config::steps::BuiltInStep;
use step_kit::{Language, ProjectFile};

use crate::arguments::StepNew;
use crate::checks::given;
use crate::failure::Failure;
use crate::log::escape::escape_line;
use crate::run::print;

/// What a shell is to run.
const SCRIPT: &str = "build.sh";

pub(super) fn run(flags: &StepNew) -> Result<(), Failure> {
    let kit = |error: step_kit::Error| Failure::from_error(&error).with_hint(Some(error.hint()));
    let language: Language = flags.language.parse().map_err(kit)?;
    if BuiltInStep::from_word(&flags.name).is_some() {
        let failure = Failure::new(format!("`{}` is the name of a built-in step", flags.name));
        return Err(failure.with_hint(Some("give the step another name")));
    }
    let files = step_kit::project(language, &flags.name).map_err(kit)?;
    let directory = given(flags.directory.as_ref()).unwrap_or_else(|| PathBuf::from(&flags.name));
    check_empty(&directory)?;
    for file in &files {
        write(&directory, file).map_err(|error| {
            Failure::because(format!("cannot make the project in `{}`", directory.display()), &error)
        })?;
    }
    let shown = escape_line(&directory.display().to_string());
    print(&format!(
        "a step in {} is in `{shown}`; its README.md says what is what\n\n  cd {shown}\n  imagecustomizer step \
         build\n  imagecustomizer step test\n",
        language_name(language)
    ))
}

fn language_name(language: Language) -> &'static str {
    match language {
        Language::Rust => "Rust",
        Language::JavaScript => "JavaScript",
        Language::Python => "Python",
        Language::C => "C",
        Language::Go => "Go",
    }
}

/// A directory that holds something stays as it is.
fn check_empty(directory: &Path) -> Result<(), Failure> {
    let cannot =
        |error| Failure::because(format!("cannot use the directory `{}`", directory.display()), &error);
    match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot(error)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => {
                let failure = Failure::new(format!("the directory `{}` is not empty", directory.display()));
                Err(failure.with_hint(Some("name another one with `--directory`")))
            }
        },
    }
}

fn write(directory: &Path, file: &ProjectFile) -> std::io::Result<()> {
    let path = directory.join(&file.path);
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(&path, &file.content)?;
    if file.path == SCRIPT {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
