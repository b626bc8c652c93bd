//! The bytes that are sent: made from a record, and through the gate before anyone else sees them.

use std::fmt;

use crate::destination::InstrumentationKey;

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
