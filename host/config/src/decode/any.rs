//! Values of any shape: what a step's settings are until its component says how they should look.

use std::collections::HashSet;

use serde_json::{Map, Number, Value as Json, json};

use super::merge::refuse as refuse_merge;
use super::record::{check_duplicates, is_merge};
use super::values::sha256;
use super::{Decoder, Flags, Item, UsedField, Value, clip};
use crate::history::{HistoryWriter, REDACTED};
use crate::rule::Rule;
use crate::schema::Definitions;
use crate::source::{Located, Span};
use crate::yaml::{Kind, Node, NodeId, Scalar};

/// The most bytes of one mapping, counted as its JSON would be; aliases count as often as they stand.
const MAX_BYTES: usize = 1 << 20;
/// The most collections around a value.
const MAX_DEPTH: usize = 64;

/// A value of any kind, with the place of each of its parts.
#[derive(Clone)]
pub struct AnyValue {
    /// Where it stands.
    pub at: Span,
    kind: AnyKind,
}

#[derive(Clone)]
enum AnyKind {
    /// Null, a boolean, a number or a text.
    Scalar(Json),
    List(Vec<AnyValue>),
    Mapping(AnyMapping),
}

/// A mapping of any shape, with the place of each of its parts. `Debug` shows no value: one may be secret.
#[derive(Clone, Default)]
pub struct AnyMapping {
    /// Where the mapping stands.
    pub at: Span,
    entries: Vec<(Located<String>, AnyValue)>,
}

/// Where a part of a mapping stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceOf {
    /// Its key; that of an item of a list is the item itself.
    pub key: Span,
    /// Its value.
    pub value: Span,
}

impl std::fmt::Debug for AnyMapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AnyMapping({} entries: {REDACTED})", self.entries.len())
    }
}

impl AnyMapping {
    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The mapping as JSON, in the order of the file.
    pub fn to_json(&self) -> Json {
        let entries = self.entries.iter().map(|(key, value)| (key.value.clone(), value.to_json()));
        Json::Object(entries.collect())
    }

    /// `sha256:` and the digest of the mapping as JSON without blanks, its keys in order, in lower-case hex.
    pub fn digest(&self) -> String {
        let mut json = self.to_json();
        json.sort_all_objects();
        sha256(&json.to_string())
    }

    /// The place of the part that a JSON pointer names (RFC 6901); the mapping itself for the empty one.
    pub fn place(&self, pointer: &str) -> Option<PlaceOf> {
        let mut found = PlaceOf { key: self.at, value: self.at };
        let mut next: Option<&AnyValue> = None;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let (key, value) = match next {
                None => self.entry(&part)?,
                Some(value) => value.part(&part)?,
            };
            found = PlaceOf { key, value: value.at };
            next = Some(value);
        }
        Some(found)
    }

    fn entry(&self, key: &str) -> Option<(Span, &AnyValue)> {
        let (key, value) = self.entries.iter().find(|(known, _)| known.value == key)?;
        Some((key.at, value))
    }
}

impl AnyValue {
    /// The part that `name` stands for, a key or a number, and where its key stands.
    fn part(&self, name: &str) -> Option<(Span, &Self)> {
        match &self.kind {
            AnyKind::Scalar(_) => None,
            AnyKind::List(items) => items.get(name.parse::<usize>().ok()?).map(|item| (item.at, item)),
            AnyKind::Mapping(mapping) => mapping.entry(name),
        }
    }

    fn to_json(&self) -> Json {
        match &self.kind {
            AnyKind::Scalar(value) => value.clone(),
            AnyKind::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            AnyKind::Mapping(mapping) => mapping.to_json(),
        }
    }
}

/// Reads one value with all below it.
struct Reader<'d, 'a> {
    decoder: &'d mut Decoder<'a>,
    /// Bytes that may still come.
    left: usize,
    depth: usize,
    /// Whether a bound was exceeded; it is reported once.
    exceeded: bool,
}

