//! External programs: a closed list beside the user's credential helpers, and the only place of the host that starts a
//! process.
//!
//! A program gets an environment of two variables (a helper more) and no terminal, runs in a process group of its own, and dies with
//! the tool. What it prints is captured up to a limit: the programs read images that nobody vouches for, and may be
//! made to print without end.

mod capture;
mod child;
mod command;
mod error;
mod helper;
mod list;

pub use command::{Command, Output};
pub use error::{Error, ErrorKind};
pub use helper::credential_helper;
pub use list::Program;

/// The result of running a program.
pub type Result<T> = std::result::Result<T, Error>;
