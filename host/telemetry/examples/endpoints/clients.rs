//! Those whose time is measured: ours, and the SDK as it comes. Each runs as a process that prints its time.

use std::env;
use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use telemetry::destination;
use telemetry::payload::{PayloadKind, payload};
use telemetry::record::{Environment, RunRecord};
use telemetry::registry as closed;
use telemetry::seeds::Seeds;
use telemetry::transport::send;

use crate::{Outcome, SEND};

/// The longest that a run may lend.
const BUDGET: Duration = Duration::from_secs(2);

/// What is spoken to the endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http,
    Grpc,
}

/// One column of the table.
pub(crate) struct Client {
    spoken: Spoken,
    /// The program with the SDK; `None` for ours.
    peers: Option<OsString>,
}

impl Client {
    pub(crate) fn all(peers: Option<OsString>) -> Vec<Self> {
        let mut clients = vec![Self { spoken: Spoken::Http, peers: None }];
        if cfg!(feature = "grpc") {
            clients.push(Self { spoken: Spoken::Grpc, peers: None });
        }
        if peers.is_some() {
            clients.extend([Spoken::Http, Spoken::Grpc].map(|spoken| Self { spoken, peers: peers.clone() }));
        }
        clients
    }

    pub(crate) fn name(&self) -> &'static str {
        match (self.spoken, &self.peers) {
            (Spoken::Http, None) => "ours, HTTP",
            (Spoken::Grpc, None) => "ours, gRPC",
            (Spoken::Http, Some(_)) => "SDK's defaults, HTTP",
            (Spoken::Grpc, Some(_)) => "SDK's defaults, gRPC",
        }
    }

    pub(crate) fn spoken(&self) -> Spoken {
        self.spoken
    }

    /// The command that sends once to `url` and prints its time; `around` runs it inside of something.
    #[expect(clippy::disallowed_methods, reason = "what is measured is a process of its own")]
    pub(crate) fn command(&self, url: &str, around: &[OsString]) -> Outcome<Command> {
        let (word, protocol) = match self.spoken {
            Spoken::Http => ("http", "http/protobuf"),
            Spoken::Grpc => ("grpc", "grpc"),
        };
        let own = env::current_exe()?.into_os_string();
        let (program, word) = match &self.peers {
            Some(peers) => (peers.clone(), word),
            None => (own, SEND),
        };
        let mut words = around.iter().map(OsString::as_os_str).chain([program.as_os_str(), OsStr::new(word)]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", url).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }
}

/// The program with the SDK, when there is one.
pub(crate) fn peers_of(clients: &[Client]) -> Option<&OsStr> {
    clients.iter().find_map(|client| client.peers.as_deref())
}

/// Sends the telemetry of a run to where the environment says; prints the milliseconds it took, and how it ended.
pub(crate) fn send_once() -> Outcome {
    let started = Instant::now();
    let variable = |name: &str| env::var_os(name);
    let to = destination::resolve(&variable)?.ok_or("the environment names no destination")?;
    let kind = to.instrumentation_key().map_or(PayloadKind::Otlp, PayloadKind::AzureMonitor);
    let payload = payload(&record(), &ENVIRONMENT, kind, &Seeds::draw(SystemTime::now())?)?;
    let sent = send(payload, &to, BUDGET);
    println!("{:.1} {sent}", started.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

const ENVIRONMENT: Environment = Environment {
    version: closed::ServiceVersion::Dev,
    install: closed::InstallKind::SourceBuild,
    os: closed::HostOs::Other,
    env: closed::HostEnv::Unknown,
    arch: closed::HostArch::Other,
    ci: closed::Ci::None,
};

/// A run that did a good deal.
fn record() -> RunRecord {
    let mut record = RunRecord::new(closed::Command::Customize);
    record.duration = closed::DurationClass::Lt64s;
    for phase in closed::Phase::ALL {
        record.phases.set(*phase, closed::DurationClass::Lt16s);
    }
    for api in [closed::Api::Packages, closed::Api::Users, closed::Api::Scripts] {
        record.apis.insert(api);
    }
    record
}
