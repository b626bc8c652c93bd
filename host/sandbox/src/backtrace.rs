//! Where a component was when it ended badly: its own functions, as far as it carries their names.

use std::fmt;
use wasmtime::WasmBacktrace;

/// One function that had not returned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Its name as its language writes it, or its number.
    pub function: String,
    /// File and line of its source, where the component carries debug information.
    pub place: Option<String>,
}

/// The functions that had not returned, innermost first.
#[derive(Debug)]
pub(crate) struct Backtrace {
    frames: Vec<Frame>,
}

/// Frames that are kept.
const MOST_FRAMES: usize = 20;

/// Characters of a name.
const LONGEST_NAME: usize = 200;

/// What stands between a panic and the function that caused it.
const PANICKING: &[&str] = &[
    "core::panicking",
    "std::panicking",
    "std::process",
    "core::result::unwrap_failed",
    "core::option::",
    "std::sys",
    "__rustc",
];

/// Plain names of the same.
const ABORTING: &[&str] = &["abort", "rust_panic", "__rust_start_panic", "rust_begin_unwind", "__rust_abort"];

/// What the SDK puts between the contract and a step says nothing about the step.
const GLUE: &str = "step_sdk::component::";

impl Backtrace {
    /// `None` when there is none, or nothing in it tells anything.
    pub(crate) fn of(error: &wasmtime::Error) -> Option<Self> {
        let raw = error.downcast_ref::<WasmBacktrace>()?;
        let mut frames: Vec<Frame> = raw.frames().iter().flat_map(frames_of).collect();
        let first = frames.iter().position(|frame| !is_of_panicking(&frame.function)).unwrap_or_default();
        frames.drain(..first);
        frames.retain(|frame| !frame.function.contains(GLUE));
        frames.truncate(MOST_FRAMES);
        (!frames.is_empty()).then_some(Self { frames })
    }

    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames
    }
}

/// A function, and before it those that the compiler put inside it.
fn frames_of(frame: &wasmtime::FrameInfo) -> Vec<Frame> {
    let own = || match frame.func_name() {
        Some(name) => readable(name),
        None => format!("function {}", frame.func_index()),
    };
    if frame.symbols().is_empty() {
        return vec![Frame { function: own(), place: None }];
    }
    let symbols = frame.symbols().iter().map(|symbol| {
        let place = symbol.file().map(|file| match symbol.line() {
            Some(line) => printable(&format!("{file}:{line}")),
            None => printable(file),
        });
        Frame { function: symbol.name().map_or_else(own, readable), place }
    });
    symbols.collect()
}

fn readable(name: &str) -> String {
    // `{:#}` leaves the hash out.
    printable(&format!("{:#}", rustc_demangle::demangle(name)))
}

/// A component names its functions as it likes.
fn printable(name: &str) -> String {
    let safe = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let mut shown: String = name.chars().take(LONGEST_NAME).map(safe).collect();
    if name.chars().nth(LONGEST_NAME).is_some() {
        shown.push('…');
    }
    shown
}

fn is_of_panicking(function: &str) -> bool {
    let plain = function.trim_start_matches('<');
    ABORTING.contains(&function) || PANICKING.iter().any(|start| plain.starts_with(start))
}

/// A line for each function.
impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("inside of the step, innermost first:")?;
        for (number, Frame { function, place }) in self.frames.iter().enumerate() {
            write!(f, "\n  {number}: {function}")?;
            if let Some(place) = place {
                write!(f, " at {place}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Backtrace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_and_harmless() {
        assert_eq!(
            readable("_ZN4core9panicking9panic_fmt17h0123456789abcdefE"),
            "core::panicking::panic_fmt"
        );
        assert_eq!(readable("plain"), "plain");
        assert_eq!(readable("a\nb\x1b[2J"), "a\u{fffd}b\u{fffd}[2J");
        assert_eq!(readable(&"x".repeat(300)).chars().count(), 201);
        assert!(is_of_panicking("core::panicking::panic_fmt") && is_of_panicking("abort"));
        assert!(!is_of_panicking("motd::run") && !is_of_panicking("<motd::Motd as step_sdk::Step>::run"));
    }
}
