//! Running programs with their output on the terminal.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

/// The top of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where cargo builds into.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => workspace().join(directory),
        None => workspace().join("target"),
    }
}

/// Where made images are kept.
pub(crate) fn fixture_cache() -> PathBuf {
    target().join("fixtures")
}

/// Cargo in the workspace, as it would run by itself.
pub(crate) fn cargo(word: &str) -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Set by the cargo that runs us; kept, they would make it build everything anew.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo.arg(word);
    cargo
}

/// Any program, in the workspace.
#[expect(clippy::disallowed_methods, reason = "the `program` crate is for the product")]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace());
    command
}

/// Shows the command line and runs it.
pub(crate) fn run(command: &mut Command) -> Outcome {
    println!("$ {}", line(command));
    quietly(command)
}

/// Runs a command without showing its line; its output goes to the terminal.
pub(crate) fn quietly(command: &mut Command) -> Outcome {
    let status =
        command.status().map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
    if status.success() { Ok(()) } else { Err(format!("`{}`: {status}", line(command)).into()) }
}

/// What a command writes, when it succeeds.
pub(crate) fn text(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let quoted = |word: &std::ffi::OsStr| {
        let word = word.to_string_lossy().into_owned();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@%~".contains(letter);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    let program = Path::new(command.get_program());
    let named = if program.parent().is_some_and(|parent| parent.ends_with("bin")) {
        program.file_name().unwrap_or(program.as_os_str())
    } else {
        program.as_os_str()
    };
    let words: Vec<String> = std::iter::once(named).chain(command.get_args()).map(quoted).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_blanks_are_quoted() {
        let mut echo = command("echo");
        echo.args(["a b", "plain-1.0", "it's", ""]);
        assert_eq!(line(&echo), r"echo 'a b' plain-1.0 'it'\''s' ''");
    }
}
