//! JSON Schemas of settings types, put together while the crate compiles: a component holds the finished text and no code
//! that makes it.

use crate::OctalMode;
use crate::json::Value;
use std::collections::BTreeMap;

/// A type that settings are made of. Derive it; [`crate::settings_schema!`] makes text of it.
///
/// What the schema could not follow does not compile:
///
/// ```compile_fail
/// #[derive(serde::Deserialize, step_sdk::Schema)]
/// struct Settings {
///     #[serde(flatten)]
///     names: std::collections::BTreeMap<String, String>,
/// }
/// ```
///
/// ```
/// #[derive(serde::Deserialize, step_sdk::Schema)]
/// struct Settings {
///     #[serde(default)]
///     names: std::collections::BTreeMap<String, String>,
/// }
/// ```
pub trait Schema {
    /// What the schema says.
    const NODE: Node;
    /// Whether a field of this type may be missing.
    const OPTIONAL: bool = false;
}

/// A schema, or a part of one.
#[derive(Clone, Copy, Debug)]
pub enum Node {
    /// The members of the schema's object, as text without braces.
    Members(&'static str),
    /// Another schema, and what is added to it.
    With {
        /// The other schema.
        node: &'static Node,
        /// Further members, each with a comma in front.
        rules: &'static str,
        /// As a JSON string, quotes included; empty for none.
        description: &'static str,
    },
    /// An array of this.
    Array(&'static Node),
    /// An object whose members are all like this.
    Map(&'static Node),
    /// An object with these members.
    Object {
        /// Its members.
        fields: &'static [Field],
        /// Whether all others are refused.
        closed: bool,
        /// As a JSON string, quotes included; empty for none.
        description: &'static str,
    },
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As a JSON string, quotes included.
    pub name: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// Its schema.
    pub node: &'static Node,
    /// Further members of its schema, each with a comma in front.
    pub rules: &'static str,
    /// As a JSON string, quotes included; empty for that of the type.
    pub description: &'static str,
}

/// The JSON Schema of a settings type, for [`crate::Step::SETTINGS_SCHEMA`].
///
/// ```
/// use step_sdk::{Schema, settings_schema};
///
/// #[derive(serde::Deserialize, Schema)]
/// #[serde(deny_unknown_fields, rename_all = "camelCase")]
/// struct Settings {
///     /// The greeting.
///     #[schema(max_length = 80)]
///     text: String,
///     file_mode: Option<step_sdk::OctalMode>,
/// }
///
/// let schema: &'static str = settings_schema!(Settings);
/// assert_eq!(schema, concat!(
///     r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,"#,
///     r#""required":["text"],"properties":{"text":{"type":"string","description":"The greeting.","maxLength":80},"#,
///     r#""fileMode":{"type":"string","pattern":"^[0-7]{1,4}$"}}}"#,
/// ));
/// ```
#[macro_export]
macro_rules! settings_schema {
    ($settings:ty) => {{
        const NODE: &$crate::schema::Node = &<$settings as $crate::Schema>::NODE;
        const LENGTH: usize = $crate::schema::length(NODE);
        const BYTES: [u8; LENGTH] = $crate::schema::bytes(NODE);
        const TEXT: &str = match ::core::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => "",
        };
        TEXT
    }};
}

const START: &str = "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",";

/// Bytes of the schema's text.
#[doc(hidden)]
#[must_use]
pub const fn length(node: &Node) -> usize {
    put_root(node, &mut [])
}

/// The schema's text; `LENGTH` is that of [`length`].
#[doc(hidden)]
#[must_use]
pub const fn bytes<const LENGTH: usize>(node: &Node) -> [u8; LENGTH] {
    let mut out = [0; LENGTH];
    put_root(node, &mut out);
    out
}

/// Where text goes; without room it is only counted.
struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

const fn put_root(node: &Node, out: &mut [u8]) -> usize {
    let mut writer = Writer { out, len: 0 };
    writer.put(START);
    writer.members(node, "");
    writer.put("}");
    writer.len
}

impl Writer<'_> {
    const fn put(&mut self, text: &str) {
        let mut bytes = text.as_bytes();
        while let Some((first, rest)) = bytes.split_first() {
            if let Some((_, place)) = self.out.split_at_mut_checked(self.len)
                && let Some(place) = place.first_mut()
            {
                *place = *first;
            }
            self.len += 1;
            bytes = rest;
        }
    }

    /// The members of a schema. `description` counts more than that of the type.
    const fn members(&mut self, node: &Node, description: &str) {
        match node {
            Node::Members(members) => self.put(members),
            Node::With { node, rules, description: own } => {
                self.members(node, if description.is_empty() { own } else { description });
                self.rules(node, rules);
                return;
            }
            Node::Array(item) => {
                self.put("\"type\":\"array\",\"items\":{");
                self.members(item, "");
                self.put("}");
            }
            Node::Map(value) => {
                self.put("\"type\":\"object\",\"additionalProperties\":{");
                self.members(value, "");
                self.put("}");
            }
            Node::Object { fields, closed, description: own } => {
                self.put("\"type\":\"object\"");
                if *closed {
                    self.put(",\"additionalProperties\":false");
                }
                self.required(fields);
                self.properties(fields);
                self.description(if description.is_empty() { own } else { description });
                return;
            }
        }
        self.description(description);
    }

    const fn description(&mut self, text: &str) {
        if !text.is_empty() {
            self.put(",\"description\":");
            self.put(text);
        }
    }

    /// Rules on top of those that `node` may have itself: no name may be in one object twice.
    const fn rules(&mut self, node: &Node, rules: &str) {
        match (node, rules.split_at_checked(1)) {
            (Node::With { .. }, Some((_, rules))) => {
                self.put(",\"allOf\":[{");
                self.put(rules);
                self.put("}]");
            }
            _ => self.put(rules),
        }
    }

    const fn required(&mut self, mut fields: &[Field]) {
        let mut start = ",\"required\":[";
        let mut end = "";
        while let Some((field, rest)) = fields.split_first() {
            if field.required {
                self.put(start);
                self.put(field.name);
                (start, end) = (",", "]");
            }
            fields = rest;
        }
        self.put(end);
    }

    const fn properties(&mut self, mut fields: &[Field]) {
        let mut start = ",\"properties\":{";
        let mut end = "";
        while let Some((field, rest)) = fields.split_first() {
            self.put(start);
            self.put(field.name);
            self.put(":{");
            self.members(field.node, field.description);
            self.rules(field.node, field.rules);
            self.put("}");
            (start, end) = (",", "}");
            fields = rest;
        }
        self.put(end);
    }
}

macro_rules! plain {
    ($($type:ty: $members:literal)*) => {
        $(impl Schema for $type {
            const NODE: Node = Node::Members($members);
        })*
    };
}

plain! {
    String: r#""type":"string""#
    bool: r#""type":"boolean""#
    u8: r#""type":"integer","minimum":0,"maximum":255"#
    u16: r#""type":"integer","minimum":0,"maximum":65535"#
    u32: r#""type":"integer","minimum":0,"maximum":4294967295"#
    u64: r#""type":"integer","minimum":0,"maximum":18446744073709551615"#
    i8: r#""type":"integer","minimum":-128,"maximum":127"#
    i16: r#""type":"integer","minimum":-32768,"maximum":32767"#
    i32: r#""type":"integer","minimum":-2147483648,"maximum":2147483647"#
    i64: r#""type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807"#
    f32: r#""type":"number""#
    f64: r#""type":"number""#
    OctalMode: r#""type":"string","pattern":"^[0-7]{1,4}$""#
    Value: r#""$comment":"anything""#
}

impl<T: Schema> Schema for Option<T> {
    const NODE: Node = T::NODE;
    const OPTIONAL: bool = true;
}

impl<T: Schema> Schema for Box<T> {
    const NODE: Node = T::NODE;
}

impl<T: Schema> Schema for Vec<T> {
    const NODE: Node = Node::Array(&T::NODE);
}

impl<T: Schema> Schema for BTreeMap<String, T> {
    const NODE: Node = Node::Map(&T::NODE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_schema;
    use step_sdk_derive::Schema;

    #[derive(serde::Deserialize, Schema)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Settings {
        /// Who is
        /// "greeted".
        #[schema(min_items = 1, max_items = 2)]
        user_names: Vec<Name>,
        /// The first.
        #[schema(max_length = 4)]
        first: Option<Name>,
        how: Option<How>,
        #[serde(default)]
        level: i8,
        #[serde(rename = "type")]
        kind: Inner,
        modes: BTreeMap<String, crate::OctalMode>,
        rest: Option<crate::json::Value>,
    }

