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
mod manifest;
mod memory_host;
mod operations;
mod tree;

pub use memory_host::{LogRecord, MemoryHost};
pub use tree::Tree;
