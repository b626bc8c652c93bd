//! The command word may stand before, between or after the flags, and may be missing.
//!
//! clap wants it in front of the flags that belong to it, so it is moved there first. That takes knowing
//! which tokens are values of flags: `--build-dir convert --config-file c.yaml` names a directory.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};

/// The command that runs when the line names none.
const DEFAULT_COMMAND: &str = "customize";

/// The arguments with the command word moved or added in front.
///
/// Without a command word the line means `customize`, but for `--help` and `--version`, which then speak
/// for the whole program and are passed on alone.
pub(super) fn in_front(definition: &clap::Command, arguments: &[OsString]) -> Vec<OsString> {
    let with_value = flags_with_value(definition);
    let scan = scan(&with_value, arguments);
    let word = scan.first_word.and_then(|position| arguments.get(position).map(|word| (position, word)));
    if let Some((position, word)) = word.filter(|(_, word)| is_command(definition, word)) {
        let others = without(arguments, position);
        let others = match definition.get_subcommands().find(|command| *word == command.get_name()) {
            Some(command) if command.has_subcommands() => second_in_front(&with_value, command, others),
            _ => others,
        };
        return std::iter::once(word.clone()).chain(others).collect();
    }
    if let Some(request) = scan.general_request {
        return vec![request];
    }
    std::iter::once(OsString::from(DEFAULT_COMMAND)).chain(arguments.iter().cloned()).collect()
}

/// The arguments of a command that has commands of its own, with the word for one of them moved in front.
fn second_in_front(
    with_value: &HashSet<String>,
    command: &clap::Command,
    arguments: Vec<OsString>,
) -> Vec<OsString> {
    let position = scan(with_value, &arguments).first_word;
    let word = position.and_then(|position| Some((position, arguments.get(position)?)));
    match word.filter(|(_, word)| is_command(command, word)) {
        Some((position, word)) => {
            std::iter::once(word.clone()).chain(without(&arguments, position)).collect()
        }
        None => arguments,
    }
}

fn without(arguments: &[OsString], position: usize) -> Vec<OsString> {
    let others = arguments.iter().enumerate().filter(|(index, _)| *index != position);
    others.map(|(_, word)| word.clone()).collect()
}

/// What one look over the tokens finds.
#[derive(Default)]
struct Scan {
    /// Where the first token stands that is neither a flag nor a flag's value.
    first_word: Option<usize>,
    /// `--help` or `--version`, when given before any such token.
    general_request: Option<OsString>,
}

fn scan(with_value: &HashSet<String>, arguments: &[OsString]) -> Scan {
    let mut found = Scan::default();
    let mut is_value = false;
    for (position, token) in arguments.iter().enumerate() {
        if std::mem::take(&mut is_value) {
            continue;
        }
        if token == "--" {
            break;
        }
        if !looks_like_flag(token) {
            found.first_word = Some(position);
            break;
        }
        if token == "-h" || token == "--help" || token == "--version" {
            found.general_request.get_or_insert_with(|| token.clone());
        }
        // `--flag=value` is in no set, so it never takes the next token.
        is_value = token.to_str().is_some_and(|flag| with_value.contains(flag));
    }
    found
}

/// A lone `-` is a word, as everywhere.
fn looks_like_flag(token: &OsStr) -> bool {
    token.as_encoded_bytes().first() == Some(&b'-') && token.len() > 1
}

fn is_command(definition: &clap::Command, word: &OsStr) -> bool {
    definition.get_subcommands().any(|command| word == command.get_name())
}

/// The flags of all commands, with their dashes, whose value may be the next token.
fn flags_with_value(definition: &clap::Command) -> HashSet<String> {
    let own = definition.get_arguments().filter(|flag| takes_next_token(flag)).flat_map(spellings);
    definition.get_subcommands().flat_map(flags_with_value).chain(own).collect()
}

fn takes_next_token(flag: &clap::Arg) -> bool {
    flag.get_action().takes_values() && !flag.is_require_equals_set()
}

fn spellings(flag: &clap::Arg) -> Vec<String> {
    let aliases = flag.get_all_aliases().unwrap_or_default();
    flag.get_long().into_iter().chain(aliases).map(|name| format!("--{name}")).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::arguments::CommandLine;

    #[test]
    fn the_command_word_is_found_wherever_it_stands() {
        let cases = [
            ("convert --image-file a", "convert --image-file a"),
            ("--image-file a convert", "convert --image-file a"),
            ("--image-file=a convert --build-dir b", "convert --image-file=a --build-dir b"),
            ("--build-dir convert --config-file c", "customize --build-dir convert --config-file c"),
            ("--output-path customize convert", "convert --output-path customize"),
            ("--disable-telemetry convert", "convert --disable-telemetry"),
            ("--plan create --build-dir b", "create --plan --build-dir b"),
            ("--config-file c.yaml", "customize --config-file c.yaml"),
            ("nonsense convert", "customize nonsense convert"),
            ("-- convert", "customize -- convert"),
            ("- convert", "customize - convert"),
            ("--unknown convert", "convert --unknown"),
            ("--help", "--help"),
            ("--build-dir b -h", "-h"),
            ("--version --nonsense", "--version"),
            ("--help convert", "convert --help"),
            ("convert --version", "convert --version"),
            ("--build-dir --help", "customize --build-dir --help"),
            ("step --root d run f", "step run --root d f"),
            ("--log-level debug step run f --learn", "step run --log-level debug f --learn"),
            ("--root run step test new", "step test --root run new"),
            ("step --help run", "step run --help"),
            ("step run --settings build f", "step run --settings build f"),
            ("step f run", "step f run"),
            ("step", "step"),
        ];
        for (given, expected) in cases {
            let given: Vec<OsString> = given.split(' ').map(OsString::from).collect();
            let ordered = in_front(&CommandLine::command(), &given);
            let ordered: Vec<&str> = ordered.iter().filter_map(|word| word.to_str()).collect();
            assert_eq!(ordered.join(" "), expected, "{given:?}");
        }
    }
}
