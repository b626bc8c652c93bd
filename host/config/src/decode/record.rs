//! Mappings with named fields: how they are described, and how they are read.

use std::collections::{HashMap, HashSet};

use super::merge::{Origin, Pairs, each_merged};
use super::{Decoder, Value};
use crate::diagnostic::nearest;
use crate::rule::Rule;
use crate::source::{Located, Span};
use crate::yaml::{Kind, NodeId, Scalar, Style, resolve};

/// What is special about a field.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    /// The value is replaced by `[redacted]` in the history, and never shown in messages.
    pub(crate) redacted: bool,
    /// The value is replaced by its SHA-256 digest in the history, and never shown in messages.
    pub(crate) digest: bool,
    /// Text in the history is a host path, made relative to the configuration's folder.
    pub(crate) host_path: bool,
    /// An empty value differs from an absent one and shows in the history.
    pub(crate) present: bool,
    /// An absent value shows as null in the history.
    pub(crate) nullable: bool,
    /// Accepted for compatibility, has no effect, and is not in the schema.
    pub(crate) unadvertised: bool,
    /// An unadvertised field that the history shows: it is computed for it.
    pub(crate) computed: bool,
    /// The mapping has to give it.
    pub(crate) required: bool,
}

impl Flags {
    /// Whether the value must not be shown.
    pub(crate) fn is_secret(self) -> bool {
        self.redacted || self.digest
    }
}

/// The description of one field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) description: &'static [&'static str],
    pub(crate) flags: Flags,
}

/// A mapping with named fields.
pub(crate) trait Record {
    /// All fields in the order of the documentation.
    fn fields(&self) -> &'static [Field];
    fn field(&self, index: usize) -> Option<&dyn Value>;
    fn field_mut(&mut self, index: usize) -> Option<&mut dyn Value>;
    fn at(&self) -> Span;
    fn set_at(&mut self, at: Span);
    /// Takes the short form, where the type has one.
    fn set_shorthand(&mut self, _text: Located<String>, _decoder: &mut Decoder<'_>) -> Shorthand {
        Shorthand::None
    }
    /// Whether the type has a short form; such types take only keys that are written out: no merge keys,
    /// no aliases.
    fn has_shorthand(&self) -> bool {
        false
    }
}

/// Whether a type took its short form.
pub(crate) enum Shorthand {
    /// The type has none.
    None,
    Taken,
    /// It has one, but the text does not fit; reported.
    Refused,
}

/// Reads a mapping (or the short form) into `record`.
pub(crate) fn decode_record(record: &mut dyn Record, id: NodeId, decoder: &mut Decoder<'_>) -> bool {
    let read = decoder.visit(id, |decoder, node| {
        record.set_at(decoder.key_at.take().unwrap_or(node.at));
        match &node.kind {
            Kind::Mapping(pairs) => decode_pairs(record, pairs, decoder),
            Kind::Scalar { .. } if record.has_shorthand() => {
                let Some(text) = decoder.text(id) else { return false };
                matches!(record.set_shorthand(text, decoder), Shorthand::Taken)
            }
            _ => {
                let wanted = if record.has_shorthand() { "text or a mapping" } else { "a mapping" };
                decoder.wrong_kind(node, wanted);
                false
            }
        }
    });
    read.unwrap_or(false)
}

/// Reads the pairs of a mapping and of those merged into it.
fn decode_pairs<'a>(record: &mut dyn Record, pairs: &'a Pairs, decoder: &mut Decoder<'a>) -> bool {
    let mut seen = HashSet::new();
    let mut good = true;
    each_merged(pairs, decoder, |pairs, origin, decoder| {
        if !check_duplicates(pairs, decoder) {
            good = false;
            return None;
        }
        let mut merge = None;
        for &(key, value) in pairs {
            match key_text(key, decoder) {
                Some(Key::Merge) if !record.has_shorthand() => {
                    // A merged mapping cannot set a field of this name.
                    seen.insert("<<".to_owned());
                    merge = Some(value);
                }
                Some(Key::Merge) => report_unknown(record, "<<", key, value, decoder),
                Some(Key::Null) if record.has_shorthand() => {
                    report_unknown(record, "~", key, value, decoder);
                }
                Some(Key::Name(_)) if record.has_shorthand() && !is_written_out(key, decoder) => {
                    let written = raw_text(key, decoder);
                    report_unknown(record, written, key, value, decoder);
                }
                Some(Key::Name(name)) if seen.contains(&name) => {
                    if origin == Origin::Own {
                        report_twice(&name, key, decoder);
                    }
                }
                Some(Key::Name(name)) => {
                    decode_field(record, &name, key, value, decoder);
                    seen.insert(name);
                }
                Some(Key::Null) | None => {}
            }
        }
        merge
    });
    good
}

