//! Reads the registry: the part of OpenTelemetry's grammar that we use, and our rule that everything is closed.

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::Outcome;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registry {
    file_format: String,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) entities: Vec<Entity>,
    pub(crate) spans: Vec<Span>,
    pub(crate) metrics: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    pub(crate) key: String,
    pub(crate) brief: String,
    #[serde(default, rename = "note")]
    _note: Option<String>,
    #[serde(rename = "stability")]
    _stability: Stability,
    annotations: Annotations<AboutAttribute>,
    #[serde(rename = "type")]
    kind: Kind,
}

impl Attribute {
    pub(crate) fn about(&self) -> &AboutAttribute {
        &self.annotations.imagecustomizer
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.kind.members
    }
}

/// Nothing but an enum: texts, numbers, arrays and templates do not deserialize.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    members: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) id: String,
    value: Option<String>,
    pub(crate) brief: String,
    #[serde(rename = "stability")]
    _stability: Stability,
    #[serde(default)]
    annotations: Option<Annotations<AboutMember>>,
}

impl Member {
    pub(crate) fn value(&self) -> &str {
        self.value.as_ref().unwrap_or(&self.id)
    }

    pub(crate) fn about(&self) -> Option<&AboutMember> {
        self.annotations.as_ref().map(|annotations| &annotations.imagecustomizer)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotations<T> {
    imagecustomizer: T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AboutAttribute {
    pub(crate) rust: String,
    pub(crate) category: Category,
    pub(crate) guest: bool,
}

#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Category {
    Usage,
    Environment,
    Performance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AboutMember {
    #[serde(default)]
    pub(crate) guest: bool,
    pub(crate) below_seconds: Option<u64>,
    pub(crate) length_seconds: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct AboutOccurrence {
    shape: Option<Shape>,
}

#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    Full,
    Minimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stability {
    Stable,
    Development,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entity {
    #[serde(rename = "type")]
    pub(crate) name: String,
    pub(crate) brief: String,
    #[serde(rename = "stability")]
    _stability: Stability,
    pub(crate) identity: Vec<Reference>,
    pub(crate) description: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    #[serde(rename = "type")]
    pub(crate) name: String,
    #[serde(rename = "kind")]
    _kind: SpanKind,
    #[serde(rename = "name")]
    pattern: SpanName,
    pub(crate) brief: String,
    #[serde(rename = "stability")]
    _stability: Stability,
    #[serde(default)]
    annotations: Option<Annotations<AboutOccurrence>>,
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanName {
    note: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SpanKind {
    Internal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metric {
    pub(crate) name: String,
    #[serde(rename = "instrument")]
    _instrument: Instrument,
    pub(crate) unit: String,
    pub(crate) brief: String,
    #[serde(rename = "stability")]
    _stability: Stability,
    #[serde(default)]
    annotations: Option<Annotations<AboutOccurrence>>,
    pub(crate) attributes: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Instrument {
    Counter,
    Histogram,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    #[serde(rename = "ref")]
    pub(crate) key: String,
    #[serde(default, rename = "requirement_level")]
    _level: Option<Value>,
    #[serde(default)]
    annotations: Option<Annotations<AboutOccurrence>>,
}

fn shape(annotations: Option<&Annotations<AboutOccurrence>>) -> Option<Shape> {
    annotations.and_then(|annotations| annotations.imagecustomizer.shape)
}

impl Reference {
    pub(crate) fn shape(&self) -> Option<Shape> {
        shape(self.annotations.as_ref())
    }
}

impl Span {
    pub(crate) fn shape(&self) -> Option<Shape> {
        shape(self.annotations.as_ref())
    }
}

impl Metric {
    pub(crate) fn shape(&self) -> Option<Shape> {
        shape(self.annotations.as_ref())
    }
}

impl Registry {
    pub(crate) fn attribute(&self, key: &str) -> Outcome<&Attribute> {
        let found = self.attributes.iter().find(|attribute| attribute.key == key);
        found.ok_or_else(|| format!("no attribute `{key}`").into())
    }

    fn check(&self) -> Outcome {
        if self.file_format != "definition/2" {
            return Err("another grammar".into());
        }
        distinct("key", self.attributes.iter().map(|attribute| attribute.key.as_str()))?;
        distinct("Rust name", self.attributes.iter().map(|attribute| attribute.about().rust.as_str()))?;
        for attribute in &self.attributes {
            let members = attribute.members();
            if members.is_empty() {
                return Err(format!("`{}` has no members", attribute.key).into());
            }
            distinct("member", members.iter().map(Member::value))?;
            distinct("member", members.iter().map(|member| member.id.as_str()))?;
            words(&attribute.key)?;
            members.iter().try_for_each(|member| words(&member.id).and_then(|()| words(member.value())))?;
        }
        for span in &self.spans {
            // A name made from values could be anything.
            if span.pattern.note != span.name {
                return Err(format!("the name of `{}` is not its type", span.name).into());
            }
        }
        let resource =
            self.entities.iter().flat_map(|entity| entity.identity.iter().chain(&entity.description));
        let spans = self.spans.iter().flat_map(|span| &span.attributes);
        let metrics = self.metrics.iter().flat_map(|metric| &metric.attributes);
        resource.chain(spans).chain(metrics).try_for_each(|wanted| self.attribute(&wanted.key).map(drop))
    }
}

fn distinct<'a>(what: &str, all: impl Iterator<Item = &'a str>) -> Outcome {
    let mut seen = BTreeSet::new();
    for one in all {
        if !seen.insert(one) {
            return Err(format!("{what} `{one}` comes twice").into());
        }
    }
    Ok(())
}

/// Small letters, digits, and what joins them: nothing that could be an address, a path or a sentence.
fn words(text: &str) -> Outcome {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    match !text.is_empty() && text.len() <= 40 && text.bytes().all(plain) {
        true => Ok(()),
        false => Err(format!("`{text}` is no word").into()),
    }
}

pub(crate) fn read(text: &str) -> Outcome<Registry> {
    let documents = Yaml::load_from_str(text)?;
    let [document] = documents.as_slice() else { return Err("not one document".into()) };
    let registry: Registry = serde_json::from_value(json(document)?)?;
    registry.check()?;
    Ok(registry)
}

fn json(yaml: &Yaml<'_>) -> Outcome<Value> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(truth)) => Value::Bool(*truth),
        Yaml::Value(Scalar::Integer(number)) => Value::from(*number),
        Yaml::Value(Scalar::FloatingPoint(number)) => {
            Value::Number(Number::from_f64(number.into_inner()).ok_or("no number")?)
        }
        Yaml::Value(Scalar::String(text)) => Value::String(text.to_string()),
        Yaml::Sequence(items) => Value::Array(items.iter().map(json).collect::<Outcome<_>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let Yaml::Value(Scalar::String(key)) = key else {
                    return Err("a key that is no text".into());
                };
                map.insert(key.to_string(), json(value)?);
            }
            Value::Object(map)
        }
        other => return Err(format!("{other:?} has no place in a registry").into()),
    })
}
