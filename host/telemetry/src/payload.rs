//! The bytes that are sent: made from a record, and through the gate before anyone else sees them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use tracing::subscriber::{NoSubscriber, with_default};

use crate::destination::InstrumentationKey;
use crate::gate::{Gate, MAX_JSON};
use crate::gzip::unpacked;
use crate::record::{Environment, RunRecord};
use crate::seeds::Seeds;
use crate::{azure, otlp, signals};

/// Makes what is sent of a run. Sends nothing, starts no thread, reads neither environment nor files; takes some
/// milliseconds.
///
/// # Errors
/// [`Refused`] when the gate would not let it pass, which is a mistake in this program.
pub fn payload(
    record: &RunRecord,
    environment: &Environment,
    kind: PayloadKind,
    seeds: &Seeds,
) -> Result<Payload, Refused> {
    let report = record.report(seeds.lot);
    let gate = Gate::of(seeds, &report);
    let make = || {
        let signals = signals::record(environment, &report, seeds)?;
        match kind {
            PayloadKind::Otlp => otlp::parts(signals, &gate),
            PayloadKind::AzureMonitor(key) => azure::parts(signals, &gate, key),
        }
    };
    // What the SDK says of itself belongs into nobody's log, and a mistake in it must not end the run.
    let parts = catch_unwind(AssertUnwindSafe(|| with_default(NoSubscriber::default(), make)));
    parts.unwrap_or(Err(Refused::because("the SDK panicked"))).map(|parts| Payload { parts })
}

/// Which kind of receiver a payload is for.
#[derive(Clone, Copy, Debug)]
pub enum PayloadKind {
    /// An OTLP collector.
    Otlp,
    /// Azure Monitor; the key says whose, and goes along with every item.
    AzureMonitor(InstrumentationKey),
}

/// What a part of a payload holds, and with that, the path it is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans, as an OTLP request.
    Traces,
    /// Metrics, as an OTLP request.
    Metrics,
    /// Items of Azure Monitor.
    AzureTrack,
}

/// One request's body. Nobody outside can make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it holds.
    pub(crate) signal: Signal,
    /// The exact bytes that are sent.
    pub(crate) bytes: Vec<u8>,
    /// The value of the header `Content-Type`.
    pub(crate) content_type: &'static str,
    /// The value of the header `Content-Encoding`, if there is one.
    pub(crate) content_encoding: Option<&'static str>,
}

/// All that is sent of one run. Every part has passed the gate, and there is no other way to get one:
///
/// ```compile_fail,E0451
/// let payload = telemetry::payload::Payload { parts: Vec::new() };
/// ```
///
/// ```
/// # use telemetry::{payload::*, record::*, registry::*, seeds::*};
/// # let environment = Environment {
/// #     version: ServiceVersion::Dev, install: InstallKind::SourceBuild, os: HostOs::Other,
/// #     env: HostEnv::Native, arch: HostArch::Other, ci: Ci::None,
/// # };
/// let seeds = Seeds::draw(std::time::SystemTime::now())?;
/// let payload = payload(&RunRecord::new(Command::Convert), &environment, PayloadKind::Otlp, &seeds)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The requests, which do not depend on each other.
    pub(crate) parts: Vec<Part>,
}

impl Payload {
    /// Exactly what is sent, one JSON object a line: requests for OTLP collectors by OTLP's mapping to JSON, items for
    /// Azure Monitor as they are.
    #[must_use]
    pub fn to_json_lines(&self) -> String {
        self.parts.iter().flat_map(Part::to_json).map(|line| format!("{line}\n")).collect()
    }
}

/// What holds ids and times, in both kinds of payload.
#[cfg(test)]
const IDS_AND_TIMES: [&str; 10] = [
    "traceId",
    "spanId",
    "parentSpanId",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "timeUnixNano",
    "id",
    "ai.operation.id",
    "ai.operation.parentId",
    "time",
];

#[cfg(test)]
impl Payload {
    /// As [`Self::to_json_lines`], without ids and times: what tells two runs apart.
    pub(crate) fn distinct(&self) -> String {
        let lines = self.parts.iter().flat_map(Part::to_json);
        lines.map(|line| format!("{}\n", without_ids_and_times(line))).collect()
    }
}

#[cfg(test)]
fn without_ids_and_times(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(key, _)| !IDS_AND_TIMES.contains(&key.as_str()))
            .map(|(key, value)| (key, without_ids_and_times(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_ids_and_times).collect(),
        plain => plain,
    }
}

impl Part {
    fn to_json(&self) -> Vec<Value> {
        match self.signal {
            Signal::Traces => otlp::traces_json(&self.bytes).into_iter().collect(),
            Signal::Metrics => otlp::metrics_json(&self.bytes).into_iter().collect(),
            Signal::AzureTrack => items(&self.bytes).unwrap_or_default(),
        }
    }
}

fn items(body: &[u8]) -> Option<Vec<Value>> {
    serde_json::from_slice(&unpacked(body, MAX_JSON).ok()?).ok()
}

/// The gate, or the SDK before it, refused: nothing is sent. That is a mistake in this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule that was broken, never what broke it.
    rule: &'static str,
}

