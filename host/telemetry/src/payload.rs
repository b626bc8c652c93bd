//! The bytes that are sent: made from a record, and through the gate before anyone else sees them.

use std::fmt;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::read::GzDecoder;
use serde_json::Value;
use tracing::subscriber::{NoSubscriber, with_default};

use crate::destination::InstrumentationKey;
use crate::gate::{Gate, MAX_JSON};
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

/// One request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it holds.
    pub signal: Signal,
    /// The exact bytes that are sent.
    pub bytes: Vec<u8>,
    /// The value of the header `Content-Type`.
    pub content_type: &'static str,
    /// The value of the header `Content-Encoding`, if there is one.
    pub content_encoding: Option<&'static str>,
}

/// All that is sent of one run. Every part has passed the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The requests, which do not depend on each other.
    pub parts: Vec<Part>,
}

impl Payload {
    /// Exactly what is sent, one JSON object a line: requests for OTLP collectors by OTLP's mapping to JSON, items for
    /// Azure Monitor as they are.
    #[must_use]
    pub fn to_json_lines(&self) -> String {
        self.parts.iter().flat_map(Part::to_json).map(|line| format!("{line}\n")).collect()
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
    let mut text = Vec::new();
    GzDecoder::new(body).take(MAX_JSON).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
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
    use crate::samples;

    #[test]
    fn show() {
        for record in [samples::record(), samples::foreign()] {
            for kind in [PayloadKind::Otlp, PayloadKind::AzureMonitor(InstrumentationKey::new([7; 16]))] {
                let payload = payload(&record, &samples::ENVIRONMENT, kind, &samples::seeds()).unwrap();
                println!("{}", payload.to_json_lines());
            }
        }
    }
}
