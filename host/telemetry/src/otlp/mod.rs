//! The payload as OTLP collectors take it.

mod json;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use prost::Message;

use crate::gate::Gate;
use crate::payload::{Part, Refused, Signal};
use crate::signals::Signals;

pub(crate) use json::{metrics_json, traces_json};

const CONTENT_TYPE: &str = "application/x-protobuf";

/// The requests for traces and for metrics, through the gate.
///
/// The messages are those of the OpenTelemetry project's own conversion. Its OTLP exporter would do the same and read
/// more of the environment: a variable that asks for compression makes it fail, another adds headers.
pub(crate) fn parts(signals: Signals, gate: &Gate) -> Result<Vec<Part>, Refused> {
    let resource = ResourceAttributesWithSchema::from(&signals.resource);
    let traces = ExportTraceServiceRequest {
        resource_spans: group_spans_by_resource_and_scope(signals.spans, &resource),
    };
    let metrics = ExportMetricsServiceRequest::from(&signals.metrics);
    let part = |signal, bytes| Part { signal, bytes, content_type: CONTENT_TYPE, content_encoding: None };
    Ok(vec![
        part(Signal::Traces, gate.traces(&traces.encode_to_vec())?),
        part(Signal::Metrics, gate.metrics(&metrics.encode_to_vec())?),
    ])
}
