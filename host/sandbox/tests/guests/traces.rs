//! Traces of runs: what stands in them, and that they take the place of the image.

use crate::scene::{
    Call, Limits, PASSWD, STEP, Scene, assert_error, call, call_with, facts, new_sandbox, settings,
};
use rootfs::{ImagePath, WriteOptions};
use sandbox::{
    Artifact, Artifacts, Error, ErrorKind, LoadedStep, RunReport, Scope, StepRun, Trace, TraceSink,
};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A scene with a file for a trace.
struct Traced {
    scene: Scene,
    directory: tempfile::TempDir,
}

impl Traced {
    fn new() -> Self {
        Self { scene: Scene::new(), directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("trace")
    }

    /// Runs the step; its calls are added to the trace.
    fn run(
        &self,
        step: &LoadedStep,
        settings: &str,
        limits: Limits,
        artifacts: Artifacts,
    ) -> Result<RunReport, Error> {
        let file = fs::OpenOptions::new().append(true).create(true).open(self.file()).unwrap();
        let sink = TraceSink::new(file);
        let run = StepRun {
            settings: settings.to_owned(),
            tree: Arc::clone(&self.scene.tree),
            artifacts,
            facts: facts(),
            limits,
            scope: Scope::unrestricted(),
            touches: None,
            trace: Some(sink.clone()),
        };
        let result = step.run(run);
        sink.finish().unwrap();
        result
    }

    fn calls(&self, calls: &[Call], artifacts: Artifacts) {
        self.run(&self.scene.load("calls"), &settings(calls), Limits::default(), artifacts).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Changes the trace as a text.
    fn change(&self, change: impl FnOnce(String) -> String) {
        fs::write(self.file(), change(self.text())).unwrap();
    }

    /// Replays the first run in a sandbox that never saw the image: the calls that were the same, and the difference.
    fn replay(&self, guest: &str) -> Result<(u64, Option<String>), Error> {
        self.replay_with(guest, Artifacts::default())
    }

    fn replay_with(&self, guest: &str, artifacts: Artifacts) -> Result<(u64, Option<String>), Error> {
        let trace = Trace::open(&self.file()).unwrap();
        let step = new_sandbox().load(STEP, &crate::scene::component(guest)).unwrap();
        let replayed = step.replay(&trace.runs()[0], artifacts)?;
        Ok((replayed.calls, replayed.difference.map(|difference| difference.to_string())))
    }
}

/// A call as text without its times.
fn short(line: &Value) -> String {
    let mut line = line.clone();
    let object = line.as_object_mut().unwrap();
    assert!(object.shift_remove("time").unwrap()["took"].is_u64());
    line.to_string()
}

#[test]
fn calls_stand_in_a_trace_with_arguments_and_results() {
    let traced = Traced::new();
    let calls = [
        call("step-name", &[]),
        call("read", &["/etc/passwd"]),
        call("write", &["/tmp/x", "not to be seen"]),
        call("lstat", &["absolute"]),
        call("list-directory", &["/etc"]),
        call_with("make-directory", &["/tmp/d"], &[0o750]),
        call("read", &["/no/such"]),
    ];
    traced.calls(&calls, Artifacts::default());
    let lines = traced.lines();
    let begin = &lines[0];
    assert_eq!(
        (&begin["begin"], &begin["contract"], &begin["format"]),
        (&STEP.into(), &"0.1.0".into(), &1.into())
    );
    assert_eq!(begin["component"], traced.scene.load("calls").sha256());
    assert_eq!(begin["settings"], settings(&calls));
    let shown: Vec<String> = lines[1..lines.len() - 1].iter().map(short).collect();
    assert_eq!(shown[0], r#"{"call":"context.step-name","arguments":{},"result":"trouble"}"#);
    let read: Value = serde_json::from_str(&shown[1]).unwrap();
    assert_eq!((&read["call"], &read["arguments"]["path"]), (&"rootfs.read".into(), &"/etc/passwd".into()));
    assert_eq!(read["result"]["bytes"], PASSWD.len());
    assert!(read["result"]["base64"].as_str().unwrap().starts_with("cm9vdDp4Oj"));
    let write: Value = serde_json::from_str(&shown[2]).unwrap();
    assert_eq!(write["arguments"]["data"]["bytes"], 14);
    assert_eq!(write["arguments"]["options"]["existing"], "replace");
    assert!(write["result"].is_null());
    let link: Value = serde_json::from_str(&shown[3]).unwrap();
    assert_eq!((&link["result"]["kind"], &link["result"]["mode"]), (&"symlink".into(), &"0777".into()));
    assert!(
        shown[4].contains(r#"[{"name":"hostname","kind":"regular","addressable":true},{"name":"passwd""#)
    );
    assert!(shown[5].contains(r#""mode":"0750","parents":false"#), "{}", shown[5]);
    assert!(
        shown[6].contains(r#""failure":{"code":"not-found","message":"cannot open `/no/such`"#),
        "{}",
        shown[6]
    );
    assert!(shown[7].starts_with(r#"{"call":"rootfs.write","arguments":{"path":"/answers""#), "{}", shown[7]);
    let end = lines.last().unwrap();
    assert_eq!((&end["end"], &end["outcome"], &end["calls"]), (&STEP.into(), &"succeeded".into(), &8.into()));
    let contents: Vec<&String> = shown.iter().filter(|line| line.contains("not to be seen")).collect();
    assert!(contents.is_empty(), "{contents:?}");
    traced.scene.all_is_well();
}

#[test]
fn a_run_is_replayed_without_the_image() {
    let traced = Traced::new();
    let calls = [
        call("architecture", &[]),
        call("source-date-epoch", &[]),
        call("log", &["hello", "name", "value"]),
        call("read", &["/etc/passwd"]),
        call("list-directory", &["/names"]),
        call("write", &["/tmp/x", "content"]),
        call("open-and-read", &["/tmp/x"]),
        call("open-metadata", &["/tmp/x"]),
        call("create", &["/tmp/y"]),
        call("stat", &["/dev/disk"]),
        call("set-xattr", &["/tmp/x", "user.a", "b"]),
        call("get-xattr", &["/tmp/x", "user.a"]),
        call("list-xattrs", &["/tmp/x"]),
        call("copy-tree", &["/etc", "/copy"]),
        call("read", &["/round"]),
        call("artifact-names", &[]),
        call("artifact-read", &["tree", "leaf"]),
        call("artifact-list", &["tree", ""]),
        call("install", &["tree", "", "/tree"]),
        call("remove-tree", &["/copy"]),
    ];
    let top = traced.scene.directory().join("artifacts");
    fs::create_dir(&top).unwrap();
    fs::write(top.join("leaf"), "leaf").unwrap();
    let artifacts = || {
        let mut artifacts = Artifacts::default();
        artifacts.insert("tree", Artifact::open_directory(&top).unwrap());
        artifacts
    };
    traced.calls(&calls, artifacts());
    let recorded = traced.lines().last().unwrap()["calls"].as_u64().unwrap();
    // Two handles are opened and dropped for their calls, one for `create`; the answers are written at the end.
    assert_eq!(traced.replay_with("calls", artifacts()).unwrap(), (recorded, None));
    // The trace does not hold what an artifact holds; another one makes a difference in what is written then.
    let (words, hint) = (["leaves out what the artifact `tree` held"], "has to be given the artifacts");
    assert_error(traced.replay("calls"), &ErrorKind::Trace, &words);
    assert!(traced.replay("calls").unwrap_err().hint_text().unwrap().contains(hint));
    fs::write(top.join("leaf"), "another").unwrap();
    let (same, difference) = traced.replay_with("calls", artifacts()).unwrap();
    assert!(same == recorded - 1 && difference.unwrap().contains("rootfs.write"), "{same}");
}

#[test]
fn the_first_difference_is_shown() {
    let traced = Traced::new();
    traced.calls(&[call("read", &["/etc/passwd"]), call("stat", &["/etc"])], Artifacts::default());
    let whole = traced.text();
    let lines: Vec<&str> = whole.lines().collect();
    // The last line counts the calls.
    let with_calls = |lines: &[&[&str]], calls: usize| {
        let text = lines.concat().join("\n") + "\n";
        text.replacen(r#""calls":3"#, &format!(r#""calls":{calls}"#), 1)
    };
    let changed = [
        (
            "another argument",
            whole.replacen(r#""path":"/etc/passwd""#, r#""path":"/etc/group""#, 1),
            0,
            "rootfs.read {\"path\":\"/etc/group\"}",
        ),
        (
            "another call",
            whole.replacen("rootfs.stat", "rootfs.lstat", 1),
            1,
            "now: rootfs.stat {\"path\":\"/etc\"}",
        ),
        ("another answer", whole.replacen(r#""size":"#, r#""size":1"#, 1), 2, "now: rootfs.write"),
        ("a call less", with_calls(&[&lines[..2], &lines[3..]], 2), 1, "now: rootfs.stat"),
        ("a call more", with_calls(&[&lines[..3], &lines[2..]], 4), 2, "now: rootfs.write"),
        ("an end before", with_calls(&[&lines[..2], &lines[4..]], 1), 1, "line 3: the step ends"),
        (
            "another end",
            whole.replacen(r#""outcome":"succeeded""#, r#""outcome":"failed""#, 1),
            3,
            "now: the step ends: succeeded",
        ),
    ];
    assert_eq!(traced.replay("calls").unwrap(), (3, None));
    for (what, text, same, words) in changed {
        traced.change(|_| text);
        let (calls, difference) = traced.replay("calls").unwrap();
        let difference = difference.unwrap_or_else(|| panic!("{what} is no difference"));
        assert_eq!(calls, same, "{what}: {difference}");
        assert!(
            difference.contains(words) && difference.contains(&format!("call {} ", same + 1)),
            "{what}: {difference}"
        );
    }
}

#[test]
fn another_component_is_told_apart_by_its_calls() {
    let traced = Traced::new();
    let step = traced.scene.load("surroundings");
    traced.run(&step, r#"{"text":"x"}"#, Limits::default(), Artifacts::default()).unwrap();
    let (calls, difference) = traced.replay("calls").unwrap();
    assert!(calls < 5 && difference.is_some(), "{difference:?}");
}

#[test]
fn clock_randomness_and_directory_order_are_the_same_in_every_run() {
    let (one, other) = (Traced::new(), Traced::new());
    // Another state of the machine, and of the image where the step does not look.
    other.scene.call(&[call("write", &["/tmp/other", "x"])], Artifacts::default());
    for traced in [&one, &other] {
        let step = traced.scene.load("surroundings");
        traced.run(&step, r#"{"text":"x"}"#, Limits::default(), Artifacts::default()).unwrap();
    }
    let [first, second] = [&one, &other].map(|traced| Trace::open(&traced.file()).unwrap());
    assert_eq!(sandbox::compare_runs(&first.runs()[0], &second.runs()[0]).unwrap(), None);
    for clock in
        ["wall-clock.now", "monotonic-clock.now", "insecure-seed.insecure-seed", "rootfs.list-directory"]
    {
        assert!(one.text().contains(&format!(r#""call":"{clock}""#)), "{clock}");
    }
    assert_eq!(one.replay("surroundings").unwrap(), (first.runs()[0].calls(), None));
}

#[test]
fn a_difference_between_two_runs_is_found() {
    let (one, other) = (Traced::new(), Traced::new());
    let calls = [call("read", &["/tmp/x"]), call("stat", &["/etc"])];
    other.scene.call(&[call("write", &["/tmp/x", "x"])], Artifacts::default());
    for traced in [&one, &other] {
        traced.calls(&calls, Artifacts::default());
    }
    let [first, second] = [&one, &other].map(|traced| Trace::open(&traced.file()).unwrap());
    let difference = sandbox::compare_runs(&first.runs()[0], &second.runs()[0]).unwrap().unwrap();
    assert_eq!((difference.call, difference.line), (1, 2));
    assert!(
        difference.recorded.contains("not-found") && difference.now.contains("\"bytes\":1"),
        "{difference}"
    );
}

fn put(traced: &Traced, path: &str, content: &str) {
    let mut tree = traced.scene.tree.lock().unwrap();
    let options = WriteOptions { parents: true, ..WriteOptions::default() };
    tree.write(ImagePath::new(path), content.as_bytes(), &options).unwrap();
}

/// A table with a secret.
const SHADOW: &str = "root:hunter2:1:::::::\n";

#[test]
fn secrets_that_are_written_are_left_out_and_the_run_is_replayed_all_the_same() {
    let traced = Traced::new();
    traced.calls(
        &[
            call("write", &["/etc/shadow", SHADOW]),
            call("open-and-write", &["/etc/shadow"]).with(r#"0,"hunter2""#),
            call("set-xattr", &["/etc/shadow", "user.a", "hunter2"]),
            call("write-with-parents", &["/root/.ssh/new/key", "hunter2"]),
            call("write", &["/tmp/x", "hunter2"]),
        ],
        Artifacts::default(),
    );
    let lines = traced.lines();
    let [one, two] = [SHADOW, "hunter2"].map(|secret| sandbox::sha256(secret.as_bytes()));
    let hold: Vec<usize> = (1..lines.len())
        .filter(|line| [&one, &two].iter().any(|digest| lines[*line].to_string().contains(digest.as_str())))
        .collect();
    let call = |line: usize| lines[line]["arguments"]["path"].as_str().unwrap_or_default().to_owned();
    assert_eq!(hold.iter().map(|line| call(*line)).collect::<Vec<_>>(), ["/tmp/x"], "{lines:#?}");
    assert_eq!(traced.replay("calls").unwrap().1, None);
}

#[test]
fn a_secret_whose_link_the_step_removes_is_left_out() {
    let traced = Traced::new();
    put(&traced, "/srv/keys/id", "hunter2");
    put(&traced, "/etc/ssl/openssl.cnf", "");
    let mut tree = traced.scene.tree.lock().unwrap();
    tree.make_symlink(b"/srv/keys", ImagePath::new("/etc/ssl/private")).unwrap();
    drop(tree);
    let calls = [call("remove-file", &["/etc/ssl/private"]), call("read", &["/srv/keys/id"])];
    traced.calls(&calls, Artifacts::default());
    assert_eq!(traced.lines()[2]["result"].to_string(), r#"{"secret":true}"#);
}

#[test]
fn secrets_are_left_out_and_such_a_run_is_not_replayed() {
    // Base64 of the part that is looked for, however it falls.
    let mut marks = ["hunter2", "aHVudGVyMg", "h1bnRlcj", "odW50ZXIy"].map(str::to_owned).to_vec();
    // A digest is enough to find a short secret.
    marks.extend([SHADOW, "hunter2"].map(|secret| sandbox::sha256(secret.as_bytes())));
    let cases = [
        vec![call("read", &["/etc/shadow"])],
        vec![call("read", &["/absolute/shadow"])],
        vec![call("open-and-read", &["/etc/shadow"])],
        vec![call("make-hard-link", &["/etc/shadow", "/tmp/innocent"]), call("read", &["/tmp/innocent"])],
        vec![call("rename", &["/etc/shadow", "/tmp/innocent"]), call("read", &["/tmp/innocent"])],
        vec![call("write", &["/tmp/innocent", "x"]), call("rename", &["/etc/shadow", "/tmp/innocent"])]
            .into_iter()
            .chain([call("read", &["/tmp/innocent"])])
            .collect(),
        vec![
            call("set-xattr", &["/etc/shadow", "user.a", "hunter2"]),
            call("get-xattr", &["/etc/shadow", "user.a"]),
        ],
    ];
    for calls in cases {
        let traced = Traced::new();
        put(&traced, "/etc/shadow", SHADOW);
        let shown = settings(&calls);
        traced.calls(&calls, Artifacts::default());
        let text = traced.text().replace(&serde_json::to_string(&shown).unwrap(), "");
        assert!(marks.iter().all(|mark| !text.contains(mark.as_str())), "{shown}: {text}");
        assert!(text.contains(r#""secret":true"#), "{shown}: {text}");
        assert_error(traced.replay("calls"), &ErrorKind::Trace, &["of the trace leaves out", "secret"]);
    }
}

#[test]
fn what_the_definition_holds_itself_is_left_out_down_to_its_length() {
    let traced = Traced::new();
    let mut artifacts = Artifacts::default();
    artifacts.insert("password", Artifact::Inline(b"hunter2".as_slice().into()));
    traced.calls(&[call("artifact-read", &["password", ""])], artifacts);
    let lines = traced.lines();
    assert_eq!(lines[1]["result"].to_string(), r#"{"secret":true}"#);
    assert_error(traced.replay("calls"), &ErrorKind::Trace, &["the artifact `password`"]);
}

#[test]
fn a_log_without_measure_makes_no_line_that_its_reader_refuses() {
    let traced = Traced::new();
    let step = traced.scene.load("misbehave");
    let limits = Limits { log: 1 << 30, time: Duration::from_secs(60), ..Limits::default() };
    traced.run(&step, &crate::scene::behaviour("log-fields"), limits, Artifacts::default()).unwrap();
    assert_eq!(traced.replay("misbehave").unwrap(), (1, None));
    assert!(fs::metadata(traced.file()).unwrap().len() < 1 << 20);
}

#[test]
fn runs_that_end_badly_are_replayed_to_the_same_end() {
    let limits = || Limits { time: Duration::from_secs(5), written: 1 << 20, ..Limits::default() };
    for (behaviour, outcome) in [
        ("panic", "crashed"),
        ("fail", "failed"),
        ("exit", "crashed"),
        ("recurse-plain", "limit"),
        ("write-flood", "limit"),
        ("open-flood", "limit"),
        ("huge-random", "crashed"),
    ] {
        let traced = Traced::new();
        let step = traced.scene.load("misbehave");
        let settings = crate::scene::behaviour(behaviour);
        traced.run(&step, &settings, limits(), Artifacts::default()).unwrap_err();
        let lines = traced.lines();
        let end = lines.last().unwrap();
        assert_eq!(
            (&end["outcome"], end["message"].is_string()),
            (&outcome.into(), true),
            "{behaviour}: {end}"
        );
        assert_eq!(traced.replay("misbehave").unwrap().1, None, "{behaviour}");
    }
}

#[test]
fn a_trace_that_was_cut_off_is_replayed_as_far_as_it_goes() {
    let traced = Traced::new();
    traced.calls(&[call("read", &["/etc/passwd"]), call("stat", &["/etc"])], Artifacts::default());
    let whole = traced.text();
    let third = whole.match_indices('\n').nth(2).unwrap().0;
    for (cut, calls) in [(third + 1, 2), (third + 30, 2), (third - 5, 1)] {
        traced.change(|_| whole[..cut].to_owned());
        assert_eq!(traced.replay("calls").unwrap(), (calls, None), "{cut}");
        assert!(!Trace::open(&traced.file()).unwrap().runs()[0].is_whole(), "{cut}");
    }
}

#[test]
fn several_runs_in_one_trace_are_told_apart() {
    let traced = Traced::new();
    traced.calls(&[call("stat", &["/etc"])], Artifacts::default());
    traced.calls(&[call("stat", &["/tmp"]), call("stat", &["/"])], Artifacts::default());
    let trace = Trace::open(&traced.file()).unwrap();
    let runs: Vec<(&str, u64)> = trace.runs().iter().map(|run| (run.step(), run.calls())).collect();
    assert_eq!(runs, [(STEP, 2), (STEP, 3)]);
    let step = new_sandbox().load(STEP, &crate::scene::component("calls")).unwrap();
    for run in trace.runs() {
        let replayed = step.replay(run, Artifacts::default()).unwrap();
        assert_eq!((replayed.calls, replayed.difference), (run.calls(), None));
    }
}

#[test]
fn what_is_no_trace_is_an_error_that_names_the_line() {
    let traced = Traced::new();
    traced.calls(&[call("stat", &["/etc"])], Artifacts::default());
    let whole = traced.text();
    let first = whole.lines().next().unwrap().to_owned();
    let cases = [
        ("text\n".to_owned(), "line 1: "),
        (format!("{first}\n{{}}\n"), "line 2: "),
        (whole.replacen("{\"call\"", "{\"cal\"", 1), "line 2: "),
        (
            whole.lines().skip(1).map(|line| format!("{line}\n")).collect(),
            "line 1: the line belongs to no run",
        ),
        (whole.replacen("\"format\":1", "\"format\":2", 1), "the form 2"),
        (format!("{}\n", "x".repeat(33 << 20)), "line 1: the line is longer"),
        (format!("{whole}{}\n", whole.lines().last().unwrap()), "line 5: the line belongs to no run"),
        (whole.replacen("\"calls\":2", "\"calls\":99", 1), "line 4: the run is said to have 99 calls"),
        (whole.replacen("\"result\":", "\"trap\":\"x\",\"old\":", 1), "line 3: the line belongs to no run"),
    ];
    for (text, words) in cases {
        traced.change(|_| text);
        let error = Trace::open(&traced.file()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    traced.change(|_| String::new());
    assert!(Trace::open(&traced.file()).unwrap().runs().is_empty());
    let error = Trace::open(traced.directory.path()).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
    assert!(Trace::open(&traced.directory.path().join("none")).is_err());
}

#[test]
fn a_damaged_beginning_is_refused_before_anything_runs() {
    let traced = Traced::new();
    traced.calls(&[call("stat", &["/etc"])], Artifacts::default());
    let whole = traced.text();
    for (old, new, words) in [
        ("\"contract\":\"0.1.0\"", "\"contract\":\"7.0.0\"", "contract 7.0.0"),
        ("\"seed\":\"07", "\"seed\":\"zz", "seed"),
        ("{\\\"stat", "{\\\"lstat", "settings"),
    ] {
        assert!(whole.contains(old), "{old}");
        traced.change(|_| whole.replacen(old, new, 1));
        assert_error(traced.replay("calls"), &ErrorKind::Trace, &[words]);
    }
    // An answer of another type ends the replay with the line.
    traced.change(|_| whole.replacen(r#""kind":"directory""#, r#""kind":"cat""#, 1));
    let error = traced.replay("calls").unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("line 2: "), "{error}");
}

#[test]
fn a_full_disk_is_told_and_the_run_goes_on() {
    let traced = Traced::new();
    let step = traced.scene.load("calls");
    let sink = TraceSink::new(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let run = StepRun {
        settings: settings(&[call("write", &["/tmp/x", "there"])]),
        tree: Arc::clone(&traced.scene.tree),
        artifacts: Artifacts::default(),
        facts: facts(),
        limits: Limits::default(),
        scope: Scope::unrestricted(),
        touches: None,
        trace: Some(sink.clone()),
    };
    step.run(run).unwrap();
    assert_eq!(traced.scene.read("/tmp/x"), "there");
    assert_eq!(sink.finish().unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}
