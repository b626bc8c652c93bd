//! JSON for small components: a reader that keeps the order of keys and the text of numbers, and writers. Far smaller in
//! WebAssembly than a general library, and its errors never quote a value.

mod access;
mod deserialize;
mod error;
mod read;
mod write;

pub use deserialize::from_value;
pub use error::Error;
pub use read::{SyntaxError, parse};
pub use write::{to_go_indented, to_text};

/// Any JSON value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object; the keys in the order they came, the same key perhaps more than once.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The value of a key: the first, if there are several.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// What kind of value it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}
