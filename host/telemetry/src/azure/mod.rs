//! The payload as Azure Monitor takes it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_application_insights::Exporter;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::SpanExporter;

use crate::destination::InstrumentationKey;
use crate::gate::Gate;
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

/// Keeps bodies instead of sending them. To the exporter all goes well: it would try again for half a minute otherwise.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

impl Kept {
    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait::async_trait]
impl HttpClient for Kept {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request.into_body().to_vec());
        Ok(Response::new(Bytes::new()))
    }
}
