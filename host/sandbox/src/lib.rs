//! Runs customization steps: one WebAssembly component per step, in a sandbox that holds the image's file tree, the
//! step's settings, its input files and a log, and nothing else (invariants I-2 to I-4).
//!
//! A component is [loaded](Sandbox::load) once: it is compiled, or taken from the [code cache](CodeCache), and its
//! imports are compared with what the sandbox links. Each [run](LoadedStep::run) gets a store of its own.

mod abi;
mod artifacts;
mod backtrace;
mod clock;
mod code_cache;
mod compile;
mod compiled;
mod description;
mod error;
mod imports;
mod inspect;
mod instances;
mod limits;
mod linker;
mod random;
mod regular_file;
mod sandbox;
mod state;
mod step;
mod trace;
mod watchdog;

pub use artifacts::{Artifact, Artifacts};
pub use backtrace::Frame;
pub use code_cache::CodeCache;
pub use error::{Error, ErrorKind, Result};
pub use imports::{Capability, Import};
pub use inspect::Inspection;
pub use limits::{Limit, Limits};
pub use regular_file::open_regular_file;
pub use rootfs::{Scope, Touches};
pub use sandbox::{Interrupter, Sandbox};
pub use state::SharedTree;
pub use step::{Description, LoadedStep, RunReport, SharedTouches, StepFacts, StepRun};
pub use trace::{
    Difference, Replayed, Trace, TraceError, TraceSink, TracedRun, compare as compare_runs, hex, sha256,
};

/// The version of the step contract to build against. Every older one of its line is served too, and so are the lines
/// that were published before it.
pub const CONTRACT_VERSION: &str = abi::v0_1::CONTRACT.version;