impl<'a> Reader<'_, 'a> {
    fn value(&mut self, id: NodeId) -> Option<AnyValue> {
        if self.exceeded {
            return None;
        }
        // Taken out of the closure, a node reached through an alias is not counted as such below; the bounds of this
        // reader hold all the same.
        let node = self.decoder.visit(id, |_, node| node)?;
        self.spend(8, node.at)?;
        let kind = match &node.kind {
            Kind::Sequence(items) => {
                self.enter(node.at)?;
                let items = items.iter().enumerate().filter_map(|(index, item)| self.item(index, *item));
                let items = items.collect();
                self.depth -= 1;
                AnyKind::List(items)
            }
            Kind::Mapping(pairs) => {
                self.enter(node.at)?;
                let mapping = self.mapping(node.at, pairs);
                self.depth -= 1;
                AnyKind::Mapping(mapping)
            }
            Kind::Scalar { .. } | Kind::Alias { .. } => AnyKind::Scalar(self.scalar(node)?),
        };
        Some(AnyValue { at: node.at, kind })
    }

    fn item(&mut self, index: usize, item: NodeId) -> Option<AnyValue> {
        let path = self.decoder.path.len();
        self.decoder.path.push_str(&format!("[{index}]"));
        let value = self.value(item);
        self.decoder.path.truncate(path);
        value
    }

    fn mapping(&mut self, at: Span, pairs: &[(NodeId, NodeId)]) -> AnyMapping {
        let mut mapping = AnyMapping { at, entries: Vec::new() };
        self.pairs(pairs, &mut HashSet::new(), &mut mapping);
        mapping
    }

    fn pairs(&mut self, pairs: &[(NodeId, NodeId)], seen: &mut HashSet<String>, mapping: &mut AnyMapping) {
        if !check_duplicates(pairs, self.decoder) {
            return;
        }
        let mut merge = None;
        for &(key, value) in pairs {
            if is_merge(key, self.decoder) {
                merge = Some(value);
                continue;
            }
            self.refuse_null_key(key);
            let Some(key) = self.decoder.text(key) else { continue };
            if self.spend(key.value.len(), key.at).is_none() {
                return;
            }
            if !seen.insert(key.value.clone()) {
                continue;
            }
            let path = self.decoder.path.len();
            self.decoder.path.push_str(&format!(".{}", clip(&key.value)));
            if let Some(value) = self.value(value) {
                mapping.entries.push((key, value));
            }
            self.decoder.path.truncate(path);
        }
        if let Some(merge) = merge {
            self.merge(merge, seen, mapping, true);
        }
    }

    /// Takes what `<<` names: a mapping, or a list of those. Earlier keys win.
    fn merge(&mut self, id: NodeId, seen: &mut HashSet<String>, mapping: &mut AnyMapping, lists: bool) {
        let Some(node) = self.decoder.visit(id, |_, node| node) else { return };
        if self.enter(node.at).is_none() {
            return;
        }
        match &node.kind {
            Kind::Mapping(pairs) => self.pairs(pairs, seen, mapping),
            Kind::Sequence(items) if lists => {
                for &item in items {
                    self.merge(item, seen, mapping, false);
                }
            }
            _ => {
                refuse_merge(node, self.decoder);
            }
        }
        self.depth -= 1;
    }

    /// A key without a text has no place in JSON.
    fn refuse_null_key(&mut self, id: NodeId) {
        let Some(node) = self.decoder.visit(id, |_, node| node) else { return };
        if matches!(node.kind, Kind::Scalar { .. })
            && matches!(self.decoder.scalar(node, "a key"), Some((Scalar::Null, _)))
        {
            self.decoder.report(
                Rule::ValueKind,
                node.at,
                "a key of settings is a text, and this one is null",
            );
        }
    }

    fn scalar(&mut self, node: &'a Node) -> Option<Json> {
        let (meaning, text) = self.decoder.scalar(node, "a value")?;
        match meaning {
            Scalar::Null => Some(Json::Null),
            Scalar::Bool(value) => Some(Json::Bool(value)),
            Scalar::Int(value) => {
                let number = i64::try_from(value)
                    .map(Number::from)
                    .or_else(|_| u64::try_from(value).map(Number::from));
                number.ok().map(Json::Number)
            }
            Scalar::Float(value) if is_digits(text) && whole(value).is_none() => {
                let message = "whole numbers of settings are from -2^63 to 2^64 - 1";
                self.decoder.report(Rule::ValueKind, node.at, message).hint =
                    Some("put it in quotes, if the step takes a text".to_owned());
                None
            }
            Scalar::Float(value) => {
                let number = whole(value).or_else(|| Number::from_f64(value)).map(Json::Number);
                if number.is_none() {
                    let message =
                        "infinity and `.nan` have no form in JSON, which a step gets its settings in";
                    self.decoder.report(Rule::ValueKind, node.at, message);
                }
                number
            }
            Scalar::Timestamp | Scalar::Merge | Scalar::Text => {
                self.spend(text.len(), node.at)?;
                Some(Json::String(text.to_owned()))
            }
            Scalar::Binary(bytes) => {
                self.spend(bytes.len(), node.at)?;
                let text = String::from_utf8(bytes).ok();
                if text.is_none() {
                    self.decoder.report(Rule::ValueTag, node.at, "the binary value is not UTF-8 text");
                }
                text.map(Json::String)
            }
        }
    }

    fn enter(&mut self, at: Span) -> Option<()> {
        if self.depth == MAX_DEPTH {
            self.exceed(at, format!("the settings are nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        self.depth += 1;
        Some(())
    }

    fn spend(&mut self, bytes: usize, at: Span) -> Option<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => {
                self.exceed(at, "the settings are larger than 1 MiB".to_owned());
                return None;
            }
        }
        Some(())
    }

    fn exceed(&mut self, at: Span, message: String) {
        if !std::mem::replace(&mut self.exceeded, true) {
            self.decoder.report(Rule::SettingsSize, at, message).hint =
                Some("hand large data to the step as a file, in `artifacts`".to_owned());
        }
    }
}

