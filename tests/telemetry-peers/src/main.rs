//! The OpenTelemetry SDK with its defaults, and a collector that answers by gRPC as it is told.
//!
//! usage: telemetry-peers http|grpc                    sends some spans and metrics to OTEL_EXPORTER_OTLP_ENDPOINT
//!        telemetry-peers serve STATUS [MILLISECONDS]  prints its port and answers all calls with a gRPC status

mod collector;

use std::error::Error;
use std::time::Instant;

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry::{KeyValue, metrics::MeterProvider};
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["http"] => send(
            || Ok(SpanExporter::builder().with_http().build()?),
            || Ok(MetricExporter::builder().with_http().build()?),
        ),
        ["grpc"] => {
            // The SDK's client for gRPC needs a runtime around it.
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            let _inside = runtime.enter();
            let sent = send(
                || Ok(SpanExporter::builder().with_tonic().build()?),
                || Ok(MetricExporter::builder().with_tonic().build()?),
            );
            // As a program that ends now.
            sent.map(|()| std::process::exit(0))
        }
        ["serve", status] => collector::serve(status.parse()?, 0),
        ["serve", status, milliseconds] => collector::serve(status.parse()?, milliseconds.parse()?),
        _ => Err("usage: telemetry-peers http|grpc|serve STATUS [MILLISECONDS]".into()),
    }
}

type Made<T> = Result<T, Box<dyn Error>>;

/// As much as a run of ours sends; then what the documentation asks for at the end of a program.
fn send(spans: impl Fn() -> Made<SpanExporter>, metrics: impl Fn() -> Made<MetricExporter>) -> Made<()> {
    let started = Instant::now();
    let (Ok(spans), Ok(metrics)) = (spans(), metrics()) else {
        // An endpoint with TLS, which the default features do not have.
        println!("0 unsupported");
        return Ok(());
    };
    let tracers = SdkTracerProvider::builder().with_batch_exporter(spans).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    let tracer = tracers.tracer("peers");
    tracer.in_span("run", |_| {
        for _ in 0..6 {
            tracer.in_span("phase", |_| ());
        }
    });
    let meter = meters.meter("peers");
    meter.u64_counter("runs").build().add(1, &[KeyValue::new("command", "customize")]);
    meter.f64_histogram("duration").build().record(8.0, &[KeyValue::new("command", "customize")]);
    let ended = tracers.shutdown().is_ok() & meters.shutdown().is_ok();
    let ended = if ended { "ok" } else { "error" };
    println!("{:.1} {ended}", started.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}
