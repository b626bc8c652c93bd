//! The payload as Azure Monitor takes it.

use opentelemetry_application_insights::Exporter;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::SpanExporter;

use crate::destination::InstrumentationKey;
use crate::gate::Gate;
use crate::kept::Kept;
use crate::payload::{Part, Refused, Signal};
use crate::signals::Signals;

/// The one request for all items, through the gate.
pub(crate) fn parts(signals: Signals, gate: &Gate, key: InstrumentationKey) -> Result<Vec<Part>, Refused> {
    let kept = Kept::default();
    // Nothing is sent from here, so the exporter needs no endpoint but the one it makes up.
    let connection = format!("InstrumentationKey={}", key.to_text());
    let exporter = Exporter::new_from_connection_string(connection, kept.clone());
    let mut exporter = exporter.map_err(|_| Refused::because("the exporter does not take the key"))?;
    exporter.set_resource(&signals.resource);
    let exported = futures_executor::block_on(async {
        SpanExporter::export(&exporter, signals.spans).await?;
        PushMetricExporter::export(&exporter, &signals.metrics).await
    });
    exported.map_err(|_| Refused::because("the exporter gave up"))?;
    let bytes = gate.azure(key, &kept.take())?;
    Ok(vec![Part {
        signal: Signal::AzureTrack,
        bytes,
        content_type: "application/json",
        content_encoding: Some("gzip"),
    }])
}
