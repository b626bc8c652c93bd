//! What is printed when the command line asks for help or cannot be understood.

use std::error::Error;
use std::ffi::OsStr;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::VERSION;
use super::flags::MORE;
use crate::log::escape::escape_line;

/// A text for standard output, and for errors the line for standard error.
#[derive(Debug)]
pub(crate) struct Usage {
    /// The help text, or the version.
    pub(crate) text: String,
    /// What is wrong with the line; `None` when the text was asked for.
    pub(crate) error: Option<String>,
}

impl Usage {
    /// The usage of the command that the words name, or of the whole program, and what is wrong.
    pub(super) fn error(definition: &mut clap::Command, command: &[String], message: String) -> Self {
        Self { text: help(definition, command), error: Some(escape_line(&message)) }
    }

    /// A word that clap takes, but that has no place there.
    pub(super) fn unexpected(definition: &mut clap::Command, command: &[String], word: &OsStr) -> Self {
        let word = word.to_string_lossy();
        let message = match is_flag(&word) {
            true => format!("unknown flag {}", flag_name(&word)),
            false => format!("unexpected argument {word}"),
        };
        Self::error(definition, command, message)
    }

    /// Puts clap's error, which may be a request for help, into words.
    pub(super) fn from_clap(definition: &mut clap::Command, command: &[String], error: &clap::Error) -> Self {
        match error.kind() {
            ErrorKind::DisplayHelp => Self { text: help(definition, command), error: None },
            ErrorKind::DisplayVersion => Self { text: format!("{VERSION}\n"), error: None },
            _ => Self::error(definition, command, message(error)),
        }
    }
}

fn help(definition: &mut clap::Command, command: &[String]) -> String {
    definition.build();
    match command {
        [] => whole_program(definition.clone()).render_help().to_string(),
        names => named(definition, names).clone().render_help().to_string(),
    }
}

/// The command that the words lead to, as far as they do.
fn named<'a>(command: &'a clap::Command, names: &[String]) -> &'a clap::Command {
    match names.split_first().and_then(|(name, rest)| Some((command.find_subcommand(name)?, rest))) {
        Some((next, rest)) => named(next, rest),
        None => command,
    }
}

/// The help of the whole program, with the commands in two groups. clap knows one, so the second is text.
fn whole_program(mut definition: clap::Command) -> clap::Command {
    let width =
        definition.get_subcommands().map(|command| command.get_name().len()).max().unwrap_or_default();
    let mut more = String::new();
    for name in MORE {
        let about = definition.find_subcommand(name).and_then(|command| command.get_about()).cloned();
        more += &format!("  {name:width$}  {}\n", about.unwrap_or_default());
        definition = definition.mut_subcommand(name, |command| command.hide(true));
    }
    definition.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\nCommands:\n{{subcommands}}\n\nMore commands:\n{more}\n\
         Global flags:\n{{options}}{{after-help}}"
    ))
}

fn message(error: &clap::Error) -> String {
    let subject = text(error, ContextKind::InvalidArg).map(|argument| flag_name(&argument).to_owned());
    let value = text(error, ContextKind::InvalidValue);
    match (error.kind(), subject) {
        (ErrorKind::UnknownArgument, Some(name)) => unknown(error, &name),
        (ErrorKind::MissingRequiredArgument, _) => missing(error),
        (ErrorKind::InvalidValue, Some(name)) => invalid_value(error, &name, value.as_deref()),
        (ErrorKind::ValueValidation, Some(name)) => match error.source() {
            Some(cause) => format!("{name}: {cause}"),
            None => first_line(error),
        },
        (ErrorKind::MissingSubcommand, _) => match error.get(ContextKind::ValidSubcommand) {
            Some(ContextValue::Strings(names)) => format!("missing command: one of {}", names.join(", ")),
            _ => first_line(error),
        },
        (ErrorKind::InvalidSubcommand, _) => match text(error, ContextKind::InvalidSubcommand) {
            Some(word) => format!("unexpected argument {word}"),
            None => first_line(error),
        },
        (ErrorKind::NoEquals | ErrorKind::TooManyValues, Some(name)) => format!("{name}: unexpected value"),
        (ErrorKind::ArgumentConflict, Some(name)) => match text(error, ContextKind::PriorArg) {
            Some(other) => format!("{name} can't be used together with {}", flag_name(&other)),
            None => first_line(error),
        },
        _ => first_line(error),
    }
}

fn unknown(error: &clap::Error, name: &str) -> String {
    if !is_flag(name) {
        return format!("unexpected argument {name}");
    }
    match text(error, ContextKind::SuggestedArg).filter(|near| begin_alike(name, near)) {
        Some(near) => format!("unknown flag {name}, did you mean \"{}\"?", flag_name(&near)),
        None => format!("unknown flag {name}"),
    }
}

fn is_flag(word: &str) -> bool {
    word.starts_with('-') && word != "-"
}

/// clap's nearest flag can be far off; a slip of the finger mostly leaves the first letters alone.
fn begin_alike(name: &str, near: &str) -> bool {
    const ALIKE: usize = "--abc".len();
    let begins = |text: &str| text.to_ascii_lowercase().chars().take(ALIKE).collect::<String>();
    begins(name) == begins(near)
}

/// `missing flags: --build-dir=DIR, --config-file=FILE`.
fn missing(error: &clap::Error) -> String {
    let flags = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(flags)) => flags.clone(),
        Some(ContextValue::String(flag)) => vec![flag.clone()],
        _ => return first_line(error),
    };
    let shown: Vec<String> =
        flags.iter().map(|flag| flag.replace(" <", "=").replace(['<', '>'], "")).collect();
    let what = if shown.iter().all(|name| name.starts_with('-')) { "flags" } else { "arguments" };
    format!("missing {what}: {}", shown.join(", "))
}

fn invalid_value(error: &clap::Error, name: &str, value: Option<&str>) -> String {
    let known = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(words)) => words.as_slice(),
        _ => &[],
    };
    match value {
        Some(value) if !value.is_empty() || !name.starts_with('-') => {
            let words: Vec<String> = known.iter().map(|word| format!("\"{word}\"")).collect();
            format!("{name} must be one of {} but got \"{value}\"", words.join(","))
        }
        _ => format!("{name}: expected a value; one that begins with `-` is written {name}=VALUE"),
    }
}

/// `--flag` of `--flag <VALUE>`, `--flag[=<VALUE>]` and `--flag=value`; `WORD` of `<WORD>` and `[WORD]`.
fn flag_name(argument: &str) -> &str {
    if !argument.starts_with('-') {
        return argument.trim_matches(['<', '>', '[', ']', '.']);
    }
    argument.split([' ', '=', '[']).next().unwrap_or(argument)
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
