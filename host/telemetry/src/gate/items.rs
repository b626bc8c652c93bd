//! Items of Azure Monitor made from a report, out of nothing but constants, the hour, the ids and the receiver's key.

use serde_json::{Map, Value, json};

use super::Gate;
use crate::closed_set::Signal;
use crate::destination::InstrumentationKey;
use crate::record::{Environment, Report};
use crate::registry::{API_CALLS_METRIC, RUN_DURATION_METRIC, RUNS_METRIC, ServiceName};
use crate::values::{Outline, Pair};

/// The tag that keeps the receiver from storing the sender's address, and from guessing a place from it.
pub(super) const LOCATION: (&str, &str) = ("ai.location.ip", "0.0.0.0");

impl Gate {
    pub(super) fn items(
        &self,
        environment: &Environment,
        report: &Report,
        key: InstrumentationKey,
    ) -> Vec<Value> {
        let spans = report.spans();
        let spans = spans.iter().zip(self.ids.spans).enumerate();
        let mut items: Vec<_> = spans
            .map(|(place, (outline, id))| self.dependency(environment, outline, &hex(&id), place == 0))
            .collect();
        items.push(self.metric(environment, &RUNS_METRIC, None, &report.runs()));
        if let Some((class, pairs)) = report.duration() {
            let length = class.length_seconds();
            items.push(self.metric(environment, &RUN_DURATION_METRIC, Some(length), &pairs));
        }
        for pairs in report.apis() {
            items.push(self.metric(environment, &API_CALLS_METRIC, None, &pairs));
        }
        for item in &mut items {
            set(item, "iKey", json!(key.to_text()));
        }
        items
    }

    /// A span: the service knows those that nobody waits for as dependencies.
    fn dependency(&self, environment: &Environment, outline: &Outline, id: &str, root: bool) -> Value {
        let mut tags = tags(environment);
        tags.insert("ai.operation.id".to_owned(), json!(hex(&self.ids.trace)));
        if !root {
            tags.insert("ai.operation.parentId".to_owned(), json!(hex(&self.ids.run())));
        }
        let code = match outline.success {
            None => "0",
            Some(true) => "1",
            Some(false) => "2",
        };
        let mut data = json!({
            "ver": 2,
            "name": outline.name,
            "id": id,
            "resultCode": code,
            "duration": duration(outline.end - outline.start),
        });
        if let Some(success) = outline.success {
            set(&mut data, "success", json!(success));
        }
        set(&mut data, "type", json!("InProc"));
        set(&mut data, "properties", properties(environment, &outline.pairs));
        json!({
            "name": "Microsoft.ApplicationInsights.RemoteDependency",
            "time": self.hour.utc(outline.start),
            "sampleRate": 100.0,
            "iKey": "",
            "tags": tags,
            "data": { "baseType": "RemoteDependencyData", "baseData": data },
        })
    }

    /// A metric with one point: a count of one, or a duration of that length in seconds.
    fn metric(
        &self,
        environment: &Environment,
        signal: &Signal,
        length: Option<f64>,
        pairs: &[Pair],
    ) -> Value {
        let mut point = json!({ "name": signal.name, "kind": "Aggregation" });
        if let Some(length) = length {
            set(&mut point, "count", json!(1));
            set(&mut point, "min", json!(length));
            set(&mut point, "max", json!(length));
        }
        set(&mut point, "value", json!(length.unwrap_or(1.0)));
        json!({
            "name": "Microsoft.ApplicationInsights.Metric",
            "time": self.hour.utc(0),
            "iKey": "",
            "tags": tags(environment),
            "data": {
                "baseType": "MetricData",
                "baseData": { "ver": 2, "metrics": [point], "properties": properties(environment, pairs) },
            },
        })
    }
}

pub(super) fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn tags(environment: &Environment) -> Map<String, Value> {
    let mut tags = Map::new();
    tags.insert("ai.application.ver".to_owned(), json!(environment.version.as_str()));
    tags.insert("ai.cloud.role".to_owned(), json!(ServiceName::Imagecustomizer.as_str()));
    tags
}

fn properties(environment: &Environment, pairs: &[Pair]) -> Value {
    let pairs = environment.pairs().into_iter().chain(pairs.iter().copied());
    Value::Object(pairs.map(|(key, value)| (key.to_owned(), json!(value))).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `days.hh:mm:ss.ffffff`
fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let micros = milliseconds % 1000 * 1000;
    format!("{}.{:02}:{:02}:{:02}.{micros:06}", hours / 24, hours % 24, minutes % 60, seconds % 60)
}
