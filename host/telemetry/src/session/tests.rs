use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::consent::OptOut;
use crate::registry::{Command, Outcome};
use crate::state::{Choice, State};

/// A collector on the loopback, which takes everything, and a machine that knows it.
struct Scene {
    home: tempfile::TempDir,
    requests: Receiver<(String, Vec<u8>)>,
    variables: Mutex<Vec<(&'static str, OsString)>>,
}

impl Scene {
    fn new(variables: &[(&'static str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
                let length = head
                    .to_ascii_lowercase()
                    .split_once("content-length: ")
                    .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                // Before the answer, after which the session may be over.
                if sender.send((path, body)).is_err() {
                    break;
                }
                reader.into_inner().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        });
        let home = tempfile::tempdir().unwrap();
        let mut all = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", OsString::from(address))];
        all.push(("XDG_STATE_HOME", home.path().join("state").into()));
        for (name, value) in variables {
            all.retain(|(known, _)| known != name);
            all.push((name, value.into()));
        }
        Self { home, requests, variables: Mutex::new(all) }
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        let variables = self.variables.lock().unwrap();
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn begin(&self) -> Session {
        self.begin_with(false, false)
    }

    fn begin_with(&self, disabled: bool, silent_command: bool) -> Session {
        let variable = |name: &str| self.variable(name);
        let log_file = Some(self.log_file());
        Session::begin(Inputs {
            disabled,
            silent_command,
            log_file,
            variable: &variable,
            started: SystemTime::now(),
        })
    }

    fn log_file(&self) -> PathBuf {
        self.home.path().join("log")
    }

    fn state_file(&self) -> StateFile {
        StateFile::locate(&|name| self.variable(name)).unwrap()
    }

    fn choose(&self, choice: Choice) {
        self.state_file().set(Duration::from_secs(5), |state| state.choice = choice).unwrap();
    }

    /// The paths of the requests so far.
    fn paths(&self) -> Vec<String> {
        let mut paths: Vec<_> = self.requests.try_iter().map(|(path, _)| path).collect();
        paths.sort();
        paths
    }
}

const BOTH: [&str; 2] = ["/v1/metrics", "/v1/traces"];
const CONTAINER: (&str, &str) = ("IMAGECUSTOMIZER_CONTAINER", "1");
/// Long enough for the longest budget.
const ELAPSED: Duration = Duration::from_secs(60);

fn record() -> RunRecord {
    RunRecord::new(Command::Convert)
}

fn finish(session: &Session) -> Finished {
    session.finish(&record(), ELAPSED, false)
}

/// The line, if it was shown.
fn shown(session: &Session) -> Option<String> {
    let mut line = None;
    session
        .show_notice(|text| {
            line = Some(text.to_owned());
            Ok(())
        })
        .unwrap();
    line
}

fn refuse(_: &str) -> io::Result<()> {
    Err(io::ErrorKind::BrokenPipe.into())
}

#[test]
fn the_first_run_tells_and_the_second_sends() {
    let scene = Scene::new(&[]);
    let first = scene.begin();
    assert_eq!(first.verdict(), Verdict::FirstRun);
    assert!(shown(&first).unwrap().starts_with("From the next run on"));
    assert_eq!(finish(&first).sent, None);
    assert_eq!(scene.paths(), [] as [&str; 0]);

    let second = scene.begin();
    assert_eq!(second.verdict(), Verdict::Sends(Because::Told));
    assert_eq!(shown(&second), None);
    assert_eq!(finish(&second).sent, Some(Sent::Delivered));
    assert_eq!(scene.paths(), BOTH);
    let stored = State { choice: Choice::Unset, notice: schema::version(), last: Some("delivered".into()) };
    assert_eq!(scene.state_file().read().unwrap(), stored);
}

#[test]
fn a_notice_that_was_not_shown_does_not_count() {
    let scene = Scene::new(&[]);
    let first = scene.begin();
    assert!(matches!(first.show_notice(refuse), Err(NotShown::Output(_))));
    finish(&first);
    // Nor does one that nobody asked for.
    finish(&scene.begin());
    assert_eq!(scene.begin().verdict(), Verdict::FirstRun);
    assert_eq!(scene.paths(), [] as [&str; 0]);
    assert_eq!(scene.state_file().read().unwrap(), State::default());
}

#[test]
fn where_nothing_can_be_kept_nothing_is_told_or_sent() {
    // Nobody, root included, makes directories there.
    let scene = Scene::new(&[("XDG_STATE_HOME", "/proc")]);
    for _ in 0..2 {
        let session = scene.begin();
        assert_eq!(session.verdict(), Verdict::FirstRun);
        let told = session.show_notice(|_| panic!("nothing is to be told"));
        assert!(matches!(told, Err(NotShown::State(_))), "{told:?}");
        assert_eq!(finish(&session).sent, None);
    }
    assert_eq!(scene.paths(), [] as [&str; 0]);
}

#[test]
fn a_container_and_a_build_service_tell_on_every_run_and_send() {
    for variable in [CONTAINER, ("GITHUB_ACTIONS", "true"), ("CI", "1")] {
        let scene = Scene::new(&[variable, ("XDG_STATE_HOME", "/proc")]);
        for _ in 0..2 {
            let session = scene.begin();
            assert!(shown(&session).unwrap().starts_with("At the end of this run"), "{variable:?}");
            assert_eq!(finish(&session).sent, Some(Sent::Delivered), "{variable:?}");
            assert_eq!(scene.paths(), BOTH);
        }
    }
}

#[test]
fn a_container_that_could_not_tell_sends_nothing() {
    let scene = Scene::new(&[CONTAINER]);
    let session = scene.begin();
    assert!(session.show_notice(refuse).is_err());
    assert_eq!(finish(&session).sent, None);
    assert_eq!(finish(&scene.begin()).sent, None);
    assert_eq!(scene.paths(), [] as [&str; 0]);
}

#[test]
fn whoever_chose_on_needs_no_notice() {
    let scene = Scene::new(&[]);
    scene.choose(Choice::On);
    let session = scene.begin();
    assert_eq!(shown(&session), None);
    assert_eq!(finish(&session).sent, Some(Sent::Delivered));
}

#[test]
fn off_means_no_request_no_file_and_no_notice() {
    let off = [
        (Scene::new(&[]), true, false),
        (Scene::new(&[]), false, true),
        (Scene::new(&[CONTAINER, ("IMAGECUSTOMIZER_TELEMETRY", "off")]), false, false),
        (Scene::new(&[CONTAINER, ("DO_NOT_TRACK", "1")]), false, false),
        (Scene::new(&[CONTAINER, ("OTEL_SDK_DISABLED", "perhaps")]), false, false),
        (Scene::new(&[CONTAINER, ("ENABLE_TELEMETRY", "false")]), false, false),
    ];
    for (scene, disabled, silent) in &off {
        let session = scene.begin_with(*disabled, *silent);
        assert!(session.verdict().is_off(), "{:?}", session.verdict());
        session.show_notice(|_| panic!("nothing is to be told")).unwrap();
        let finished = finish(&session);
        assert!(finished.sent.is_none() && finished.log_error.is_none());
        assert_eq!(scene.paths(), [] as [&str; 0]);
        assert_eq!(fs::read_dir(scene.home.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_flag_comes_before_all_else() {
    let variable: Lookup<'_> = &|name| panic!("looked at {name}");
    let inputs = Inputs {
        disabled: true,
        silent_command: false,
        log_file: None,
        variable,
        started: SystemTime::now(),
    };
    assert_eq!(Session::begin(inputs).verdict(), Verdict::Off(OptOut::Flag));
}

#[test]
fn a_choice_that_is_made_during_the_run_holds() {
    let scene = Scene::new(&[]);
    scene.choose(Choice::On);
    let session = scene.begin();
    scene.choose(Choice::Off);
    assert_eq!(finish(&session).sent, None);
    assert_eq!(scene.paths(), [] as [&str; 0]);
    assert_eq!(scene.state_file().read().unwrap().choice, Choice::Off);
}

#[test]
fn the_log_file_holds_what_was_sent() {
    let scene = Scene::new(&[]);
    scene.choose(Choice::On);
    finish(&scene.begin());
    let log = fs::read_to_string(scene.log_file()).unwrap();
    let (_, traces) = scene.requests.try_iter().find(|(path, _)| path == "/v1/traces").unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let id = lines[0].pointer("/resourceSpans/0/scopeSpans/0/spans/0/traceId").unwrap().as_str().unwrap();
    let bytes: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert!(traces.windows(16).any(|window| window == bytes), "{id}");
    assert!(lines[1].pointer("/resourceMetrics").is_some(), "{log}");
}

#[test]
fn the_log_file_is_written_where_nothing_is_sent_but_nobody_said_off() {
    for (variables, expected) in [
        (("OTEL_EXPORTER_OTLP_ENDPOINT", ""), Verdict::NoDestination),
        (("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"), Verdict::DestinationUnusable),
    ] {
        let scene = Scene::new(&[variables]);
        let session = scene.begin();
        assert_eq!(session.verdict(), expected);
        assert_eq!(shown(&session), None);
        assert_eq!(finish(&session).sent, None);
        assert!(fs::read_to_string(scene.log_file()).unwrap().contains("resourceSpans"));
    }
}

#[test]
fn a_log_file_that_cannot_be_written_is_told_without_waiting() {
    let scene = Scene::new(&[]);
    scene.choose(Choice::On);
    let pipe = scene.log_file();
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let finished = finish(&scene.begin());
    assert!(finished.log_error.is_some());
    assert_eq!(finished.sent, Some(Sent::Delivered));
}

#[test]
fn several_threads_send_once() {
    let scene = Scene::new(&[]);
    scene.choose(Choice::On);
    let session = Arc::new(scene.begin());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let session = Arc::clone(&session);
            thread::spawn(move || {
                let mut record = record();
                record.outcome = Outcome::Cancelled;
                session.finish(&record, ELAPSED, true).sent
            })
        })
        .collect();
    let sent: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(finish(&session).sent, None);
    assert_eq!(scene.paths(), BOTH);
}

#[test]
fn a_silent_endpoint_costs_the_budget_and_no_more() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let scene = Scene::new(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &address)]);
    scene.choose(Choice::On);
    let session = scene.begin();
    let started = Instant::now();
    assert_eq!(session.finish(&record(), Duration::ZERO, false).sent, Some(Sent::TimedOut));
    assert!(started.elapsed() < Duration::from_millis(1250), "{:?}", started.elapsed());
    assert_eq!(scene.state_file().read().unwrap().last.as_deref(), Some("timed_out"));
}
