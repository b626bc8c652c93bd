//! What the gate lets pass, whatever it is given, is made of the registry's words.

use std::collections::BTreeSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, HistogramDataPoint, Metric, NumberDataPoint, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::closed_set::Attribute;
use crate::destination::InstrumentationKey;
use crate::gzip::unpacked;
use crate::otlp::{metrics_json, traces_json};
use crate::payload::{PayloadKind, Signal, payload};
use crate::record::RunRecord;
use crate::registry::*;
use crate::samples;

const KEY: InstrumentationKey = InstrumentationKey::new([7; 16]);

fn records() -> [RunRecord; 3] {
    [samples::record(), samples::foreign(), RunRecord::new(Command::Convert)]
}

fn gate(record: &RunRecord) -> Gate {
    Gate::new(&samples::seeds(), record.components)
}

fn body(record: &RunRecord, signal: Signal) -> Vec<u8> {
    let kind = if signal == Signal::AzureTrack { PayloadKind::AzureMonitor(KEY) } else { PayloadKind::Otlp };
    let payload = payload(record, &samples::ENVIRONMENT, kind, &samples::seeds()).unwrap();
    payload.parts.into_iter().find(|part| part.signal == signal).unwrap().bytes
}

fn traces(record: &RunRecord) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(body(record, Signal::Traces).as_slice()).unwrap()
}

fn metrics(record: &RunRecord) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(body(record, Signal::Metrics).as_slice()).unwrap()
}

/// The items as the exporter makes them: without the tag that the gate adds.
fn items(record: &RunRecord) -> Vec<Value> {
    let text = unpacked(&body(record, Signal::AzureTrack), super::MAX_JSON).unwrap();
    let mut items: Vec<Value> = serde_json::from_slice(&text).unwrap();
    for item in &mut items {
        item["tags"].as_object_mut().unwrap().remove("ai.location.ip").unwrap();
    }
    items
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// All texts that may stand anywhere in the JSON of a gated body, found by no means of the gate's.
fn allowed_texts() -> BTreeSet<String> {
    let attributes: Vec<Attribute> =
        [RESOURCE, RUN_SPAN, PHASE_SPAN, RUNS_METRIC, RUN_DURATION_METRIC, API_CALLS_METRIC]
            .iter()
            .flat_map(|signal| signal.attributes.iter().map(|(_, attribute)| *attribute))
            .collect();
    let mut texts: BTreeSet<String> = attributes
        .iter()
        .flat_map(|attribute| attribute.values.iter().chain(std::iter::once(&attribute.key)))
        .map(|text| (*text).to_owned())
        .collect();
    for text in [
        "imagecustomizer.run",
        "imagecustomizer.phase",
        "imagecustomizer.runs",
        "imagecustomizer.run.duration",
        "imagecustomizer.api.calls",
        "{run}",
        "{call}",
        "s",
        "0",
        "1",
        "2",
        // Of OTLP's JSON.
        "resourceSpans",
        "resourceMetrics",
        "resource",
        "attributes",
        "key",
        "value",
        "stringValue",
        "scopeSpans",
        "scopeMetrics",
        "scope",
        "name",
        "spans",
        "metrics",
        "traceId",
        "spanId",
        "parentSpanId",
        "flags",
        "kind",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "timeUnixNano",
        "status",
        "code",
        "unit",
        "sum",
        "histogram",
        "dataPoints",
        "asInt",
        "aggregationTemporality",
        "isMonotonic",
        "count",
        "bucketCounts",
        "explicitBounds",
        "min",
        "max",
        // Of Azure Monitor.
        "Microsoft.ApplicationInsights.RemoteDependency",
        "Microsoft.ApplicationInsights.Metric",
        "time",
        "sampleRate",
        "iKey",
        "tags",
        "data",
        "baseType",
        "baseData",
        "RemoteDependencyData",
        "MetricData",
        "ver",
        "id",
        "resultCode",
        "duration",
        "success",
        "type",
        "InProc",
        "properties",
        "Aggregation",
        "ai.application.ver",
        "ai.cloud.role",
        "ai.operation.id",
        "ai.operation.parentId",
        "ai.location.ip",
        "0.0.0.0",
        "07070707-0707-0707-0707-070707070707",
        // Ids of the seeds: bytes 2 to 17, then eight at a time.
        "02030405060708090a0b0c0d0e0f1011",
        "1213141516171819",
        "1a1b1c1d1e1f2021",
        "2223242526272829",
        "2a2b2c2d2e2f3031",
        "3233343536373839",
        "3a3b3c3d3e3f4041",
        "4243444546474849",
    ] {
        texts.insert(text.to_owned());
    }
    texts
}

/// Whether a text is a time or a length: half seconds, and not many of them after the hour.
fn is_time(text: &str) -> bool {
    let nanoseconds = text.parse::<u64>().ok().and_then(|time| time.checked_sub(1_786_183_200_000_000_000));
    nanoseconds.is_some_and(|rest| rest.is_multiple_of(500_000_000) && rest <= 13_000_000_000_000)
        || (text.starts_with("2026-08-08T1")
            && text.len() == 24
            && (text.ends_with(".000Z") || text.ends_with(".500Z")))
        || (text.starts_with("0.0")
            && text.len() == 17
            && (text.ends_with(".000000") || text.ends_with(".500000")))
}

fn assert_allowed(value: &Value, texts: &BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            assert!(texts.contains(key), "{key}");
            assert_allowed(value, texts);
        }),
        Value::Array(items) => items.iter().for_each(|item| assert_allowed(item, texts)),
        Value::String(text) => assert!(texts.contains(text) || is_time(text), "{text}"),
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            let lengths = DurationClass::ALL.iter().map(|class| class.length_seconds());
            let mut known =
                lengths.chain(DurationClass::BOUNDS.iter().copied()).chain([1.0, 2.0, 100.0, 257.0]);
            assert!(known.any(|one| one == number), "{number}");
        }
        Value::Bool(_) => {}
        Value::Null => panic!("null"),
    }
}

