//! Maps from text to text.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::record::{check_duplicates, is_merge, refuse_merge};
use super::values::text_for_history;
use super::{Decoder, Flags, UsedField, Value, clip};
use crate::history::HistoryWriter;
use crate::schema::Definitions;
use crate::source::Located;
use crate::yaml::{Kind, NodeId};

/// A map from text to text, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct TextMap(pub Vec<(Located<String>, Located<String>)>);

impl TextMap {
    /// The entries in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&Located<String>, &Located<String>)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn decode_pairs(
        &mut self,
        pairs: &[(NodeId, NodeId)],
        seen: &mut HashSet<String>,
        decoder: &mut Decoder<'_>,
    ) {
        if !check_duplicates(pairs, decoder) {
            return;
        }
        let mut merge = None;
        for &(key, value) in pairs {
            if is_merge(key, decoder) {
                merge = Some(value);
                continue;
            }
            let Some(key) = decoder.text(key) else { continue };
            if !seen.insert(key.value.clone()) {
                continue;
            }
            let empty = Located::new(String::new(), key.at);
            let value = decoder.in_field(&clip(&key.value), |decoder| {
                if decoder.is_null(value) { Some(empty) } else { decoder.text(value) }
            });
            if let Some(value) = value {
                self.0.push((key, value));
            }
        }
        if let Some(merge) = merge {
            self.decode_merge(merge, seen, decoder);
        }
    }

    fn decode_merge(&mut self, id: NodeId, seen: &mut HashSet<String>, decoder: &mut Decoder<'_>) {
        decoder.visit(id, |decoder, node| match &node.kind {
            Kind::Mapping(pairs) => self.decode_pairs(pairs, seen, decoder),
            Kind::Sequence(items) => {
                for &item in items {
                    decoder.visit(item, |decoder, node| match &node.kind {
                        Kind::Mapping(pairs) => self.decode_pairs(pairs, seen, decoder),
                        _ => {
                            refuse_merge(node, decoder);
                        }
                    });
                }
            }
            _ => {
                refuse_merge(node, decoder);
            }
        });
    }
}

impl Value for TextMap {
    fn decode(&mut self, id: NodeId, decoder: &mut Decoder<'_>) -> bool {
        let read = decoder.visit(id, |decoder, node| match &node.kind {
            Kind::Mapping(pairs) => {
                self.decode_pairs(pairs, &mut HashSet::new(), decoder);
                true
            }
            _ => {
                decoder.wrong_kind(node, "a mapping");
                false
            }
        });
        read.unwrap_or(false)
    }

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        if let Some((key, _)) = self.0.first() {
            out.push(UsedField { field: path.to_owned(), at: key.at });
        }
    }

    fn history(&self, flags: Flags, writer: &mut HistoryWriter<'_>) -> Option<Json> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
        let object: serde_json::Map<String, Json> = entries
            .into_iter()
            .map(|(key, value)| {
                (key.value.clone(), Json::String(text_for_history(&value.value, flags, writer)))
            })
            .collect();
        (!object.is_empty()).then_some(Json::Object(object))
    }

    fn schema(_definitions: &mut Definitions) -> Json {
        json!({
            "type": "object",
            "additionalProperties": { "type": ["string", "number", "boolean"] },
        })
    }
}
