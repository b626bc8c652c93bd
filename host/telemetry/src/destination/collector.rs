//! A collector of the user's own, by the variables of OpenTelemetry's specification of the OTLP exporter.
//!
//! A signal has the endpoint that is named for it, or its usual path below the common one. A signal that has neither
//! is not sent: the specification's default of `localhost` is a stranger's port on most machines.

use std::path::PathBuf;

use ureq::http::{HeaderName, HeaderValue};

use super::{Endpoint, Line, Protocol, Unusable, Variables, headers};
use crate::payload::Signal;
use crate::transport::certificates::Trust;
use crate::transport::proxy;

/// The same settings for all signals, or for one.
struct Names {
    endpoint: &'static str,
    protocol: &'static str,
    headers: &'static str,
    certificate: &'static str,
    client: [&'static str; 2],
}

const ALL: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_HEADERS",
    certificate: "OTEL_EXPORTER_OTLP_CERTIFICATE",
    client: ["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
};

const TRACES: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    certificate: "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    client: ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"],
};

const METRICS: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    protocol: "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    certificate: "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
    client: ["OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY"],
};

/// Each signal, its own settings, and its path below the common endpoint.
const SIGNALS: [(Signal, Names, &str); 2] =
    [(Signal::Traces, TRACES, "v1/traces"), (Signal::Metrics, METRICS, "v1/metrics")];

/// How each signal travels to the user's collector; none when there is no such collector.
pub(super) fn lines(variables: &Variables<'_>) -> Result<Vec<(Signal, Line)>, Unusable> {
    let common = base(variables)?;
    let mut lines = Vec::new();
    for (signal, names, path) in SIGNALS {
        if let Some(line) = line(variables, &names, path, common.as_ref())? {
            lines.push((signal, line));
        }
    }
    Ok(lines)
}

fn base(variables: &Variables<'_>) -> Result<Option<Endpoint>, Unusable> {
    let text = variables.text(ALL.endpoint)?;
    let unusable = |reason| Unusable::new(ALL.endpoint, reason);
    text.map(|text| Endpoint::parse_base(&text).map_err(unusable)).transpose()
}

fn line(
    variables: &Variables<'_>,
    names: &Names,
    path: &str,
    common: Option<&Endpoint>,
) -> Result<Option<Line>, Unusable> {
    let own = variables.text(names.endpoint)?;
    if own.is_none() && common.is_none() {
        return Ok(None);
    }
    let protocol = protocol(variables, names)?;
    let endpoint = match (own, common) {
        (Some(text), _) => Endpoint::parse(&text).map_err(|reason| Unusable::new(names.endpoint, reason))?,
        (None, Some(common)) => below(common, protocol, path)?,
        (None, None) => return Ok(None),
    };
    no_client_certificate(variables, names)?;
    Ok(Some(Line {
        proxy: proxy_for(&endpoint, protocol, variables)?,
        endpoint,
        protocol,
        headers: own_headers(variables, names)?,
        trust: match certificate(variables, names) {
            Some(file) => Trust::Only(file),
            None => Trust::of_machine(variables),
        },
    }))
}

/// A gRPC method has a path of its own.
fn below(common: &Endpoint, protocol: Protocol, path: &str) -> Result<Endpoint, Unusable> {
    match protocol {
        Protocol::Http => common.join(path).map_err(|reason| Unusable::new(ALL.endpoint, reason)),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => Ok(common.clone()),
    }
}

/// The value for one signal, else that for all, with the name of the variable that has it.
fn own_or_common(
    variables: &Variables<'_>,
    own: &'static str,
    common: &'static str,
) -> Result<Option<(&'static str, String)>, Unusable> {
    for name in [own, common] {
        if let Some(text) = variables.text(name)? {
            return Ok(Some((name, text)));
        }
    }
    Ok(None)
}

fn protocol(variables: &Variables<'_>, names: &Names) -> Result<Protocol, Unusable> {
    let Some((name, text)) = own_or_common(variables, names.protocol, ALL.protocol)? else {
        return Ok(Protocol::Http);
    };
    let refuse = |reason| Err(Unusable::new(name, reason));
    match text.as_str() {
        "http/protobuf" => Ok(Protocol::Http),
        #[cfg(feature = "grpc")]
        "grpc" => Ok(Protocol::Grpc),
        #[cfg(not(feature = "grpc"))]
        "grpc" => refuse("asks for gRPC, which this build cannot speak; `http/protobuf` works"),
        "http/json" => refuse("asks for JSON, which is not sent; `http/protobuf` works"),
        _ => refuse("names no protocol of OTLP; `http/protobuf` works"),
    }
}

fn own_headers(variables: &Variables<'_>, names: &Names) -> Result<Vec<(HeaderName, HeaderValue)>, Unusable> {
    let Some((name, text)) = own_or_common(variables, names.headers, ALL.headers)? else {
        return Ok(Vec::new());
    };
    headers::parse(&text)
        .ok_or(Unusable::new(name, "is not a list of headers, as in `name=value,name=value`"))
}

/// Read when it is needed, so that a run that sends nothing opens nothing.
fn certificate(variables: &Variables<'_>, names: &Names) -> Option<PathBuf> {
    [names.certificate, ALL.certificate].into_iter().find_map(|name| variables.path(name))
}

/// Without its certificate the collector would refuse us, and nobody would know why.
fn no_client_certificate(variables: &Variables<'_>, names: &Names) -> Result<(), Unusable> {
    let set = |name: &&str| variables.path(name).is_some();
    match names.client.into_iter().chain(ALL.client).find(set) {
        Some(name) => Err(Unusable::new(name, "asks for a client's certificate, which is not supported")),
        None => Ok(()),
    }
}

fn proxy_for(
    endpoint: &Endpoint,
    protocol: Protocol,
    variables: &Variables<'_>,
) -> Result<Option<ureq::Proxy>, Unusable> {
    match protocol {
        Protocol::Http => proxy::for_endpoint(endpoint, variables),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => proxy::for_grpc(endpoint, variables),
    }
}
