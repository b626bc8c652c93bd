//! The commands of `step`, as an author of steps uses them: from an empty directory to a file in an image.

use std::env;
use std::fs;
use std::path::PathBuf;

use e2e::{Disk, Outcome, Run, Scene, component, disk, refused, scene, text};
use fixtures::{Distro, Format, Layout};
use serde_json::{Value, json};

/// A run of one of the commands, in a log without colours.
fn step(arguments: &[&str]) -> Run {
    Run::new(["step"].iter().chain(arguments).copied())
}

/// A project whose component is `calls`: a step that makes the calls which its settings list.
struct Project {
    scene: Scene,
}

impl Project {
    fn new() -> Outcome<Self> {
        let scene = Scene::new()?;
        fs::copy(component::guest("calls")?, scene.join("step.wasm"))?;
        Ok(Self { scene })
    }

    fn component(&self) -> Outcome<String> {
        text(&self.scene.join("step.wasm"))
    }

    fn write(&self, name: &str, content: &str) -> Outcome<PathBuf> {
        self.scene.write(name, content)
    }

    fn read(&self, name: &str) -> Outcome<String> {
        Ok(fs::read_to_string(self.scene.join(name))?)
    }

    fn test(&self, flags: &[&str]) -> Outcome<Run> {
        let run = step(&["test", "--directory"]).argument(self.scene.path());
        Ok(flags.iter().fold(run, |run, flag| run.argument(*flag)))
    }

