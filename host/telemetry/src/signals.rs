//! A report as spans and metrics, by the OpenTelemetry SDK.
//!
//! The SDK takes much from its surroundings unless it is told otherwise: a resource, a sampler and limits from the
//! environment, ids from a generator of its own, the current context as parent. All of that is given here. What it does
//! not let us give, the times of metrics, the gate replaces. Nothing is sent, and no thread is started.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanId, SpanKind, Status, TraceContextExt, TraceId, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{
    IdGenerator, Sampler, SdkTracerProvider, SpanData, SpanLimits, SpanProcessor,
};

use crate::payload::Refused;
use crate::record::{Environment, Report};
use crate::registry::{API_CALLS_METRIC, DurationClass, RUN_DURATION_METRIC, RUNS_METRIC};
use crate::seeds::{Ids, Seeds};
use crate::values::{Outline, Pair, SCOPE};

/// What the SDK made of a report.
pub(crate) struct Signals {
    pub(crate) resource: Resource,
    /// The span of the run, then those of its parts.
    pub(crate) spans: Vec<SpanData>,
    pub(crate) metrics: ResourceMetrics,
}

pub(crate) fn record(environment: &Environment, report: &Report, seeds: &Seeds) -> Result<Signals, Refused> {
    let resource = Resource::builder_empty().with_attributes(attributes(&environment.pairs())).build();
    let spans = spans(resource.clone(), report, seeds);
    let metrics = metrics(resource.clone(), report)?;
    Ok(Signals { resource, spans, metrics })
}

fn attributes(pairs: &[Pair]) -> Vec<KeyValue> {
    pairs.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect()
}

fn spans(resource: Resource, report: &Report, seeds: &Seeds) -> Vec<SpanData> {
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::AlwaysOn)
        .with_span_limits(SpanLimits::default())
        .with_id_generator(GivenIds { ids: seeds.ids, used: AtomicUsize::new(0) })
        .with_span_processor(ended.clone())
        .build();
    let tracer = provider.tracer(SCOPE);
    // Not the current context: a span in there would become the parent.
    let mut context = Context::new();
    for outline in report.spans() {
        let at = |milliseconds| seeds.hour.start() + Duration::from_millis(milliseconds);
        let Outline { name, ref pairs, start, end, success } = outline;
        let builder = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Internal)
            .with_start_time(at(start))
            .with_attributes(attributes(pairs));
        let mut span = tracer.build_with_context(builder, &context);
        match success {
            Some(true) => span.set_status(Status::Ok),
            Some(false) => span.set_status(Status::error("")),
            None => {}
        }
        span.end_with_timestamp(at(end));
        // The first one is the parent of all others. It has ended, which is of no matter to the SDK.
        if !context.has_active_span() {
            context = context.with_span(span);
        }
    }
    ended.take()
}

/// Gives the ids that were drawn for this payload.
#[derive(Debug)]
struct GivenIds {
    ids: Ids,
    used: AtomicUsize,
}

impl IdGenerator for GivenIds {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from_bytes(self.ids.trace)
    }

    fn new_span_id(&self) -> SpanId {
        let next = self.used.fetch_add(1, Ordering::Relaxed);
        self.ids.spans.get(next).map_or(SpanId::INVALID, |id| SpanId::from_bytes(*id))
    }
}

/// Keeps spans in the order in which they end.
#[derive(Clone, Debug, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl Ended {
    fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn metrics(resource: Resource, report: &Report) -> Result<ResourceMetrics, Refused> {
    let reader = Reader(Arc::new(ManualReader::builder().with_temporality(Temporality::Delta).build()));
    let provider = SdkMeterProvider::builder().with_resource(resource).with_reader(reader.clone()).build();
    let meter = provider.meter(SCOPE);
    let runs = meter.u64_counter(RUNS_METRIC.name).with_unit(RUNS_METRIC.unit).build();
    runs.add(1, &attributes(&report.runs()));
    if let Some((class, pairs)) = report.duration() {
        let histogram = meter
            .f64_histogram(RUN_DURATION_METRIC.name)
            .with_unit(RUN_DURATION_METRIC.unit)
            .with_boundaries(DurationClass::BOUNDS.to_vec())
            .build();
        // Never the duration itself: sum, least and greatest are sent beside the buckets.
        histogram.record(class.length_seconds(), &attributes(&pairs));
    }
    let calls = meter.u64_counter(API_CALLS_METRIC.name).with_unit(API_CALLS_METRIC.unit).build();
    for pairs in report.apis() {
        calls.add(1, &attributes(&pairs));
    }
    let mut collected = ResourceMetrics::default();
    reader.collect(&mut collected).map_err(|_| Refused::because("metrics cannot be collected"))?;
    Ok(collected)
}

/// A reader that the provider and we can hold; it reads when it is told to.
#[derive(Clone, Debug)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
