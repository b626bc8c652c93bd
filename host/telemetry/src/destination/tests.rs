use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::*;

const KEY: &str = "InstrumentationKey=01234567-89ab-cdef-0123-456789abcdef";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// A marker that no message may show.
const SECRET: &str = "s3cr3t";

type Set<'a> = &'a [(&'a str, &'a str)];

fn resolved(set: Set<'_>, built_in: Option<&str>) -> Result<Option<Destination>, Unusable> {
    let lookup =
        |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value));
    resolve_with(&lookup, built_in)
}

fn destination(set: Set<'_>) -> Destination {
    resolved(set, None).unwrap().unwrap()
}

fn address(destination: &Destination, signal: Signal) -> Option<String> {
    destination.line(signal).map(|line| line.endpoint.uri().to_string())
}

#[test]
fn the_first_source_that_is_set_decides() {
    let set = [
        (ENDPOINT, "http://collector.example:4318"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", &format!("{KEY};IngestionEndpoint=https://first.example")),
        ("AZURE_MONITOR_CONNECTION_STRING", &format!("{KEY};IngestionEndpoint=https://second.example")),
    ];
    let built_in = format!("{KEY};IngestionEndpoint=https://third.example");
    let cases = [
        (&set[..], Source::Collector, "collector.example:4318"),
        (&set[1..], Source::ApplicationInsights, "first.example:443"),
        (&set[2..], Source::AzureMonitor, "second.example:443"),
        (&[], Source::BuiltIn, "third.example:443"),
    ];
    for (set, source, host) in cases {
        let found = resolved(set, Some(&built_in)).unwrap().unwrap();
        assert_eq!((found.source(), found.hosts()), (source, vec![host.to_owned()]));
        assert_eq!(found.instrumentation_key().is_some(), source != Source::Collector);
    }
    for nothing in [None, Some(""), Some(" ")] {
        assert_eq!(resolved(&[(ENDPOINT, " "), ("AZURE_MONITOR_CONNECTION_STRING", "")], nothing), Ok(None));
    }
}

#[test]
fn a_mistake_does_not_lead_to_the_next_source() {
    let good = format!("{KEY};IngestionEndpoint=https://first.example");
    let wrong = "nonsense";
    let cases: [(Set<'_>, &str); 5] = [
        (&[(ENDPOINT, wrong), ("APPLICATIONINSIGHTS_CONNECTION_STRING", &good)], ENDPOINT),
        (
            &[("APPLICATIONINSIGHTS_CONNECTION_STRING", wrong), ("AZURE_MONITOR_CONNECTION_STRING", &good)],
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
        ),
        (&[("AZURE_MONITOR_CONNECTION_STRING", wrong)], "AZURE_MONITOR_CONNECTION_STRING"),
        (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", wrong)], "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        (&[(ENDPOINT, "https://a.example"), ("https_proxy", "gopher://x")], "https_proxy"),
    ];
    for (set, variable) in cases {
        let unusable = resolved(set, Some(&good)).unwrap_err().to_string();
        assert!(unusable.starts_with(&format!("`{variable}` ")), "{unusable}");
    }
    let unusable = resolved(&[], Some("nonsense")).unwrap_err().to_string();
    assert_eq!(unusable, "the connection string of this build is not a list of `name=value`");
}

#[test]
fn what_the_build_was_given_can_be_used() {
    assert_eq!(resolve(&|_| None).map(|found| found.is_some()), Ok(BUILT_IN.is_some()));
}

#[test]
fn signals_have_the_common_endpoint_or_their_own() {
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t.example/path?key=1");
    let metrics = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://m.example");
    let common = (ENDPOINT, "http://c.example:4318/base/");
    let cases: [(Set<'_>, Option<&str>, Option<&str>); 4] = [
        (
            &[common],
            Some("http://c.example:4318/base/v1/traces"),
            Some("http://c.example:4318/base/v1/metrics"),
        ),
        (&[common, traces], Some(traces.1), Some("http://c.example:4318/base/v1/metrics")),
        (&[traces], Some(traces.1), None),
        (&[metrics], None, Some("https://m.example/")),
    ];
    for (set, traces, metrics) in cases {
        let found = destination(set);
        assert_eq!(address(&found, Signal::Traces).as_deref(), traces, "{set:?}");
        assert_eq!(address(&found, Signal::Metrics).as_deref(), metrics, "{set:?}");
        assert_eq!(address(&found, Signal::AzureTrack), None);
    }
}

#[test]
fn headers_and_certificates_are_for_the_users_collector_alone() {
    let set = [
        (ENDPOINT, "https://c.example"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=all"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-token=metrics"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/collector.pem"),
        ("SSL_CERT_FILE", "/etc/all.pem"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", KEY),
    ];
    let found = destination(&set);
    for (signal, value) in [(Signal::Traces, "all"), (Signal::Metrics, "metrics")] {
        let line = found.line(signal).unwrap();
        let headers: Vec<_> = line.headers.iter().map(|(_, value)| value.to_str().unwrap()).collect();
        assert_eq!(headers, [value]);
        assert_eq!(line.trust, Trust::Only("/etc/collector.pem".into()));
    }
    let found = destination(&set[1..]);
    let line = found.line(Signal::AzureTrack).unwrap();
    assert_eq!((line.headers.len(), &line.trust), (0, &Trust::Only("/etc/all.pem".into())));
}

#[test]
fn only_what_is_spoken_is_a_protocol() {
    let grpc = if cfg!(feature = "grpc") { Ok(()) } else { Err("asks for gRPC") };
    let cases = [
        ("http/protobuf", Ok(())),
        ("grpc", grpc),
        ("http/json", Err("asks for JSON")),
        ("HTTP/PROTOBUF", Err("names no protocol")),
        ("carrier pigeon", Err("names no protocol")),
    ];
    for (protocol, expected) in cases {
        for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"] {
            let found = resolved(&[(ENDPOINT, "http://c.example"), (name, protocol)], None);
            match (found, expected) {
                (Ok(_), Ok(())) => (),
                (Err(unusable), Err(reason)) => {
                    assert!(unusable.to_string().starts_with(&format!("`{name}` {reason}")), "{unusable}");
                }
                (found, _) => panic!("{protocol}: {found:?}"),
            }
        }
    }
    // Without a collector nobody asks for its protocol.
    assert_eq!(resolved(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")], None), Ok(None));
}

#[cfg(feature = "grpc")]
#[test]
fn a_grpc_endpoint_gets_no_path() {
    let found = destination(&[(ENDPOINT, "http://c.example:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    assert_eq!(address(&found, Signal::Traces).unwrap(), "http://c.example:4317/");
}

#[test]
fn unusable_settings_of_a_collector_are_refused() {
    let cases = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "token"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "host=elsewhere.example"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"),
        ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", "/client.pem"),
    ];
    for (name, value) in cases {
        let unusable = resolved(&[(ENDPOINT, "http://c.example"), (name, value)], None).unwrap_err();
        assert!(unusable.to_string().starts_with(&format!("`{name}` ")), "{unusable}");
    }
}

#[test]
fn values_are_never_shown() {
    let values = [
        format!("http://user:{SECRET}@c.example"),
        format!("{SECRET}://c.example"),
        format!("http://c.example/{SECRET} x"),
        format!("InstrumentationKey={SECRET}"),
        format!("{KEY};IngestionEndpoint=http://{SECRET}.example"),
        format!("{KEY};IngestionEndpoint=https://{SECRET}.example;IngestionEndpoint=x"),
    ];
    for value in &values {
        for name in [ENDPOINT, "APPLICATIONINSIGHTS_CONNECTION_STRING"] {
            let unusable = resolved(&[(name, value)], None).unwrap_err();
            assert!(!format!("{unusable} {unusable:?}").contains(SECRET), "{unusable}");
        }
    }
    let found = destination(&[
        (ENDPOINT, &format!("http://c.example/{SECRET}")),
        ("OTEL_EXPORTER_OTLP_HEADERS", &format!("authorization={SECRET}")),
        ("http_proxy", &format!("http://user:{SECRET}@proxy.example")),
    ]);
    assert_eq!(format!("{found:?}"), r#"Destination { source: Collector, hosts: ["c.example:80"] }"#);
}

#[test]
fn values_that_are_no_text_or_too_long_are_refused() {
    for value in [OsStr::from_bytes(b"http://\xff.example").to_owned(), "x".repeat(LONGEST_VALUE + 1).into()]
    {
        let lookup = |name: &str| (name == ENDPOINT).then(|| value.clone());
        assert!(resolve_with(&lookup, None).is_err());
    }
}