/// Whether a key is its own text: no alias, and not given as bytes.
fn is_written_out(key: NodeId, decoder: &Decoder<'_>) -> bool {
    decoder.raw(key).is_some_and(|node| {
        matches!(node.kind, Kind::Scalar { .. }) && node.tag.as_deref() != Some("!!binary")
    })
}

/// A key as it is written, without its tag.
fn raw_text<'a>(key: NodeId, decoder: &Decoder<'a>) -> &'a str {
    match decoder.raw(key).map(|node| &node.kind) {
        Some(Kind::Scalar { text, .. }) => text,
        Some(Kind::Alias { name, .. }) => name,
        _ => "",
    }
}

/// Reports a field that is set again by a key that is written in another way.
fn report_twice(name: &str, key: NodeId, decoder: &mut Decoder<'_>) {
    let at = decoder.raw(key).map(|node| node.at).unwrap_or_default();
    let message = format!("`{}` is set twice", clip(name));
    decoder.report(Rule::FieldDuplicate, at, message).hint = Some("remove one of them".to_owned());
}

fn decode_field(record: &mut dyn Record, name: &str, key: NodeId, value: NodeId, decoder: &mut Decoder<'_>) {
    let Some(index) = record.fields().iter().position(|field| field.key == name) else {
        report_unknown(record, name, key, value, decoder);
        return;
    };
    if decoder.is_null(value) {
        decoder.pass_over(value);
        return;
    }
    decoder.key_at = decoder.raw(key).map(|node| node.at);
    if let Some(field) = record.field_mut(index) {
        decoder.in_field(name, |decoder| field.decode(value, decoder));
    }
}

/// Refuses a key that stands twice in one mapping, however it is written.
pub(super) fn check_duplicates(pairs: &Pairs, decoder: &mut Decoder<'_>) -> bool {
    let mut first_of: HashMap<_, Span> = HashMap::new();
    let mut unique = true;
    for &(key, _) in pairs {
        let Some(node) = decoder.raw(key) else { continue };
        let (at, identity) = match &node.kind {
            Kind::Scalar { text, .. } => (node.at, ("scalar", text.as_str())),
            Kind::Alias { name, .. } => (node.at, ("alias", name.as_str())),
            Kind::Sequence(_) => (node.at, ("a list", "")),
            Kind::Mapping(_) => (node.at, ("a mapping", "")),
        };
        if let Some(first) = first_of.insert(identity, at) {
            let message = match identity {
                ("scalar", name) => {
                    format!("`{}` is set twice, first in line {}", clip(name), first.start.line)
                }
                (kind, _) => format!("{kind} cannot be a key"),
            };
            decoder.report(Rule::FieldDuplicate, at, message).hint = Some("remove one of them".to_owned());
            unique = false;
        }
    }
    unique
}

enum Key {
    Name(String),
    Merge,
    /// A key without text is passed over, as in the reference program.
    Null,
}

/// The text of a key; reports what is not text.
fn key_text(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Key> {
    if is_merge(id, decoder) {
        return Some(Key::Merge);
    }
    if decoder.is_null(id) {
        decoder.pass_over(id);
        return Some(Key::Null);
    }
    decoder.text(id).map(|text| Key::Name(text.value))
}

/// Whether the key is a plain `<<`.
pub(super) fn is_merge(id: NodeId, decoder: &Decoder<'_>) -> bool {
    decoder.raw(id).is_some_and(|node| match &node.kind {
        Kind::Scalar { text, style } => {
            text == "<<" && resolve(text, *style == Style::Quoted, node.tag.as_deref()) == Some(Scalar::Merge)
        }
        _ => false,
    })
}

fn report_unknown(record: &dyn Record, name: &str, key: NodeId, value: NodeId, decoder: &mut Decoder<'_>) {
    decoder.findings.unknown_values.extend(decoder.raw(value).map(|node| node.at));
    if decoder.is_full() {
        return;
    }
    let at = decoder.raw(key).map(|node| node.at).unwrap_or_default();
    let known = || record.fields().iter().filter(|field| !field.flags.unadvertised).map(|field| field.key);
    let hint = match nearest(name, known()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            format!("fields here: {}", known().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
        }
    };
    let place = decoder.path.clone();
    let message = match place.as_str() {
        "" => format!("unknown field `{}`", clip(name)),
        place => format!("unknown field `{}` in `{place}`", clip(name)),
    };
    decoder.report(Rule::FieldUnknown, at, message).hint = Some(hint);
}

/// A text from the file for a message: on one line and not too long.
pub(crate) fn clip(text: &str) -> String {
    let mut shown: String = text.chars().take(64).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(64).is_some() {
        shown.push('…');
    }
    shown
}
