//! What is sent reaches endpoints that work, and is given up in time at those that do not.

#[path = "../../tests/endpoints/mod.rs"]
mod endpoints;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::destination::{Destination, resolve};
use crate::payload::{Part, Payload, Signal};
use crate::transport::{Sent, send};
use endpoints::{Behaviour, Blackhole, Endpoint, Received, proxy, refused, tls};

const BUDGET: Duration = Duration::from_millis(900);

/// What a busy machine may need beyond the budget to wake us.
const SLACK: Duration = Duration::from_millis(250);

const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

fn destination(set: &[(&str, &str)]) -> Destination {
    let lookup =
        |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value));
    resolve(&lookup).unwrap().unwrap()
}

fn collector(url: &str) -> Destination {
    destination(&[(COLLECTOR, url)])
}

fn otlp() -> Payload {
    let part = |signal, bytes: &[u8]| Part {
        signal,
        bytes: bytes.to_vec(),
        content_type: "application/x-protobuf",
        content_encoding: None,
    };
    Payload { parts: vec![part(Signal::Traces, b"spans"), part(Signal::Metrics, b"figures")] }
}

fn azure() -> Payload {
    let part = Part {
        signal: Signal::AzureTrack,
        bytes: b"items".to_vec(),
        content_type: "application/json",
        content_encoding: Some("gzip"),
    };
    Payload { parts: vec![part] }
}

/// Sends, and holds the deadline.
fn send_in_time(payload: Payload, destination: &Destination, budget: Duration) -> Sent {
    let started = Instant::now();
    let sent = send(payload, destination, budget);
    let took = started.elapsed();
    assert!(took < budget + SLACK, "{took:?} of {budget:?}");
    sent
}

/// The requests in the order of their paths.
fn by_path(endpoint: &Endpoint) -> Vec<Received> {
    let mut received = endpoint.received();
    received.sort_by_key(|request| request.path().to_owned());
    received
}

/// The head without the line of the request, in order.
fn headers(request: &Received) -> Vec<&str> {
    let mut headers: Vec<_> = request.head.lines().skip(1).collect();
    headers.sort_unstable();
    headers
}

#[test]
fn a_collector_gets_the_bytes_and_constant_headers() {
    let endpoint = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    assert_eq!(send_in_time(otlp(), &collector(&endpoint.url()), BUDGET), Sent::Delivered);
    let received = by_path(&endpoint);
    let found: Vec<_> = received.iter().map(|request| (request.path(), request.body.as_slice())).collect();
    assert_eq!(found, [("/v1/metrics", &b"figures"[..]), ("/v1/traces", b"spans")]);
    let host = format!("host: {}", endpoint.address());
    let expected =
        ["content-length: 7", "content-type: application/x-protobuf", &host, "user-agent: imagecustomizer"];
    assert_eq!(headers(&received[0]), expected);
}

#[test]
fn azure_monitor_gets_the_items_and_no_header_of_the_user() {
    let endpoint = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let text = format!(
        "InstrumentationKey=01234567-89ab-cdef-0123-456789abcdef;IngestionEndpoint={}/",
        endpoint.url()
    );
    let set = [
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", text.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-user=alice"),
    ];
    assert_eq!(send_in_time(azure(), &destination(&set), BUDGET), Sent::Delivered);
    let received = endpoint.received();
    assert_eq!((received[0].path(), received[0].body.as_slice()), ("/v2/track", &b"items"[..]));
    let host = format!("host: {}", endpoint.address());
    let expected = [
        "content-encoding: gzip",
        "content-length: 5",
        "content-type: application/json",
        &host,
        "user-agent: imagecustomizer",
    ];
    assert_eq!(headers(&received[0]), expected);
}

