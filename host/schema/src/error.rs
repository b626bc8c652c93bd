//! What is wrong with a schema, and what is wrong with a value.

use std::fmt;

/// Why a schema cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SchemaError {
    /// The place in the schema, as a JSON pointer.
    pub pointer: String,
    /// What is wrong there: lower case, no full stop.
    pub reason: String,
}

impl SchemaError {
    pub(crate) fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.reason),
            pointer => write!(f, "at `{}`: {}", clip(pointer), self.reason),
        }
    }
}

impl std::error::Error for SchemaError {}

/// One way in which a value does not fit its schema. The message shows no part of the value but names of members.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// The part of the value, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// Whether it is the member's name that should not be there, not its value.
    pub about_name: bool,
    /// What is wrong: lower case, no full stop, in the words of YAML.
    pub message: String,
    /// What would fit, if that can be said.
    pub hint: Option<String>,
}

/// A text of the schema or the value for a message: on one line and not too long.
pub(crate) fn clip(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
