//! Traces of steps: the file that a run writes, replays of it, and the question whether a step does the same every time.

mod determinism;
mod file;
mod replay;

pub use replay::{Replay, ReplayOptions, replay};

pub(crate) use determinism::check_determinism;
pub(crate) use file::{end, open};
