//! What will become of a run's telemetry, and why: the rules of consent, destination and notice put together.

use std::fmt;

use crate::consent::{self, Lookup, OptOut};
use crate::destination::{self, Destination, Unusable};
use crate::environment;
use crate::notice::Notice;
use crate::registry::{Ci, InstallKind};
use crate::schema;
use crate::state::{self, Choice, State, StateFile};

/// What happens, and which rule decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Nothing happens at all.
    Off(OptOut),
    /// There is nobody to send to.
    NoDestination,
    /// What should say where to send to cannot be understood.
    DestinationUnusable,
    /// The notice comes first; from the next run on data is sent.
    FirstRun,
    /// Data is sent.
    Sends(Because),
}

/// Why data may be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Because {
    /// `telemetry on` was called.
    Chosen,
    /// It is on unless it is switched off, and an earlier run has told so.
    Told,
    /// It is on unless it is switched off, and each run tells so: in a container or for a build service.
    TellsEachTime,
}

impl Verdict {
    /// The notice that has to be shown.
    pub fn notice(self) -> Option<Notice> {
        match self {
            Self::FirstRun => Some(Notice::NextRun),
            Self::Sends(Because::TellsEachTime) => Some(Notice::ThisRun),
            _ => None,
        }
    }

    /// For programs: stays the same where the text of the rule changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off(rule) => rule.name(),
            Self::NoDestination => "no_destination",
            Self::DestinationUnusable => "destination_unusable",
            Self::FirstRun => "first_run",
            Self::Sends(Because::Chosen) => "chosen",
            Self::Sends(Because::Told) => "default",
            Self::Sends(Because::TellsEachTime) => "default_each_run",
        }
    }

    /// Whether a run would send something.
    pub fn sends(self) -> bool {
        matches!(self, Self::Sends(_))
    }

    /// Whether the person has switched it off, or something that cannot be understood counts as that.
    pub fn is_off(self) -> bool {
        matches!(self, Self::Off(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off(rule) => write!(formatter, "off: {rule}"),
            Self::NoDestination => formatter.write_str("nothing is sent: this build knows no destination"),
            Self::DestinationUnusable => {
                formatter.write_str("nothing is sent: the destination cannot be used")
            }
            Self::FirstRun => {
                formatter.write_str("on by default: the next run tells so, those after it send")
            }
            Self::Sends(Because::Chosen) => formatter.write_str("on: `telemetry on` was called"),
            Self::Sends(Because::Told) => formatter.write_str("on by default"),
            Self::Sends(Because::TellsEachTime) => formatter
                .write_str("on by default: each run tells so, because nothing is kept between runs here"),
        }
    }
}

/// All that the verdict rests on, for `telemetry status`.
#[derive(Debug)]
pub struct Standing {
    /// What happens.
    pub verdict: Verdict,
    /// Where to.
    pub destination: Result<Option<Destination>, Unusable>,
    /// Where the choice is kept, if there is a place.
    pub state_file: Option<StateFile>,
    /// What is kept there.
    pub state: Result<State, state::Error>,
}

impl Standing {
    /// Looks at everything, whatever has decided.
    ///
    /// `disabled`: `--disable-telemetry` was given.
    pub fn look(disabled: bool, variable: Lookup<'_>) -> Self {
        let early = consent::without_state(disabled, false, variable);
        let mut standing = Self::after_opt_outs(destination::resolve(variable), variable);
        if let Some(rule) = early {
            standing.verdict = Verdict::Off(rule);
        }
        standing
    }

    /// What holds where neither flag nor variable has switched telemetry off. Reads the stored choice.
    pub(crate) fn after_opt_outs(
        destination: Result<Option<Destination>, Unusable>,
        variable: Lookup<'_>,
    ) -> Self {
        let state_file = StateFile::locate(variable);
        let state = state_file.as_ref().map_or_else(|| Ok(State::default()), StateFile::read);
        let each_time = environment::install_kind(variable) == InstallKind::Container
            || environment::ci(variable) != Ci::None;
        let verdict = judge(&destination, &state, each_time);
        Self { verdict, destination, state_file, state }
    }
}