/// Asserts that what passes is nothing but the registry; says whether anything passed.
fn pass(record: &RunRecord, signal: Signal, bytes: &[u8], texts: &BTreeSet<String>) -> bool {
    let gate = gate(record);
    let lines = match signal {
        Signal::Traces => gate.traces(bytes).map(|bytes| {
            assert_eq!(gate.traces(&bytes).as_ref(), Ok(&bytes), "what passed passes again");
            traces_json(&bytes).unwrap()
        }),
        Signal::Metrics => gate.metrics(bytes).map(|bytes| {
            assert_eq!(gate.metrics(&bytes).as_ref(), Ok(&bytes), "what passed passes again");
            metrics_json(&bytes).unwrap()
        }),
        Signal::AzureTrack => gate
            .azure(KEY, &[bytes.to_vec()])
            .map(|bytes| serde_json::from_slice(&unpacked(&bytes, super::MAX_JSON).unwrap()).unwrap()),
    };
    match lines {
        Ok(lines) => {
            assert_allowed(&lines, texts);
            true
        }
        Err(_) => false,
    }
}

#[test]
fn no_damaged_byte_brings_anything_through() {
    let texts = allowed_texts();
    for record in records() {
        for signal in [Signal::Traces, Signal::Metrics] {
            let sound = body(&record, signal);
            assert!(pass(&record, signal, &sound, &texts));
            for place in 0..sound.len() {
                for change in [1, 2, 8, 64, 128, 255] {
                    let mut damaged = sound.clone();
                    damaged[place] ^= change;
                    pass(&record, signal, &damaged, &texts);
                }
                let mut longer = sound.clone();
                longer.insert(place, b'x');
                assert!(!pass(&record, signal, &longer, &texts), "{place}");
                let mut shorter = sound.clone();
                shorter.remove(place);
                pass(&record, signal, &shorter, &texts);
                assert!(!pass(&record, signal, &sound[..place], &texts), "{place}");
            }
        }
    }
}

#[test]
fn no_damaged_byte_brings_anything_through_to_azure() {
    let texts = allowed_texts();
    for record in [samples::foreign(), small()] {
        let sound = serde_json::to_vec(&items(&record)).unwrap();
        assert!(pass(&record, Signal::AzureTrack, &packed(&sound), &texts));
        for place in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[place] ^= 1 << (place % 8);
            pass(&record, Signal::AzureTrack, &packed(&damaged), &texts);
        }
        // And of the compressed form.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&sound).unwrap();
        let sound = encoder.finish().unwrap();
        for place in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[place] ^= 1 << (place % 8);
            pass(&record, Signal::AzureTrack, &damaged, &texts);
        }
    }
}

