//! Traces of steps: written by a run, and enough to run a step again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use e2e::{Outcome, Run, Scene, component, scene};
use fixtures::{Distro, Format, Layout};
use serde_json::Value;

fn base() -> Outcome<PathBuf> {
    scene::fixture(Distro::AzureLinux3, Layout::Efi)
}

/// A scene with the guest `name` as `step.wasm`.
fn scene_with(name: &str) -> Outcome<Scene> {
    let scene = Scene::new()?;
    fs::copy(component::guest(name)?, scene.join("step.wasm"))?;
    Ok(scene)
}

fn config(settings: &str) -> String {
    format!(
        "previewFeatures: [custom-steps]\nos: {{ hostname: traced }}\nsteps:\n- name: mine\n  component: step.wasm\n  \
         grant: {{ write: [/srv/**, /answers] }}\n  settings: {settings}\n"
    )
}

fn lines(trace: &Path) -> Outcome<Vec<Value>> {
    let text = fs::read_to_string(trace)?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn replay(trace: &Path, flags: &[&str]) -> Run {
    let run = Run::new(["replay", "--log-color", "never"]).argument(trace);
    flags.iter().fold(run, |run, flag| run.argument(*flag))
}

#[test]
fn a_trace_of_a_run_replays_its_steps() -> Outcome {
    let scene = scene_with("calls")?;
    let trace = scene.join("steps.trace");
    let calls = "{ calls: [{ read: /etc/os-release }, { write-with-parents: [/srv/a/b, x] }, { list-directory: / }] }";
    let run = scene.customize(&base()?, &config(calls), Format::Raw)?;
    run.argument("--trace-steps").argument(&trace).succeed()?;

    assert_eq!(fs::metadata(&trace)?.permissions().mode() & 0o777, 0o600);
    let begun: Vec<String> =
        lines(&trace)?.iter().filter_map(|line| Some(line.get("begin")?.as_str()?.to_owned())).collect();
    assert_eq!(begun, ["hostname", "mine", "release-file", "history"]);
    let ended = lines(&trace)?.iter().filter(|line| line.get("outcome") == Some(&"succeeded".into())).count();
    assert_eq!(ended, 4);

    // Neither image nor configuration is there any more.
    let component = scene.join("elsewhere.wasm");
    fs::rename(scene.join("step.wasm"), &component)?;
    let component = component.to_string_lossy().into_owned();
    let found = replay(&trace, &["--component", &component]).succeed()?;
    assert!(found.stderr.contains("step `mine` made the"), "{}", found.stderr);
    for step in ["hostname", "release-file"] {
        let found = replay(&trace, &["--step", step]).succeed()?;
        assert!(found.stderr.contains(&format!("step `{step}` made the")), "{}", found.stderr);
    }
    let found = replay(&trace, &[]).finish()?;
    assert!(found.stderr.contains("several runs") && found.stderr.contains("`mine`"), "{}", found.stderr);
    let found = replay(&trace, &["--step", "mine"]).finish()?;
    assert!(found.stderr.contains("`mine` is not a built-in step"), "{}", found.stderr);

    // Another step in its place does something else.
    let other = component::guest("surroundings")?.to_string_lossy().into_owned();
    let found = replay(&trace, &["--step", "mine", "--component", &other]).finish()?;
    assert_eq!(found.code, Some(1));
    for words in ["replay failed", "is not the recorded one", "now: ", "another one than that of the trace"] {
        assert!(found.stderr.contains(words), "no {words} in {}", found.stderr);
    }
    Ok(())
}

#[test]
fn a_panic_shows_step_message_place_and_functions_and_leaves_its_trace() -> Outcome {
    let scene = scene_with("misbehave")?;
    let trace = scene.join("steps.trace");
    let run = scene.customize(&base()?, &config("{ behaviour: panic }"), Format::Raw)?;
    let finished = run.argument("--trace-steps").argument(&trace).finish()?;
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    for words in [
        "step `mine` crashed: panicked at ",
        "misbehave/src/lib.rs:",
        "on purpose",
        "inside of the step",
        "misbehave::",
    ] {
        assert!(finished.stderr.contains(words), "no {words:?} in {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("core::panicking"), "{}", finished.stderr);
    let lines = lines(&trace)?;
    let end = lines.last().and_then(|line| line.get("outcome"));
    assert_eq!(end, Some(&"crashed".into()));
    let component = scene.join("step.wasm").to_string_lossy().into_owned();
    replay(&trace, &["--step", "mine", "--component", &component]).succeed()?;
    Ok(())
}

#[test]
fn a_trace_is_a_file_of_its_own() -> Outcome {
    let scene = scene_with("calls")?;
    let text = config("{ calls: [] }");
    let base = base()?;
    for flag in ["--image-file", "--config-file", "--output-image-file"] {
        let run = scene.customize(&base, &text, Format::Raw)?;
        let path = match flag {
            "--image-file" => base.clone(),
            "--config-file" => scene.join("config.yaml"),
            _ => scene.output(Format::Raw),
        };
        let finished = run.argument("--trace-steps").argument(&path).finish()?;
        assert_eq!(finished.code, Some(1), "{flag}");
        assert!(finished.stderr.contains("name the same file"), "{flag}: {}", finished.stderr);
    }
    let finished = scene
        .customize(&base, &text, Format::Raw)?
        .argument("--trace-steps")
        .argument(scene.path())
        .finish()?;
    assert!(finished.stderr.contains("cannot write the trace"), "{}", finished.stderr);
    Ok(())
}

#[test]
fn what_is_no_trace_is_refused_with_its_line() -> Outcome {
    let scene = Scene::new()?;
    let trace = scene.write("text", "not a trace\n")?;
    let found = replay(&trace, &["--step", "hostname"]).finish()?;
    assert_eq!(found.code, Some(1));
    assert!(found.stderr.contains("line 1: this is not a line of a trace"), "{}", found.stderr);
    let found = replay(&scene.join("none"), &[]).finish()?;
    assert!(found.stderr.contains("cannot use the trace"), "{}", found.stderr);
    Ok(())
}
