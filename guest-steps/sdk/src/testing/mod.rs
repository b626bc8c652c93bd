//! The native test harness for authors of steps: an image in memory, no WebAssembly, no root rights.
//!
//! ```
//! use step_sdk::testing::{MemoryHost, Tree};
//! use step_sdk::{Host, WriteOptions};
//!
//! let image = Tree::new().file("/usr/lib/os-release", "ID=tiny\n").symlink("/etc/os-release", "../usr/lib/os-release");
//! let host = MemoryHost::new(image).with_artifact("logo", Tree::of_file("(*)\n", 0o640));
//!
//! // A step would do this:
//! let content = host.artifact_read("logo")?;
//! host.write("/etc/os-release", &content, &WriteOptions::default())?;
//!
//! assert_eq!(host.manifest(), "\
//! d 0755 0:0 /etc
//! l 0777 0:0 /etc/os-release -> ../usr/lib/os-release
//! d 0755 0:0 /usr
//! d 0755 0:0 /usr/lib
//! f 0644 0:0 /usr/lib/os-release \"(*)\\n\"
//! ");
//! # Ok::<(), step_sdk::Failure>(())
//! ```

mod build;
mod copy;
mod grant;
mod manifest;
mod memory_host;
mod open_file;
mod operations;
mod schema;
mod tree;

pub use memory_host::{LogRecord, MemoryHost};
pub use schema::check_schema;
pub use tree::Tree;

use crate::{Failure, FailureCode, Step, parse_settings};

/// Settings as a step gets them: checked against its schema as the host does, then read.
///
/// # Errors
/// What the schema or the settings type has against them.
pub fn settings<S: Step>(json: &str) -> Result<S::Settings, String> {
    check_schema(S::SETTINGS_SCHEMA, json)?;
    parse_settings(json).map_err(|failure| failure.message)
}

/// Runs a step as the host does.
///
/// # Errors
/// `invalid-argument` for settings that the host would refuse, and the step's failures.
pub fn run<S: Step>(json: &str, host: &MemoryHost) -> crate::Result<()> {
    let settings =
        settings::<S>(json).map_err(|message| Failure::new(FailureCode::InvalidArgument, message))?;
    S::run(&settings, host)
}

/// Holds a step's schema against its settings type: both must accept all of `good` and refuse all of `bad`.
///
/// # Errors
/// The samples on which they differ from that, with what each says.
pub fn check_settings<S: Step>(good: &[&str], bad: &[&str]) -> Result<(), String> {
    let mut faults = String::new();
    for (samples, wanted) in [(good, true), (bad, false)] {
        for sample in samples {
            let schema = check_schema(S::SETTINGS_SCHEMA, sample);
            let parsed = parse_settings::<S::Settings>(sample).map(drop).map_err(|failure| failure.message);
            if schema.is_ok() != wanted || parsed.is_ok() != wanted {
                faults.push_str(&format!(
                    "{sample}: the schema says {schema:?}, the settings say {parsed:?}\n"
                ));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests;
