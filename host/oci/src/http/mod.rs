//! Requests and answers, one at a time: bounded in size and time, redirects and credentials left to those above.

mod answer;
mod failure;
mod proxy;
mod trust;
mod url;

pub(crate) use answer::{Answer, Patience, read_bounded};
pub(crate) use failure::{Cause, is_no_tls};
pub(crate) use url::{Url, escaped};

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, EXPECT};
use ureq::http::{Response, StatusCode};
use ureq::tls::TlsConfig;
use ureq::typestate::WithBody;
use ureq::{Agent, Body, Proxy, RequestBuilder};

use crate::error::Result;
use proxy::Proxies;

/// The name we give ourselves: no version, no system.
const USER_AGENT: &str = "imagecustomizer";
/// Finding the host and greeting it.
const CONNECT: Duration = Duration::from_secs(15);
/// Between one byte and the next.
const IDLE: Duration = Duration::from_secs(30);
/// A registry may look for a while before it begins to answer.
const ANSWER: Duration = Duration::from_secs(60);
/// 128 MiB take so long at 75 KB/s.
const UPLOAD: Duration = Duration::from_secs(1800);
/// How long a server may take to say whether it wants what is announced.
const CONTINUE: Duration = Duration::from_secs(3);
/// Bodies from this many bytes on are announced before they are sent.
const ANNOUNCED: usize = 1 << 20;
/// Bytes of an answer's head: signed addresses have some KiB.
const LONGEST_HEAD: usize = 64 << 10;

/// What of the process's environment matters to a client.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `REGISTRY_AUTH_FILE`: the only file of credentials.
    pub registry_auth_file: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_directory: Option<PathBuf>,
    /// Where container tools keep what would lie there if `XDG_RUNTIME_DIR` were set: `/run/containers/UID`.
    pub run_containers: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `DOCKER_CONFIG`: a directory.
    pub docker_config: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `SSL_CERT_FILE`: the only authorities that count.
    pub certificates: Option<PathBuf>,
    /// The way to registries.
    pub(crate) proxies: Proxies,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let path =
            |name| std::env::var_os(name).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
        let user = rustix::process::getuid().as_raw();
        Self {
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            runtime_directory: path("XDG_RUNTIME_DIR"),
            run_containers: Some(format!("/run/containers/{user}").into()),
            config_home: path("XDG_CONFIG_HOME").filter(|path| path.is_absolute()),
            docker_config: path("DOCKER_CONFIG"),
            home: path("HOME"),
            certificates: path("SSL_CERT_FILE"),
            proxies: Proxies::from_variables(|name| std::env::var_os(name)),
        }
    }
}

/// How a request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method<'a> {
    Get,
    Head,
    /// With a body and its media type.
    Post(&'a [u8], &'a str),
    Put(&'a [u8], &'a str),
}

impl Method<'_> {
    /// Whether asking twice is as good as asking once, and costs little.
    pub(crate) fn may_be_repeated(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method<'a>,
    /// The media types that are understood; empty: all.
    pub(crate) accept: &'a str,
    /// Bytes of the answer's body that may be wanted; they decide how long it may take to come.
    pub(crate) wanted: u64,
}

/// Sends requests. Connections are kept for a while.
pub(crate) struct Http {
    certificates: Option<PathBuf>,
    proxies: Proxies,
    patience: Patience,
    /// Made when they are needed first: certificates take a while to read.
    proxied: OnceLock<Agent>,
    direct: OnceLock<Agent>,
    plain: OnceLock<Agent>,
}

impl Http {
    pub(crate) fn new(environment: &Environment) -> Self {
        Self {
            certificates: environment.certificates.clone(),
            proxies: environment.proxies.clone(),
            patience: Patience::USUAL,
            proxied: OnceLock::new(),
            direct: OnceLock::new(),
            plain: OnceLock::new(),
        }
    }

    #[cfg(test)]
    pub(crate) fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Sends one request, with `authorization` as that header's value, and gives the head of the answer.
    pub(crate) fn send(
        &self,
        url: &Url,
        request: Request<'_>,
        authorization: Option<&str>,
    ) -> std::result::Result<Answer, Cause> {
        let agent = self.agent(url).map_err(Cause::Refused)?;
        let address = url.to_string();
        let limit = self.patience.for_bytes(request.wanted);
        let bare = Bare { request, authorization, limit };
        let sent = match request.method {
            Method::Get => bare.dress(agent.get(&address)).call(),
            Method::Head => bare.dress(agent.head(&address)).call(),
            Method::Post(body, kind) => upload(|| bare.dress(agent.post(&address)), body, kind),
            Method::Put(body, kind) => upload(|| bare.dress(agent.put(&address)), body, kind),
        };
        sent.map(|response| Answer::new(response, self.patience))
            .map_err(|error| Cause::of_exchange(error, request.method))
    }

    /// On the loopback a proxy would answer for another machine.
    fn agent(&self, url: &Url) -> Result<&Agent> {
        let proxy = if url.is_secure() { self.proxies.on_the_way_to(url)? } else { None };
        let agent = match (url.is_secure(), &proxy) {
            (true, Some(_)) => &self.proxied,
            (true, None) => &self.direct,
            (false, _) => &self.plain,
        };
        if let Some(agent) = agent.get() {
            return Ok(agent);
        }
        let roots = if url.is_secure() { Some(trust::roots(self.certificates.as_deref())?) } else { None };
        let tls =
            roots.map_or_else(TlsConfig::default, |roots| TlsConfig::builder().root_certs(roots).build());
        Ok(agent.get_or_init(|| new_agent(tls, proxy)))
    }
}

/// What a request is to have on its way.
struct Bare<'a> {
    request: Request<'a>,
    authorization: Option<&'a str>,
    /// For the body of the answer as a whole: a single read may wait for byte after byte.
    limit: Duration,
}

impl Bare<'_> {
    fn dress<B>(&self, builder: RequestBuilder<B>) -> RequestBuilder<B> {
        let builder = builder.config().timeout_recv_body(Some(self.limit)).build();
        let accept = self.request.accept;
        let builder = if accept.is_empty() { builder } else { builder.header(ACCEPT, accept) };
        match self.authorization {
            Some(value) => builder.header(AUTHORIZATION, value),
            None => builder,
        }
    }
}

/// Sends a body; a large one only after the server had time to refuse it, unless it does not know how to be asked.
fn upload(
    builder: impl Fn() -> RequestBuilder<WithBody>,
    body: &[u8],
    kind: &str,
) -> std::result::Result<Response<Body>, ureq::Error> {
    if body.len() >= ANNOUNCED {
        let announced = builder().header(CONTENT_TYPE, kind).header(EXPECT, "100-continue").send(body)?;
        if announced.status() != StatusCode::EXPECTATION_FAILED {
            return Ok(announced);
        }
    }
    builder().header(CONTENT_TYPE, kind).send(body)
}

fn new_agent(tls: TlsConfig, proxy: Option<Proxy>) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(USER_AGENT)
        .proxy(proxy)
        .tls_config(tls)
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(IDLE))
        .timeout_per_write(Some(IDLE))
        .timeout_send_request(Some(IDLE))
        .timeout_await_100(Some(CONTINUE))
        .timeout_send_body(Some(UPLOAD))
        .timeout_recv_response(Some(ANSWER))
        .max_response_header_size(LONGEST_HEAD)
        .build()
        .new_agent()
}

/// A counted reference, for those who share a client's connections.
pub(crate) type SharedHttp = Arc<Http>;
