//! The reader against recorded answers of the reference program's reader (yaml.v3 3.0.1): one type
//! with a field of each kind, decoded from texts made by hand and by mutation.

use serde_json::{Value as Json, json};

use super::{Decoder, TextMap, record};
use crate::encoding::Text;
use crate::source::{Located, SourceFile, Sources};
use crate::yaml::{self, Kind, Style};

record! {
    /// A small mapping.
    pub(crate) struct Inner {
        /// Text.
        "s" s: Option<Located<String>>,
        /// Boolean.
        "b" b: Option<Located<bool>>,
        /// List.
        "l" l: Vec<Located<String>>,
    }
}

record! {
    /// One field of each kind.
    pub(crate) struct Outer {
        /// Text.
        "s" s: Option<Located<String>>,
        /// List.
        "l" l: Vec<Located<String>>,
        /// Boolean.
        "b" b: Option<Located<bool>>,
        /// Number.
        "i" i: Option<Located<i64>>,
        /// Optional number.
        "pi" pi: Option<Located<i64>>,
        /// Optional text.
        "ps" ps: Option<Located<String>>,
        /// Number without a sign.
        "u" u: Option<Located<u64>>,
        /// Map.
        "m" m: TextMap,
        /// List of mappings.
        "o" o: Vec<Inner>,
        /// Optional mapping.
        "p" p: Option<Inner>,
        /// Mapping.
        "v" v: Inner,
    }
}

fn text(value: &Option<Located<String>>) -> &str {
    value.as_ref().map_or("", |value| &value.value)
}

fn list(value: &[Located<String>]) -> Vec<&str> {
    value.iter().map(|value| value.value.as_str()).collect()
}

fn inner(value: &Inner) -> Json {
    json!({ "s": text(&value.s), "b": value.b.map(|b| b.value), "l": list(&value.l) })
}

fn outer(value: &Outer) -> Json {
    let mut entries: Vec<_> = value.m.iter().map(|(k, v)| (k.value.clone(), json!(v.value))).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    json!({
        "s": text(&value.s),
        "l": list(&value.l),
        "b": value.b.is_some_and(|b| b.value),
        "i": value.i.map_or(0, |i| i.value),
        "pi": value.pi.map(|i| i.value),
        "ps": value.ps.as_ref().map(|s| &s.value),
        "u": value.u.map_or(0, |u| u.value),
        "m": Json::Object(entries.into_iter().collect()),
        "o": value.o.iter().map(inner).collect::<Vec<_>>(),
        "p": value.p.as_ref().map(inner),
        "v": inner(&value.v),
    })
}

/// The decoded value, or the first problem.
fn read(source: &[u8]) -> Result<Json, String> {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::new("case".into(), Text::decode(source)));
    let document = yaml::parse(sources.file(id).unwrap(), id, yaml::Behind::default())
        .map_err(|refusal| refusal.message)?
        .ok_or("no document")?;
    let mut decoder = Decoder::new(&document);
    let value: Outer = decoder.root();
    match decoder.finish().problems.into_iter().next() {
        None => Ok(outer(&value)),
        Some(problem) => Err(problem.message),
    }
}

/// Every recorded case: `{"yaml": text, "value": what it decodes to, or null when refused}` a line.
/// `CONFORMANCE_READER` names a file with other cases.
#[test]
fn the_reader_answers_as_the_reference_reader_did() {
    let recorded = include_str!("../../../../tests/conformance/reader.jsonl");
    let other = std::env::var_os("CONFORMANCE_READER").map(|path| std::fs::read_to_string(path).unwrap());
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in other.as_deref().unwrap_or(recorded).lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let source = case["yaml"].as_str().unwrap();
        let found = read(source.as_bytes());
        count += 1;
        if found.as_ref().ok().unwrap_or(&Json::Null) != &case["value"] {
            wrong.push(format!("{source:?}\n  reference: {}\n  here:      {found:?}", case["value"]));
        }
    }
    println!("{count} reader cases");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The tree in a form that is easily written by other programs: `[ … ]`, `{ … }`, `*alias`,
/// `<tag>`, and scalars as `p` (plain) or `q` with their text in hex and their place.
fn tree(document: &yaml::Document) -> String {
    let mut text = String::new();
    write_tree(document, document.root(), &mut text);
    text
}

fn write_tree(document: &yaml::Document, id: yaml::NodeId, out: &mut String) {
    let node = document.raw(id).unwrap();
    out.extend(node.tag.iter().map(|tag| format!("<{tag}> ")));
    match &node.kind {
        Kind::Scalar { text, style } => {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            let letter = if *style == Style::Plain { 'p' } else { 'q' };
            let place = node.at.start;
            out.push_str(&format!("{letter}{hex}@{}:{} ", place.line, place.column));
        }
        Kind::Alias { name, .. } => out.push_str(&format!("*{name} ")),
        Kind::Sequence(items) => {
            out.push_str("[ ");
            items.iter().for_each(|item| write_tree(document, *item, out));
            out.push_str("] ");
        }
        Kind::Mapping(pairs) => {
            out.push_str("{ ");
            for (key, value) in pairs {
                write_tree(document, *key, out);
                write_tree(document, *value, out);
            }
            out.push_str("} ");
        }
    }
}

/// For comparing with another reader: reads `ANSWERS_IN`, a text in hex a line, and writes to
/// `ANSWERS_OUT` what it says, as a tree and decoded; see `tests/conformance/README.md`.
#[test]
#[ignore = "a tool, no test"]
fn write_answers() {
    let path = |name| std::env::var_os(name).unwrap();
    let mut answers = String::new();
    for line in std::fs::read_to_string(path("ANSWERS_IN")).unwrap().lines() {
        let digits = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        let bytes: Vec<u8> = line.as_bytes().chunks(2).map(digits).collect();
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::new("case".into(), Text::decode(&bytes)));
        let found = match yaml::parse(sources.file(id).unwrap(), id, yaml::Behind::default()) {
            Ok(Some(document)) => format!("OK {}", tree(&document)),
            Ok(None) => "EOF".to_owned(),
            Err(refusal) => format!("ERR {:?} {}", refusal.at.start, refusal.message),
        };
        let value =
            read(&bytes).map_or_else(|message| format!("ERR {message}"), |value| format!("OK {value}"));
        answers.push_str(&format!("{found}\t{value}").replace('\n', " | "));
        answers.push('\n');
    }
    std::fs::write(path("ANSWERS_OUT"), answers).unwrap();
}