impl Value for AnyMapping {
    fn decode(&mut self, id: NodeId, decoder: &mut Decoder<'_>) -> bool {
        let Some(node) = decoder.visit(id, |_, node| node) else { return false };
        decoder.key_at = None;
        let Kind::Mapping(pairs) = &node.kind else {
            decoder.wrong_kind(node, "a mapping");
            return false;
        };
        let mut reader = Reader { decoder, left: MAX_BYTES, depth: 0, exceeded: false };
        *self = reader.mapping(node.at, pairs);
        true
    }

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        if let Some((key, _)) = self.entries.first() {
            out.push(UsedField { field: path.to_owned(), at: key.at });
        }
    }

    fn history(&self, flags: Flags, _writer: &mut HistoryWriter<'_>) -> Option<Json> {
        if self.is_empty() {
            return None;
        }
        Some(match (flags.redacted, flags.digest) {
            (true, _) => json!(REDACTED),
            (false, true) => json!(self.digest()),
            (false, false) => self.to_json(),
        })
    }

    fn schema(_definitions: &mut Definitions) -> Json {
        Json::Object(Map::from_iter([("type".to_owned(), json!("object"))]))
    }
}

impl Item for AnyMapping {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut mapping = Self::default();
        mapping.decode(id, decoder).then_some(mapping)
    }
    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    fn presence(&self) -> Option<Span> {
        Some(self.at)
    }
}

/// Whether a number was meant to be whole: one that does not fit is a float to the core schema, and loses digits.
fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

/// A whole number however it is written: `1.0` and `1e3` fit a schema's `integer`, so a step has to get an integer. Beyond
/// 2^53 the digits would not be those that were written.
fn whole(value: f64) -> Option<Number> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    (value.fract() == 0.0 && value.abs() <= LARGEST).then(|| Number::from(value as i64))
}

#[cfg(test)]
mod tests {
    use crate::decode::{Decoder, record};
    use crate::encoding::Text;
    use crate::source::{SourceFile, Sources};
    use crate::yaml;

    record! {
        /// A mapping with any mapping in it.
        pub(crate) struct Holder {
            /// Anything.
            "settings" settings: super::AnyMapping,
        }
    }

