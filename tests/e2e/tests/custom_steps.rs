//! Steps of the configuration's own: where they run, what they are given, and all that is refused about them before an
//! image is opened.

use std::fs;
use std::path::Path;

use e2e::{Disk, Finished, Outcome, Run, Scene, component, disk, scene};
use fixtures::process::{command, output};
use fixtures::{Distro, Format, Layout};
use serde_json::Value;

/// A scene with components beside the configuration.
fn scene_with(components: &[&str]) -> Outcome<Scene> {
    let scene = Scene::new()?;
    for name in components {
        fs::copy(component::guest(name)?, scene.join(&format!("{name}.wasm")))?;
    }
    Ok(scene)
}

/// A configuration with these `steps`, and more before them.
fn config(before: &str, steps: &str) -> String {
    format!("previewFeatures: [custom-steps]\n{before}steps:\n{steps}")
}

fn base() -> Outcome<std::path::PathBuf> {
    scene::fixture(Distro::AzureLinux3, Layout::Efi)
}

/// Runs `customize`, insists on a plain refusal that leaves everything as it was, and gives what was said.
#[track_caller]
fn refusal(scene: &Scene, config: &str, flags: &[&str]) -> Outcome<String> {
    let base = base()?;
    let before = disk::digest(&base)?;
    let run =
        flags.iter().fold(scene.customize(&base, config, Format::Raw)?, |run, flag| run.argument(*flag));
    let finished = run.finish()?;
    assert!(!finished.is_bug(), "{config}: {finished:#?}");
    let Finished { code, stdout, stderr } = finished;
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{config}: {stderr}");
    assert_eq!(disk::digest(&base)?, before, "{config}: the input was changed");
    assert_eq!(scene.listing("out")?, Vec::<String>::new(), "{config}: something was written");
    Ok(stderr)
}

