//! The payload as OTLP collectors take it.

mod json;

use std::io::Read;

use flate2::read::GzDecoder;
use opentelemetry_otlp::{
    Compression, MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::trace::SpanExporter as _;

use crate::gate::{Gate, MAX_BODY};
use crate::kept::Kept;
use crate::payload::{Part, Refused, Signal};
use crate::signals::Signals;

pub(crate) use json::{metrics_json, traces_json};

const CONTENT_TYPE: &str = "application/x-protobuf";
/// Nobody is asked for it; the exporters want an address all the same.
const NOWHERE: &str = "http://nowhere.invalid";
const GAVE_UP: Refused = Refused::because("the exporter gave up");

/// The requests for traces and for metrics, through the gate.
pub(crate) fn parts(signals: Signals, gate: &Gate) -> Result<Vec<Part>, Refused> {
    let kept = Kept::default();
    let spans = SpanExporter::builder().with_http();
    let mut spans = told_everything(spans, &kept).build().map_err(|_| GAVE_UP)?;
    spans.set_resource(&signals.resource);
    let metrics = MetricExporter::builder().with_temporality(Temporality::Delta).with_http();
    let metrics = told_everything(metrics, &kept).build().map_err(|_| GAVE_UP)?;
    let exported = futures_executor::block_on(async {
        spans.export(signals.spans).await?;
        metrics.export(&signals.metrics).await
    });
    exported.map_err(|_| GAVE_UP)?;
    let bodies = kept.take();
    let [traces, metrics] = bodies.as_slice() else { return Err(GAVE_UP) };
    let part = |signal, bytes| Part { signal, bytes, content_type: CONTENT_TYPE, content_encoding: None };
    Ok(vec![
        part(Signal::Traces, gate.traces(&unpacked(traces)?)?),
        part(Signal::Metrics, gate.metrics(&unpacked(metrics)?)?),
    ])
}

/// Gives an exporter all that it would look up in the environment otherwise.
///
/// Compression too: there is no way to ask for none, and a variable may ask for a kind that is not built in.
fn told_everything<B: WithExportConfig + WithHttpConfig>(builder: B, kept: &Kept) -> B {
    builder
        .with_endpoint(NOWHERE)
        .with_protocol(Protocol::HttpBinary)
        .with_compression(Compression::Gzip)
        .with_retry_policy(RetryPolicy::disabled())
        .with_http_client(kept.clone())
}

/// The body below its compression.
fn unpacked(body: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(body).take(limit).read_to_end(&mut bytes).map_err(|_| GAVE_UP)?;
    Ok(bytes)
}
