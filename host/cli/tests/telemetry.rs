//! The built program and usage data: what it shows, keeps and writes. What it sends is tested from end to end.

#![expect(clippy::disallowed_methods, reason = "these tests run the program itself")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "this file holds tests only")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_setfl};

use serde_json::Value;

/// A machine of its own: no variables but these, and an empty home.
struct Machine {
    home: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

type Variables<'a> = &'a [(&'static str, &'static str)];

/// Nobody listens there.
const COLLECTOR: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");

impl Machine {
    fn new(variables: Variables<'_>) -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: variables.to_vec() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs a line whose words have no blanks in them; `@` stands for the home.
    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn command(&self, line: &str) -> Command {
        let line = line.replace('@', self.home.path().to_str().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagecustomizer"));
        command.env_clear().envs(self.variables.iter().copied()).env("XDG_STATE_HOME", self.path("state"));
        command.args(line.split_whitespace().map(OsStr::new));
        command
    }

    /// What a line that succeeds prints.
    fn printed(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.printed("telemetry status --format json")).unwrap()
    }

    /// The lines of a preview.
    fn preview(&self, line: &str) -> Vec<Value> {
        lines(&self.printed(&format!("telemetry preview {line}")))
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An attribute of the span of the run.
fn told(lines: &[Value], key: &str) -> Option<String> {
    let spans = lines[0].pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap().as_array().unwrap();
    let run = spans.iter().find(|span| span["name"] == "imagecustomizer.run").unwrap();
    let attribute = run["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key)?;
    Some(attribute.pointer("/value/stringValue").unwrap().as_str().unwrap().to_owned())
}

/// The parts of the configuration language that were used.
fn apis(lines: &[Value]) -> Vec<String> {
    let text = lines[1].to_string();
    let values = text.split(r#""key":"imagecustomizer.api","value":{"stringValue":""#).skip(1);
    values.map(|value| value.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn a_choice_is_kept_and_shown() {
    let machine = Machine::new(&[COLLECTOR]);
    assert_eq!(
        (&machine.status()["rule"], &machine.status()["choice"]),
        (&"first_run".into(), &"unset".into())
    );
    assert!(!machine.path("state").exists(), "to look makes nothing");
    for (word, rule, sends) in [("off", "stored", false), ("on", "chosen", true)] {
        let printed = machine.printed(&format!("telemetry {word}"));
        let file = machine.path("state/imagecustomizer/telemetry");
        assert!(printed.starts_with(word) && printed.contains(file.to_str().unwrap()), "{printed}");
        let status = machine.status();
        assert_eq!((&status["choice"], &status["rule"]), (&word.into(), &rule.into()));
        assert_eq!(status["sends"], sends);
        assert_eq!(status["destination"]["hosts"][0], "127.0.0.1:9");
        assert!(machine.printed("telemetry").contains(&format!("choice       {word} (`")));
    }
}

#[test]
fn a_choice_that_cannot_be_kept_is_a_failure_with_a_hint() {
    let machine = Machine::new(&[]);
    std::fs::write(machine.path("state"), "").unwrap();
    let output = machine.run("telemetry off --log-format json");
    let record: Value = serde_json::from_str(&stderr(&output)).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(record["msg"].as_str().unwrap().contains("the choice could not be kept"), "{record}");
    assert!(record["hint"].as_str().unwrap().contains("IMAGECUSTOMIZER_TELEMETRY=off"), "{record}");
}

#[test]
fn each_way_to_switch_off_is_named() {
    let cases: [(Variables<'_>, &str, &str); 6] = [
        (&[], "telemetry status", "nothing is sent: this build knows no destination"),
        (&[COLLECTOR], "telemetry --disable-telemetry", "off: `--disable-telemetry` is given"),
        (&[COLLECTOR], "--disable-telemetry telemetry", "off: `--disable-telemetry` is given"),
        (&[COLLECTOR, ("DO_NOT_TRACK", "1")], "telemetry", "off: `DO_NOT_TRACK` says so"),
        (&[COLLECTOR, ("ENABLE_TELEMETRY", "maybe")], "telemetry", {
            "off: `ENABLE_TELEMETRY` has a value that is not understood"
        }),
        (&[(COLLECTOR.0, "nonsense")], "telemetry", "nothing is sent: the destination cannot be used"),
    ];
    for (variables, line, expected) in cases {
        let printed = Machine::new(variables).printed(line);
        let first = printed.lines().next().unwrap();
        assert_eq!(first, format!("telemetry    {expected}"), "{line}");
    }
}

#[test]
fn a_preview_shows_what_the_line_would_send() {
    let machine = Machine::new(&[COLLECTOR]);
    std::fs::write(
        machine.path("c.yaml"),
        "input: {image: {path: secret-input.vhdx}}\noutput: {image: {path: secret.qcow2, format: qcow2}}\n\
         os: {hostname: secret-host, users: [{name: secret-user}]}\n",
    )
    .unwrap();
    let c = "--build-dir @/b --config-file @/c.yaml";
    let cases = [
        (String::new(), "customize", "success", "none", "none"),
        (c.to_owned(), "customize", "success", "none", "qcow2"),
        (format!("customize {c}"), "customize", "success", "none", "qcow2"),
        (format!("{c} --output-image-format raw"), "customize", "success", "none", "raw"),
        (format!("{c} --image oci:secret"), "customize", "user_error", "not_supported", "none"),
        ("--build-dir @/b --config-file @/none".into(), "customize", "user_error", "config_invalid", "none"),
        (
            "convert --image-file i --output-image-file o --output-image-format vhd-fixed".into(),
            { "convert" },
            "success",
            "none",
            "vhd_fixed",
        ),
        ("validate-config --config-file @/c.yaml".into(), "validate_config", "success", "none", "qcow2"),
        ("convert --secret".into(), "convert", "user_error", "usage", "none"),
    ];
    for (line, command, outcome, error, output) in cases {
        let lines = machine.preview(&line);
        let expected = [
            ("imagecustomizer.command", command),
            ("imagecustomizer.outcome", outcome),
            ("error.type", error),
            ("imagecustomizer.image.format.output", output),
        ];
        for (key, value) in expected {
            assert_eq!(told(&lines, key).as_deref(), Some(value), "{line}: {key}");
        }
        assert!(!lines.iter().any(|line| line.to_string().contains("secret")), "{line}");
    }
    assert_eq!(apis(&machine.preview(c)), ["hostname", "users"]);
    assert!(!machine.path("b").exists() && !machine.path("state").exists(), "nothing is run or kept");
}

/// The parts of the run that were entered.
fn phases(lines: &[Value]) -> Vec<String> {
    let text = lines[0].to_string();
    let values = text.split(r#""key":"imagecustomizer.phase","value":{"stringValue":""#).skip(1);
    values.map(|value| value.split('"').next().unwrap().to_owned()).collect()
}

/// A preview that failed runs would agree with, and one of a run that loads a step from elsewhere.
#[test]
fn a_preview_says_what_the_run_says() {
    let machine = Machine::new(&[]);
    std::fs::write(machine.path("broken.yaml"), "os: [\n").unwrap();
    std::fs::write(
        machine.path("unsupported.yaml"),
        "input: {image: {path: i.qcow2}}\noutput: {image: {path: o.qcow2, format: qcow2}}\n\
         scripts: {postCustomization: [{content: \"true\"}]}\n",
    )
    .unwrap();
    for line in [
        "--build-dir @/b --config-file @/broken.yaml",
        "--build-dir @/b --config-file @/none.yaml",
        "--build-dir @/b --config-file @/unsupported.yaml",
        "--build-dir @/b --config-file @/broken.yaml --image oci:x",
        "validate-config --config-file @/broken.yaml",
        "validate-config --config-file @/broken.yaml --validate-resources oci",
        "validate-config --config-file @/unsupported.yaml",
        "convert --image-file @/i --output-image-file @/o --output-image-format cosi --build-dir @/b",
        "convert --image-file @/i --output-image-file @/o --output-image-format cosi",
    ] {
        let previewed = machine.preview(line);
        let log = machine.path("sent.jsonl");
        machine.run(&format!("{line} --telemetry-log @/sent.jsonl"));
        let sent = lines(&std::fs::read_to_string(&log).unwrap());
        for key in [
            "imagecustomizer.outcome",
            "error.type",
            "imagecustomizer.image.format.output",
            "imagecustomizer.base.source",
        ] {
            assert_eq!(told(&previewed, key), told(&sent, key), "{line}: {key}");
        }
        assert_eq!((phases(&previewed), apis(&previewed)), (phases(&sent), apis(&sent)), "{line}");
        std::fs::remove_file(log).unwrap();
    }
    // No log is written of a line that is wrong: no part of the run was entered.
    for line in ["convert --nonsense", CONTRADICTION] {
        let previewed = machine.preview(line);
        assert_eq!(told(&previewed, "error.type").as_deref(), Some("usage"), "{line}");
        assert_eq!(phases(&previewed), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn a_preview_of_a_step_from_elsewhere_says_as_little_as_the_run() {
    let machine = Machine::new(&[]);
    std::fs::write(
        machine.path("c.yaml"),
        "input: {image: {path: i.qcow2}}\noutput: {image: {path: o.qcow2, format: qcow2}}\n\
         previewFeatures: [custom-steps]\nsteps: [{name: own, component: step.wasm}]\n",
    )
    .unwrap();
    let files = "validate-config --config-file @/c.yaml --validate-resources files";
    for (line, foreign) in [
        ("--build-dir @/b --config-file @/c.yaml", true),
        (files, true),
        ("validate-config --config-file @/c.yaml", false),
    ] {
        let previewed = machine.preview(line);
        assert_eq!(told(&previewed, "imagecustomizer.duration.coarse_class").is_some(), foreign, "{line}");
        assert_eq!(told(&previewed, "imagecustomizer.duration.class").is_some(), !foreign, "{line}");
        assert_eq!(phases(&previewed), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn a_preview_says_when_nothing_would_be_sent() {
    let machine = Machine::new(&[COLLECTOR, ("DO_NOT_TRACK", "1")]);
    let output = machine.run("telemetry preview");
    assert!(stderr(&output).contains("off: `DO_NOT_TRACK` says so"), "{}", stderr(&output));
    assert_eq!(lines(&String::from_utf8(output.stdout).unwrap()).len(), 2);
    for line in ["doctor", "telemetry on", "man", "convert --help", "--build-dir b --config-file c --plan"] {
        let output = machine.run(&format!("telemetry preview {line}"));
        assert!(output.stdout.is_empty() && output.status.success(), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains("this command line sends nothing"), "{line}");
    }
    assert!(!machine.path("state").exists(), "what is previewed is not done");
}

#[test]
fn the_schema_is_told_to_people_and_programs() {
    let machine = Machine::new(&[]);
    let text = machine.printed("telemetry schema");
    assert!(text.contains("imagecustomizer.command") && text.contains("bits"), "{text}");
    let schema: Value = serde_json::from_str(&machine.printed("telemetry schema --format json")).unwrap();
    assert!(schema.is_object());
}

const FAILS: &str = "validate-config --config-file @/none";

#[test]
fn the_first_run_tells_and_those_after_it_do_not() {
    let machine = Machine::new(&[COLLECTOR]);
    let first = stderr(&machine.run(FAILS));
    assert_eq!(first.matches("From the next run on").count(), 1, "{first}");
    assert!(first.contains("level=info") && first.contains("127.0.0.1:9"), "{first}");
    assert_eq!(machine.status()["lastSend"], Value::Null);
    let second = machine.run(FAILS);
    assert!(!stderr(&second).contains("usage data"), "{}", stderr(&second));
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(machine.status()["lastSend"], "failed");
}

#[test]
fn a_run_that_is_too_quiet_to_tell_sends_nothing() {
    let machine = Machine::new(&[COLLECTOR]);
    for _ in 0..2 {
        assert!(!stderr(&machine.run(&format!("{FAILS} --log-level warn"))).contains("usage data"));
        assert_eq!(machine.status()["rule"], "first_run");
    }
}

#[test]
fn a_notice_that_standard_error_does_not_take_was_not_shown() {
    let machine = Machine::new(&[COLLECTOR]);
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let read_only = || Stdio::from(File::open("/dev/zero").unwrap());
    for line in [FAILS, "convert --nonsense"] {
        for stderr in [full(), read_only(), Stdio::null()] {
            machine.command(line).stderr(stderr).status().unwrap();
            assert_eq!(machine.status()["rule"], "first_run", "{line}");
        }
        let mut closed = Command::new("sh");
        closed.args(["-c", "exec \"$@\" 2>&-", "sh"]).arg(env!("CARGO_BIN_EXE_imagecustomizer"));
        closed.args(machine.command(line).get_args()).env_clear();
        closed.envs(machine.command(line).get_envs().filter_map(|(name, value)| Some((name, value?))));
        closed.status().unwrap();
        assert_eq!(machine.status()["rule"], "first_run", "{line}");
    }
    machine.run(FAILS);
    assert_eq!(machine.status()["rule"], "default");
}

/// A pipe that takes nothing any more, as nobody reads it.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while writer.write(&[b' '; 4096]).is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, writer)
}

/// Waits until SIGTERM has a handler.
fn handles_signals(child: &Child) -> bool {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        if u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << 14 != 0 {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

const PATIENCE: Duration = Duration::from_secs(20);

const CONTRADICTION: &str = "validate-config --config-file @/c --log-format json --log-color always";

#[test]
fn a_run_that_fails_before_it_has_a_log_is_counted() {
    let machine = Machine::new(&[COLLECTOR]);
    let log_is_a_folder = format!("{FAILS} --log-file @/");
    let same_file = format!("{FAILS} --telemetry-log @/none");
    for line in [CONTRADICTION, &log_is_a_folder, &same_file] {
        machine.printed("telemetry on");
        let output = machine.run(line);
        assert_eq!((output.status.code(), machine.status()["lastSend"].as_str()), (Some(1), Some("failed")));
        machine.printed("telemetry off");
        std::fs::remove_file(machine.path("state/imagecustomizer/telemetry")).unwrap();
        let quiet = format!("{line} --log-level warn");
        assert!(!stderr(&machine.run(&quiet)).contains("usage data"), "{line}");
        assert_eq!(machine.status()["rule"], "first_run", "{line}");
        assert!(stderr(&machine.run(line)).contains("usage data"), "{line}");
    }
    assert!(!machine.path("none").exists());
}

#[test]
fn a_run_whose_log_nobody_reads_can_be_stopped() {
    let machine = Machine::new(&[COLLECTOR]);
    machine.printed("telemetry on");
    std::fs::write(machine.path("c.yaml"), "os: {hostname: web-1}\n").unwrap();
    let (_reader, writer) = full_pipe();
    let mut command = machine.command("validate-config --config-file @/c.yaml --log-level debug");
    let mut child = command.stderr(writer).spawn().unwrap();
    assert!(handles_signals(&child));
    let kill = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let told = Instant::now();
    let code = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status.code(),
            None if told.elapsed() > PATIENCE => {
                child.kill().unwrap();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert_eq!(code, Some(1), "the run had to be killed");
}

#[test]
fn a_wrong_command_line_tells_too_and_keeps_its_exit_code() {
    let machine = Machine::new(&[COLLECTOR, ("CI", "true")]);
    let output = machine.run("convert --nonsense");
    assert_eq!(output.status.code(), Some(80));
    assert!(stderr(&output).contains("imagecustomizer: At the end of this run"), "{}", stderr(&output));
    for line in ["convert --nonsense --disable-telemetry", "--help", "--version", "doctor", "telemetry"] {
        assert!(!stderr(&machine.run(line)).contains("usage data"), "{line}");
    }
}

#[test]
fn the_telemetry_log_is_written_unless_off() {
    let machine = Machine::new(&[]);
    machine.run(&format!("{FAILS} --telemetry-log @/sent.jsonl"));
    let sent = lines(&std::fs::read_to_string(machine.path("sent.jsonl")).unwrap());
    assert_eq!(told(&sent, "error.type").as_deref(), Some("config_invalid"));
    for off in ["--disable-telemetry", "--disable-telemetry=true"] {
        machine.run(&format!("{off} {FAILS} --telemetry-log @/off.jsonl"));
    }
    machine.printed("telemetry off");
    machine.run(&format!("{FAILS} --telemetry-log @/off.jsonl"));
    assert!(!machine.path("off.jsonl").exists());
    let output = machine.run(&format!("{FAILS} --telemetry-log @/none"));
    assert!(stderr(&output).contains("`--telemetry-log` and `--config-file` name the same file"));
}
