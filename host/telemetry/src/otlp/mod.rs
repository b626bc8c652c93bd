//! The payload as OTLP collectors take it.

mod json;

use std::time::Duration;

use opentelemetry_otlp::{
    Compression, MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk::trace::SpanExporter as _;

use crate::gate::{Gate, MAX_BODY};
use crate::gzip::unpacked;
use crate::kept::Kept;
use crate::payload::{Part, Refused, Signal};
use crate::signals::Signals;

pub(crate) use json::{metrics_json, traces_json};

const CONTENT_TYPE: &str = "application/x-protobuf";
/// Nobody is asked for it; the exporters want an address all the same.
const NOWHERE: &str = "http://nowhere.invalid";
/// More than keeping a body takes.
const AT_ONCE: Duration = Duration::from_secs(1);
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
        part(Signal::Traces, gate.traces(&unpacked(traces, MAX_BODY)?)?),
        part(Signal::Metrics, gate.metrics(&unpacked(metrics, MAX_BODY)?)?),
    ])
}

/// Gives an exporter what it would look up in the environment otherwise, as far as it lets us: the headers that a variable
/// adds stay, and [`Kept`] drops them.
///
/// Compression too: there is no way to ask for none, and a variable may ask for a kind that is not built in.
fn told_everything<B: WithExportConfig + WithHttpConfig>(builder: B, kept: &Kept) -> B {
    builder
        .with_endpoint(NOWHERE)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(AT_ONCE)
        .with_compression(Compression::Gzip)
        .with_retry_policy(RetryPolicy::disabled())
        .with_http_client(kept.clone())
}