    fn read(text: &str) -> Result<super::AnyMapping, Vec<String>> {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::new("case".into(), Text::decode(text.as_bytes())));
        let document = yaml::parse(sources.file(id).unwrap(), id, yaml::Behind::default()).unwrap().unwrap();
        let mut decoder = Decoder::new(&document);
        let holder: Holder = decoder.root();
        let problems = decoder.finish().problems;
        match problems.is_empty() {
            true => Ok(holder.settings),
            false => Err(problems
                .into_iter()
                .map(|problem| format!("{}: {}", problem.field, problem.message))
                .collect()),
        }
    }

    #[test]
    fn values_become_json_as_the_core_schema_means_them() {
        let cases = [
            ("{a: 1, b: -2, c: 18446744073709551615}", r#"{"a":1,"b":-2,"c":18446744073709551615}"#),
            ("{a: 1.5, b: 1e3, c: 0x10, d: 0o17}", r#"{"a":1.5,"b":1000,"c":16,"d":15}"#),
            ("{a: yes, b: on, c: True, d: ~, e: ''}", r#"{"a":"yes","b":"on","c":true,"d":null,"e":""}"#),
            ("{a: '1', b: !!str 1, c: 2020-01-01}", r#"{"a":"1","b":"1","c":"2020-01-01"}"#),
            ("{1: a, true: b}", r#"{"1":"a","true":"b"}"#),
            ("{a: [[], {}, [x]]}", r#"{"a":[[],{},["x"]]}"#),
            ("{a: &a {x: 1, y: 2}, b: {<<: *a, y: 3}}", r#"{"a":{"x":1,"y":2},"b":{"y":3,"x":1}}"#),
            ("{a: &a {x: 1}, <<: [*a, {x: 2, z: 3}]}", r#"{"a":{"x":1},"x":1,"z":3}"#),
        ];
        for (text, json) in cases {
            let mapping = read(&format!("settings: {text}")).unwrap();
            assert_eq!(mapping.to_json().to_string(), json, "{text}");
        }
    }

    #[test]
    fn what_has_no_form_in_json_is_refused() {
        for (value, words) in [
            ("18446744073709551616", "whole numbers of settings"),
            ("-9223372036854775809", "whole numbers of settings"),
            (".inf", "have no form in JSON"),
            ("{~: a}", "a key of settings is a text"),
            ("{null: a}", "a key of settings is a text"),
        ] {
            let problems = read(&format!("settings: {{a: {value}}}")).err().unwrap_or_default();
            assert!(problems.iter().any(|problem| problem.contains(words)), "{value}: {problems:?}");
        }
        for (value, json) in [("08", "8"), ("1.5e300", "1.5e+300"), ("-0.0", "0"), ("1e17", "1e+17")] {
            let mapping = read(&format!("settings: {{a: {value}}}")).unwrap();
            assert_eq!(mapping.to_json()["a"].to_string(), json, "{value}");
        }
    }

    #[test]
    fn every_part_has_a_place() {
        let mapping = read("settings:\n  a:\n  - x\n  - {b/c: 1}\n  m~n: 2\n").unwrap();
        let line_and_column = |pointer: &str| {
            let place = mapping.place(pointer)?;
            Some([place.key.start, place.value.start].map(|at| (at.line, at.column)))
        };
        let cases = [
            ("", Some([(2, 3), (2, 3)])),
            ("/a", Some([(2, 3), (3, 3)])),
            ("/a/0", Some([(3, 5), (3, 5)])),
            ("/a/1/b~1c", Some([(4, 6), (4, 11)])),
            ("/m~0n", Some([(5, 3), (5, 8)])),
            ("/a/2", None),
            ("/a/x", None),
            ("/m~0n/x", None),
        ];
        for (pointer, expected) in cases {
            assert_eq!(line_and_column(pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn texts_that_aliases_multiply_are_bounded() {
        let text = format!("settings:\n  a: &a {}\n  b: [{}]\n", "x".repeat(600_000), "*a, ".repeat(1000));
        let problems = read(&text).err().unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("settings.b[0]: the settings are larger"), "{problems:?}");
    }

    #[test]
    fn the_digest_does_not_depend_on_the_order_of_keys() {
        let digest = |text: &str| read(text).unwrap().digest();
        assert_eq!(digest("settings: {a: 1, b: {c: 2, d: 3}}"), digest("settings: {b: {d: 3, c: 2}, a: 1}"));
        assert_ne!(digest("settings: {a: 1}"), digest("settings: {a: '1'}"));
    }

    #[test]
    fn no_value_is_printed_for_debugging() {
        assert_eq!(
            format!("{:?}", read("settings: {a: hunter2}").unwrap()),
            "AnyMapping(1 entries: [redacted])"
        );
    }
}
