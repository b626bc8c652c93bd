//! The pages in `docs/configuration` that follow from the types and the rules. `UPDATE_GOLDEN=1`
//! writes them anew.
#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use imagecustomizer_config::{Kind, Rule, schema};
use serde_json::Value;

const NOTE: &str = "<!-- Made from the types in `host/config`: `UPDATE_GOLDEN=1 cargo test -p imagecustomizer-config --test docs`. -->\n";

fn compare(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is not up to date", path.display());
}

/// The name of the type that a schema refers to.
fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str().and_then(|target| target.rsplit('/').next())
}

fn link(name: &str) -> String {
    format!("[{name}](#{})", name.to_lowercase())
}

/// The one type of a value, besides null.
fn only_type(schema: &Value) -> Option<&str> {
    let types = match &schema["type"] {
        Value::Array(types) => types.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut types = types.iter().filter_map(Value::as_str).filter(|name| *name != "null");
    types.next().filter(|_| types.next().is_none())
}

fn type_text(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return link(name);
    }
    if let Some(words) = schema["oneOf"].as_array() {
        let words: Vec<_> = words.iter().filter_map(|word| word["const"].as_str()).collect();
        if words.is_empty() {
            return "octal digits".to_owned();
        }
        return words
            .iter()
            .filter(|word| !word.is_empty())
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    match only_type(schema) {
        Some("array") => match type_text(&schema["items"]) {
            item if item.starts_with('`') => format!("list of: {item}"),
            item => format!("list of {item}"),
        },
        Some("object") if schema.get("additionalProperties").is_none() => "any mapping".to_owned(),
        Some("object") => "map of text".to_owned(),
        Some("string") if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("smh")) => {
            "time".to_owned()
        }
        Some("string") if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("grow")) => {
            "size or `grow`".to_owned()
        }
        Some("string") => "size".to_owned(),
        Some("integer") => "number".to_owned(),
        Some(other) => other.to_owned(),
        None => "text".to_owned(),
    }
}

fn describe(name: &str, schema: &Value, page: &mut String) {
    let mapping = schema["anyOf"].as_array().map_or(schema, |forms| &forms[1]);
    writeln!(page, "\n## {name}\n\n{}\n", mapping["description"].as_str().unwrap()).unwrap();
    writeln!(page, "| Field | Value | |\n| --- | --- | --- |").unwrap();
    let required: Vec<_> =
        mapping["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, field) in mapping["properties"].as_object().unwrap() {
        let mark = if required.contains(&key.as_str()) { ", required" } else { "" };
        let text = field["description"].as_str().unwrap();
        writeln!(page, "| `{key}` | {}{mark} | {text} |", type_text(field)).unwrap();
    }
    for (key, field) in mapping["properties"].as_object().unwrap() {
        let words = field["items"]["oneOf"].as_array().or(field["oneOf"].as_array());
        let described =
            words.into_iter().flatten().filter(|word| !word["const"].as_str().unwrap_or_default().is_empty());
        let described: Vec<_> = described.collect();
        if described.is_empty() {
            continue;
        }
        writeln!(page, "\nValues of `{key}`:\n").unwrap();
        for word in described {
            let (word, text) = (word["const"].as_str().unwrap(), word["description"].as_str().unwrap());
            writeln!(page, "- `{word}`: {text}").unwrap();
        }
    }
}

#[test]
fn the_page_of_fields_follows_the_types() {
    let schema = schema();
    let types = schema["$defs"].as_object().unwrap();
    let mut page = format!("# Fields\n\n{NOTE}");
    // The order in which the types refer to each other, depth first.
    let mut order: Vec<&str> = Vec::new();
    let mut next = vec!["Config"];
    while let Some(name) = next.pop() {
        if order.contains(&name) {
            continue;
        }
        order.push(name);
        let forms = &types[name];
        let mapping = forms["anyOf"].as_array().map_or(forms, |forms| &forms[1]);
        let fields = mapping["properties"].as_object().unwrap().values();
        let below: Vec<&str> =
            fields.filter_map(|field| reference(field).or_else(|| reference(&field["items"]))).collect();
        next.extend(below.into_iter().rev());
    }
    for name in order {
        describe(name, &types[name], &mut page);
    }
    compare("fields.md", &page);
}

#[test]
fn the_page_of_rules_follows_the_rules() {
    let mut page = format!(
        "# Rules\n\n{NOTE}\nEvery problem that is reported names the rule that was broken (`rule` in the JSON form).\n"
    );
    let stages = [
        (Kind::Read, "Reading a file"),
        (Kind::Syntax, "YAML"),
        (Kind::Structure, "Structure"),
        (Kind::Validation, "Validation"),
        (Kind::Resource, "Files of the machine"),
    ];
    for (kind, title) in stages {
        writeln!(page, "\n## {title}\n\n| Rule | What holds | Error name |\n| --- | --- | --- |").unwrap();
        for rule in Rule::ALL.iter().filter(|rule| rule.kind() == kind) {
            let names: Vec<_> = rule.names().iter().skip(1).map(|name| format!("`{name}`")).collect();
            writeln!(page, "| `{}` | {} | {} |", rule.id(), rule.text(), names.join(", ")).unwrap();
        }
    }
    compare("rules.md", &page);
}

#[test]
fn the_schema_for_editors_follows_the_types() {
    compare("schema.json", &format!("{:#}\n", schema()));
}
