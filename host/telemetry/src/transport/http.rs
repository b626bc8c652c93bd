//! One request by HTTP: the part as its body, constant headers, and the status as all we want to know.

use std::sync::Arc;
use std::time::Instant;

use ureq::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Error, ProxyProtocol};

use super::certificates::Roots;
use super::{CONNECT, Sent, USER_AGENT};
use crate::destination::Line;
use crate::payload::Part;

/// More than any header that matters, in bytes.
const LONGEST_HEADER: usize = 16 << 10;
/// A payload has a few KiB.
const BUFFER: usize = 16 << 10;

/// Posts `part` by `line`, and gives up at `deadline`.
pub(super) fn post(part: &Part, line: &Line, deadline: Instant) -> Sent {
    let Some(agent) = agent(line, deadline) else { return Sent::Failed };
    let mut request = agent.post(line.endpoint.uri()).header(CONTENT_TYPE, part.content_type);
    if let Some(encoding) = part.content_encoding {
        request = request.header(CONTENT_ENCODING, encoding);
    }
    for (name, value) in &line.headers {
        request = request.header(name, value);
    }
    // The answer's body is not read: it may be endless, and the status says it all.
    match request.send(part.bytes.as_slice()) {
        Ok(answer) if answer.status().is_success() && answer.status() != 206 => Sent::Delivered,
        // A redirect too: it would take the payload to somebody whom nobody chose. 206 is Azure's "some of it".
        Ok(_) => Sent::Refused,
        Err(Error::Timeout(_)) => Sent::TimedOut,
        Err(_) => Sent::Failed,
    }
}

/// A client for one request; `None` when nobody can vouch for the endpoint.
fn agent(line: &Line, deadline: Instant) -> Option<Agent> {
    let roots = if speaks_tls(line) { root_certificates(line.trust.roots()?) } else { RootCerts::WebPki };
    let left = deadline.saturating_duration_since(Instant::now());
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(USER_AGENT)
        // Without their usual values, which tell the library.
        .accept("")
        .accept_encoding("")
        // Never by itself: it would read the environment.
        .proxy(line.proxy.clone())
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_global(Some(left))
        .timeout_connect(Some(left.min(CONNECT)))
        .max_idle_connections(0)
        .max_response_header_size(LONGEST_HEADER)
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .build()
        .new_agent();
    Some(agent)
}

/// Reading the certificates is what takes longest where a collector is near.
fn speaks_tls(line: &Line) -> bool {
    let by_proxy = line.proxy.as_ref().is_some_and(|proxy| proxy.protocol() == ProxyProtocol::Https);
    line.endpoint.is_secure() || by_proxy
}

fn root_certificates(roots: Roots) -> RootCerts {
    match roots {
        Roots::BuiltIn => RootCerts::WebPki,
        Roots::Listed(text) => {
            let certificates = ureq::tls::parse_pem(&text).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            RootCerts::Specific(Arc::new(certificates.collect()))
        }
    }
}
