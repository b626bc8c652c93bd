//! File systems in partitions of a plain file: checks, by the programs that know best. No root and no loop device is
//! needed.

mod check;
mod error;
mod window;

pub use check::{Checked, check_ext, check_fat};
pub use error::{Error, ErrorKind};

/// The result of working on a file system.
pub type Result<T> = std::result::Result<T, Error>;
