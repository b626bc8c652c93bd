//! The step contract's versions, side by side. Each converts its types into those of [`crate::state`]; none has logic of
//! its own.
//!
//! A version is a folder with the bindings of its WIT package and a [`Contract`] in the list here. All are linked at
//! once: a component says by the name of the interface that it exports which of them it speaks.

#[cfg(test)]
mod next;
pub(crate) mod v0_1;

use crate::state::State;
use crate::step::Description;
use std::fmt;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store};

/// One version of the contract, with all older ones of its line: they differ by additions only.
pub(crate) struct Contract {
    /// The newest version that is served: `0.1.0`.
    pub(crate) version: &'static str,
    /// The interfaces that every step may import.
    pub(crate) interfaces: &'static [&'static str],
    /// Links them.
    pub(crate) link: fn(&mut Linker<State>) -> wasmtime::Result<()>,
    /// Links them so that every call goes through the [tracer](crate::trace::Tracer).
    pub(crate) link_traced: fn(&mut Linker<State>) -> wasmtime::Result<()>,
    /// Finds the step's functions in a component.
    pub(crate) bind: fn(InstancePre<State>) -> wasmtime::Result<Box<dyn Bound>>,
}

/// What is served. The first is the one to build against.
pub(crate) const CONTRACTS: &[&Contract] = &[
    &v0_1::CONTRACT,
    #[cfg(test)]
    &next::CONTRACT,
];

/// The package of the contract, whatever the version.
pub(crate) const PACKAGE: &str = "customizer:step";

/// A linked component with its functions found.
pub(crate) trait Bound: Send + Sync {
    /// The component and what it is linked with.
    fn pre(&self) -> &InstancePre<State>;
    /// Makes an instance and asks it what it is.
    fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<Description>;
    /// Makes an instance and runs it; the inner error is the step's own message.
    fn run(&self, store: &mut Store<State>, settings: &str) -> wasmtime::Result<Result<(), String>>;
}

impl Contract {
    /// What tells this line of versions from others: `0.1` or `2`.
    pub(crate) fn line(&self) -> &'static str {
        line(self.version)
    }

    /// The contract that serves `version`.
    pub(crate) fn serving(version: &str) -> Option<&'static Self> {
        CONTRACTS.iter().copied().find(|contract| contract.line() == line(version))
    }

    /// The contract that `component` exports a step of; of several, the one that stands first in the list.
    pub(crate) fn of(engine: &Engine, component: &Component) -> Result<&'static Self, NoContract> {
        let versions = exported(engine, component);
        let served = |contract: &&&Self| versions.iter().any(|version| line(version) == contract.line());
        CONTRACTS.iter().find(served).copied().ok_or(NoContract(versions))
    }
}

/// The versions of the contract that `component` exports a step of.
fn exported(engine: &Engine, component: &Component) -> Vec<String> {
    let ty = component.component_type();
    let names = ty.exports(engine);
    names.filter_map(|(name, _)| Some(name.strip_prefix("customizer:step/step@")?.to_owned())).collect()
}

/// The line of a version: two numbers below 1.0.0, one from there on, as semantic versioning has it.
fn line(version: &str) -> &str {
    let mut dots = version.match_indices('.').map(|(place, _)| place);
    let end = if version.starts_with("0.") { dots.nth(1) } else { dots.next() };
    end.and_then(|end| version.get(..end)).unwrap_or(version)
}

/// The lines that are served, for messages: `0.1`.
pub(crate) fn served() -> String {
    CONTRACTS.iter().map(|contract| contract.line()).collect::<Vec<_>>().join(", ")
}

/// A component exports no step, or one of versions that are not served.
#[derive(Debug)]
pub(crate) struct NoContract(Vec<String>);

impl fmt::Display for NoContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.first() {
            None => write!(f, "it does not export `customizer:step/step`"),
            Some(version) => {
                let version = version.chars().filter(|c| c.is_ascii_graphic()).take(40).collect::<String>();
                write!(f, "it exports `customizer:step/step@{version}`; this host serves {}", served())
            }
        }
    }
}

/// The component exports the step's functions with other types than the contract.
#[derive(Debug)]
pub(crate) struct WrongShape(String);

impl WrongShape {
    /// Says so in the error's own words.
    pub(crate) fn explain(error: wasmtime::Error) -> wasmtime::Error {
        wasmtime::Error::new(Self(format!("{:#}", error.root_cause())))
    }
}

impl fmt::Display for WrongShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongShape {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_line_are_told_from_others() {
        let cases = [
            ("0.1.0", "0.1"),
            ("0.1.17", "0.1"),
            ("0.10.0", "0.10"),
            ("1.0.0", "1"),
            ("1.2.3", "1"),
            ("10.0.0", "10"),
            ("0.1.0-rc", "0.1"),
            ("", ""),
            ("0", "0"),
            ("0.1", "0.1"),
            ("x", "x"),
        ];
        for (version, expected) in cases {
            assert_eq!(line(version), expected, "{version}");
        }
        assert_eq!(Contract::serving("0.1.9").unwrap().version, "0.1.0");
        assert!(Contract::serving("0.2.0").is_none());
        assert!(Contract::serving("1.0.0").is_none());
        assert!(Contract::serving("").is_none());
    }
}
