//! OTLP messages as JSON, by the mapping that the OTLP specification gives: ids in hexadecimal, names in lower camel
//! case, enums as numbers, 64-bit integers as texts. What is empty is left out.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    HistogramDataPoint, Metric, NumberDataPoint, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Map, Value, json};

/// The gated body of a request for traces.
pub(crate) fn traces_json(body: &[u8]) -> Option<Value> {
    let request = ExportTraceServiceRequest::decode(body).ok()?;
    let holders = request.resource_spans.iter().map(|holder| {
        let scopes = holder.scope_spans.iter().map(|scope| {
            let spans: Vec<_> = scope.spans.iter().map(span).collect();
            json!({ "scope": scope_json(scope.scope.as_ref()), "spans": spans })
        });
        let scopes: Vec<_> = scopes.collect();
        json!({ "resource": resource(holder.resource.as_ref()), "scopeSpans": scopes })
    });
    Some(json!({ "resourceSpans": holders.collect::<Vec<_>>() }))
}

/// The gated body of a request for metrics.
pub(crate) fn metrics_json(body: &[u8]) -> Option<Value> {
    let request = ExportMetricsServiceRequest::decode(body).ok()?;
    let holders = request.resource_metrics.iter().map(|holder| {
        let scopes = holder.scope_metrics.iter().map(|scope| {
            let metrics: Vec<_> = scope.metrics.iter().map(metric_json).collect();
            json!({ "scope": scope_json(scope.scope.as_ref()), "metrics": metrics })
        });
        let scopes: Vec<_> = scopes.collect();
        json!({ "resource": resource(holder.resource.as_ref()), "scopeMetrics": scopes })
    });
    Some(json!({ "resourceMetrics": holders.collect::<Vec<_>>() }))
}

fn resource(resource: Option<&Resource>) -> Value {
    json!({ "attributes": attributes(resource.map(|resource| resource.attributes.as_slice()).unwrap_or_default()) })
}

fn scope_json(scope: Option<&InstrumentationScope>) -> Value {
    json!({ "name": scope.map(|scope| scope.name.as_str()).unwrap_or_default() })
}

fn attributes(attributes: &[KeyValue]) -> Vec<Value> {
    let value = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => json!({ "stringValue": text }),
        // No other passes the gate.
        _ => json!({}),
    };
    attributes.iter().map(|attribute| json!({ "key": attribute.key, "value": value(attribute) })).collect()
}

fn span(span: &Span) -> Value {
    let mut object = Map::new();
    object.insert("traceId".to_owned(), hex(&span.trace_id));
    object.insert("spanId".to_owned(), hex(&span.span_id));
    if !span.parent_span_id.is_empty() {
        object.insert("parentSpanId".to_owned(), hex(&span.parent_span_id));
    }
    object.insert("flags".to_owned(), json!(span.flags));
    object.insert("name".to_owned(), json!(span.name));
    object.insert("kind".to_owned(), json!(span.kind));
    object.insert("startTimeUnixNano".to_owned(), json!(span.start_time_unix_nano.to_string()));
    object.insert("endTimeUnixNano".to_owned(), json!(span.end_time_unix_nano.to_string()));
    object.insert("attributes".to_owned(), json!(attributes(&span.attributes)));
    let status = match span.status.as_ref().map_or(0, |status| status.code) {
        0 => json!({}),
        code => json!({ "code": code }),
    };
    object.insert("status".to_owned(), status);
    Value::Object(object)
}

fn hex(bytes: &[u8]) -> Value {
    Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn metric_json(metric: &Metric) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(metric.name));
    object.insert("unit".to_owned(), json!(metric.unit));
    match &metric.data {
        Some(metric::Data::Sum(sum)) => {
            let points: Vec<_> = sum.data_points.iter().map(number).collect();
            let temporality = sum.aggregation_temporality;
            let sum = json!({
                "dataPoints": points,
                "aggregationTemporality": temporality,
                "isMonotonic": sum.is_monotonic,
            });
            object.insert("sum".to_owned(), sum);
        }
        Some(metric::Data::Histogram(histogram)) => {
            let points: Vec<_> = histogram.data_points.iter().map(duration).collect();
            let temporality = histogram.aggregation_temporality;
            let histogram = json!({ "dataPoints": points, "aggregationTemporality": temporality });
            object.insert("histogram".to_owned(), histogram);
        }
        // No other passes the gate.
        _ => {}
    }
    Value::Object(object)
}

fn number(point: &NumberDataPoint) -> Value {
    let value = match point.value {
        Some(number_data_point::Value::AsInt(value)) => value,
        // No other passes the gate.
        _ => 0,
    };
    json!({
        "attributes": attributes(&point.attributes),
        "startTimeUnixNano": point.start_time_unix_nano.to_string(),
        "timeUnixNano": point.time_unix_nano.to_string(),
        "asInt": value.to_string(),
    })
}

fn duration(point: &HistogramDataPoint) -> Value {
    json!({
        "attributes": attributes(&point.attributes),
        "startTimeUnixNano": point.start_time_unix_nano.to_string(),
        "timeUnixNano": point.time_unix_nano.to_string(),
        "count": point.count.to_string(),
        "sum": point.sum,
        "bucketCounts": point.bucket_counts.iter().map(u64::to_string).collect::<Vec<_>>(),
        "explicitBounds": point.explicit_bounds,
        "min": point.min,
        "max": point.max,
    })
}
