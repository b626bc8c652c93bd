//! Reads OTLP messages back into reports.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint, metric};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::message::attributes;
use super::{Gate, MAX_BODY};
use crate::payload::Refused;
use crate::record::{Apis, Detail, Environment, Phases, Report};
use crate::registry::{API_CALLS_METRIC, Api, RUN_DURATION_METRIC, RUNS_METRIC};
use crate::values::{Pair, Values};

impl Gate {
    /// Checks the body of a request for traces, and gives the bytes that may be sent.
    ///
    /// # Errors
    /// [`Refused`] when the body holds, or could hold, anything but what the registry lists.
    pub fn traces(&self, body: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut request: ExportTraceServiceRequest = decode(body)?;
        let holder = only(&mut request.resource_spans, "not one resource of spans")?;
        let environment = resource(holder.resource.as_mut())?;
        let scope = only(&mut holder.scope_spans, "not one scope of spans")?;
        let (run, rest) = scope.spans.split_first_mut().ok_or(Refused::because("no span"))?;
        let mut report = read(&run.attributes, |values| values.run(self.shape))?;
        if let Detail::Full { phases, .. } = &mut report.detail {
            *phases = Phases::NONE;
            for span in rest {
                let (phase, duration) = read(&span.attributes, Values::phase)?;
                phases.set(phase, duration);
            }
        }
        order_attributes(&mut scope.spans, &report);
        same(request, self.traces_message(&environment, &report))
    }

    /// Checks the body of a request for metrics, and gives the bytes that may be sent.
    ///
    /// # Errors
    /// [`Refused`] when the body holds, or could hold, anything but what the registry lists.
    pub fn metrics(&self, body: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut request: ExportMetricsServiceRequest = decode(body)?;
        let holder = only(&mut request.resource_metrics, "not one resource of metrics")?;
        let environment = resource(holder.resource.as_mut())?;
        let scope = only(&mut holder.scope_metrics, "not one scope of metrics")?;
        let report = self.measured(&mut scope.metrics)?;
        same(request, self.metrics_message(&environment, &report))
    }

    /// Reads metrics, and replaces their times.
    fn measured(&self, metrics: &mut [Metric]) -> Result<Report, Refused> {
        let [runs, others @ ..] = metrics else { return Err(Refused::because("no metric")) };
        let run = only(sum_points(runs, RUNS_METRIC.name)?, "not one run")?;
        self.set_interval(run);
        let mut report = read(&run.attributes, |values| values.runs(self.shape))?;
        run.attributes = attributes(&report.runs());
        let Detail::Full { duration, apis, .. } = &mut report.detail else { return Ok(report) };
        let [histogram, others @ ..] = others else { return Err(Refused::because("no duration")) };
        let point = duration_point(histogram)?;
        (point.start_time_unix_nano, point.time_unix_nano) = self.interval();
        let (command, output, class) = read(&point.attributes, Values::duration)?;
        *duration = class;
        *apis = Apis::NONE;
        if let [calls, ..] = others {
            *apis = self.calls(sum_points(calls, API_CALLS_METRIC.name)?)?;
        }
        report.output = output;
        let listed = Report { command, ..report };
        point.attributes = listed.duration().map(|(_, pairs)| attributes(&pairs)).unwrap_or_default();
        Ok(report)
    }

    /// Reads which parts of the configuration language were used, and puts them into the registry's order.
    fn calls(&self, points: &mut [NumberDataPoint]) -> Result<Apis, Refused> {
        let mut apis = Apis::NONE;
        let mut keyed = Vec::new();
        for point in points.iter_mut() {
            self.set_interval(point);
            let api = read(&point.attributes, Values::api)?;
            apis.insert(api);
            keyed.push((api, point.clone()));
        }
        keyed.sort_by_key(|(api, _): &(Api, _)| *api);
        for (place, (_, point)) in points.iter_mut().zip(keyed) {
            *place = point;
        }
        Ok(apis)
    }

    fn set_interval(&self, point: &mut NumberDataPoint) {
        (point.start_time_unix_nano, point.time_unix_nano) = self.interval();
    }
}

/// Reads a message whose bytes hold nothing beside it: no unknown field, none twice, none in another order.
fn decode<M: Message + Default>(body: &[u8]) -> Result<M, Refused> {
    if body.len() > MAX_BODY {
        return Err(Refused::because("a body is too long"));
    }
    let message = M::decode(body).map_err(|_| Refused::because("a body is no OTLP message"))?;
    match message.encode_to_vec() == body {
        true => Ok(message),
        false => Err(Refused::because("a body holds more than its message")),
    }
}

/// Gives the bytes of what was made anew when it is what was read.
fn same<M: Message + PartialEq>(read: M, made: M) -> Result<Vec<u8>, Refused> {
    match read == made {
        true => Ok(made.encode_to_vec()),
        false => Err(Refused::because("a body holds something that is not in the registry")),
    }
}

fn only<'a, T>(items: &'a mut Vec<T>, rule: &'static str) -> Result<&'a mut T, Refused> {
    match items.as_mut_slice() {
        [item] => Ok(item),
        _ => Err(Refused::because(rule)),
    }
}

fn resource(resource: Option<&mut Resource>) -> Result<Environment, Refused> {
    let resource = resource.ok_or(Refused::because("no resource"))?;
    let environment = read(&resource.attributes, Values::environment)?;
    resource.attributes = attributes(&environment.pairs());
    Ok(environment)
}

/// Reads all attributes: each is a text, and none is left over.
fn read<'a, T>(
    attributes: &'a [KeyValue],
    take: impl FnOnce(&mut Values<'a>) -> Result<T, Refused>,
) -> Result<T, Refused> {
    let mut pairs = Vec::with_capacity(attributes.len());
    for KeyValue { key, value, key_strindex } in attributes {
        let Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }) = value else {
            return Err(Refused::because("a value is no text"));
        };
        if *key_strindex != 0 {
            return Err(Refused::because("a key stands elsewhere"));
        }
        pairs.push((key.as_str(), text.as_str()));
    }
    let mut values = Values(pairs);
    let taken = take(&mut values)?;
    values.end()?;
    Ok(taken)
}

/// Puts attributes, which were all read, into the registry's order.
fn order_attributes(spans: &mut [opentelemetry_proto::tonic::trace::v1::Span], report: &Report) {
    for (span, outline) in spans.iter_mut().zip(report.spans()) {
        order(&mut span.attributes, &outline.pairs);
    }
}

fn order(attributes: &mut [KeyValue], pairs: &[Pair]) {
    attributes.sort_by_key(|attribute| pairs.iter().position(|(key, _)| *key == attribute.key));
}

fn sum_points<'a>(metric: &'a mut Metric, name: &str) -> Result<&'a mut Vec<NumberDataPoint>, Refused> {
    match &mut metric.data {
        Some(metric::Data::Sum(sum)) if metric.name == name => Ok(&mut sum.data_points),
        _ => Err(Refused::because("a metric is missing")),
    }
}

fn duration_point(metric: &mut Metric) -> Result<&mut HistogramDataPoint, Refused> {
    match &mut metric.data {
        Some(metric::Data::Histogram(histogram)) if metric.name == RUN_DURATION_METRIC.name => {
            only(&mut histogram.data_points, "not one duration")
        }
        _ => Err(Refused::because("a metric is missing")),
    }
}
