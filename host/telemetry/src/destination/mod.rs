//! Where the payload goes: a collector of the user's own, an Azure Monitor resource, or nowhere.
//!
//! The first of these that is set decides, and when its value is unusable nothing is sent: a mistake never leads to
//! the next one.
//!
//! 1. `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin: [`collector`].
//! 2. `APPLICATIONINSIGHTS_CONNECTION_STRING`, then `AZURE_MONITOR_CONNECTION_STRING`: [`connection_string`].
//! 3. The connection string that this build was given.
//!
//! Nothing here reads the environment by itself. Neither a value nor a part of one appears in an error or in `Debug`: they hold keys.

mod collector;
mod connection_string;
mod endpoint;
mod headers;

use std::fmt;

use ureq::http::{HeaderName, HeaderValue};

use crate::consent::Lookup;
use crate::payload::Signal;
use crate::transport::certificates::Trust;
use crate::transport::proxy;
use connection_string::ConnectionString;

pub use connection_string::InstrumentationKey;
pub(crate) use endpoint::Endpoint;

/// What the release was built with.
const BUILT_IN: Option<&str> = option_env!("IMAGECUSTOMIZER_TELEMETRY_CONNECTION_STRING");

/// No value that is meant to work is longer, in bytes.
const LONGEST_VALUE: usize = 16 * 1024;

/// The variables of Azure Monitor, the one that decides first.
const CONNECTION_STRINGS: [(&str, Source); 2] = [
    ("APPLICATIONINSIGHTS_CONNECTION_STRING", Source::ApplicationInsights),
    ("AZURE_MONITOR_CONNECTION_STRING", Source::AzureMonitor),
];

/// What decided on the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, or the endpoint of one signal.
    Collector,
    /// `APPLICATIONINSIGHTS_CONNECTION_STRING`.
    ApplicationInsights,
    /// `AZURE_MONITOR_CONNECTION_STRING`.
    AzureMonitor,
    /// The build.
    BuiltIn,
}

impl Source {
    /// How a person is told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collector => "OTEL_EXPORTER_OTLP_ENDPOINT",
            Self::ApplicationInsights => "APPLICATIONINSIGHTS_CONNECTION_STRING",
            Self::AzureMonitor => "AZURE_MONITOR_CONNECTION_STRING",
            Self::BuiltIn => "this build",
        }
    }
}

/// Where each signal goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination {
    source: Source,
    key: Option<InstrumentationKey>,
    lines: Vec<(Signal, Line)>,
}

impl Destination {
    /// What decided on it.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The key that every item for Azure Monitor has to carry; `None` for a collector.
    pub fn instrumentation_key(&self) -> Option<InstrumentationKey> {
        self.key
    }

    /// The names of the hosts, with their ports, that would be written to.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<_> = self.lines.iter().map(|(_, line)| line.endpoint.address()).collect();
        hosts.dedup();
        hosts
    }

    /// How `signal` travels; `None` when nobody asked for it.
    pub(crate) fn line(&self, signal: Signal) -> Option<&Line> {
        self.lines.iter().find(|(own, _)| *own == signal).map(|(_, line)| line)
    }
}

/// Hosts alone: an address may hold a token.
impl fmt::Debug for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Destination")
            .field("source", &self.source)
            .field("hosts", &self.hosts())
            .finish()
    }
}

/// How one signal travels.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) endpoint: Endpoint,
    pub(crate) protocol: Protocol,
    /// What a user's own collector wants to see, such as a token.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) proxy: Option<ureq::Proxy>,
    pub(crate) trust: Trust,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    #[cfg(feature = "grpc")]
    Grpc,
}

/// Why a value that is set cannot be used. Nothing is sent then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable {
    variable: Option<&'static str>,
    reason: &'static str,
}

impl Unusable {
    pub(crate) fn new(variable: &'static str, reason: &'static str) -> Self {
        Self { variable: Some(variable), reason }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variable {
            Some(variable) => write!(formatter, "`{variable}` {}", self.reason),
            None => write!(formatter, "the connection string of this build {}", self.reason),
        }
    }
}

impl std::error::Error for Unusable {}

/// Where the payload goes; `None` when no destination is known.
///
/// # Errors
/// What decides has a value that cannot be used.
pub fn resolve(variable: Lookup<'_>) -> Result<Option<Destination>, Unusable> {
    resolve_with(variable, BUILT_IN)
}

fn resolve_with(variable: Lookup<'_>, built_in: Option<&str>) -> Result<Option<Destination>, Unusable> {
    let variables = Variables::new(variable);
    let lines = collector::lines(&variables)?;
    if !lines.is_empty() {
        return Ok(Some(Destination { source: Source::Collector, key: None, lines }));
    }
    for (name, source) in CONNECTION_STRINGS {
        if let Some(text) = variables.text(name)? {
            let parsed = ConnectionString::parse(&text).map_err(|reason| Unusable::new(name, reason))?;
            return azure_monitor(parsed, source, &variables).map(Some);
        }
    }
    let Some(text) = built_in.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let parsed = ConnectionString::parse(text).map_err(|reason| Unusable { variable: None, reason })?;
    azure_monitor(parsed, Source::BuiltIn, &variables).map(Some)
}

fn azure_monitor(
    to: ConnectionString,
    source: Source,
    variables: &Variables<'_>,
) -> Result<Destination, Unusable> {
    let line = Line {
        proxy: proxy::for_endpoint(&to.track, variables)?,
        endpoint: to.track,
        protocol: Protocol::Http,
        headers: Vec::new(),
        trust: Trust::of_machine(variables),
    };
    Ok(Destination { source, key: Some(to.key), lines: vec![(Signal::AzureTrack, line)] })
}

/// The environment as these modules want it: a variable without a value is as one that is not set.
pub(crate) struct Variables<'a>(Lookup<'a>);

impl<'a> Variables<'a> {
    pub(crate) fn new(lookup: Lookup<'a>) -> Self {
        Self(lookup)
    }

    /// The text without blanks around it.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>, Unusable> {
        let Some(value) = (self.0)(name) else { return Ok(None) };
        if value.len() > LONGEST_VALUE {
            return Err(Unusable::new(name, "is too long"));
        }
        let text = value.into_string().map_err(|_| Unusable::new(name, "is not UTF-8"))?;
        let text = text.trim();
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// A value that is a path, in any encoding.
    pub(crate) fn path(&self, name: &str) -> Option<std::path::PathBuf> {
        (self.0)(name).filter(|value| !value.is_empty()).map(Into::into)
    }
}

#[cfg(test)]
mod tests;
