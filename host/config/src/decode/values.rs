//! The basic types of fields: text, booleans, numbers, lists, maps, optional values.

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{Decoder, Flags, Record, UsedField, Value};
use crate::history::{HistoryWriter, REDACTED};
use crate::schema::{Definitions, or_null};
use crate::source::{Located, Span};
use crate::yaml::{Kind, NodeId, Scalar};

/// Makes a [`Value`] of a type that is one [`Item`].
macro_rules! value_of_item {
    ($ty:ty) => {
        fn decode(&mut self, id: $crate::yaml::NodeId, decoder: &mut $crate::decode::Decoder<'_>) -> bool {
            match <$ty as $crate::decode::Item>::read(id, decoder) {
                Some(value) => {
                    *self = value;
                    true
                }
                None => false,
            }
        }
    };
}
pub(crate) use value_of_item;

/// Makes a [`Value`] of a type that is written as a text of the given pattern, and prints as it is written.
macro_rules! printed_value {
    ($ty:ty, $pattern:literal) => {
        impl $crate::decode::Value for $crate::source::Located<$ty> {
            $crate::decode::value_of_item!(Self);

            fn used(&self, path: &str, out: &mut Vec<$crate::decode::UsedField>) {
                out.push($crate::decode::UsedField { field: path.to_owned(), at: self.at });
            }

            fn history(
                &self,
                _flags: $crate::decode::Flags,
                _writer: &mut $crate::history::HistoryWriter<'_>,
            ) -> Option<serde_json::Value> {
                Some(serde_json::Value::String(self.value.to_string()))
            }

            fn schema(_definitions: &mut $crate::schema::Definitions) -> serde_json::Value {
                serde_json::json!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}
pub(crate) use printed_value;

impl Value for Located<String> {
    value_of_item!(Self);

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        if !self.value.is_empty() {
            out.push(UsedField { field: path.to_owned(), at: self.at });
        }
    }

    fn history(&self, flags: Flags, writer: &mut HistoryWriter<'_>) -> Option<Json> {
        Some(Json::String(text_for_history(&self.value, flags, writer)))
    }

    fn schema(_definitions: &mut Definitions) -> Json {
        // Any scalar is taken as its text.
        json!({ "type": ["string", "number", "boolean"] })
    }
}

pub(super) fn text_for_history(text: &str, flags: Flags, writer: &mut HistoryWriter<'_>) -> String {
    if flags.redacted {
        REDACTED.to_owned()
    } else if flags.digest {
        sha256(text)
    } else if flags.host_path {
        writer.relative(text)
    } else {
        text.to_owned()
    }
}

/// `sha256:` and the digest of a text in lower-case hex.
pub(super) fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::from("sha256:"), |mut hex, byte| {
        hex.push_str(&format!("{byte:02x}"));
        hex
    })
}

impl Item for Located<bool> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let read = decoder.visit(id, |decoder, node| {
            let (meaning, text) = decoder.scalar(node, "`true` or `false`")?;
            let value = match (&meaning, text) {
                (Scalar::Bool(value), _) => *value,
                (Scalar::Text, "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON") => true,
                (Scalar::Text, "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF") => false,
                _ => {
                    decoder.wrong_kind(node, "`true` or `false`");
                    return None;
                }
            };
            Some(Located::new(value, node.at))
        });
        read.flatten()
    }
}

impl Value for Located<bool> {
    value_of_item!(Self);

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        out.push(UsedField { field: path.to_owned(), at: self.at });
    }

    fn history(&self, flags: Flags, _writer: &mut HistoryWriter<'_>) -> Option<Json> {
        (self.value || flags.present).then_some(Json::Bool(self.value))
    }

    fn schema(_definitions: &mut Definitions) -> Json {
        json!({ "type": "boolean" })
    }
}

/// Optional: absent, null and "unset" are `None`.
impl<T: Value + Item> Value for Option<T> {
    fn decode(&mut self, id: NodeId, decoder: &mut Decoder<'_>) -> bool {
        *self = if decoder.is_null_collection(id) { None } else { T::read(id, decoder) };
        self.is_some()
    }

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        if let Some(value) = self {
            let before = out.len();
            value.used(path, out);
            if let (true, Some(at)) = (out.len() == before, value.presence()) {
                out.push(UsedField { field: path.to_owned(), at });
            }
        }
    }

    fn history(&self, flags: Flags, writer: &mut HistoryWriter<'_>) -> Option<Json> {
        let Some(value) = self else { return flags.nullable.then_some(Json::Null) };
        if value.is_empty() && !flags.present {
            return None;
        }
        value.history(flags, writer)
    }

    fn schema(definitions: &mut Definitions) -> Json {
        T::schema(definitions)
    }
}

/// A value that can stand in an optional field or a list.
pub(crate) trait Item: Sized {
    /// Reads a node that is not null; `None` when an error was reported or the value means "unset".
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self>;
    /// Whether the value counts as empty, so that its key is left out of the history.
    fn is_empty(&self) -> bool {
        false
    }
    /// The place of a value whose presence alone means something.
    fn presence(&self) -> Option<Span> {
        None
    }
}

impl Item for Located<String> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        decoder.text(id)
    }
    fn is_empty(&self) -> bool {
        self.value.is_empty()
    }
}

impl<T: Record + Value + Default> Item for T {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut value = T::default();
        value.decode(id, decoder).then_some(value)
    }
    fn presence(&self) -> Option<Span> {
        Some(self.at())
    }
}

/// A list; null items are left out, as if they were not there.
impl<T: Value + Item> Value for Vec<T> {
    fn decode(&mut self, id: NodeId, decoder: &mut Decoder<'_>) -> bool {
        let read = decoder.visit(id, |decoder, node| {
            let Kind::Sequence(items) = &node.kind else {
                decoder.wrong_kind(node, "a list");
                return None;
            };
            let mut list = Vec::new();
            for &item in items {
                if decoder.is_null(item) {
                    decoder.pass_over(item);
                    continue;
                }
                let index = list.len();
                list.extend(decoder.in_item(index, |decoder| T::read(item, decoder)));
            }
            Some(list)
        });
        read.flatten().map(|list| *self = list).is_some()
    }

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        for (index, value) in self.iter().enumerate() {
            value.used(&format!("{path}[{index}]"), out);
        }
    }

    fn history(&self, flags: Flags, writer: &mut HistoryWriter<'_>) -> Option<Json> {
        let items: Vec<Json> = self.iter().filter_map(|value| value.history(flags, writer)).collect();
        (!items.is_empty() || flags.present).then_some(Json::Array(items))
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "type": "array", "items": or_null(T::schema(definitions)) })
    }
}

impl<T: Value + Item> Item for Vec<T> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut list = Vec::new();
        list.decode(id, decoder).then_some(list)
    }
    fn presence(&self) -> Option<Span> {
        Some(Span::default())
    }
}
