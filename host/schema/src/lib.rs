//! JSON Schema (draft 2020-12) within fixed bounds, for schemas that a stranger wrote.
//!
//! A step's component says with a schema which settings it takes. The schema is as hostile as the component: references
//! that multiply, patterns that backtrack and recursion without end must cost no more than a fraction of a second. So
//! every evaluation is counted, depth is bounded, and patterns run on an engine whose time is linear.
//!
//! All keywords of the core, applicator, unevaluated, validation and meta-data vocabularies are known, but for
//! `$dynamicRef` and `$id` below the root: a schema that uses them is refused by name. References lead to places in the
//! same document only. `format` is an annotation, as the standard has it.

mod compile;
mod error;
mod evaluate;
mod keyword;
mod pattern;
mod value;

pub use error::{SchemaError, Violation};

use compile::Node;
use evaluate::Evaluation;
use serde_json::Value;

/// Bytes that the text of a schema may have.
pub const MAX_TEXT: usize = 1 << 20;

/// A schema that is ready to be held against values.
#[derive(Debug)]
pub struct Schema {
    nodes: Vec<Node>,
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// When the text is too long, is no JSON, is no schema, or uses what is not supported; says where.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        if text.len() > MAX_TEXT {
            return Err(SchemaError::new("", format!("it has more than {MAX_TEXT} bytes")));
        }
        let value: Value = serde_json::from_str(text)
            .map_err(|error| SchemaError::new("", format!("it is not JSON: {error}")))?;
        compile::compile(&value).map(|nodes| Self { nodes })
    }

    /// What is wrong with `value`; nothing when it fits. In the order of the value's parts, at most a hundred.
    ///
    /// # Errors
    /// When the schema takes more evaluations or more depth than any that is meant well.
    pub fn check(&self, value: &Value) -> Result<Vec<Violation>, SchemaError> {
        Evaluation::new(&self.nodes).run(value)
    }
}
