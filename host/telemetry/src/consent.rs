//! Whether telemetry may happen at all: everything that switches it off, in one place.
//!
//! Off wins, whoever says it, and what cannot be understood counts as off. The order only decides which rule is named:
//! the flag comes first, so that nothing else is looked at when it is given, and the stored choice comes last, so that
//! no file is read where a variable has decided.

use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::state::{self, Choice, State};

/// Looks up a variable of the process's environment; tests pass tables.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The variables of this process, as a [`Lookup`].
pub fn process_variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A variable that can switch telemetry off. None can switch it on where something else says off.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Variable {
    /// Our own: `0`, `off`, `false` or `no`.
    Telemetry,
    /// The reference program's: `false`, `0`, `off` or `no`.
    EnableTelemetry,
    /// The convention of command-line tools: anything but nothing, `0` and `false`.
    DoNotTrack,
    /// OpenTelemetry's general switch, which its Rust SDK ignores: `true`.
    OtelSdkDisabled,
}

/// What the value of a variable says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Says {
    Nothing,
    Off,
    /// No word of the list: whoever set it wanted something, and most likely less telemetry.
    Unclear,
}

impl Variable {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 4] =
        [Self::Telemetry, Self::EnableTelemetry, Self::DoNotTrack, Self::OtelSdkDisabled];

    /// As it is set in a shell.
    pub fn name(self) -> &'static str {
        match self {
            Self::Telemetry => "IMAGECUSTOMIZER_TELEMETRY",
            Self::EnableTelemetry => "ENABLE_TELEMETRY",
            Self::DoNotTrack => "DO_NOT_TRACK",
            Self::OtelSdkDisabled => "OTEL_SDK_DISABLED",
        }
    }

    /// Cases of letters do not matter. An empty value counts as not set: so container tools write "unset".
    fn says(self, value: &OsStr) -> Says {
        let Some(value) = value.to_str() else { return Says::Unclear };
        match (self, value.to_ascii_lowercase().as_str()) {
            (_, "") => Says::Nothing,
            (Self::Telemetry | Self::EnableTelemetry, "0" | "off" | "false" | "no") => Says::Off,
            (Self::Telemetry, "auto") => Says::Nothing,
            (Self::Telemetry | Self::EnableTelemetry, "1" | "on" | "true" | "yes") => Says::Nothing,
            (Self::DoNotTrack, "0" | "false") => Says::Nothing,
            (Self::DoNotTrack, _) | (Self::OtelSdkDisabled, "true") => Says::Off,
            (Self::OtelSdkDisabled, "false") => Says::Nothing,
            _ => Says::Unclear,
        }
    }
}

/// Why telemetry is off.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OptOut {
    /// `--disable-telemetry`.
    Flag,
    /// The command only says something about the program: help, version, completions, `telemetry` and the like.
    Command,
    /// A variable says so.
    Variable(Variable),
    /// A variable has a value that is none of its words.
    Unclear(Variable),
    /// `telemetry off` was called.
    Stored,
    /// There is a stored choice, but it cannot be read, or somebody else could have changed it.
    StateUnusable,
}

impl OptOut {
    /// For programs: stays the same where the text of the rule changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Command => "command",
            Self::Variable(_) => "variable",
            Self::Unclear(_) => "unclear_variable",
            Self::Stored => "stored",
            Self::StateUnusable => "state_unusable",
        }
    }
}

impl fmt::Display for OptOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => formatter.write_str("`--disable-telemetry` is given"),
            Self::Command => formatter.write_str("this command sends nothing"),
            Self::Variable(variable) => write!(formatter, "`{}` says so", variable.name()),
            Self::Unclear(variable) => {
                write!(formatter, "`{}` has a value that is not understood", variable.name())
            }
            Self::Stored => formatter.write_str("`telemetry off` was called"),
            Self::StateUnusable => formatter.write_str("the stored choice cannot be used"),
        }
    }
}

/// What can be decided without a look at any file.
///
/// `disabled` is the flag, `silent_command` says that the command never sends.
pub fn without_state(disabled: bool, silent_command: bool, variable: Lookup<'_>) -> Option<OptOut> {
    if disabled {
        return Some(OptOut::Flag);
    }
    if silent_command {
        return Some(OptOut::Command);
    }
    Variable::ALL.into_iter().find_map(|known| match known.says(&variable(known.name())?) {
        Says::Nothing => None,
        Says::Off => Some(OptOut::Variable(known)),
        Says::Unclear => Some(OptOut::Unclear(known)),
    })
}

