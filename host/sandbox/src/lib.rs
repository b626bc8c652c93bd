//! Runs customization steps: one WebAssembly component per step, in a sandbox that holds the image's file tree, the
//! step's settings, its input files and a log, and nothing else (invariants I-2 to I-4).
//!
//! A component is [loaded](Sandbox::load) once: it is compiled, or taken from the [code cache](CodeCache), and its
//! imports are compared with what the sandbox links. Each [run](LoadedStep::run) gets a store of its own.

mod abi;
mod artifacts;
mod clock;
mod code_cache;
mod compiled;
mod error;
mod imports;
mod limits;
mod linker;
mod random;
mod sandbox;
mod state;
mod step;
mod watchdog;

pub use artifacts::{Artifact, Artifacts};
pub use code_cache::CodeCache;
pub use error::{Error, ErrorKind, Result};
pub use imports::Capability;
pub use limits::{Limit, Limits};
pub use rootfs::Scope;
pub use sandbox::{Interrupter, Sandbox};
pub use state::SharedTree;
pub use step::{Description, LoadedStep, RunReport, StepFacts, StepRun};

/// The version of the step contract that this build serves, and every older one of the same minor line.
pub const CONTRACT_VERSION: &str = "0.1.0";