fn judge(
    destination: &Result<Option<Destination>, Unusable>,
    state: &Result<State, state::Error>,
    each_time: bool,
) -> Verdict {
    let state = match consent::with_state(state) {
        Ok(state) => state,
        Err(rule) => return Verdict::Off(rule),
    };
    match destination {
        Err(_) => Verdict::DestinationUnusable,
        Ok(None) => Verdict::NoDestination,
        Ok(Some(_)) if state.choice == Choice::On => Verdict::Sends(Because::Chosen),
        Ok(Some(_)) if each_time => Verdict::Sends(Because::TellsEachTime),
        // When more can be said than then, people are told anew.
        Ok(Some(_)) if state.notice >= schema::version() => Verdict::Sends(Because::Told),
        Ok(Some(_)) => Verdict::FirstRun,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use super::*;

    /// A machine with a state of its own, and the variables given.
    struct Machine {
        home: tempfile::TempDir,
        variables: Vec<(&'static str, &'static str)>,
    }

    const COLLECTOR: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");

    impl Machine {
        fn with(variables: &[(&'static str, &'static str)]) -> Self {
            Self { home: tempfile::tempdir().unwrap(), variables: variables.to_vec() }
        }

        fn variable(&self, name: &str) -> Option<OsString> {
            let set = self.variables.iter().find(|(known, _)| *known == name);
            let home = (name == "XDG_STATE_HOME").then(|| self.home.path().into());
            set.map(|(_, value)| OsString::from(value)).or(home)
        }

        fn look(&self, disabled: bool) -> Standing {
            Standing::look(disabled, &|name| self.variable(name))
        }

        fn store(&self, choice: Choice, notice: u32) {
            let file = StateFile::locate(&|name| self.variable(name)).unwrap();
            let store = |state: &mut State| *state = State { choice, notice, last: None };
            file.set(Duration::from_secs(5), store).unwrap();
        }
    }

    #[test]
    fn the_rules_hold_in_their_order() {
        use Verdict::{FirstRun, NoDestination, Off, Sends};
        let told = schema::version();
        let ci = ("GITHUB_ACTIONS", "true");
        let container = ("IMAGECUSTOMIZER_CONTAINER", "1");
        type Variables<'a> = &'a [(&'static str, &'static str)];
        let cases: [(Variables<'_>, Choice, u32, Verdict); 14] = [
            (&[], Choice::Unset, 0, NoDestination),
            (&[], Choice::On, told, NoDestination),
            (&[], Choice::Off, told, Off(OptOut::Stored)),
            (&[COLLECTOR], Choice::Unset, 0, FirstRun),
            (&[COLLECTOR], Choice::Unset, told - 1, FirstRun),
            (&[COLLECTOR], Choice::Unset, told, Sends(Because::Told)),
            (&[COLLECTOR], Choice::On, 0, Sends(Because::Chosen)),
            (&[COLLECTOR], Choice::Off, told, Off(OptOut::Stored)),
            (&[COLLECTOR, ci], Choice::Unset, 0, Sends(Because::TellsEachTime)),
            (&[COLLECTOR, container], Choice::Unset, told, Sends(Because::TellsEachTime)),
            (&[COLLECTOR, container], Choice::On, 0, Sends(Because::Chosen)),
            (&[COLLECTOR, ci, container], Choice::Off, 0, Off(OptOut::Stored)),
            (&[COLLECTOR, ("DO_NOT_TRACK", "1")], Choice::On, told, {
                Off(OptOut::Variable(crate::consent::Variable::DoNotTrack))
            }),
            (&[(COLLECTOR.0, "nonsense")], Choice::On, told, Verdict::DestinationUnusable),
        ];
        for (variables, choice, notice, expected) in cases {
            let machine = Machine::with(variables);
            machine.store(choice, notice);
            assert_eq!(machine.look(false).verdict, expected, "{variables:?} {choice:?} {notice}");
            assert_eq!(machine.look(true).verdict, Off(OptOut::Flag), "{variables:?}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_used_switches_off_everywhere() {
        for variables in [&[COLLECTOR] as &[_], &[COLLECTOR, ("IMAGECUSTOMIZER_CONTAINER", "1")]] {
            let machine = Machine::with(variables);
            machine.store(Choice::On, 1);
            let path = machine.look(false).state_file.unwrap().path();
            std::fs::write(path, "choice maybe").unwrap();
            let standing = machine.look(false);
            assert_eq!(standing.verdict, Verdict::Off(OptOut::StateUnusable));
            assert!(standing.state.is_err());
        }
    }

    #[test]
    fn a_notice_is_due_where_nobody_has_been_told() {
        let cases = [
            (Verdict::FirstRun, Some(Notice::NextRun)),
            (Verdict::Sends(Because::TellsEachTime), Some(Notice::ThisRun)),
            (Verdict::Sends(Because::Told), None),
            (Verdict::Sends(Because::Chosen), None),
            (Verdict::NoDestination, None),
            (Verdict::Off(OptOut::Stored), None),
        ];
        for (verdict, notice) in cases {
            assert_eq!(verdict.notice(), notice, "{verdict}");
        }
    }
}