    /// A name.
    #[derive(serde::Deserialize, Schema)]
    #[schema(pattern = "^[a-z\"\\\\]+$", max_length = 8)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Name(String);

    #[derive(serde::Deserialize, Schema)]
    #[serde(rename_all = "kebab-case")]
    enum How {
        VeryLoud,
        #[serde(rename = "hush")]
        Quiet,
    }

    #[derive(serde::Deserialize, Schema)]
    #[serde(default)]
    #[derive(Default)]
    struct Inner {
        #[schema(minimum = -1, maximum = 1)]
        x: f64,
        r#in: bool,
    }

    const SCHEMA: &str = crate::settings_schema!(Settings);

    #[test]
    fn the_schema_of_a_type_with_everything() {
        let expected = concat!(
            r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,"#,
            r#""required":["userNames","type","modes"],"properties":{"#,
            r#""userNames":{"type":"array","items":{"type":"string","description":"A name.","pattern":"^[a-z\"\\\\]+$","maxLength":8},"#,
            r#""description":"Who is \"greeted\".","minItems":1,"maxItems":2},"#,
            r#""first":{"type":"string","description":"The first.","pattern":"^[a-z\"\\\\]+$","maxLength":8,"#,
            r#""allOf":[{"maxLength":4}]},"#,
            r#""how":{"type":"string","enum":["very-loud","hush"]},"#,
            r#""level":{"type":"integer","minimum":-128,"maximum":127},"#,
            r#""type":{"type":"object","properties":{"x":{"type":"number","minimum":-1,"maximum":1},"#,
            r#""in":{"type":"boolean"}}},"#,
            r#""modes":{"type":"object","additionalProperties":{"type":"string","pattern":"^[0-7]{1,4}$"}},"#,
            r#""rest":{"$comment":"anything"}}}"#
        );
        assert_eq!(SCHEMA, expected);
    }