#[test]
fn a_users_collector_gets_the_users_headers() {
    let endpoint = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let set = [(COLLECTOR, endpoint.url()), ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=a%20b".to_owned())];
    let set = set.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(send_in_time(otlp(), &destination(&set), BUDGET), Sent::Delivered);
    let received = endpoint.received();
    assert!(received.iter().all(|request| request.header("x-token") == Some("a b")), "{received:?}");
}

#[test]
fn a_signal_without_an_endpoint_is_not_sent() {
    let endpoint = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let only_traces = destination(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint.url())]);
    assert_eq!(send_in_time(otlp(), &only_traces, BUDGET), Sent::Delivered);
    assert_eq!(endpoint.received().len(), 1);
    assert_eq!(send_in_time(azure(), &only_traces, BUDGET), Sent::Nothing);
}

#[test]
fn bad_endpoints_are_given_up_in_time() {
    let elsewhere = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let location = format!("location: http://{}/v1/traces\r\n", elsewhere.address());
    let cases = [
        (Behaviour::Answers(500, ""), Sent::Refused),
        (Behaviour::Answers(503, "retry-after: 20\r\n"), Sent::Refused),
        (Behaviour::Answers(429, "retry-after: 1\r\n"), Sent::Refused),
        (Behaviour::Answers(400, ""), Sent::Refused),
        (Behaviour::Answers(206, ""), Sent::Refused),
        (Behaviour::Answers(302, String::leak(location.clone())), Sent::Refused),
        (Behaviour::Answers(307, String::leak(location)), Sent::Refused),
        (Behaviour::Answers(200, "content-encoding: gzip\r\n"), Sent::Delivered),
        (Behaviour::AnswersAfter(Duration::from_millis(300)), Sent::Delivered),
        (Behaviour::AnswersAfter(Duration::from_secs(5)), Sent::TimedOut),
        (Behaviour::Silent, Sent::TimedOut),
        (Behaviour::Drips, Sent::TimedOut),
        (Behaviour::EndlessBody, Sent::Delivered),
        (Behaviour::EndlessHead, Sent::Failed),
        (Behaviour::NoChunks, Sent::Delivered),
        (Behaviour::Garbage, Sent::Failed),
        (Behaviour::Closes, Sent::Failed),
    ];
    for (behaviour, expected) in cases {
        let endpoint = Endpoint::start(behaviour).unwrap();
        let sent = send_in_time(otlp(), &collector(&endpoint.url()), BUDGET);
        assert_eq!(sent, expected, "{behaviour:?}");
        // Once for each part: nothing is tried again.
        assert!(endpoint.received().len() <= 2, "{behaviour:?}");
    }
    assert_eq!(elsewhere.received().len(), 0, "a redirect was followed");
}

#[test]
fn endpoints_that_are_not_there_are_given_up_in_time() {
    let url = format!("http://{}", refused().unwrap());
    assert_eq!(send_in_time(otlp(), &collector(&url), BUDGET), Sent::Failed);
    let blackhole = Blackhole::start().unwrap();
    assert_eq!(send_in_time(otlp(), &collector(&blackhole.url().unwrap()), BUDGET), Sent::TimedOut);
    assert_eq!(send_in_time(otlp(), &collector("http://nowhere.invalid"), BUDGET), Sent::Failed);
}

#[test]
fn the_budget_may_be_small_or_nothing() {
    let endpoint = Endpoint::start(Behaviour::Silent).unwrap();
    for budget in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(20)] {
        let sent = send_in_time(otlp(), &collector(&endpoint.url()), budget);
        assert_eq!(sent, Sent::TimedOut, "{budget:?}");
    }
}

