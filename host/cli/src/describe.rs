//! What the program tells about itself, for other programs: the schema of configurations, completions for shells,
//! the manual page. All of it is made from the definitions that the program itself goes by.

use std::io;

use clap::ValueHint;
use clap_complete::aot;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::arguments::{self, Shell};
use crate::failure::Failure;

const PROGRAM: &str = "imagecustomizer";

/// What the page says besides the flags; the pages in `docs/` say it at length.
const EXIT_STATUS: [(&str, &str); 3] =
    [("0", "Success."), ("1", "The command failed, or was stopped."), ("80", "The command line is wrong.")];
const ENVIRONMENT: [(&str, &str); 13] = [
    ("NO_COLOR", "If set and not empty: no colours, unless --log-color always."),
    ("TERM", "If dumb, standard error is treated as no terminal."),
    (
        "SOURCE_DATE_EPOCH",
        "Seconds since 1970 that stand for the present: equal runs then write equal images.",
    ),
    ("IMAGECUSTOMIZER_POLICY", "The policy to follow, where --policy names none."),
    ("XDG_CACHE_HOME, HOME", "Where compiled steps, and components from registries, are kept."),
    ("PATH", "Where programs of the host are looked for first."),
    ("IMAGECUSTOMIZER_TELEMETRY, ENABLE_TELEMETRY", "If off, false, no or 0: no usage data is sent."),
    ("DO_NOT_TRACK, OTEL_SDK_DISABLED", "If 1 or true: no usage data is sent."),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT, APPLICATIONINSIGHTS_CONNECTION_STRING, AZURE_MONITOR_CONNECTION_STRING",
        "Where usage data is sent instead: the first that is set.",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "How usage data gets there, and components come here, in either case of letters; the second is for usage data alone.",
    ),
    (
        "REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG, HOME",
        "Where credentials for registries are looked for.",
    ),
    ("SSL_CERT_FILE", "The authorities whose word is believed, instead of the machine's."),
    ("XDG_STATE_HOME", "Where the choice of telemetry on and telemetry off is kept."),
];

/// The JSON Schema of the configuration.
pub(crate) fn schema() -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(&config::schema());
    text.map(|text| text + "\n").map_err(|error| Failure::because("cannot write the schema", &error))
}

/// The script that makes `shell` complete command lines of this program.
pub(crate) fn completions(shell: Shell) -> String {
    let mut definition = for_completion();
    let mut script = Vec::new();
    match shell {
        Shell::Bash => aot::generate(aot::Bash, &mut definition, PROGRAM, &mut script),
        Shell::Zsh => aot::generate(aot::Zsh, &mut definition, PROGRAM, &mut script),
        Shell::Fish => aot::generate(aot::Fish, &mut definition, PROGRAM, &mut script),
    }
    String::from_utf8_lossy(&script).into_owned()
}

/// The definition as a line being typed sees it: without a command word, the flags of `customize` fit too.
fn for_completion() -> clap::Command {
    let definition = with_hints(arguments::definition());
    let customize = definition.find_subcommand("customize");
    let flags: Vec<clap::Arg> =
        customize.into_iter().flat_map(clap::Command::get_arguments).cloned().collect();
    definition.args(flags)
}

/// Tells directories from files.
fn with_hints(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|flag| {
        let name = flag.get_value_names().and_then(|names| names.first()).map(|name| name.as_str());
        match name {
            Some("DIR") => flag.value_hint(ValueHint::DirPath),
            Some("FILE" | "PATH") => flag.value_hint(ValueHint::FilePath),
            _ => flag,
        }
    });
    command.mut_subcommands(with_hints)
}

/// The manual page, in the language of `man`: one page for all commands.
pub(crate) fn manual() -> Result<String, Failure> {
    page().map_err(|error| Failure::because("cannot write the manual page", &error))
}

fn page() -> io::Result<String> {
    let definition = with_words_in_text(arguments::definition());
    // Flags of all commands are described once, so the commands' own definitions are taken before clap copies
    // the common flags into them.
    let commands = commands_below(&definition, "");
    let whole = Man::new(definition).manual("User Commands");
    let mut page = rendered(|text| whole.render_title(text))?;
    page += &section(|text| whole.render_name_section(text))?;
    page += &section(|text| whole.render_synopsis_section(text))?;
    page += &section(|text| whole.render_description_section(text))?;
    page += &list("COMMANDS", commands.iter().map(|(name, command)| (name.clone(), about(command))))?;
    page += &section(|text| whole.render_options_section(text))?;
    for (name, command) in commands {
        page += &command_section(&name, command)?;
    }
    page += &list("EXIT STATUS", EXIT_STATUS)?;
    page += &list("ENVIRONMENT", ENVIRONMENT)?;
    Ok(page)
}

/// All commands with the words that name them, each before those below it.
fn commands_below(command: &clap::Command, words: &str) -> Vec<(String, clap::Command)> {
    let mut found = Vec::new();
    for next in command.get_subcommands() {
        let name = format!("{words}{}", next.get_name());
        found.push((name.clone(), next.clone()));
        found.extend(commands_below(next, &format!("{name} ")));
    }
    found
}

