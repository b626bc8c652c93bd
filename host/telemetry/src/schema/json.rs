//! The JSON Schema of a line of `telemetry preview` and `--telemetry-log`: nothing that is not listed is allowed.

use serde_json::{Map, Value, json};

use super::attributes;
use crate::closed_set::{Attribute, ClosedSet, Shape, Signal};
use crate::registry::{
    API_CALLS_METRIC, Api, DurationClass, PHASE_SPAN, Phase, RESOURCE, RUN_DURATION_METRIC, RUN_SPAN,
    RUNS_METRIC, ServiceName, ServiceVersion,
};
use crate::values::SCOPE;

/// The schema, draft 2020-12.
#[must_use]
pub fn json() -> Value {
    let mut definitions = Map::new();
    for attribute in attributes() {
        let words = json!({ "description": attribute.brief, "enum": attribute.values });
        definitions.insert(attribute.key.to_owned(), words);
        let value = object(&[("stringValue", word(attribute))]);
        let pair = object(&[("key", constant(attribute.key)), ("value", value)]);
        definitions.insert(as_attribute(attribute), pair);
    }
    definitions.insert(RESOURCE.name.to_owned(), otlp_attributes(&RESOURCE, Shape::Full));
    definitions.insert(LENGTH.to_owned(), lengths());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What imagecustomizer's telemetry can send",
        "description": "One line of the preview or the log: a request to an OTLP collector, or an item for Azure Monitor.",
        "oneOf": [traces(), metrics(), dependency(&RUN_SPAN), dependency(&PHASE_SPAN), measurement(&RUNS_METRIC),
            measurement(&RUN_DURATION_METRIC), measurement(&API_CALLS_METRIC)],
        "$defs": definitions,
    })
}

/// An object with all of these members and no others.
fn object(members: &[(&str, Value)]) -> Value {
    let required: Vec<_> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<_, _> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn items(items: Vec<Value>) -> Value {
    let length = items.len();
    json!({ "type": "array", "prefixItems": items, "items": false, "minItems": length })
}

fn some(item: Value, least: usize, most: usize) -> Value {
    json!({ "type": "array", "items": item, "minItems": least, "maxItems": most })
}

fn constant(value: impl Into<Value>) -> Value {
    json!({ "const": value.into() })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn word(attribute: Attribute) -> Value {
    reference(attribute.key)
}

/// The name of an attribute together with its key.
fn as_attribute(attribute: Attribute) -> String {
    format!("attribute:{}", attribute.key)
}

/// The name of the lengths that stand for classes.
const LENGTH: &str = "length";

fn id(bytes: usize) -> Value {
    json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{}}}$", 2 * bytes) })
}

/// Nanoseconds since 1970, as a text that ends in so many zeros: eleven for full hours, eight for half seconds.
fn time(zeros: usize) -> Value {
    json!({ "type": "string", "pattern": format!("^[0-9]{{1,12}}0{{{zeros}}}$") })
}

fn otlp_attributes(signal: &Signal, shape: Shape) -> Value {
    let pair = |attribute| reference(&as_attribute(attribute));
    items(signal.attributes(shape).map(pair).collect())
}

fn otlp(name: &str, scopes: &str, content: &str, schema: Value) -> Value {
    let resource = object(&[("attributes", reference(RESOURCE.name))]);
    let scope = object(&[("scope", object(&[("name", constant(SCOPE))])), (content, schema)]);
    let holder = object(&[("resource", resource), (scopes, items(vec![scope]))]);
    object(&[(name, items(vec![holder]))])
}

fn traces() -> Value {
    let span = |signal: &Signal, shape: Shape, root: bool| {
        let status = match root {
            true => object(&[("code", json!({ "enum": [1, 2] }))]),
            false => object(&[]),
        };
        let mut members = vec![("traceId", id(16)), ("spanId", id(8))];
        if !root {
            members.push(("parentSpanId", id(8)));
        }
        members.extend([
            ("flags", constant(257)),
            ("name", constant(signal.name)),
            ("kind", constant(1)),
            ("startTimeUnixNano", time(if root { 11 } else { 8 })),
            ("endTimeUnixNano", time(8)),
            ("attributes", otlp_attributes(signal, shape)),
            ("status", status),
        ]);
        object(&members)
    };
    let full = json!({
        "type": "array",
        "prefixItems": [span(&RUN_SPAN, Shape::Full, true)],
        "items": span(&PHASE_SPAN, Shape::Full, false),
        "minItems": 1,
        "maxItems": 1 + Phase::ALL.len(),
    });
    let minimal = items(vec![span(&RUN_SPAN, Shape::Minimal, true)]);
    otlp("resourceSpans", "scopeSpans", "spans", json!({ "oneOf": [full, minimal] }))
}