#[test]
fn one_good_part_does_not_hide_a_bad_one() {
    let good = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let bad = Endpoint::start(Behaviour::Answers(500, "")).unwrap();
    let set = [(COLLECTOR, good.url()), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", bad.url())];
    let set = set.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(send_in_time(otlp(), &destination(&set), BUDGET), Sent::Refused);
    assert_eq!(good.received().len(), 1);
}

#[test]
fn a_certificate_counts_where_someone_trusted_vouches_for_it() {
    let endpoint = tls::start().unwrap();
    let url = format!("https://localhost:{}", endpoint.address().port());
    assert_eq!(send_in_time(otlp(), &collector(&url), BUDGET), Sent::Failed);
    assert_eq!(endpoint.received().len(), 0);

    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("list.pem");
    std::fs::write(&list, tls::CERTIFICATE).unwrap();
    let list = list.to_str().unwrap();
    for variable in ["OTEL_EXPORTER_OTLP_CERTIFICATE", "SSL_CERT_FILE"] {
        let trusting = destination(&[(COLLECTOR, &url), (variable, list)]);
        assert_eq!(send_in_time(otlp(), &trusting, BUDGET), Sent::Delivered, "{variable}");
    }
    // For another name it does not count, nor where the list that was named is missing.
    let by_number = format!("https://{}", endpoint.address());
    let other_name = destination(&[(COLLECTOR, &by_number), ("SSL_CERT_FILE", list)]);
    assert_eq!(send_in_time(otlp(), &other_name, BUDGET), Sent::Failed);
    let missing = destination(&[(COLLECTOR, &url), ("SSL_CERT_FILE", "/nonexistent")]);
    assert_eq!(send_in_time(otlp(), &missing, BUDGET), Sent::Failed);
    assert_eq!(endpoint.received().len(), 4);
}

#[test]
fn a_proxy_is_asked_for_all_but_the_loopback() {
    let endpoint = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let through = proxy::start(endpoint.address()).unwrap();
    let by_user = through.url().replace("http://", "http://user:pass@");
    let set = [(COLLECTOR, "http://collector.invalid:4318"), ("HTTP_PROXY", by_user.as_str())];
    assert_eq!(send_in_time(otlp(), &destination(&set), BUDGET), Sent::Delivered);
    let asked = through.received();
    assert_eq!((asked.len(), endpoint.received().len()), (2, 2));
    for request in asked {
        assert_eq!(request.path(), "collector.invalid:4318");
        assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
        assert_eq!(request.header("user-agent"), Some("imagecustomizer"));
    }
    assert!(endpoint.received().iter().all(|request| request.header("proxy-authorization").is_none()));

    let direct =
        destination(&[(COLLECTOR, &endpoint.url()), ("HTTP_PROXY", &by_user), ("ALL_PROXY", &by_user)]);
    assert_eq!(send_in_time(otlp(), &direct, BUDGET), Sent::Delivered);
    assert_eq!((through.received().len(), endpoint.received().len()), (2, 4));
}

#[test]
fn a_socks_proxy_looks_the_name_up() {
    let endpoint = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let through = proxy::start_socks(endpoint.address()).unwrap();
    let proxy = format!("socks5h://{}", through.address());
    let set = [(COLLECTOR, "http://collector.invalid:4318"), ("all_proxy", proxy.as_str())];
    assert_eq!(send_in_time(otlp(), &destination(&set), BUDGET), Sent::Delivered);
    assert!(through.received().iter().all(|request| request.head == "collector.invalid"));
    assert_eq!((through.received().len(), endpoint.received().len()), (2, 2));
}

#[test]
fn a_proxy_that_fails_is_not_passed_by() {
    let endpoint = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let bad = [
        Endpoint::start(Behaviour::Answers(407, "")).unwrap().url(),
        Endpoint::start(Behaviour::Silent).unwrap().url(),
        format!("http://{}", refused().unwrap()),
    ];
    for url in bad {
        let set = [(COLLECTOR, "http://collector.invalid:4318"), ("all_proxy", url.as_str())];
        let sent = send_in_time(otlp(), &destination(&set), BUDGET);
        assert!(matches!(sent, Sent::Failed | Sent::TimedOut), "{sent:?}");
    }
    assert_eq!(endpoint.received().len(), 0);
}

/// Requests without anything in them, which are sound protobuf.
#[cfg(feature = "grpc")]
fn empty() -> Payload {
    let mut payload = otlp();
    payload.parts.iter_mut().for_each(|part| part.bytes.clear());
    payload
}

/// As [`collector`], by gRPC.
#[cfg(feature = "grpc")]
fn by_grpc(url: &str) -> Destination {
    destination(&[(COLLECTOR, url), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")])
}

/// What a collector that speaks gRPC makes of it is tested end to end.
#[cfg(feature = "grpc")]
#[test]
fn endpoints_without_grpc_are_given_up_in_time() {
    let cases = [
        (Behaviour::Answers(200, ""), &[Sent::Failed, Sent::Refused][..]),
        (Behaviour::Answers(500, ""), &[Sent::Failed, Sent::Refused]),
        (Behaviour::Garbage, &[Sent::Failed, Sent::Refused]),
        (Behaviour::Closes, &[Sent::Failed]),
        (Behaviour::Silent, &[Sent::TimedOut]),
        (Behaviour::Drips, &[Sent::Failed, Sent::Refused, Sent::TimedOut]),
        (Behaviour::EndlessBody, &[Sent::Failed, Sent::Refused]),
    ];
    for (behaviour, expected) in cases {
        let endpoint = Endpoint::start(behaviour).unwrap();
        let sent = send_in_time(empty(), &by_grpc(&endpoint.url()), BUDGET);
        assert!(expected.contains(&sent), "{behaviour:?}: {sent}");
    }
    let url = format!("http://{}", refused().unwrap());
    assert_eq!(send_in_time(empty(), &by_grpc(&url), BUDGET), Sent::Failed);
    let blackhole = Blackhole::start().unwrap();
    let sent = send_in_time(empty(), &by_grpc(&blackhole.url().unwrap()), BUDGET);
    assert!([Sent::Failed, Sent::TimedOut].contains(&sent), "{sent}");
    let tls = tls::start().unwrap();
    let url = format!("https://localhost:{}", tls.address().port());
    assert_eq!(send_in_time(empty(), &by_grpc(&url), BUDGET), Sent::Failed);
}

#[cfg(feature = "grpc")]
#[test]
fn what_is_no_protobuf_is_not_sent_by_grpc() {
    let endpoint = Endpoint::start(Behaviour::Silent).unwrap();
    assert_eq!(send_in_time(otlp(), &by_grpc(&endpoint.url()), BUDGET), Sent::Failed);
    assert_eq!(endpoint.received().len(), 0);
}

#[cfg(feature = "grpc")]
#[test]
fn grpc_asks_a_proxy_for_all_but_the_loopback() {
    let endpoint = Endpoint::start(Behaviour::Answers(200, "")).unwrap();
    let through = proxy::start(endpoint.address()).unwrap();
    let by_user = through.url().replace("http://", "http://user:pass@");
    for url in ["http://collector.invalid:4317", &endpoint.url()] {
        let set = [(COLLECTOR, url), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("http_proxy", &by_user)];
        send_in_time(empty(), &destination(&set), BUDGET);
    }
    let asked = through.received();
    assert_eq!(asked.len(), 2);
    for request in asked {
        assert_eq!(request.path(), "collector.invalid:4317");
        assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
    }
}

/// Makes the file `$1` the list of name servers, brings the loopback up, and becomes the rest of the words.
const SILENT_NAMES: &str = "mount -n --bind \"$1\" /etc/resolv.conf; ip link set lo up; shift; exec \"$@\"";

#[test]
#[expect(clippy::disallowed_methods, reason = "the test runs a part of itself in namespaces of its own")]
fn a_name_server_that_is_silent_is_given_up_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("resolv.conf");
    std::fs::write(&list, "nameserver 127.0.0.1\noptions timeout:20\n").unwrap();
    let output = std::process::Command::new("unshare")
        .args(["--map-root-user", "--mount", "--net", "sh", "-euc", SILENT_NAMES, "sh"])
        .args([list.as_os_str(), std::env::current_exe().unwrap().as_os_str()])
        .args(["--exact", "--ignored", "transport::tests::behind_a_silent_name_server"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run by `a_name_server_that_is_silent_is_given_up_in_time`, where nothing else is"]
fn behind_a_silent_name_server() {
    let _silent = std::net::UdpSocket::bind("127.0.0.1:53").unwrap();
    let url = "http://collector.example:4318";
    assert_eq!(send_in_time(otlp(), &collector(url), BUDGET), Sent::TimedOut);
    #[cfg(feature = "grpc")]
    assert_eq!(send_in_time(empty(), &by_grpc(url), BUDGET), Sent::TimedOut);
}
