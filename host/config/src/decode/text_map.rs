//! Maps from text to text.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::merge::{Origin, Pairs, each_merged};
use super::record::{check_duplicates, is_merge};
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

    /// Reads the pairs of a mapping and of those merged into it.
    fn decode_pairs<'a>(&mut self, pairs: &'a Pairs, decoder: &mut Decoder<'a>) {
        let mut places = HashMap::new();
        let mut seen = HashSet::new();
        each_merged(pairs, decoder, |pairs, origin, decoder| {
            if !check_duplicates(pairs, decoder) {
                return None;
            }
            let mut merge = None;
            for &(key, value) in pairs {
                if is_merge(key, decoder) {
                    // A merged mapping cannot set a key of this name.
                    seen.insert("<<".to_owned());
                    merge = Some(value);
                    continue;
                }
                let Some(name) = decoder.text(key) else { continue };
                if origin == Origin::Own {
                    // A key that is no text, as a number, does not keep merged ones away: so it is in
                    // the reference program.
                    if decoder.is_text(key) {
                        seen.insert(name.value.clone());
                    }
                } else if !seen.insert(name.value.clone()) {
                    continue;
                }
                self.decode_entry(name, value, origin, &mut places, decoder);
            }
            merge
        });
    }

    /// Reads a value; it replaces one that the same key has from another mapping or another spelling.
    fn decode_entry(
        &mut self,
        key: Located<String>,
        value: NodeId,
        origin: Origin,
        places: &mut HashMap<String, usize>,
        decoder: &mut Decoder<'_>,
    ) {
        let place = places.get(&key.value).copied();
        let text = decoder.in_field(&clip(&key.value), |decoder| {
            if !decoder.is_null(value) {
                return decoder.text(value);
            }
            decoder.pass_over(value);
            let sets = place.is_none() || origin == Origin::Own;
            sets.then(|| Located::new(String::new(), key.at))
        });
        let Some(text) = text else { return };
        match place.and_then(|place| self.0.get_mut(place)) {
            Some(entry) => *entry = (key, text),
            None => {
                places.insert(key.value.clone(), self.0.len());
                self.0.push((key, text));
            }
        }
    }
}

impl Value for TextMap {
    fn decode(&mut self, id: NodeId, decoder: &mut Decoder<'_>) -> bool {
        let read = decoder.visit(id, |decoder, node| match &node.kind {
            Kind::Mapping(pairs) => {
                self.decode_pairs(pairs, decoder);
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
            "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
        })
    }
}
