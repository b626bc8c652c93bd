//! The rows of the table: endpoints that work, fail, and take their time.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::clients::{Client, Spoken};
use crate::endpoints::{Behaviour, Blackhole, Endpoint, refused, tls};
use crate::{Outcome, name_server};

/// Runs to a good endpoint vary by milliseconds: the middle one of so many is told.
const ROUNDS: usize = 9;

/// One row: where HTTP and gRPC go, and what has to live meanwhile.
pub(crate) struct Place {
    name: &'static str,
    http: String,
    grpc: String,
    rounds: usize,
    around: Vec<OsString>,
    _alive: Vec<Alive>,
}

/// Ends with the row.
#[expect(dead_code, reason = "what they hold is ended by being dropped")]
enum Alive {
    Blackhole(Blackhole),
    Collector(Collector),
    List(NamedTempFile),
}

impl Place {
    fn at(name: &'static str, url: String) -> Self {
        Self { name, grpc: url.clone(), http: url, rounds: 1, around: Vec::new(), _alive: Vec::new() }
    }

    fn that(name: &'static str, behaviour: Behaviour) -> Outcome<Self> {
        Ok(Self::at(name, Endpoint::start(behaviour)?.url()))
    }

    /// A collector that speaks gRPC answers by the same status, where there is one.
    fn with_collector(mut self, peers: Option<&OsStr>, answer: &str) -> Outcome<Self> {
        if let Some(peers) = peers {
            let collector = Collector::start(peers, answer)?;
            self.grpc.clone_from(&collector.url);
            self._alive.push(Alive::Collector(collector));
        }
        Ok(self)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Milliseconds, and how it ended.
    pub(crate) fn measure(&self, client: &Client) -> Outcome<String> {
        let url = if client.spoken() == Spoken::Http { &self.http } else { &self.grpc };
        let mut measured = Vec::new();
        for _ in 0..self.rounds {
            let output = client.command(url, &self.around)?.output()?;
            let text = String::from_utf8(output.stdout)?;
            let (time, end) = text.trim().split_once(' ').ok_or(format!("{}: `{text}`", self.name))?;
            measured.push((time.parse::<f64>()?, end.to_owned()));
        }
        measured.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let (time, end) = measured.get(self.rounds / 2).ok_or("nothing was measured")?;
        Ok(format!("{time:.0} {end}"))
    }
}

/// All rows. What speaks gRPC is in the program `peers`.
pub(crate) fn all(peers: Option<&OsStr>) -> Outcome<Vec<Place>> {
    let elsewhere = format!("location: {}/v1/traces\r\n", Endpoint::start(Behaviour::Silent)?.url());
    let second = Duration::from_secs(1);
    let good = Place::that("answers", Behaviour::Answers(200, ""))?.with_collector(peers, "0")?;
    let tls = format!("https://localhost:{}", tls::start()?.address().port());
    let blackhole = Blackhole::start()?;
    let mut dropped = Place::at("drops what comes", blackhole.url()?);
    dropped._alive.push(Alive::Blackhole(blackhole));
    Ok(vec![
        Place { rounds: ROUNDS, ..good },
        Place::that("answers after 1 s", Behaviour::AnswersAfter(second))?.with_collector(peers, "0 1000")?,
        Place::at("refuses the connection", format!("http://{}", refused()?)),
        dropped,
        Place::that("accepts and is silent", Behaviour::Silent)?,
        Place::that("sends one byte a second", Behaviour::Drips)?,
        Place::that("answers without end", Behaviour::EndlessBody)?,
        Place::that("500", Behaviour::Answers(500, ""))?.with_collector(peers, "13")?,
        Place::that("503", Behaviour::Answers(503, ""))?.with_collector(peers, "14")?,
        Place::that("503, `Retry-After: 20`", Behaviour::Answers(503, "retry-after: 20\r\n"))?
            .with_collector(peers, "14")?,
        Place::that("429", Behaviour::Answers(429, ""))?.with_collector(peers, "8")?,
        Place::that("redirects to a silent place", Behaviour::Answers(302, String::leak(elsewhere)))?,
        Place::at("TLS, signed by itself", tls),
        silent_names()?,
    ])
}

fn silent_names() -> Outcome<Place> {
    let list = NamedTempFile::new()?;
    std::fs::write(list.path(), name_server::LIST)?;
    let mut place = Place::at("name server is silent", "http://collector.example:4318".to_owned());
    place.around = name_server::words(list.path().into())?;
    place._alive.push(Alive::List(list));
    Ok(place)
}

/// A collector for gRPC in a process of its own.
struct Collector {
    process: Child,
    url: String,
}

impl Collector {
    /// Starts it; it prints its port. `answer` is the status, and the milliseconds until then.
    #[expect(clippy::disallowed_methods, reason = "servers of gRPC are no dependency of ours")]
    fn start(peers: &OsStr, answer: &str) -> Outcome<Self> {
        let mut process = Command::new(peers)
            .arg("serve")
            .args(answer.split(' '))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut port = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut port)?;
        }
        Ok(Self { process, url: format!("http://127.0.0.1:{}", port.trim()) })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It is only a test's server; what goes wrong here shows in the table.
        self.process.kill().and_then(|()| self.process.wait()).ok();
    }
}