    #[test]
    fn the_schema_and_serde_agree() {
        for (json, good) in [
            (r#"{"userNames":["ab"],"type":{},"modes":{}}"#, true),
            (
                r#"{"userNames":["a","b"],"how":"very-loud","level":-128,"type":{"x":1,"in":true},"modes":{"a":"0644"},"rest":[1]}"#,
                true,
            ),
            (r#"{"userNames":["ab"],"type":{},"modes":{},"more":1}"#, false),
            (r#"{"userNames":["ab"],"type":{}}"#, false),
            (r#"{"userNames":["ab"],"type":{},"modes":{"a":"9"}}"#, false),
            (r#"{"userNames":["ab"],"type":{},"modes":{},"how":"VeryLoud"}"#, false),
            (r#"{"userNames":["ab"],"type":{},"modes":{},"level":128}"#, false),
        ] {
            assert_eq!(check_schema(SCHEMA, json).is_ok(), good, "{json}");
            assert_eq!(crate::parse_settings::<Settings>(json).is_ok(), good, "{json}");
        }
        // What only the schema says.
        for json in
            [r#"{"userNames":[],"type":{},"modes":{}}"#, r#"{"userNames":["A"],"type":{},"modes":{}}"#]
        {
            assert!(check_schema(SCHEMA, json).is_err(), "{json}");
        }
    }
}