/// The findings of `validate-config` as it prints them for people, with the scene's directory left out.
#[track_caller]
fn findings(scene: &Scene, config: &str, flags: &[&str]) -> Outcome<String> {
    let file = scene.write("config.yaml", config)?;
    let mut run = Run::new(["validate-config", "--validate-resources=files", "--log-color", "always"]);
    run = run.argument("--config-file").argument(&file).variable("NO_COLOR", "1");
    let finished = flags.iter().fold(run, |run, flag| run.argument(*flag)).finish()?;
    assert!(!finished.is_bug(), "{config}: {finished:#?}");
    let text = finished.stderr.replace(&*scene.path().to_string_lossy(), "SCENE");
    let plain = text.replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
    let lines = plain
        .lines()
        .skip_while(|line| !line.starts_with("    "))
        .map(|line| line.trim_start_matches("    "));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn steps_run_where_the_configuration_says_with_what_it_gives_them() -> Outcome {
    let scene = scene_with(&["calls"])?;
    scene.write("files/logo.txt", "a logo\n")?;
    scene.write("files/tree/below/one", "1")?;
    let text = config(
        "os:\n  hostname: custom\n  additionalFiles: [{ content: from files, destination: /srv/x/file }]\n",
        "\
- name: late
  component: calls.wasm
  grant: { write: [/srv/**, /answers] }
  artifacts: { logo: files/logo.txt, tree: files/tree }
  settings:
    calls:
    - copy-tree: [/srv/x, /srv/seen]
    - artifact-names
    - artifact-read: [logo, '']
    - install: [tree, '', /srv/tree]
    - write: [/srv/secret-setting, hunter2]
- name: early
  component: calls.wasm
  before: files
  grant: { write: [/srv/**, /answers] }
  settings: { calls: [{ write-with-parents: [/srv/x/file, from early] }] }
",
    );
    let raw = base()?;
    let report = scene.join("report.json");
    let plan = scene.customize(&raw, &text, Format::Raw)?.argument("--plan=json").succeed()?;
    scene.customize(&raw, &text, Format::Raw)?.argument("--report").argument(&report).succeed()?;

    let order = ["hostname", "early", "files", "late", "release-file", "history"];
    for (value, at) in
        [(serde_json::from_str::<Value>(&plan.stdout)?, "plan"), (read_json(&report)?, "report")]
    {
        let steps = value.get("steps").and_then(Value::as_array).cloned().unwrap_or_default();
        let names: Vec<_> = steps.iter().filter_map(|step| step.get("step")?.as_str()).collect();
        assert_eq!(names, order, "{at}");
    }
    let after = Disk::open(&scene.output(Format::Raw), Format::Raw)?;
    after.check()?;
    let root = after.tree("root")?;
    assert_eq!(root.text("/srv/x/file")?, "from files", "`early` runs before `files`");
    assert_eq!(root.text("/srv/seen/file")?, "from files", "`late` runs behind it");
    assert_eq!(root.text("/srv/tree/below/one")?, "1");
    let answers = root.text("/answers")?;
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(
        answers.get(1..3),
        Some(["ok logo tree", "ok 7 bytes \"a logo\\n\""].as_slice()),
        "{answers:?}"
    );

    let history = root.text("/usr/share/image-customizer/history.json")?;
    assert!(!history.contains("hunter2"), "{history}");
    let digest = sha256(&scene.join("calls.wasm"))?;
    for word in ["\"settings\": \"sha256:", "\"artifactHashes\": {", &format!("\"sha256\": \"{digest}\"")] {
        assert!(history.contains(word), "no {word} in {history}");
    }
    Ok(())
}

fn sha256(path: &Path) -> Outcome<String> {
    let said = output(command("sha256sum").arg(path))?;
    Ok(String::from_utf8_lossy(&said).split_whitespace().next().unwrap_or_default().to_owned())
}

fn read_json(path: &Path) -> Outcome<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

#[test]
fn settings_that_do_not_fit_are_shown_where_they_stand() -> Outcome {
    let scene = scene_with(&["calls"])?;
    let text = config("", "- name: own\n  component: calls.wasm\n  settings:\n    rounds: 0\n    cals: []\n");
    let expected = "\
invalid image config:
the settings of step `own` do not fit: `calls` is missing
  --> SCENE/config.yaml:6:5
  |
6 |     rounds: 0
  |     ^^^^^^^^^
the settings of step `own` do not fit: the number is less than 1
  --> SCENE/config.yaml:6:13
  |
6 |     rounds: 0
  |             ^
the settings of step `own` do not fit: `cals` is not known here
  --> SCENE/config.yaml:7:5
  |
7 |     cals: []
  |     ^^^^
  hint: known: `calls`, `report_by_failing`, `rounds`";
    assert_eq!(findings(&scene, &text, &[])?, expected);
    let refused = refusal(&scene, &text, &[])?;
    assert!(refused.contains("config.yaml:7:5") && refused.contains("rule=step-settings"), "{refused}");
    Ok(())
}

#[test]
fn what_is_wrong_with_a_component_is_said_before_an_image_is_opened() -> Outcome {
    let scene = scene_with(&["calls", "capability", "sockets", "without-step"])?;
    scene.write("text.wasm", "no component")?;
    fs::create_dir(scene.join("folder.wasm"))?;
    let digest = "0".repeat(64);
    let oci = format!("oci:127.0.0.1:1/steps/motd@sha256:{digest}");
    let step = |component: &str, rest: &str| format!("- {{ name: own, component: '{component}'{rest} }}\n");
    let calls = ", settings: { calls: [] }";
    let cases: Vec<(String, Vec<&str>)> = vec![
        (step("none.wasm", ""), vec!["it does not exist", "step-component-file"]),
        (step("folder.wasm", ""), vec!["not a regular file", "step-component-file"]),
        (step("text.wasm", ""), vec!["is not a usable component", "step-component-invalid"]),
        (step("without-step.wasm", ""), vec!["does not fit the step contract", "step-component-invalid"]),
        (
            step("sockets.wasm", ""),
            vec!["wasi:sockets", "no step has network access", "step-component-invalid"],
        ),
        (
            step("capability.wasm", ""),
            vec![
                "imports `customizer:step/commands`",
                "not granted",
                "this version cannot serve",
                "step-grant-missing",
            ],
        ),
        (
            step("capability.wasm", ", grant: { commands: true }"),
            vec!["steps[0].grant.commands", "not supported yet"],
        ),
        (
            step("calls.wasm", ", grant: { packages: true }"),
            vec!["steps[0].grant.packages", "not supported yet"],
        ),
        (
            step(&oci, ""),
            vec!["cannot be fetched", "cannot be reached", "step-component-fetch", "config.yaml:3:27"],
        ),
        (
            step("calls.wasm", &format!(", sha256: '{digest}'{calls}")),
            vec!["has another digest", "step-component-sha256"],
        ),
        (
            step("calls.wasm", &format!("{calls}, artifacts: {{ a: nowhere }}")),
            vec!["artifact `a`", "it does not exist"],
        ),
    ];
    for (steps, words) in cases {
        let said = refusal(&scene, &config("", &steps), &[])?;
        for word in words {
            assert!(said.contains(word), "{steps}: no {word:?} in {said}");
        }
    }
    Ok(())
}

#[test]
fn what_is_not_granted_is_denied_with_the_line_to_add() -> Outcome {
    let scene = scene_with(&["calls"])?;
    let calls =
        "settings: { calls: [{ write: [/etc/motd, x] }, { read: /etc/shadow }, { read: /etc/passwd }] }";
    let step =
        |grant: &str| config("", &format!("- {{ name: own, component: calls.wasm, {calls}{grant} }}\n"));
    let said = refusal(&scene, &step(""), &[])?;
    for words in ["step `own` failed", "`/answers`", "add `grant.write: [/answers]`", "may change nothing"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    let raw = base()?;
    let finished = scene.customize(&raw, &step(", grant: { write: [/answers] }"), Format::Raw)?.succeed()?;
    assert!(finished.stderr.contains("grant.write: [/etc/motd]"), "{}", finished.stderr);
    let root = Disk::open(&scene.output(Format::Raw), Format::Raw)?.tree("root")?;
    let answers = root.text("/answers")?;
    let answers: Vec<&str> = answers.lines().collect();
    let begins = ["Denied", "Denied", "ok"];
    assert!(answers.iter().zip(begins).all(|(answer, begin)| answer.starts_with(begin)), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.contains("/etc/shadow]`")), "{answers:?}");
    Ok(())
}

#[test]
fn limits_of_the_configuration_and_of_the_policy_end_a_step() -> Outcome {
    let scene = scene_with(&["misbehave"])?;
    let step = |what: &str, limits: &str| {
        config(
            "",
            &format!("- {{ name: own, component: misbehave.wasm, settings: {what}, limits: {limits} }}\n"),
        )
    };
    let behave = |name: &str| format!("{{ behaviour: {name} }}");
    let said = refusal(&scene, &step(&behave("loop"), "{ time: 1s }"), &[])?;
    assert!(said.contains("step `own` exceeded its time limit"), "{said}");
    let said = refusal(&scene, &step(&behave("allocate"), "{ memory: 8M }"), &[])?;
    assert!(said.contains("step `own` exceeded its memory limit"), "{said}");
    let policy = scene.write("policy.yaml", "maximumLimits: { time: 1s }\n")?;
    let flag = format!("--policy={}", policy.display());
    let said = refusal(&scene, &step(&behave("loop"), "{}"), &[&flag])?;
    assert!(said.contains("step `own` exceeded its time limit"), "{said}");
    Ok(())
}

#[test]
fn a_policy_is_followed_wherever_it_is_named() -> Outcome {
    let scene = scene_with(&["calls"])?;
    let policy =
        scene.write("policy.yaml", "# ours\nmaximumGrants:\n  write: [/srv/**]\nrequireSha256: true\n")?;
    let text = config(
        "",
        "- name: own\n  component: calls.wasm\n  settings: { calls: [] }\n  grant: { write: [/etc/motd] }\n",
    );
    let flag = format!("--policy={}", policy.display());
    let expected = "\
the policy does not allow this:
the policy refuses step `own`: `requireSha256` asks for the digest of its component
  --> SCENE/policy.yaml:4:16
  |
4 | requireSha256: true
  |                ^^^^
  hint: change `steps[0]` of `SCENE/config.yaml`
the policy refuses step `own`: `grant.write` of `/etc/motd` is more than `maximumGrants.write` allows
  --> SCENE/policy.yaml:3:11
  |
3 |   write: [/srv/**]
  |           ^^^^^^^
  hint: change `steps[0]` of `SCENE/config.yaml`";
    assert_eq!(findings(&scene, &text, &[&flag])?, expected);
    let raw = base()?;
    let by_variable = scene.customize(&raw, &text, Format::Raw)?;
    let by_variable = by_variable.variable("IMAGECUSTOMIZER_POLICY", &policy.to_string_lossy()).finish()?;
    assert_eq!(by_variable.code, Some(1), "{}", by_variable.stderr);
    assert!(by_variable.stderr.contains("policy-grant"), "{}", by_variable.stderr);
    let missing = refusal(&scene, &text, &["--policy=/nonexistent/policy.yaml"])?;
    assert!(missing.contains("the policy cannot be used"), "{missing}");
    Ok(())
}

#[test]
fn locked_steps_need_a_lock() -> Outcome {
    let scene = scene_with(&["calls"])?;
    let text = config("", "- { name: own, component: calls.wasm, settings: { calls: [] } }\n");
    let said = refusal(&scene, &text, &["--locked"])?;
    assert!(said.contains("step `own` is locked nowhere: there is no `imagecustomizer.lock`"), "{said}");
    scene.write("imagecustomizer.lock", "{ \"version\": 1, \"steps\": [] }")?;
    let said = refusal(&scene, &text, &["--locked"])?;
    assert!(said.contains("step `own` is not in `imagecustomizer.lock`"), "{said}");
    scene.write("imagecustomizer.lock", "{}")?;
    let said = refusal(&scene, &text, &["--locked"])?;
    assert!(said.contains("cannot use the lock file"), "{said}");
    Ok(())
}

#[test]
fn a_traced_run_leaves_a_file_for_its_owner_alone() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let scene = scene_with(&["calls"])?;
    let text = config(
        "",
        "- { name: own, component: calls.wasm, grant: { write: [/answers] }, settings: { calls: [{ read: /etc/passwd }] } }\n",
    );
    let trace = scene.write("trace.jsonl", "old content, longer than nothing")?;
    let raw = base()?;
    scene.customize(&raw, &text, Format::Raw)?.argument("--trace-steps").argument(&trace).succeed()?;
    assert_eq!(fs::metadata(&trace)?.permissions().mode() & 0o777, 0o600);
    let content = fs::read_to_string(&trace)?;
    assert!(content.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{content}");
    assert!(content.contains("/etc/passwd") && content.contains("\"own\""), "{content}");
    Ok(())
}
