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
    let value = match meaning {
        Scalar::Int(value) => i64::try_from(*value).ok(),
        Scalar::Float(value) if *value <= TWO_TO_63 => Some(cut(*value)),
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

/// 2⁶³
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// Cuts the fraction off. What does not fit becomes the least number, as in the reference program.
#[expect(clippy::cast_possible_truncation, reason = "cutting the fraction is the rule")]
fn cut(value: f64) -> i64 {
    if value < TWO_TO_63 { value as i64 } else { i64::MIN }
}

impl Item for Located<u64> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let read = decoder.visit(id, |decoder, node| {
            let (meaning, _) = decoder.scalar(node, "a whole number")?;
            let value = match meaning {
                Scalar::Int(value) => u64::try_from(value).ok(),
                Scalar::Float(value) if value < TWO_TO_63 => Some(cut(value).cast_unsigned()),
                Scalar::Float(value) if value < 2.0 * TWO_TO_63 => {
                    Some(cut(value - TWO_TO_63).cast_unsigned() ^ 1 << 63)
                }
                // The first number that does not fit.
                Scalar::Float(value) if value <= 2.0 * TWO_TO_63 => Some(1 << 63),
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