/// One of everything that a full record can hold.
fn small() -> RunRecord {
    let mut record = RunRecord::new(Command::Convert);
    record.phases.set(Phase::Import, DurationClass::Lt4s);
    record.apis.insert(Api::Storage);
    record
}

fn canary() -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue("alice@example.com".to_owned())) };
    KeyValue { key: "user.email".to_owned(), value: Some(value), key_strindex: 0 }
}

#[test]
fn no_field_of_a_span_is_a_way_out() {
    type Change = fn(&mut Span);
    let changes: [(&str, Change); 27] = [
        ("an attribute more", |span| span.attributes.push(canary())),
        ("an attribute twice", |span| span.attributes.push(span.attributes[0].clone())),
        ("an attribute less", |span| drop(span.attributes.pop())),
        ("another key", |span| span.attributes[0].key.push('x')),
        ("a key elsewhere", |span| span.attributes[0].key_strindex = 7),
        ("another value", |span| span.attributes[0].value = canary().value),
        ("no value", |span| span.attributes[0].value = None),
        ("an empty value", |span| span.attributes[0].value = Some(AnyValue { value: None })),
        ("a number", |span| {
            span.attributes[0].value = Some(AnyValue { value: Some(any_value::Value::IntValue(63_700)) });
        }),
        ("bytes", |span| {
            span.attributes[0].value =
                Some(AnyValue { value: Some(any_value::Value::BytesValue(vec![65; 9])) });
        }),
        ("a value of another attribute", |span| span.attributes[0].value = span.attributes[1].value.clone()),
        ("another trace", |span| span.trace_id[3] ^= 1),
        ("another id", |span| span.span_id[3] ^= 1),
        ("another parent", |span| span.parent_span_id = b"alice123".to_vec()),
        ("a state", |span| span.trace_state = "user=alice".to_owned()),
        ("flags", |span| span.flags |= 0x10_0000),
        ("another name", |span| span.name.push('x')),
        ("another kind", |span| span.kind = 2),
        ("an earlier start", |span| span.start_time_unix_nano -= 1),
        ("a later end", |span| span.end_time_unix_nano += 1_000_000),
        ("dropped attributes", |span| span.dropped_attributes_count = 1),
        ("dropped events", |span| span.dropped_events_count = 1),
        ("dropped links", |span| span.dropped_links_count = 1),
        ("an event", |span| span.events.push(span::Event { name: "alice".to_owned(), ..Default::default() })),
        ("a link", |span| span.links.push(span::Link { trace_id: vec![1; 16], ..Default::default() })),
        ("a message", |span| span.status.as_mut().unwrap().message = "no such file".to_owned()),
        ("another status", |span| span.status.as_mut().unwrap().code ^= 1),
    ];
    for record in records() {
        let sound = traces(&record);
        let spans = sound.resource_spans[0].scope_spans[0].spans.len();
        for place in 0..spans {
            for (name, change) in &changes {
                let mut changed = sound.clone();
                change(&mut changed.resource_spans[0].scope_spans[0].spans[place]);
                assert!(gate(&record).traces(&changed.encode_to_vec()).is_err(), "{name} in span {place}");
            }
        }
    }
}

