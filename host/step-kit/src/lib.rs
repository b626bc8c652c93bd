//! What authors of steps get from the program: a project to start with, in each of five languages, and the last part of a
//! build, which makes a component of what a C or Go compiler wrote.

mod component;
mod error;
mod project;

pub use component::{contract, make_component};
pub use error::{Error, ErrorKind, Result};
pub use project::{Language, MAX_NAME, ProjectFile, project};
