//! Disk image formats: what a file is, how its content becomes a plain working file, and how that becomes an image
//! again. A folder per format.
//!
//! The input is opened for reading only. The output appears under its name when it is complete, or not at all.

mod detect;
mod error;
mod export;
mod extent;
mod fields;
mod format;
mod import;
mod partial;
mod qcow2;
mod raw;
mod vhd;
mod vhdx;

pub use detect::{Detected, detect};
pub use error::{Error, ErrorKind};
pub use export::{ExportOptions, check_output, export};
pub use format::{InputFormat, OutputFormat};
pub use import::import;

/// The largest disk that is accepted, in bytes: what VHDX can hold.
pub const MAX_VIRTUAL_SIZE: units::ByteSize = units::ByteSize::new(64 << 40);

/// The result of working on an image.
pub type Result<T> = std::result::Result<T, Error>;
