//! OTLP messages made from a report, out of nothing but constants, the hour and the ids.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, SpanFlags, Status, span};

use super::Gate;
use crate::closed_set::Signal;
use crate::record::{Environment, Report};
use crate::registry::{API_CALLS_METRIC, DurationClass, RUN_DURATION_METRIC, RUNS_METRIC};
use crate::seeds::HOUR;
use crate::values::{Outline, Pair, SCOPE};

/// Every span is sampled.
const SAMPLED: u32 = 1;

pub(super) fn attributes(pairs: &[Pair]) -> Vec<KeyValue> {
    let value = |text: &str| AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) };
    pairs
        .iter()
        .map(|(key, text)| KeyValue { key: (*key).to_owned(), value: Some(value(text)), key_strindex: 0 })
        .collect()
}

fn resource(environment: &Environment) -> Option<Resource> {
    Some(Resource { attributes: attributes(&environment.pairs()), ..Resource::default() })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope { name: SCOPE.to_owned(), ..InstrumentationScope::default() })
}

impl Gate {
    pub(super) fn traces_message(
        &self,
        environment: &Environment,
        report: &Report,
    ) -> ExportTraceServiceRequest {
        let spans = report.spans().into_iter().zip(self.ids.spans).enumerate();
        let spans = spans.map(|(place, (outline, id))| self.span(&outline, id, place == 0)).collect();
        let scope_spans = vec![ScopeSpans { scope: scope(), spans, ..ScopeSpans::default() }];
        let resource = resource(environment);
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
        }
    }

    fn span(&self, outline: &Outline, id: [u8; 8], root: bool) -> Span {
        let code = match outline.success {
            Some(true) => StatusCode::Ok,
            Some(false) => StatusCode::Error,
            None => StatusCode::Unset,
        };
        Span {
            trace_id: self.ids.trace.to_vec(),
            span_id: id.to_vec(),
            parent_span_id: if root { Vec::new() } else { self.ids.run().to_vec() },
            flags: SpanFlags::ContextHasIsRemoteMask as u32 | SAMPLED,
            name: outline.name.to_owned(),
            kind: span::SpanKind::Internal.into(),
            start_time_unix_nano: self.hour.nanoseconds(outline.start),
            end_time_unix_nano: self.hour.nanoseconds(outline.end),
            attributes: attributes(&outline.pairs),
            status: Some(Status { code: code.into(), ..Status::default() }),
            ..Span::default()
        }
    }

    pub(super) fn metrics_message(
        &self,
        environment: &Environment,
        report: &Report,
    ) -> ExportMetricsServiceRequest {
        let mut metrics = vec![self.counter(&RUNS_METRIC, &[report.runs()])];
        metrics.extend(report.duration().map(|(class, pairs)| self.histogram(class, &pairs)));
        let apis = report.apis();
        if !apis.is_empty() {
            metrics.push(self.counter(&API_CALLS_METRIC, &apis));
        }
        let scope_metrics = vec![ScopeMetrics { scope: scope(), metrics, ..ScopeMetrics::default() }];
        let resource = resource(environment);
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }],
        }
    }

    /// When metrics start and end: the hour in which the run started, whole.
    pub(super) fn interval(&self) -> (u64, u64) {
        let hour = u64::try_from(HOUR.as_millis()).unwrap_or(u64::MAX);
        (self.hour.nanoseconds(0), self.hour.nanoseconds(hour))
    }

    fn counter(&self, signal: &Signal, points: &[Vec<Pair>]) -> Metric {
        let (start_time_unix_nano, time_unix_nano) = self.interval();
        let point = |pairs: &Vec<Pair>| NumberDataPoint {
            attributes: attributes(pairs),
            start_time_unix_nano,
            time_unix_nano,
            value: Some(number_data_point::Value::AsInt(1)),
            ..NumberDataPoint::default()
        };
        let sum = Sum {
            data_points: points.iter().map(point).collect(),
            aggregation_temporality: AggregationTemporality::Delta.into(),
            is_monotonic: true,
        };
        metric(signal, metric::Data::Sum(sum))
    }

    fn histogram(&self, class: DurationClass, pairs: &[Pair]) -> Metric {
        let (start_time_unix_nano, time_unix_nano) = self.interval();
        let length = Some(class.length_seconds());
        let point = HistogramDataPoint {
            attributes: attributes(pairs),
            start_time_unix_nano,
            time_unix_nano,
            count: 1,
            sum: length,
            min: length,
            max: length,
            bucket_counts: DurationClass::ALL.iter().map(|bucket| u64::from(*bucket == class)).collect(),
            explicit_bounds: DurationClass::BOUNDS.to_vec(),
            ..HistogramDataPoint::default()
        };
        let aggregation_temporality = AggregationTemporality::Delta.into();
        metric(
            &RUN_DURATION_METRIC,
            metric::Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality }),
        )
    }
}

fn metric(signal: &Signal, data: metric::Data) -> Metric {
    Metric {
        name: signal.name.to_owned(),
        unit: signal.unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}
