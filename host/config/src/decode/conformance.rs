//! The reader against recorded answers of the reference program's reader (yaml.v3 3.0.1): one type
//! with a field of each kind, decoded from texts made by hand and by mutation.

use serde_json::{Value as Json, json};

use super::{Decoder, TextMap, record};
use crate::source::{Located, SourceFile, Sources};
use crate::yaml;

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
fn read(source: &str) -> Result<Json, String> {
    let mut sources = Sources::default();
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let id = sources.add(SourceFile::new("case".into(), text.to_owned()));
    let document = yaml::parse(sources.file(id).unwrap(), id)
        .map_err(|refusal| refusal.message)?
        .ok_or("no document")?;
    let mut decoder = Decoder::new(&document);
    let value: Outer = decoder.root();
    match decoder.finish().0.into_iter().next() {
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
        let found = read(source);
        count += 1;
        if found.as_ref().ok().unwrap_or(&Json::Null) != &case["value"] {
            wrong.push(format!("{source:?}\n  reference: {}\n  here:      {found:?}", case["value"]));
        }
    }
    println!("{count} reader cases");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
