//! What keeps a [`super::Value`] from becoming a type.

use serde::de::{self, Expected, Unexpected};
use std::fmt::{self, Display};

/// What does not fit, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    /// Names and `[index]`es from the inside to the outside.
    path: Vec<String>,
    problem: String,
}

impl Error {
    /// The place, like `users[1].uid`; empty for the value as a whole.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for part in self.path.iter().rev() {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        path
    }

    /// What is wrong there.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    pub(super) fn new(problem: String) -> Self {
        Self { path: Vec::new(), problem }
    }

    pub(super) fn inside(mut self, part: String) -> Self {
        self.path.push(part);
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.problem),
            false => write!(f, "`{}`: {}", self.path(), self.problem),
        }
    }
}

impl std::error::Error for Error {}

/// Serde's own texts quote values; these do not.
impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a number",
            Unexpected::Float(_) => "a fraction",
            Unexpected::Str(_) | Unexpected::Char(_) => "a string",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq => "an array",
            Unexpected::Map => "an object",
            _ => "something else",
        };
        Self::new(format!("found {found}, expected {expected}"))
    }
    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }
    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("found {length} items, expected {expected}"))
    }
    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("expected {}", one_of(expected)))
    }
    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown field `{}`, expected {}", field.escape_debug(), one_of(expected)))
    }
    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("missing field `{field}`"))
    }
    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("field `{field}` is there twice"))
    }
}

fn one_of(names: &[&str]) -> String {
    let mut text = String::from(match names.len() {
        0 => "nothing",
        1 => "",
        _ => "one of ",
    });
    for (index, name) in names.iter().enumerate() {
        text.push_str(if index == 0 { "`" } else { ", `" });
        text.push_str(name);
        text.push('`');
    }
    text
}
