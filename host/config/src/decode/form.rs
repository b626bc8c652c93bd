//! The other forms of a mapping: its set fields, its history, its schema.

use serde_json::{Value as Json, json};

use super::{Field, Record, UsedField};
use crate::history::HistoryWriter;
use crate::schema::or_null;

pub(crate) fn used_record(record: &dyn Record, path: &str, out: &mut Vec<UsedField>) {
    for (index, field) in record.fields().iter().enumerate() {
        if let Some(value) = record.field(index) {
            let path = if path.is_empty() { field.key.to_owned() } else { format!("{path}.{}", field.key) };
            value.used(&path, out);
        }
    }
}

pub(crate) fn history_record(record: &dyn Record, writer: &mut HistoryWriter<'_>) -> Json {
    let mut object = serde_json::Map::new();
    for (index, field) in record.fields().iter().enumerate() {
        if field.flags.unadvertised && !field.flags.computed {
            continue;
        }
        let value = record.field(index).and_then(|value| value.history(field.flags, writer));
        if let Some(value) = value {
            object.insert(field.key.to_owned(), value);
        }
    }
    Json::Object(object)
}

pub(crate) fn schema_record(
    name: &'static str,
    description: &[&str],
    fields: &[Field],
    schemas: Vec<Json>,
) -> Json {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for (field, schema) in fields.iter().zip(schemas) {
        if field.flags.unadvertised {
            continue;
        }
        let mut schema = if field.flags.required { schema } else { or_null(schema) };
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), json!(paragraph(field.description)));
        }
        if field.flags.required {
            required.push(field.key);
        }
        properties.insert(field.key.to_owned(), schema);
    }
    let mut schema = json!({
        "title": name,
        "description": paragraph(description),
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties,
    });
    if let (Some(schema), false) = (schema.as_object_mut(), required.is_empty()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

/// Joins the lines of a doc comment.
pub(crate) fn paragraph(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