/// Moves the words that a flag takes into its text: as a list of their own they fill the page.
fn with_words_in_text(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|flag| {
        let words = flag.get_possible_values();
        let words: Vec<&str> = words
            .iter()
            .filter(|word| !word.is_hide_set())
            .map(clap::builder::PossibleValue::get_name)
            .collect();
        if words.is_empty() || flag.is_hide_possible_values_set() || !flag.get_action().takes_values() {
            return flag;
        }
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        flag.hide_possible_values(true).help(format!("{help}. One of: {}.", words.join(", ")))
    });
    command.mut_subcommands(with_words_in_text)
}

/// Usage and flags of one command; the flags' headings become headings of parts.
fn command_section(name: &str, command: clap::Command) -> io::Result<String> {
    let mut head = Roff::new();
    head.control("SH", [format!("{PROGRAM} {name}").to_uppercase().as_str()]);
    head.text([roman(format!("{}.", about(&command)))]);
    let usage = command.get_overridden_usage().map(ToString::to_string).unwrap_or_default();
    head.control("PP", []);
    head.text([bold(usage.split_whitespace().collect::<Vec<_>>().join(" "))]);
    let man = Man::new(command.disable_help_flag(true));
    let flags = section(|text| man.render_options_section(text))?;
    let flags = flags.split_inclusive('\n').map(|line| match line.strip_prefix(".SH ") {
        Some(heading) => format!(".SS {heading}"),
        None => line.to_owned(),
    });
    Ok(section(|text| head.to_writer(text))? + &flags.collect::<String>())
}

fn about(command: &clap::Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn list<T: Into<String>>(
    heading: &str,
    entries: impl IntoIterator<Item = (T, impl Into<String>)>,
) -> io::Result<String> {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for (term, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(meaning)]);
    }
    section(|text| roff.to_writer(text))
}

fn rendered(render: impl Fn(&mut dyn io::Write) -> io::Result<()>) -> io::Result<String> {
    let mut text = Vec::new();
    render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A part of the page after the first one. Each part comes with definitions for apostrophes in front, which the page
/// needs once.
fn section(render: impl Fn(&mut dyn io::Write) -> io::Result<()>) -> io::Result<String> {
    let text = rendered(render)?;
    let lines =
        text.split_inclusive('\n').filter(|line| !line.starts_with(".ie ") && !line.starts_with(".el "));
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_section_for_each_command_and_each_flag_once() {
        let page = manual().unwrap();
        let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        let expected = [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "COMMANDS",
            "\"GLOBAL FLAGS\"",
            "\"IMAGECUSTOMIZER CUSTOMIZE\"",
            "\"IMAGECUSTOMIZER CREATE\"",
            "\"IMAGECUSTOMIZER INJECT-FILES\"",
            "\"IMAGECUSTOMIZER CONVERT\"",
            "\"IMAGECUSTOMIZER VALIDATE-CONFIG\"",
            "\"IMAGECUSTOMIZER STEP\"",
            "\"IMAGECUSTOMIZER STEP NEW\"",
            "\"IMAGECUSTOMIZER STEP BUILD\"",
            "\"IMAGECUSTOMIZER STEP INSPECT\"",
            "\"IMAGECUSTOMIZER STEP CHECK\"",
            "\"IMAGECUSTOMIZER STEP TEST\"",
            "\"IMAGECUSTOMIZER STEP RUN\"",
            "\"IMAGECUSTOMIZER STEP LOCK\"",
            "\"IMAGECUSTOMIZER STEP PUSH\"",
            "\"IMAGECUSTOMIZER STEP PULL\"",
            "\"IMAGECUSTOMIZER REPLAY\"",
            "\"IMAGECUSTOMIZER DOCTOR\"",
            "\"IMAGECUSTOMIZER TELEMETRY\"",
            "\"IMAGECUSTOMIZER SCHEMA\"",
            "\"IMAGECUSTOMIZER COMPLETIONS\"",
            "\"IMAGECUSTOMIZER MAN\"",
            "\"EXIT STATUS\"",
            "ENVIRONMENT",
        ];
        assert_eq!(sections, expected);
        for (flag, times) in [("help", 1), ("log\\-level", 1), ("build\\-dir", 5), ("backend", 1)] {
            let term = format!("\\fB\\-\\-{flag}\\fR");
            let found = page.lines().filter(|line| line.starts_with("\\fB") && line.contains(&term)).count();
            assert_eq!(found, times, "{flag}");
        }
        assert_eq!(page.matches(".TH imagecustomizer 1").count(), 1);
        assert!(page.starts_with(".ie ") && page.matches(".ie ").count() == 1, "{page}");
        assert!(page.contains("One of: raw") || page.contains("One of: vhd, vhd"), "{page}");
    }

    #[test]
    fn the_page_names_every_variable_that_the_command_line_page_does() {
        const PAGE: &str = include_str!("../../../docs/cli.md");
        let (_, below) = PAGE.split_once("\n## Environment\n").unwrap();
        let table = below.split("\n## ").next().unwrap();
        let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        let documented: Vec<String> = cells.map(|cell| cell.replace('`', "")).collect();
        assert_eq!(documented, ENVIRONMENT.map(|(name, _)| name));
    }
}
