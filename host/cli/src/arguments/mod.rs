//! The command line: what may be written, and what it means.
//!
//! clap reads the flags; three habits of the reference program are added around it: the command word may
//! stand anywhere among the flags ([`command_word`]), `customize` is meant when it is missing, and usage
//! errors have exit code 80 with the usage on standard output ([`usage`]).

mod command_word;
mod flags;
mod step;
mod usage;
mod values;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

pub(crate) use flags::{
    Action, AllowedPasswords, Backend, Command, CommandLine, Convert, Customize, Form, GlobalFlags, Replay,
    Resource, Shell, StepFlags, Telemetry, ValidateConfig,
};
pub(crate) use step::{
    StepBuild, StepCheck, StepCommand, StepInspect, StepLock, StepNew, StepPull, StepPush, StepRun, StepTest,
};
pub(crate) use usage::Usage;
pub(crate) use values::{ResourceList, path_list, truth};

/// The text printed by `--version`, and nothing else on that line.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What may be written, as clap describes it: also for completions and the manual page.
pub(crate) fn definition() -> clap::Command {
    CommandLine::command()
}

/// The command that the arguments name, or mean by naming none; `None` when they ask about the whole program.
pub(crate) fn command_name(arguments: &[OsString]) -> Option<String> {
    let definition = definition();
    let ordered = command_word::in_front(&definition, arguments);
    let name = ordered.first()?.to_str()?;
    definition.find_subcommand(name).map(|command| command.get_name().to_owned())
}

/// Reads the arguments that follow the program's name.
///
/// # Errors
/// [`Usage`]: nothing is to be done but to print it; a request for help is one too.
pub(crate) fn parse(arguments: &[OsString]) -> Result<CommandLine, Usage> {
    let mut definition = definition();
    if arguments.is_empty() {
        return Err(Usage::error(&mut definition, &[], "no flags and no command: nothing to do".into()));
    }
    let ordered = command_word::in_front(&definition, arguments);
    let selected = selected(&definition, &ordered);
    let program = std::iter::once(OsString::from("imagecustomizer"));
    let line = definition
        .try_get_matches_from_mut(program.chain(ordered))
        .and_then(|mut matches| CommandLine::from_arg_matches_mut(&mut matches))
        .map_err(|error| Usage::from_clap(&mut definition, &selected, &error))?;
    match &line.command {
        Command::Telemetry(flags) => match flags.misplaced() {
            Some(word) => Err(Usage::unexpected(&mut definition, &selected, word)),
            None => Ok(line),
        },
        _ => Ok(line),
    }
}

/// The words in front that name a command, and one of its own commands.
fn selected(definition: &clap::Command, ordered: &[OsString]) -> Vec<String> {
    let mut command = definition;
    let mut names = Vec::new();
    for word in ordered {
        let Some(next) = command.get_subcommands().find(|next| *word == next.get_name()) else { break };
        names.push(next.get_name().to_owned());
        command = next;
    }
    names
}
