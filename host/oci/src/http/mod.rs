//! Requests and answers, one at a time: bounded in size and time, redirects and credentials left to those above.

mod answer;
mod failure;
mod trust;
mod url;

pub(crate) use answer::{Answer, read_bounded};
pub(crate) use failure::{Cause, is_no_tls};
pub(crate) use url::{Url, escaped};

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ureq::tls::TlsConfig;
use ureq::{Agent, Proxy, RequestBuilder};

use crate::error::Result;

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
/// Bytes of an answer's head: signed addresses have some KiB.
const LONGEST_HEAD: usize = 64 << 10;

/// What of the process's environment matters to a client.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `REGISTRY_AUTH_FILE`: the only file of credentials.
    pub registry_auth_file: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_directory: Option<PathBuf>,
    /// `DOCKER_CONFIG`: a directory.
    pub docker_config: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `SSL_CERT_FILE`: the only authorities that count.
    pub certificates: Option<PathBuf>,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let path =
            |name| std::env::var_os(name).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
        Self {
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            runtime_directory: path("XDG_RUNTIME_DIR"),
            docker_config: path("DOCKER_CONFIG"),
            home: path("HOME"),
            certificates: path("SSL_CERT_FILE"),
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
}

/// Sends requests. Connections are kept for a while.
pub(crate) struct Http {
    certificates: Option<PathBuf>,
    /// Made when they are needed first: certificates take a while to read.
    secure: OnceLock<Agent>,
    plain: OnceLock<Agent>,
    direct: OnceLock<Agent>,
}

impl Http {
    pub(crate) fn new(environment: &Environment) -> Self {
        let certificates = environment.certificates.clone();
        Self { certificates, secure: OnceLock::new(), plain: OnceLock::new(), direct: OnceLock::new() }
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
        let sent = match request.method {
            Method::Get => dress(agent.get(&address), request, authorization).call(),
            Method::Head => dress(agent.head(&address), request, authorization).call(),
            Method::Post(body, kind) => {
                dress(agent.post(&address), request, authorization).header(CONTENT_TYPE, kind).send(body)
            }
            Method::Put(body, kind) => {
                dress(agent.put(&address), request, authorization).header(CONTENT_TYPE, kind).send(body)
            }
        };
        sent.map(Answer::new).map_err(Cause::Network)
    }

    /// On the loopback a proxy would answer for another machine.
    fn agent(&self, url: &Url) -> Result<&Agent> {
        let (agent, secure, proxy) = match (url.is_secure(), url.is_loopback()) {
            (true, false) => (&self.secure, true, Proxy::try_from_env()),
            (true, true) => (&self.direct, true, None),
            (false, _) => (&self.plain, false, None),
        };
        if let Some(agent) = agent.get() {
            return Ok(agent);
        }
        let roots = if secure { Some(trust::roots(self.certificates.as_deref())?) } else { None };
        let tls =
            roots.map_or_else(TlsConfig::default, |roots| TlsConfig::builder().root_certs(roots).build());
        Ok(agent.get_or_init(|| new_agent(tls, proxy)))
    }
}

fn dress<B>(request: RequestBuilder<B>, what: Request<'_>, authorization: Option<&str>) -> RequestBuilder<B> {
    let request = if what.accept.is_empty() { request } else { request.header(ACCEPT, what.accept) };
    match authorization {
        Some(value) => request.header(AUTHORIZATION, value),
        None => request,
    }
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
        .timeout_send_body(Some(UPLOAD))
        .timeout_recv_response(Some(ANSWER))
        .max_response_header_size(LONGEST_HEAD)
        .build()
        .new_agent()
}

/// A counted reference, for those who share a client's connections.
pub(crate) type SharedHttp = Arc<Http>;