    fn run(&self, ground: &[&str], settings: &Value, flags: &[&str]) -> Outcome<Run> {
        let run = step(&["run", &self.component()?, "--settings", &settings.to_string()]);
        Ok(ground.iter().chain(flags).fold(run, |run, flag| run.argument(*flag)))
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn a_step_runs_on_a_copy_and_shows_what_it_changes() -> Outcome {
    let project = Project::new()?;
    project.write("root/etc/hosts", "one\ntwo\nthree\n")?;
    project.write("root/etc/motd", "old\n")?;
    let root = text(&project.scene.join("root"))?;
    let settings = json!({ "calls": [
        { "write": ["/etc/hosts", "one\n2\nthree\n"] },
        { "write": ["/etc/motd", "new\n"] },
        { "make-symlink": ["motd", "/etc/issue"] },
        { "set-mode": ["/etc", 0o700] },
    ] });
    let ground = ["--root", &root];

    let denied = project.run(&ground, &settings, &[])?;
    refused(&denied, &["not granted to this step", "grant.write: [/answers]"])?;

    let flags = ["--write", "/etc/**", "--write", "/answers"];
    let finished = project.run(&ground, &settings, &flags)?.succeed()?;
    let expected = [
        "+ f 0644 0:0 /answers \"ok \\nok \\nok \\nok \\n\"",
        "- d 0755 0:0 /etc",
        "+ d 0700 0:0 /etc",
        "~ f 0644 0:0 /etc/hosts",
        "    -two",
        "    +2",
        "+ l 0777 0:0 /etc/issue -> motd",
        "- f 0644 0:0 /etc/motd \"old\\n\"",
        "+ f 0644 0:0 /etc/motd \"new\\n\"",
    ];
    assert_eq!(lines(&finished.stdout), expected);
    assert_eq!(project.read("root/etc/hosts")?, "one\ntwo\nthree\n", "the directory was written");
    assert!(!project.scene.join("root/answers").exists() && !project.scene.join("root/etc/issue").exists());

    let learned = project.run(&ground, &settings, &["--learn"])?.succeed()?;
    let grant = "grant:\n  read: []\n  write:\n  - /answers\n  - /etc\n  - /etc/hosts\n  - /etc/issue\n  - /etc/motd\n";
    assert_eq!(learned.stdout, grant);
    let with_grant =
        ["--write=/answers", "--write=/etc", "--write=/etc/hosts", "--write=/etc/issue", "--write=/etc/motd"];
    project.run(&ground, &settings, &with_grant)?.succeed()?;
    refused(&project.run(&ground, &settings, &["--learn", "--write", "/x"])?, &["`--learn` lets the step"])?;
    Ok(())
}

#[test]
fn what_a_step_did_is_json_and_a_trace_for_programs() -> Outcome {
    let project = Project::new()?;
    project.write("files/logo.txt", "a logo\n")?;
    fs::create_dir(project.scene.join("root"))?;
    let (root, trace) = (text(&project.scene.join("root"))?, text(&project.scene.join("trace"))?);
    let settings = project.write(
        "settings.json",
        r#"{ "calls": [{ "log": ["says", "a", "b c"] }, { "install": ["logo", "", "/logo"] }, "step-name"] }"#,
    )?;
    let artifact = format!("logo={}", text(&project.scene.join("files/logo.txt"))?);
    let finished = step(&["run", &project.component()?, "--root", &root, "--trace", &trace, "--format=json"])
        .argument("--settings")
        .argument(&settings)
        .argument("--artifact")
        .argument(&artifact)
        .argument("--write=/**")
        .succeed()?;
    let report: Value = serde_json::from_str(&finished.stdout)?;
    assert_eq!(report["step"], "calls");
    assert_eq!(report["log"], json!(["info says a=\"b c\""]));
    assert_eq!(report["changes"][0]["path"], "/answers");
    assert!(
        report["changes"][0]["after"].as_str().is_some_and(|line| line.contains("ok calls")),
        "{report:#}"
    );
    assert_eq!(report["changes"][1], json!({ "path": "/logo", "after": "f 0644 0:0 /logo \"a logo\\n\"" }));
    assert_eq!(report["grant"], json!({ "read": [], "write": ["/answers", "/logo"], "nodes": false }));
    Run::new(["replay", &trace, "--component", &project.component()?]).succeed()?;

    let failing = json!({ "calls": [{ "read": "/none" }], "report_by_failing": true });
    let finished = refused(&project.run(&["--root", &root], &failing, &["--format=json"])?, &["/none"])?;
    let report: Value = serde_json::from_str(&finished.stdout)?;
    assert!(report["failed"].as_str().is_some_and(|text| text.contains("/none")), "{report:#}");
    assert_eq!(report["changes"], json!([]));
    assert_eq!((&report["deniedCalls"], &report["hostCalls"]), (&json!(0), &json!(1)), "{report:#}");
    assert!(report["elapsedMs"].as_f64().is_some_and(|time| time > 0.0), "{report:#}");

    // What it did before it was stopped counts, too.
    let settings = json!({ "calls": [{ "write": ["/a", "content"] }, { "write": ["/b", "x"] }] });
    let flags = ["--format=json", "--write=/a"];
    let finished = refused(&project.run(&["--root", &root], &settings, &flags)?, &["/answers"])?;
    let report: Value = serde_json::from_str(&finished.stdout)?;
    assert_eq!(report["deniedCalls"], 2, "{report:#}");
    assert!(report["bytesWritten"].as_u64().is_some_and(|bytes| bytes > 7), "{report:#}");
    assert_eq!(report["incompleteGrant"], false);

    // A trace does not hold what the step reads of its input files.
    let settings = json!({ "calls": [{ "artifact-read": ["logo", ""] }] });
    let flags = ["--trace", &trace, "--write=/**", "--artifact", &artifact];
    project.run(&["--root", &root], &settings, &flags)?.succeed()?;
    assert!(!fs::read_to_string(&trace)?.contains("YSBsb2dv"), "the trace holds the artifact");
    let replay = Run::new(["replay", &trace, "--component", &project.component()?]);
    refused(&replay, &["leaves out what the artifact `logo` held", "--artifact"])?;
    replay.argument("--artifact").argument(&artifact).succeed()?;
    Ok(())
}

#[test]
fn what_cannot_be_run_is_refused_with_a_reason() -> Outcome {
    let project = Project::new()?;
    let root = text(project.scene.path())?;
    let good = json!({ "calls": [] });
    let ground = ["--root", root.as_str()];
    let none = text(&project.scene.join("none"))?;
    let cases: [(Run, &[&str]); 9] = [
        (
            project.run(&ground, &json!({ "cals": [] }), &[])?,
            &["`calls` is missing", "`cals` is not known", "step inspect"],
        ),
        (project.run(&ground, &good, &["--write", "etc/motd"])?, &["`etc/motd` is no pattern of paths"]),
        (project.run(&ground, &good, &["--artifact", "logo"])?, &["--artifact NAME=PATH"]),
        (
            project.run(&ground, &good, &["--artifact", &format!("logo={none}")])?,
            &["artifact `logo`", "No such file"],
        ),
        (project.run(&["--root", &none], &good, &[])?, &["No such file"]),
        (project.run(&["--image", &none], &good, &[])?, &["the input image cannot be used"]),
        (step(&["run", &none, "--root", &root]), &["cannot read the component", "No such file"]),
        (step(&["run", &project.component()?, "--root", &root, "--settings", "{"]), &["is no JSON"]),
        (
            step(&["run", &project.component()?, "--root", &root, "--settings", "none.json"]),
            &["none.json", "takes JSON"],
        ),
    ];
    for (run, words) in cases {
        let finished = refused(&run, words)?;
        assert_eq!(finished.stdout, "", "{words:?}");
    }
    Ok(())
}

#[test]
fn an_image_is_copied_before_a_step_runs_on_it() -> Outcome {
    let project = Project::new()?;
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let base = project.scene.base(&raw, Format::Qcow2)?;
    let before = disk::digest(&base)?;
    let settings = json!({ "calls": ["architecture", { "write": ["/etc/motd", "hello\n"] }] });
    let flags = ["--write=/etc/motd", "--write=/answers"];
    let image = text(&base)?;
    let finished = project.run(&["--image", &image], &settings, &flags)?.succeed()?;
    let changes = lines(&finished.stdout);
    assert!(changes.contains(&"+ f 0644 0:0 /etc/motd \"hello\\n\" user.note=\"kept\""), "{changes:#?}");
    assert!(
        changes.iter().all(|line| line.contains("/answers") || line.contains("/etc/motd")),
        "{changes:#?}"
    );
    assert_eq!(disk::digest(&base)?, before, "the image was changed");
    Ok(())
}

#[test]
fn golden_tests_compare_the_tree_and_the_log() -> Outcome {
    let project = Project::new()?;
    let settings = json!({ "calls": [
        { "log": ["hello", "from", "a test"] },
        { "install": ["logo.txt", "", "/etc/logo"] },
        { "read": "/etc/shadow" },
        "source-date-epoch",
    ] });
    project.write("tests/lib.rs", "not a golden test\n")?;
    project.write("tests/works/settings.json", &settings.to_string())?;
    project.write("tests/works/input/etc/shadow", "root:*:\n")?;
    project.write("tests/works/input.manifest", "f 0640 0:42 /etc/shadow\nd 1777 0:0 /tmp\n")?;
    project.write("tests/works/artifacts/logo.txt", "a logo\n")?;
    let fails = json!({ "calls": [{ "stat": "/nothing" }], "report_by_failing": true });
    project.write("tests/fails/settings.json", &fails.to_string())?;
    project.write("tests/refused/settings.json", r#"{ "cals": [] }"#)?;
    project.write("tests/refused/expected.log", "something else\n")?;

    // Without a word about it nothing is granted, as in a configuration.
    let finished = refused(&project.test(&["works"])?, &["1 of 1 test failed"])?;
    for line in [
        "  there is no `grant.json`, so nothing is granted; the step needs this in `tests/grant.json`:",
        r#"    {"read":["/etc/shadow"],"write":["/answers","/etc/logo"],"nodes":false}"#,
    ] {
        assert!(finished.stdout.lines().any(|shown| shown == line), "no {line:?} in {}", finished.stdout);
    }
    assert!(finished.stdout.contains("add `grant.write: [/answers]`"), "{}", finished.stdout);

    project.write("tests/grant.json", r#"{ "write": ["/**"] }"#)?;
    let finished = refused(&project.test(&[])?, &["3 of 3 tests failed", "--update"])?;
    assert!(!finished.stdout.contains("there is no `grant.json`"), "{}", finished.stdout);
    for line in [
        "FAILED   fails",
        "FAILED   refused",
        "FAILED   works",
        "    -something else",
        "    +info hello from=\"a test\"",
    ] {
        assert!(finished.stdout.lines().any(|shown| shown == line), "no {line:?} in {}", finished.stdout);
    }
    assert!(!project.scene.join("tests/works/expected.diff").exists());

    let finished = project.test(&["--update"])?.succeed()?;
    assert!(
        finished.stdout.contains("updated  works\n  expected.diff\n  expected.log\n"),
        "{}",
        finished.stdout
    );
    let diff = project.read("tests/works/expected.diff")?;
    assert!(diff.contains("+ f 0644 0:0 /etc/logo \"a logo\\n\"\n"), "{diff}");
    assert!(
        diff.contains("Denied") && diff.contains("ok 1577836800"),
        "secrets are not for tests either: {diff}"
    );
    assert!(!diff.contains("/tmp") && !diff.contains("+ f 0640"), "{diff}");
    assert_eq!(project.read("tests/works/expected.log")?, "info hello from=\"a test\"\n");
    let log = project.read("tests/fails/expected.log")?;
    assert!(log.starts_with("failed: step `calls` failed: NotFound") && log.contains("/nothing"), "{log}");
    let log = project.read("tests/refused/expected.log")?;
    assert!(log.contains("refused: settings: `calls` is missing\n"), "{log}");

    let finished = project.test(&[])?.succeed()?;
    assert_eq!(finished.stdout, "ok       fails\nok       refused\nok       works\n3 tests\n");
    assert_eq!(project.test(&["works"])?.succeed()?.stdout, "ok       works\n1 test\n");
    refused(&project.test(&["nothing"])?, &["there is no test `nothing`"])?;

    // The grant of one test, then of all, is what a configuration would say.
    project.write("tests/grant.json", r#"{ "write": ["/answers"] }"#)?;
    let finished = refused(&project.test(&["--format=json"])?, &["1 of 3 tests failed"])?;
    let report: Value = serde_json::from_str(&finished.stdout)?;
    assert_eq!(report["tests"][2]["name"], "works");
    assert_eq!(report["tests"][2]["passed"], false);
    assert_eq!(report["tests"][2]["differences"][0]["file"], "expected.diff");
    let finished = refused(&project.test(&["works"])?, &["1 of 1 test failed"])?;
    for words in [
        "tests/grant.json` is not enough; the step needs this in it:\n",
        r#"    {"read":["/etc/shadow"],"write":["/answers","/etc/logo"],"nodes":false}"#,
    ] {
        assert!(finished.stdout.contains(words), "no {words:?} in {}", finished.stdout);
    }
    let own = r#"{ "read": ["/etc/shadow"], "write": ["/answers", "/etc/logo"] }"#;
    project.write("tests/works/grant.json", own)?;
    refused(&project.test(&["works"])?, &[])?;
    project.test(&["works", "--update"])?.succeed()?;
    assert!(project.read("tests/works/expected.diff")?.contains("root:*:"), "it was named");
    Ok(())
}

#[test]
fn a_project_without_tests_or_component_says_so() -> Outcome {
    let project = Project::new()?;
    refused(&project.test(&[])?, &["there are no tests", "settings.json"])?;
    fs::remove_file(project.scene.join("step.wasm"))?;
    refused(&project.test(&[])?, &["there is no `", "step build"])?;
    Ok(())
}

#[test]
fn a_component_is_looked_at_without_being_run() -> Outcome {
    let project = Project::new()?;
    let finished = step(&["inspect", &project.component()?]).succeed()?;
    for line in ["name        calls", "contract    customizer:step@0.1.0", "  customizer:step/rootfs@0.1.0"] {
        assert!(finished.stdout.lines().any(|shown| shown == line), "no {line:?} in {}", finished.stdout);
    }
    assert!(
        finished.stdout.contains("needs       `grant: { nodes: true }`, `grant: { write: […] }`"),
        "{}",
        finished.stdout
    );

    let finished = step(&["inspect", &project.component()?, "--format=json"]).succeed()?;
    let report: Value = serde_json::from_str(&finished.stdout)?;
    assert_eq!(report["name"], "calls");
    assert_eq!(report["size"], fs::metadata(project.scene.join("step.wasm"))?.len());
    assert_eq!(report["settingsSchema"]["required"], json!(["calls"]));
    assert_eq!(report["needs"], json!(["nodes", "write"]));

    let sockets = text(&component::guest("sockets")?)?;
    let finished = step(&["inspect", &sockets]).succeed()?;
    assert!(finished.stdout.contains("REFUSED: no step has network access"), "{}", finished.stdout);
    assert!(finished.stdout.contains("unusable    step `sockets` is refused"), "{}", finished.stdout);

    let script = text(&project.write("script.wasm", "#!/bin/sh\n")?)?;
    refused(&step(&["inspect", &script]), &["script.wasm", "a step is a WebAssembly component"])?;
    Ok(())
}

#[test]
fn a_component_that_breaks_the_rules_is_told_which() -> Outcome {
    let project = Project::new()?;
    let finished = step(&["check", &project.component()?]).succeed()?;
    assert!(finished.stdout.contains("skipped  it makes the same calls in every run"), "{}", finished.stdout);

    project.write("tests/one/settings.json", r#"{ "calls": [{ "write": ["/a", "b"] }] }"#)?;
    let finished = step(&["check", &project.component()?]).succeed()?;
    assert!(finished.stdout.contains("add `grant.write: [/answers]`"), "{}", finished.stdout);
    project.write("tests/grant.json", r#"{ "write": ["/a", "/answers"] }"#)?;
    project.write("tests/bad/settings.json", "{}")?;
    let finished = step(&["check", &project.component()?]).succeed()?;
    for line in [
        "ok       one: it makes the same calls in every run",
        "ok       one: it leaves the same tree behind in every run",
        "ok       one: a second run on the same tree changes nothing",
        "skipped  bad: settings that do not fit the schema are not run",
    ] {
        assert!(finished.stdout.lines().any(|shown| shown == line), "no {line:?} in {}", finished.stdout);
    }

    // What one run leaves behind, the next one meets.
    let settings = r#"{ "calls": [{ "make-directory": ["/once", 493] }] }"#;
    let finished =
        step(&["check", &project.component()?, "--settings", settings, "--format=json"]).succeed()?;
    let report: Value = serde_json::from_str(&finished.stdout)?;
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    let again =
        checks.iter().find(|check| check["rule"].as_str().is_some_and(|rule| rule.contains("second run")));
    assert_eq!(again.map(|check| &check["verdict"]), Some(&json!("warned")), "{report:#}");

    for guest in ["sockets", "without-step"] {
        let finished =
            refused(&step(&["check", &text(&component::guest(guest)?)?]), &["1 rule is not kept"])?;
        assert!(
            finished.stdout.starts_with("FAILED   it is a component that follows"),
            "{}",
            finished.stdout
        );
    }
    Ok(())
}

#[test]
fn a_project_starts_in_every_language_and_nowhere_else() -> Outcome {
    let scene = Scene::new()?;
    for language in ["rust", "js", "python", "c", "go"] {
        let directory = text(&scene.join(language))?;
        let finished =
            step(&["new", "front-door", "--language", language, "--directory", &directory]).succeed()?;
        assert!(finished.stdout.contains("imagecustomizer step build"), "{}", finished.stdout);
        for file in ["build.sh", "README.md", "tests/greeting/expected.diff"] {
            assert!(scene.join(language).join(file).is_file(), "{language}: {file}");
        }
        let again = step(&["new", "front-door", "--language", language, "--directory", &directory]);
        refused(&again, &["is not empty", "--directory"])?;
    }
    let directory = text(&scene.join("other"))?;
    refused(
        &step(&["new", "Front_Door", "--directory", &directory]),
        &["cannot name a step", "lower-case words"],
    )?;
    for name in ["hostname", "users"] {
        refused(&step(&["new", name, "--directory", &directory]), &["built-in step", "another name"])?;
    }
    assert!(!scene.join("other").exists());
    Ok(())
}

#[test]
fn a_build_says_what_is_missing() -> Outcome {
    let scene = Scene::new()?;
    let build =
        |name: &str| Ok::<_, e2e::Failure>(step(&["build", "--directory", &text(&scene.join(name))?]));
    fs::create_dir(scene.join("empty"))?;
    // Nothing is installed but what starts the program here.
    let tools = scene.join("tools");
    fs::create_dir(&tools)?;
    std::os::unix::fs::symlink("/usr/bin/timeout", tools.join("timeout"))?;
    let path = text(&tools)?;
    refused(&build("empty")?, &["there is no `", "build.sh", "step new"])?;

    for (language, words) in [
        ("rust", &["`cargo` is not installed", "https://rustup.rs"]),
        ("js", &["`npm` is not installed", "apt-get install nodejs npm"]),
        ("python", &["`python3` is not installed", "python3-venv"]),
        ("go", &["`go` or `python3` is not installed", "python3-venv"]),
        ("c", &["`zig` or `python3` is not installed", "python3-venv"]),
    ] {
        let directory = text(&scene.join(language))?;
        step(&["new", "x", "--language", language, "--directory", &directory]).succeed()?;
        refused(&build(language)?.variable("PATH", &path), words)?;
    }

    // A compiler for C says nothing about the others.
    refused(&build("js")?.variable("PATH", &path).variable("CC", "cc"), &["`npm` is not installed"])?;
    refused(&build("c")?.variable("PATH", &path).variable("CC", "/no/cc"), &["cannot run `build.sh`"])?;

    // Rust without rustup, and without the target.
    fs::write(tools.join("cargo"), "")?;
    let rustc = scene.write("tools/rustc", "#!/bin/sh\necho /nonexistent/lib\n")?;
    fs::set_permissions(rustc, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let words = ["has no target `wasm32-wasip2`", "rustup target add wasm32-wasip2"];
    refused(&build("rust")?.variable("PATH", &path), &words)?;

    scene.write("own/build.sh", "echo working; exit 3\n")?;
    let finished = refused(&build("own")?, &["own/build.sh` ended with exit status: 3", "working"])?;
    assert_eq!(finished.stdout, "");
    scene.write("own/build.sh", "printf '#!/bin/sh' > step.wasm\n")?;
    refused(&build("own")?, &["no component can be made", "not a WebAssembly module or component"])?;
    scene.write("own/build.sh", "true\n")?;
    fs::remove_file(scene.join("own/step.wasm"))?;
    refused(&build("own")?, &["step.wasm", "No such file"])?;

    let sockets = text(&component::guest("sockets")?)?;
    scene.write("own/build.sh", format!("cp '{sockets}' step.wasm\n"))?;
    refused(&build("own")?, &["cannot be used", "no step has network access", "step inspect"])?;
    let calls = text(&component::guest("calls")?)?;
    scene.write("own/build.sh", format!("cp '{calls}' step.wasm\n"))?;
    let finished = build("own")?.succeed()?;
    assert!(finished.stdout.contains("calls 0.1.0, "), "{}", finished.stdout);
    Ok(())
}

#[test]
fn a_lock_is_written_once_and_holds() -> Outcome {
    let project = Project::new()?;
    let config = |grant: &str| {
        format!(
            "previewFeatures: [custom-steps]\nsteps:\n- name: own\n  component: step.wasm\n  \
             settings: {{ calls: [] }}\n  grant: {{ write: [{grant}] }}\n"
        )
    };
    let file = text(&project.write("config.yaml", &config("/answers"))?)?;
    let lock = || step(&["lock", "--config-file", &file]);
    let validate =
        Run::new(["validate-config", "--validate-resources=files", "--locked", "--config-file", &file]);
    refused(&validate, &["step lock"])?;
    assert!(lock().succeed()?.stdout.ends_with("imagecustomizer.lock is written\n"));
    let written = project.read("imagecustomizer.lock")?;
    let report: Value = serde_json::from_str(&written)?;
    assert_eq!(report["steps"][0]["grant"]["write"], json!(["/answers"]));
    validate.succeed()?;
    assert!(lock().succeed()?.stdout.ends_with("imagecustomizer.lock is as it was\n"));

    project.write("config.yaml", &config("/**"))?;
    refused(&validate, &["grant.write"])?;
    assert_eq!(project.read("imagecustomizer.lock")?, written);
    assert!(lock().succeed()?.stdout.ends_with("imagecustomizer.lock is written\n"));
    validate.succeed()?;

    // Something without an end in its place is neither read nor replaced.
    fs::remove_file(project.scene.join("imagecustomizer.lock"))?;
    std::os::unix::fs::symlink("/dev/zero", project.scene.join("imagecustomizer.lock"))?;
    refused(&lock(), &["the steps were not locked", "it is no regular file"])?;
    refused(&validate, &["imagecustomizer.lock"])?;

    project.write("config.yaml", "os: { hostname: not_fine }\n")?;
    refused(&lock(), &["the steps were not locked", "not_fine"])?;
    Ok(())
}

#[test]
fn command_lines_of_step_are_understood_or_explained() -> Outcome {
    let cases = [
        ("", "missing command: one of new, build, inspect, check, test, run, lock, push, pull"),
        ("frob", "unexpected argument frob"),
        ("new", "missing arguments: NAME"),
        ("inspect", "missing arguments: FILE"),
        (
            "new x --language perl",
            "--language must be one of \"rust\",\"js\",\"python\",\"c\",\"go\" but got \"perl\"",
        ),
        ("run f --root d --image i", "--root can't be used together with --image"),
        ("lock", "missing flags: --config-file=FILE"),
        ("push f", "missing arguments: REFERENCE"),
        ("pull", "missing arguments: REFERENCE"),
        ("run f --artifac d", "unknown flag --artifac, did you mean \"--artifact\"?"),
        ("build --image-file i", "unknown flag --image-file"),
    ];
    for (line, message) in cases {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let finished = step(&arguments).finish()?;
        assert_eq!(finished.stderr, format!("imagecustomizer: error: {message}\n"), "{line}");
        assert_eq!(finished.code, Some(80), "{line}");
    }
    for (line, usage) in [
        ("--help", "Usage: imagecustomizer step COMMAND [FLAGS]"),
        ("run --help", "Usage: imagecustomizer step run FILE (--root DIR | --image FILE) [FLAGS]"),
        ("pull --help", "Usage: imagecustomizer step pull REFERENCE [--output FILE] [FLAGS]"),
        ("--help test", "Usage: imagecustomizer step test [TEST]... [FLAGS]"),
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let finished = step(&arguments).succeed()?;
        assert!(finished.stdout.contains(usage), "{line}: {}", finished.stdout);
        assert!(finished.stdout.lines().all(|line| line.chars().count() <= 100), "{line}");
    }
    Ok(())
}

/// Needs what takes minutes to build: a Rust toolchain, and crates from their registry.
mod whole_system {
    use super::*;

    /// What `docs/steps/worked-example.md` and `docs/steps/transcript.md` show.
    #[test]
    fn a_new_step_is_started_changed_tested_and_used_in_an_image() -> Outcome {
        let scene = Scene::new()?;
        let project = scene.join("motd");
        let directory = text(&project)?;
        step(&["new", "motd", "--directory", &directory]).succeed()?;

        let lib = project.join("src/lib.rs");
        let edited = fs::read_to_string(&lib)?.replace(
            "        let text = format!(\"{}\\n\", settings.text.trim_end_matches('\\n'));\n",
            "        let host = root.read_text(\"/etc/hostname\")?.unwrap_or_default();\n        \
             let text = format!(\"{} on {}\\n\", settings.text.trim_end_matches('\\n'), host.trim_end());\n",
        );
        assert!(edited.contains("read_text"), "the project is not as the page says");
        fs::write(&lib, edited)?;

        // Crates that others have published are built once for all runs of this test.
        let target = e2e::product::program()?.with_file_name("step-story");
        fs::create_dir_all(&target)?;
        std::os::unix::fs::symlink(&target, project.join("target"))?;
        let mut build = step(&["build", "--directory", &directory]);
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"] {
            if let Ok(value) = env::var(name) {
                build = build.variable(name, &value);
            }
        }
        let built = build.succeed()?;
        assert!(built.stdout.contains("motd 0.1.0, "), "{}", built.stdout);

        let test = step(&["test", "--directory", &directory]);
        let finished = refused(&test, &["1 of 1 test failed"])?;
        assert!(
            finished.stdout.contains("++ f 0644 0:0 /etc/motd \"hello on image\\n\""),
            "{}",
            finished.stdout
        );
        fs::write(
            project.join("tests/greeting/expected.diff"),
            "+ f 0644 0:0 /etc/motd \"hello on image\\n\"\n",
        )?;
        assert_eq!(test.succeed()?.stdout, "ok       greeting\n1 test\n");
        step(&["check", &text(&project.join("step.wasm"))?]).succeed()?;

        let config = "previewFeatures: [custom-steps]\nos:\n  hostname: web-1\nsteps:\n- name: motd\n  \
                      component: motd/step.wasm\n  settings:\n    text: hello\n  grant:\n    write: [/etc/motd]\n";
        let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
        scene.customize(&raw, config, Format::Raw)?.succeed()?;
        let after = Disk::open(&scene.output(Format::Raw), Format::Raw)?;
        after.check()?;
        assert_eq!(after.tree("root")?.text("/etc/motd")?, "hello on web-1\n");
        Ok(())
    }
}
