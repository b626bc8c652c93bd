//! Whole numbers.

use serde_json::{Value as Json, json};

use super::{Decoder, Flags, Item, UsedField, Value, value_of_item};
use crate::history::HistoryWriter;
use crate::rule::Rule;
use crate::schema::Definitions;
use crate::source::Located;
use crate::yaml::{Node, NodeId, Scalar};

impl Item for Located<i64> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let read = decoder.visit(id, |decoder, node| {
            let (meaning, _) = decoder.scalar(node, "a whole number")?;
            whole_number(&meaning, node, decoder)
        });
        read.flatten()
    }
}

impl Value for Located<i64> {
    value_of_item!(Self);

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        out.push(UsedField { field: path.to_owned(), at: self.at });
    }

    fn history(&self, _flags: Flags, _writer: &mut HistoryWriter<'_>) -> Option<Json> {
        Some(json!(self.value))
    }

    fn schema(_definitions: &mut Definitions) -> Json {
        json!({ "type": "integer" })
    }
}

/// A number as a 64-bit signed one; a fraction is cut off.
fn whole_number(meaning: &Scalar, node: &Node, decoder: &mut Decoder<'_>) -> Option<Located<i64>> {
    /// 2⁶³, the first float that does not fit; a float at the limit wraps in the reference program.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let value = match meaning {
        Scalar::Int(value) => i64::try_from(*value).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "cutting the fraction is the rule")]
        Scalar::Float(value) if *value < LIMIT => Some(*value as i64),
        Scalar::Float(value) if !value.is_nan() => None,
        _ => {
            decoder.wrong_kind(node, "a whole number");
            return None;
        }
    };
    if value.is_none() {
        decoder.report(Rule::NumberRange, node.at, "the number is too large");
    }
    value.map(|value| Located::new(value, node.at))
}

impl Item for Located<u64> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let read = decoder.visit(id, |decoder, node| {
            let (meaning, _) = decoder.scalar(node, "a whole number")?;
            let value = match meaning {
                Scalar::Int(value) => u64::try_from(value).ok(),
                #[expect(clippy::cast_possible_truncation, reason = "cutting the fraction is the rule")]
                #[expect(clippy::cast_sign_loss, reason = "the value is of no effect anywhere")]
                Scalar::Float(value) if value <= 18_446_744_073_709_551_616.0 => Some(value as u64),
                _ => {
                    decoder.wrong_kind(node, "a whole number");
                    return None;
                }
            };
            if value.is_none() {
                decoder.report(Rule::NumberRange, node.at, "the number is out of range");
            }
            value.map(|value| Located::new(value, node.at))
        });
        read.flatten()
    }
}

impl Value for Located<u64> {
    value_of_item!(Self);

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        out.push(UsedField { field: path.to_owned(), at: self.at });
    }

    fn history(&self, _flags: Flags, _writer: &mut HistoryWriter<'_>) -> Option<Json> {
        Some(json!(self.value))
    }

    fn schema(_definitions: &mut Definitions) -> Json {
        json!({ "type": "integer", "minimum": 0 })
    }
}
