//! What a component can find out about where it runs: nothing that the host did not decide.

use crate::scene::{Limits, PASSWD, Run, Scene, call, facts, settings};
use sandbox::StepRun;
use std::sync::Arc;

const SETTINGS: &str = r#"{"text":"näïve \"settings\"\n"}"#;

fn look(scene: &Scene, seed: u8) -> String {
    let step = scene.load("surroundings");
    let run = StepRun {
        settings: SETTINGS.to_owned(),
        tree: Arc::clone(&scene.tree),
        artifacts: Default::default(),
        facts: sandbox::StepFacts { seed: [seed; 32], ..facts() },
        limits: Limits::default(),
        scope: sandbox::Scope::unrestricted(),
        trace: None,
        touches: None,
    };
    step.run(run).unwrap();
    scene.read("/surroundings")
}

fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("no {start} in {text}"))
}

#[test]
fn settings_and_facts_arrive_as_they_were_given() {
    let text = look(&Scene::new(), 1);
    assert_eq!(line(&text, "settings "), r#""näïve \"settings\"\n""#);
    assert_eq!(line(&text, "step "), "trouble on x86_64");
    assert_eq!(line(&text, "epoch "), "1704164646");
}

#[test]
fn time_is_virtual() {
    let text = look(&Scene::new(), 1);
    assert_eq!(line(&text, "wall clock "), "1704164646.000000000");
    assert_eq!(line(&text, "slept for at least an hour "), "true");
    assert!(line(&text, "slept 3600.").len() < 12, "{text}");
}

#[test]
fn environment_arguments_threads_and_input_are_empty() {
    let text = look(&Scene::new(), 1);
    for (start, rest) in
        [("environment ", "[]"), ("arguments ", "[]"), ("thread ", "false"), ("stdin ", "Some(0)")]
    {
        assert_eq!(line(&text, start), rest);
    }
}

#[test]
fn the_seed_alone_decides_randomness_and_the_order_of_hash_maps() {
    let (first, second, other) = (look(&Scene::new(), 1), look(&Scene::new(), 1), look(&Scene::new(), 2));
    assert_eq!(first, second);
    for start in ["random ", "order "] {
        assert_ne!(line(&first, start), line(&other, start));
    }
}

#[test]
fn not_a_number_has_one_form() {
    assert_eq!(line(&look(&Scene::new(), 1), "not a number "), "7ff8000000000000");
}

#[test]
fn directories_are_listed_in_order() {
    assert_eq!(line(&look(&Scene::new(), 1), "directory "), r#"["hostname", "passwd"]"#);
}

#[test]
fn equal_runs_make_equal_calls_and_equal_images() {
    let scene = Scene::new();
    let base = std::fs::read(scene.directory().join("base.img")).unwrap();
    let run = || {
        let scene = Scene::from(&base);
        let look = scene.run(Run::new("surroundings", SETTINGS)).unwrap();
        let calls = [
            call("copy-tree", &["/etc", "/copy"]),
            call("make-symlink", &["/etc/passwd", "/link"]),
            call("remove-tree", &["/usr"]),
        ];
        let change = scene.run(Run::new("calls", &settings(&calls))).unwrap();
        assert_eq!(scene.read("/copy/passwd"), PASSWD);
        let spent = [look.host_calls, look.written, change.host_calls, change.written];
        (spent, scene.bytes())
    };
    let (first, second) = (run(), run());
    assert_eq!(first.0, second.0);
    assert!(first.1 == second.1, "the images differ");
}