fn metrics() -> Value {
    let counter = |signal: &Signal, most: usize| {
        let point = object(&[
            ("attributes", otlp_attributes(signal, Shape::Full)),
            ("startTimeUnixNano", time(11)),
            ("timeUnixNano", time(11)),
            ("asInt", constant("1")),
        ]);
        let sum = object(&[
            ("dataPoints", some(point, 1, most)),
            ("aggregationTemporality", constant(1)),
            ("isMonotonic", constant(true)),
        ]);
        object(&[("name", constant(signal.name)), ("unit", constant(signal.unit)), ("sum", sum)])
    };
    let point = object(&[
        ("attributes", otlp_attributes(&RUN_DURATION_METRIC, Shape::Full)),
        ("startTimeUnixNano", time(11)),
        ("timeUnixNano", time(11)),
        ("count", constant("1")),
        ("sum", reference(LENGTH)),
        (
            "bucketCounts",
            some(json!({ "enum": ["0", "1"] }), DurationClass::ALL.len(), DurationClass::ALL.len()),
        ),
        ("explicitBounds", constant(DurationClass::BOUNDS)),
        ("min", reference(LENGTH)),
        ("max", reference(LENGTH)),
    ]);
    let histogram = object(&[("dataPoints", items(vec![point])), ("aggregationTemporality", constant(1))]);
    let duration = object(&[
        ("name", constant(RUN_DURATION_METRIC.name)),
        ("unit", constant(RUN_DURATION_METRIC.unit)),
        ("histogram", histogram),
    ]);
    let runs = counter(&RUNS_METRIC, 1);
    let calls = counter(&API_CALLS_METRIC, Api::ALL.len());
    let lists = [
        items(vec![runs.clone()]),
        items(vec![runs.clone(), duration.clone()]),
        items(vec![runs, duration, calls]),
    ];
    otlp("resourceMetrics", "scopeMetrics", "metrics", json!({ "oneOf": lists }))
}

fn lengths() -> Value {
    let lengths: Vec<_> = DurationClass::ALL.iter().map(|class| class.length_seconds()).collect();
    json!({ "enum": lengths })
}

/// The keys and values of an item.
fn properties(signal: &Signal, shape: Shape) -> Value {
    let all = RESOURCE.attributes(shape).chain(signal.attributes(shape));
    let members: Vec<_> = all.map(|attribute| (attribute.key, word(attribute))).collect();
    object(&members)
}

fn tags(others: &[(&str, Value)]) -> Value {
    let mut members = vec![
        ("ai.application.ver", word(ServiceVersion::ATTRIBUTE)),
        ("ai.cloud.role", word(ServiceName::ATTRIBUTE)),
        ("ai.location.ip", constant("0.0.0.0")),
    ];
    members.extend_from_slice(others);
    object(&members)
}

/// The key of the receiver, which comes from the connection string.
fn key() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" })
}

/// A span, as Azure Monitor takes it.
fn dependency(signal: &Signal) -> Value {
    let root = signal.name == RUN_SPAN.name;
    let mut others = vec![("ai.operation.id", id(16))];
    let mut members = vec![
        ("ver", constant(2)),
        ("name", constant(signal.name)),
        ("id", id(8)),
        ("duration", json!({ "type": "string", "pattern": "^0\\.00:[0-9]{2}:[0-9]{2}\\.[05]00000$" })),
        ("type", constant("InProc")),
    ];
    let properties = match root {
        true => {
            members.push(("resultCode", json!({ "enum": ["1", "2"] })));
            members.push(("success", json!({ "type": "boolean" })));
            json!({ "oneOf": [properties(signal, Shape::Full), properties(signal, Shape::Minimal)] })
        }
        false => {
            members.push(("resultCode", constant("0")));
            others.push(("ai.operation.parentId", id(8)));
            properties(signal, Shape::Full)
        }
    };
    members.push(("properties", properties));
    let data = object(&[("baseType", constant("RemoteDependencyData")), ("baseData", object(&members))]);
    object(&[
        ("name", constant("Microsoft.ApplicationInsights.RemoteDependency")),
        ("time", utc("[0-9]{2}:[0-9]{2}\\.[05]00")),
        ("sampleRate", constant(100.0)),
        ("iKey", key()),
        ("tags", tags(&others)),
        ("data", data),
    ])
}

/// A point of a metric, as Azure Monitor takes it.
fn measurement(signal: &Signal) -> Value {
    let mut point = vec![("name", constant(signal.name)), ("kind", constant("Aggregation"))];
    match signal.name == RUN_DURATION_METRIC.name {
        true => {
            point.extend([
                ("count", constant(1)),
                ("min", reference(LENGTH)),
                ("max", reference(LENGTH)),
                ("value", reference(LENGTH)),
            ]);
        }
        false => point.push(("value", constant(1.0))),
    }
    let data = object(&[
        ("ver", constant(2)),
        ("metrics", items(vec![object(&point)])),
        ("properties", properties(signal, Shape::Full)),
    ]);
    object(&[
        ("name", constant("Microsoft.ApplicationInsights.Metric")),
        ("time", utc("00:00\\.000")),
        ("iKey", key()),
        ("tags", tags(&[])),
        ("data", object(&[("baseType", constant("MetricData")), ("baseData", data)])),
    ])
}

/// A day and an hour, and what may follow.
fn utc(rest: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:{rest}Z$") })
}
