//! The JSON Schema (draft 2020-12) of the configuration, made from the same descriptions as the
//! decoder.

use serde_json::{Map, Value as Json, json};

use crate::decode::Value;
use crate::model::Config;

/// The named types a schema refers to.
#[derive(Default)]
pub(crate) struct Definitions {
    types: Map<String, Json>,
}

impl Definitions {
    /// A reference to the type `name`, described by `describe` the first time.
    pub(crate) fn reference(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Json) -> Json {
        if !self.types.contains_key(name) {
            self.types.insert(name.to_owned(), Json::Null);
            let schema = describe(self);
            self.types.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

/// The schema of a value that may also be null, which is the same as no value. Mappings may be null by
/// themselves.
pub(crate) fn or_null(mut schema: Json) -> Json {
    let null = json!({ "type": "null" });
    if let Some(forms) = schema.get_mut("oneOf").and_then(Json::as_array_mut) {
        forms.push(null);
    } else if let Some(kind) = schema.get_mut("type") {
        match kind {
            Json::Array(kinds) => kinds.push(json!("null")),
            one => *one = json!([one.take(), "null"]),
        }
    }
    schema
}

/// The JSON Schema of the configuration file.
pub fn schema() -> Json {
    let mut definitions = Definitions::default();
    let root = Config::schema(&mut definitions);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Image customizer configuration",
    });
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$ref".to_owned(), root.get("$ref").cloned().unwrap_or_default());
        schema.insert("$defs".to_owned(), Json::Object(definitions.types));
    }
    schema
}