/// What the stored choice adds.
///
/// # Errors
/// It switches telemetry off, or cannot be used.
pub(crate) fn with_state(state: &Result<State, state::Error>) -> Result<&State, OptOut> {
    match state {
        Ok(State { choice: Choice::Off, .. }) => Err(OptOut::Stored),
        Ok(state) => Ok(state),
        Err(_) => Err(OptOut::StateUnusable),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn decide(variables: &[(&str, &[u8])]) -> Option<OptOut> {
        without_state(false, false, &|name| {
            let value = variables.iter().find(|(known, _)| *known == name)?.1;
            Some(OsString::from_vec(value.to_vec()))
        })
    }

    #[test]
    fn each_value_of_each_variable_says_on_off_or_is_unclear() {
        use Variable::{DoNotTrack, EnableTelemetry, OtelSdkDisabled, Telemetry};
        let silent: [(Variable, &[&str]); 4] = [
            (Telemetry, &["", "1", "on", "true", "yes", "auto", "ON", "Auto"]),
            (EnableTelemetry, &["", "true", "TRUE", "1", "on", "yes"]),
            (DoNotTrack, &["", "0", "false", "False"]),
            (OtelSdkDisabled, &["", "false", "FALSE"]),
        ];
        let off: [(Variable, &[&str]); 4] = [
            (Telemetry, &["0", "off", "false", "no", "OFF", "False", "No"]),
            (EnableTelemetry, &["false", "False", "FALSE", "0", "off", "no"]),
            (DoNotTrack, &["1", "true", "yes", "no", "off", " ", "anything"]),
            (OtelSdkDisabled, &["true", "True", "TRUE"]),
        ];
        let unclear: [(Variable, &[&str]); 3] = [
            (Telemetry, &["2", "of", " off", "off ", "disabled", "never", "ｏｆｆ"]),
            (EnableTelemetry, &["2", "auto", "fals", " false", "disabled"]),
            (OtelSdkDisabled, &["1", "0", "yes", "no", " true", "on"]),
        ];
        let all = |table: &[(Variable, &[&'static str])], expected: fn(Variable) -> Option<OptOut>| {
            for (variable, values) in table {
                for value in *values {
                    let decided = decide(&[(variable.name(), value.as_bytes())]);
                    assert_eq!(decided, expected(*variable), "{}={value:?}", variable.name());
                }
            }
        };
        all(&silent, |_| None);
        all(&off, |variable| Some(OptOut::Variable(variable)));
        all(&unclear, |variable| Some(OptOut::Unclear(variable)));
    }

    #[test]
    fn a_value_that_is_no_text_switches_off() {
        for variable in Variable::ALL {
            assert_eq!(decide(&[(variable.name(), b"\xff")]), Some(OptOut::Unclear(variable)));
        }
    }

    #[test]
    fn no_variable_undoes_what_another_says() {
        let on: &[u8] = b"on";
        for (name, value) in [("DO_NOT_TRACK", b"1".as_slice()), ("ENABLE_TELEMETRY", b"false")] {
            assert!(decide(&[("IMAGECUSTOMIZER_TELEMETRY", on), (name, value)]).is_some(), "{name}");
        }
        assert_eq!(decide(&[]), None);
    }

    #[test]
    fn nothing_else_is_looked_at_when_the_flag_or_the_command_decides() {
        let forbidden: Lookup<'_> = &|name| panic!("looked at {name}");
        assert_eq!(without_state(true, false, forbidden), Some(OptOut::Flag));
        assert_eq!(without_state(true, true, forbidden), Some(OptOut::Flag));
        assert_eq!(without_state(false, true, forbidden), Some(OptOut::Command));
    }

    #[test]
    fn a_stored_choice_switches_off_and_so_does_one_that_cannot_be_used() {
        let decide = |choice| with_state(&Ok(State { choice, ..State::default() })).err();
        assert_eq!(decide(Choice::Off), Some(OptOut::Stored));
        assert_eq!(decide(Choice::On), None);
        assert_eq!(decide(Choice::Unset), None);
        assert_eq!(with_state(&Err(state::Error::no_place())).err(), Some(OptOut::StateUnusable));
    }
}