#[test]
fn nothing_around_spans_is_a_way_out() {
    type Change = fn(&mut ExportTraceServiceRequest);
    let changes: [(&str, Change); 19] = [
        ("nothing", |request| request.resource_spans.clear()),
        ("a second resource", |request| request.resource_spans.push(request.resource_spans[0].clone())),
        ("no resource", |request| request.resource_spans[0].resource = None),
        ("a schema", |request| request.resource_spans[0].schema_url = "https://alice.example".to_owned()),
        ("an attribute", |request| {
            request.resource_spans[0].resource.as_mut().unwrap().attributes.push(canary());
        }),
        ("dropped ones", |request| {
            request.resource_spans[0].resource.as_mut().unwrap().dropped_attributes_count = 3;
        }),
        ("an entity", |request| {
            let entity = EntityRef { r#type: "alice".to_owned(), ..EntityRef::default() };
            request.resource_spans[0].resource.as_mut().unwrap().entity_refs.push(entity);
        }),
        ("no scope", |request| request.resource_spans[0].scope_spans.clear()),
        ("a second scope", |request| {
            let scope = request.resource_spans[0].scope_spans[0].clone();
            request.resource_spans[0].scope_spans.push(scope);
        }),
        ("a scope's schema", |request| request.resource_spans[0].scope_spans[0].schema_url = "x".to_owned()),
        ("a nameless scope", |request| request.resource_spans[0].scope_spans[0].scope = None),
        ("a scope's name", |request| {
            request.resource_spans[0].scope_spans[0].scope.as_mut().unwrap().name = "alice".to_owned();
        }),
        ("a scope's version", |request| {
            request.resource_spans[0].scope_spans[0].scope.as_mut().unwrap().version = "1".to_owned();
        }),
        ("a scope's attribute", |request| {
            request.resource_spans[0].scope_spans[0].scope.as_mut().unwrap().attributes.push(canary());
        }),
        ("what a scope dropped", |request| {
            request.resource_spans[0].scope_spans[0].scope.as_mut().unwrap().dropped_attributes_count = 9;
        }),
        ("no span", |request| request.resource_spans[0].scope_spans[0].spans.clear()),
        ("a span twice", |request| {
            let spans = &mut request.resource_spans[0].scope_spans[0].spans;
            spans.push(spans[spans.len() - 1].clone());
        }),
        ("no run", |request| drop(request.resource_spans[0].scope_spans[0].spans.remove(0))),
        ("another order", |request| {
            let spans = &mut request.resource_spans[0].scope_spans[0].spans;
            spans.push(spans[0].clone());
            spans.remove(0);
            spans.reverse();
            spans.push(spans[0].clone());
        }),
    ];
    for record in records() {
        for (name, change) in &changes {
            let mut changed = traces(&record);
            change(&mut changed);
            assert!(gate(&record).traces(&changed.encode_to_vec()).is_err(), "{name}");
        }
    }
}

fn sums(metric: &mut Metric) -> &mut NumberDataPoint {
    match metric.data.as_mut().unwrap() {
        metric::Data::Sum(sum) => &mut sum.data_points[0],
        _ => panic!("no counter"),
    }
}

fn lengths(metrics: &mut ScopeMetrics) -> &mut HistogramDataPoint {
    match metrics.metrics[1].data.as_mut().unwrap() {
        metric::Data::Histogram(histogram) => &mut histogram.data_points[0],
        _ => panic!("no histogram"),
    }
}

#[test]
fn no_field_of_a_metric_is_a_way_out() {
    type Change = fn(&mut ScopeMetrics);
    let changes: [(&str, Change); 32] = [
        ("no metric", |scope| scope.metrics.clear()),
        ("a metric less", |scope| drop(scope.metrics.remove(0))),
        ("a metric twice", |scope| scope.metrics.push(scope.metrics[0].clone())),
        ("another order", |scope| scope.metrics.swap(0, 1)),
        ("another name", |scope| scope.metrics[0].name.push('x')),
        ("a description", |scope| scope.metrics[0].description = "alice".to_owned()),
        ("another unit", |scope| scope.metrics[0].unit = "By".to_owned()),
        ("metadata", |scope| scope.metrics[0].metadata.push(canary())),
        ("no data", |scope| scope.metrics[0].data = None),
        ("an attribute", |scope| sums(&mut scope.metrics[0]).attributes.push(canary())),
        ("no attribute", |scope| sums(&mut scope.metrics[0]).attributes.clear()),
        ("another count", |scope| {
            sums(&mut scope.metrics[0]).value = Some(number_data_point::Value::AsInt(7));
        }),
        ("no count", |scope| sums(&mut scope.metrics[0]).value = None),
        ("a fraction", |scope| {
            sums(&mut scope.metrics[0]).value = Some(number_data_point::Value::AsDouble(1.0));
        }),
        ("an exemplar", |scope| sums(&mut scope.metrics[0]).exemplars.push(Exemplar::default())),
        ("flags", |scope| sums(&mut scope.metrics[0]).flags = 1),
        ("cumulative", |scope| match scope.metrics[0].data.as_mut().unwrap() {
            metric::Data::Sum(sum) => sum.aggregation_temporality = 2,
            _ => panic!("no counter"),
        }),
        ("up and down", |scope| match scope.metrics[0].data.as_mut().unwrap() {
            metric::Data::Sum(sum) => sum.is_monotonic = false,
            _ => panic!("no counter"),
        }),
        ("two runs", |scope| match scope.metrics[0].data.as_mut().unwrap() {
            metric::Data::Sum(sum) => sum.data_points.push(sum.data_points[0].clone()),
            _ => panic!("no counter"),
        }),
        ("a part used twice", |scope| match scope.metrics[2].data.as_mut().unwrap() {
            metric::Data::Sum(sum) => sum.data_points.push(sum.data_points[0].clone()),
            _ => panic!("no counter"),
        }),
        ("a part used often", |scope| {
            sums(&mut scope.metrics[2]).value = Some(number_data_point::Value::AsInt(1_000_000));
        }),
        ("a sum that is no length", |scope| lengths(scope).sum = Some(63.7)),
        ("a sum of another class", |scope| lengths(scope).sum = Some(8.0)),
        ("no sum", |scope| lengths(scope).sum = None),
        ("not a number", |scope| lengths(scope).sum = Some(f64::NAN)),
        ("another minimum", |scope| lengths(scope).min = Some(0.5)),
        ("another maximum", |scope| lengths(scope).max = Some(2048.0)),
        ("more counts", |scope| lengths(scope).count = 2),
        ("another bucket", |scope| lengths(scope).bucket_counts.rotate_left(1)),
        ("other bounds", |scope| lengths(scope).explicit_bounds[0] = 1.25),
        ("an exemplar of a length", |scope| lengths(scope).exemplars.push(Exemplar::default())),
        ("another class", |scope| lengths(scope).attributes[2].value = canary().value),
    ];
    let record = samples::record();
    for (name, change) in &changes {
        let mut changed = metrics(&record);
        change(&mut changed.resource_metrics[0].scope_metrics[0]);
        assert!(gate(&record).metrics(&changed.encode_to_vec()).is_err(), "{name}");
    }
}

#[test]
fn times_of_metrics_are_replaced_and_points_are_ordered() {
    let record = samples::record();
    let sound = metrics(&record).encode_to_vec();
    let mut changed = metrics(&record);
    let scope = &mut changed.resource_metrics[0].scope_metrics[0];
    sums(&mut scope.metrics[0]).start_time_unix_nano += 1_234_567;
    sums(&mut scope.metrics[2]).time_unix_nano -= 7;
    lengths(scope).time_unix_nano = 41;
    match scope.metrics[2].data.as_mut().unwrap() {
        metric::Data::Sum(sum) => sum.data_points.reverse(),
        _ => panic!("no counter"),
    }
    let resource = changed.resource_metrics[0].resource.as_mut().unwrap();
    resource.attributes.reverse();
    assert_eq!(gate(&record).metrics(&changed.encode_to_vec()), Ok(sound));
}

#[test]
fn a_run_with_a_foreign_step_cannot_say_what_others_may() {
    let (full, minimal) = (samples::record(), samples::foreign());
    for signal in [Signal::Traces, Signal::Metrics, Signal::AzureTrack] {
        let texts = allowed_texts();
        let ungated = |record: &RunRecord| match signal {
            Signal::AzureTrack => packed(&serde_json::to_vec(&items(record)).unwrap()),
            _ => body(record, signal),
        };
        assert!(pass(&minimal, signal, &ungated(&minimal), &texts));
        assert!(!pass(&minimal, signal, &ungated(&full), &texts));
        assert!(!pass(&full, signal, &ungated(&minimal), &texts));
    }
    // Words that others may use stop such a run's body too.
    let changes = [
        ("imagecustomizer.outcome", "cancelled"),
        ("imagecustomizer.outcome", "success"),
        ("error.type", "timeout"),
        ("imagecustomizer.image.format.input", "vhdx"),
        ("imagecustomizer.base.distro", "debian"),
        ("imagecustomizer.duration.coarse_class", "lt_1s"),
    ];
    for (key, word) in changes {
        let mut changed = traces(&minimal);
        let attributes = &mut changed.resource_spans[0].scope_spans[0].spans[0].attributes;
        let attribute = attributes.iter_mut().find(|attribute| attribute.key == key).unwrap();
        attribute.value = Some(AnyValue { value: Some(any_value::Value::StringValue(word.to_owned())) });
        assert!(gate(&minimal).traces(&changed.encode_to_vec()).is_err(), "{key} {word}");
    }
}

/// Every place of a value, as a JSON pointer.
fn places(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.replace('/', "~1"), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(place, item)| (place.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    for (key, value) in inside {
        places(value, &format!("{here}/{key}"), all);
    }
}

#[test]
fn no_place_in_an_item_is_a_way_out() {
    for record in [samples::foreign(), small()] {
        let sound = Value::Array(items(&record));
        let send = |items: &Value| gate(&record).azure(KEY, &[packed(&serde_json::to_vec(items).unwrap())]);
        let expected = send(&sound).unwrap();
        let mut all = Vec::new();
        places(&sound, "", &mut all);
        for place in all {
            let metric = sound
                .pointer(place.trim_end_matches("/time"))
                .and_then(|item| item.pointer("/data/baseType"));
            let is_metric_time = place.ends_with("/time") && metric == Some(&json!("MetricData"));
            for canary in
                [json!("alice@example.com"), json!(63.7), json!(null), json!({ "user": "alice" }), json!([])]
            {
                let mut changed = sound.clone();
                *changed.pointer_mut(&place).unwrap() = canary.clone();
                match send(&changed) {
                    Ok(sent) => {
                        assert!(is_metric_time && canary.is_string() && sent == expected, "{place} {canary}")
                    }
                    Err(_) => assert!(!is_metric_time || !canary.is_string(), "{place} {canary}"),
                }
            }
            let mut changed = sound.clone();
            if let Some(object) = changed.pointer_mut(&place).and_then(Value::as_object_mut) {
                object.insert("user".to_owned(), json!("alice"));
                assert!(send(&changed).is_err(), "{place}/user");
            }
            let (holder, key) = place.rsplit_once('/').unwrap_or_default();
            let mut changed = sound.clone();
            if let Some(object) = changed.pointer_mut(holder).and_then(Value::as_object_mut) {
                object.shift_remove(key);
                assert!(send(&changed).is_err(), "without {place}");
            }
        }
    }
}

#[test]
fn only_the_plain_form_of_items_is_read() {
    let record = samples::foreign();
    let text = serde_json::to_string(&items(&record)).unwrap();
    let send = |text: &[u8]| gate(&record).azure(KEY, &[packed(text)]).is_ok();
    assert!(send(text.as_bytes()));
    for (name, changed) in [
        ("a space", text.replacen(":2,", ": 2,", 1)),
        ("a key twice", text.replacen("{\"name\":", "{\"name\":\"alice\",\"name\":", 1)),
        ("an escape", text.replacen("customize", "\\u0063ustomize", 1)),
        ("another number", text.replacen("100.0", "1e2", 1)),
        ("a line at the end", format!("{text}\n")),
        ("a second list", format!("{text}{text}")),
        ("no list", "{}".to_owned()),
        ("an empty list", "[]".to_owned()),
    ] {
        assert_ne!(changed, text, "{name}");
        assert!(!send(changed.as_bytes()), "{name}");
    }
    assert!(gate(&record).azure(KEY, &[text.into_bytes()]).is_err(), "not compressed");
    assert!(gate(&record).azure(KEY, &[]).is_err(), "nothing");
}

#[test]
fn what_would_take_much_memory_is_refused() {
    let record = samples::record();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b'['; 8 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < super::MAX_BODY);
    assert!(gate(&record).azure(KEY, &[bomb]).is_err());
    assert!(gate(&record).azure(KEY, &[packed(&vec![b'['; 100_000])]).is_err());
    assert!(gate(&record).traces(&vec![0; 1 << 20]).is_err());
    // A list of attributes that holds a list, and so on.
    let mut nested = AnyValue { value: None };
    for _ in 0..2_000 {
        let values = vec![std::mem::take(&mut nested)];
        let list = opentelemetry_proto::tonic::common::v1::ArrayValue { values };
        nested = AnyValue { value: Some(any_value::Value::ArrayValue(list)) };
    }
    let mut changed = traces(&record);
    changed.resource_spans[0].resource.as_mut().unwrap().attributes[0].value = Some(nested);
    assert!(gate(&record).traces(&changed.encode_to_vec()).is_err());
}

#[test]
fn another_key_or_other_seeds_are_refused() {
    let record = samples::record();
    let text = packed(&serde_json::to_vec(&items(&record)).unwrap());
    assert!(gate(&record).azure(InstrumentationKey::new([8; 16]), &[text]).is_err());
    let seeds = crate::seeds::Seeds::draw(std::time::UNIX_EPOCH).unwrap();
    let other = Gate::new(&seeds, record.components);
    assert!(other.traces(&body(&record, Signal::Traces)).is_err());
}