impl Refused {
    pub(crate) const fn because(rule: &'static str) -> Self {
        Self { rule }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "telemetry was refused by its own gate: {}", self.rule)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::*;
    use crate::samples;

    fn kinds() -> [PayloadKind; 2] {
        [PayloadKind::Otlp, PayloadKind::AzureMonitor(InstrumentationKey::new([7; 16]))]
    }

    fn made(record: &RunRecord, environment: &Environment) {
        for kind in kinds() {
            payload(record, environment, kind, &samples::seeds()).unwrap();
        }
    }

    /// A record of each shape, once for every value of a field.
    macro_rules! every {
        ($set:ty, $field:ident) => {
            for value in <$set>::ALL {
                made(&RunRecord { $field: *value, ..samples::record() }, &samples::ENVIRONMENT);
                made(&RunRecord { $field: *value, ..samples::foreign() }, &samples::ENVIRONMENT);
            }
        };
    }

    macro_rules! every_environment {
        ($set:ty, $field:ident) => {
            for value in <$set>::ALL {
                made(&samples::record(), &Environment { $field: *value, ..samples::ENVIRONMENT });
            }
        };
    }

    #[test]
    fn every_value_passes_the_gate() {
        every!(Command, command);
        every!(Outcome, outcome);
        every!(ErrorType, error);
        every!(InputFormat, input);
        every!(OutputFormat, output);
        every!(BaseSource, source);
        every!(BaseDistro, distro);
        every!(DurationClass, duration);
        every_environment!(ServiceVersion, version);
        every_environment!(InstallKind, install);
        every_environment!(HostOs, os);
        every_environment!(HostEnv, env);
        every_environment!(HostArch, arch);
        every_environment!(Ci, ci);
        for phase in Phase::ALL {
            for duration in DurationClass::ALL {
                let mut record = samples::record();
                record.phases.set(*phase, *duration);
                made(&record, &samples::ENVIRONMENT);
            }
        }
        let mut record = samples::record();
        for api in Api::ALL {
            record.apis.insert(*api);
            made(&record, &samples::ENVIRONMENT);
            let mut alone = RunRecord::new(Command::Convert);
            alone.apis.insert(*api);
            made(&alone, &samples::ENVIRONMENT);
        }
        made(&RunRecord::new(Command::Other), &samples::ENVIRONMENT);
    }

    #[test]
    fn the_same_record_and_seeds_make_the_same_bytes() {
        for kind in kinds() {
            let again =
                || payload(&samples::record(), &samples::ENVIRONMENT, kind, &samples::seeds()).unwrap();
            let first = again();
            for _ in 0..20 {
                assert_eq!(again(), first);
            }
        }
    }

    #[test]
    fn success_is_told_even_when_an_error_was_noted_before() {
        let record = RunRecord { outcome: Outcome::Success, ..samples::record() };
        assert_eq!(record.report(samples::KEEP).error, ErrorType::None);
        let record = RunRecord { error: ErrorType::None, ..samples::record() };
        assert_eq!(record.report(samples::KEEP).error, ErrorType::Other);
    }

    /// What the SDK, its exporters and programs around them look for in the environment.
    const VARIABLES: &[&str] = &[
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_SERVICE_NAME",
        "OTEL_SDK_DISABLED",
        "OTEL_LOG_LEVEL",
        "OTEL_PROPAGATORS",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
        "OTEL_TRACES_EXPORTER",
        "OTEL_METRICS_EXPORTER",
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_EXPORT_TIMEOUT",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BSP_MAX_CONCURRENT_EXPORTS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "AZURE_MONITOR_CONNECTION_STRING",
        "TRACEPARENT",
        "TRACESTATE",
        "BAGGAGE",
        "RUST_LOG",
        "HOSTNAME",
        "USER",
        "TZ",
        "LANG",
    ];

    const POISON: [&str; 6] = [
        "canary=alice@example.com,host.ip=10.1.2.3",
        "always_off",
        "0",
        "gzip",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "\u{1f600}\t",
    ];

    #[test]
    #[ignore = "the test below runs it, in a process with another environment"]
    fn prints_payloads() {
        for record in [samples::record(), samples::foreign()] {
            for kind in kinds() {
                let payload = payload(&record, &samples::ENVIRONMENT, kind, &samples::seeds()).unwrap();
                println!("{payload:?}\n{}", payload.to_json_lines());
            }
        }
    }

    #[test]
    fn no_variable_changes_a_payload() {
        let expected: Vec<_> = [samples::record(), samples::foreign()]
            .iter()
            .flat_map(|record| {
                kinds().map(|kind| payload(record, &samples::ENVIRONMENT, kind, &samples::seeds()))
            })
            .map(|payload| format!("{:?}", payload.unwrap()))
            .collect();
        for poison in POISON {
            #[expect(clippy::disallowed_methods, reason = "a process with another environment")]
            let child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "payload::tests::prints_payloads", "--ignored", "--nocapture"])
                .envs(VARIABLES.iter().map(|name| (*name, poison)))
                .output()
                .unwrap();
            let printed = String::from_utf8(child.stdout).unwrap();
            let printed: Vec<_> = printed.lines().filter(|line| line.starts_with("Payload")).collect();
            assert_eq!(printed, expected, "{poison}");
        }
    }
}
