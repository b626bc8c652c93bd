//! One unary call by gRPC: the part's protobuf, decoded into the same message, and the call's status.
//!
//! The runtime lives in the thread of the part and ends with it. What a name lookup leaves behind is not waited for.

use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use tokio::runtime;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};
use tracing::subscriber::{NoSubscriber, set_default};
use ureq::Proxy;
use ureq::http::{HeaderMap, HeaderValue, Uri};

use super::certificates::Roots;
use super::{CONNECT, Sent, USER_AGENT};
use crate::destination::Line;
use crate::payload::{Part, Signal};

/// An answer says how much was taken, in a few bytes.
const LONGEST_ANSWER: usize = 4096;

/// Calls the collector's method for `part` by `line`, and gives up at `deadline`.
pub(super) fn call(part: &Part, line: &Line, deadline: Instant) -> Sent {
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_io().enable_time().build() else {
        return Sent::Failed;
    };
    // What the libraries below have to say of a connection is not for the user's log.
    let _silence = set_default(NoSubscriber::default());
    let deadline = tokio::time::Instant::from_std(deadline);
    let sent = runtime.block_on(async {
        tokio::time::timeout_at(deadline, export(part, line)).await.unwrap_or(Err(Sent::TimedOut))
    });
    // Where a name server is silent, its thread would be waited for otherwise.
    runtime.shutdown_background();
    sent.map_or_else(|ended| ended, |()| Sent::Delivered)
}

/// The error is how it ended instead.
async fn export(part: &Part, line: &Line) -> Result<(), Sent> {
    let bytes = part.bytes.as_slice();
    let answer = match part.signal {
        Signal::Traces => {
            let message = ExportTraceServiceRequest::decode(bytes).map_err(|_| Sent::Failed)?;
            let client = TraceServiceClient::new(connect(line).await?);
            client.max_decoding_message_size(LONGEST_ANSWER).export(request(message, line)).await.map(drop)
        }
        Signal::Metrics => {
            let message = ExportMetricsServiceRequest::decode(bytes).map_err(|_| Sent::Failed)?;
            let client = MetricsServiceClient::new(connect(line).await?);
            client.max_decoding_message_size(LONGEST_ANSWER).export(request(message, line)).await.map(drop)
        }
        Signal::AzureTrack => return Err(Sent::Nothing),
    };
    answer.map_err(|status| outcome(&status))
}

/// A status of the collector's own has no source; one that tonic made of a broken connection has.
fn outcome(status: &Status) -> Sent {
    if std::error::Error::source(status).is_some() { Sent::Failed } else { Sent::Refused }
}

fn request<M>(message: M, line: &Line) -> Request<M> {
    let headers: HeaderMap = line.headers.iter().cloned().collect();
    Request::from_parts(MetadataMap::from_headers(headers), tonic::Extensions::default(), message)
}

async fn connect(line: &Line) -> Result<Channel, Sent> {
    let endpoint = Endpoint::from(line.endpoint.uri().clone())
        .user_agent(USER_AGENT)
        .map_err(|_| Sent::Failed)?
        .connect_timeout(CONNECT);
    let endpoint = if line.endpoint.is_secure() {
        endpoint.tls_config(tls(line)?).map_err(|_| Sent::Failed)?
    } else {
        endpoint
    };
    let channel = match &line.proxy {
        None => endpoint.connect().await,
        Some(proxy) => endpoint.connect_with_connector(tunnel(proxy)?).await,
    };
    channel.map_err(|_| Sent::Failed)
}

fn tls(line: &Line) -> Result<ClientTlsConfig, Sent> {
    let config = ClientTlsConfig::new();
    match line.trust.roots().ok_or(Sent::Failed)? {
        Roots::BuiltIn => Ok(config.with_webpki_roots()),
        Roots::Listed(text) => Ok(config.ca_certificate(Certificate::from_pem(text))),
    }
}

/// A way through an HTTP proxy by `CONNECT`.
fn tunnel(proxy: &Proxy) -> Result<Tunnel<HttpConnector>, Sent> {
    let mut to_proxy = HttpConnector::new();
    to_proxy.enforce_http(false);
    to_proxy.set_connect_timeout(Some(CONNECT));
    let address = format!("http://{}:{}", proxy.host(), proxy.port());
    let address: Uri = address.parse().map_err(|_| Sent::Failed)?;
    let tunnel = Tunnel::new(address, to_proxy);
    let Some(user) = proxy.username() else { return Ok(tunnel) };
    let credentials = format!("{user}:{}", proxy.password().unwrap_or(""));
    let header = format!("Basic {}", BASE64_STANDARD.encode(credentials));
    Ok(tunnel.with_auth(HeaderValue::from_str(&header).map_err(|_| Sent::Failed)?))
}
