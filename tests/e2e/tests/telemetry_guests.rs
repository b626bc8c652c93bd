//! A step from elsewhere that tries to talk through telemetry: whatever it does, a run says one of eight things, and
//! nothing that the step was given or said.

use std::collections::BTreeSet;
use std::fs;

use e2e::canary::Canaries;
use e2e::collector::Collector;
use e2e::{Outcome, Scene, component, failed, scene};
use fixtures::{Distro, Format, Layout};
use serde_json::Value;

/// Outcome (2) times duration class (4); `host/telemetry` proves by trying all records that there are no more.
const GUEST_STATES: usize = 8;

/// Ways to end, to take time, to be loud and to be many: settings of the component `misbehave`, and limits.
const BEHAVIOURS: [(&str, &str); 17] = [
    ("loop", "time: 1s"),
    ("loop-over-host-calls", "time: 1s"),
    ("sleep-an-hour", ""),
    ("allocate", "memory: 8M"),
    ("allocate-and-recover", "memory: 8M"),
    ("recurse-rust", ""),
    ("recurse-plain", ""),
    ("log-flood", ""),
    ("stdout-flood", ""),
    ("panic", ""),
    ("fail", ""),
    ("fail-at-length", ""),
    ("exit", ""),
    ("exit-as-if-well", ""),
    ("wild-pointer", ""),
    ("open-flood", "openFiles: 4"),
    ("leave-open", ""),
];

struct Told {
    /// Without ids and times of day.
    payload: String,
    outcome: String,
}

#[test]
fn a_step_from_elsewhere_can_say_no_more_than_the_bound() -> Outcome {
    let (scene, collector) = (Scene::new()?, Collector::start()?);
    let mut canaries = Canaries::default();
    let (own, other) = (canaries.hatch("name of a step")?, canaries.hatch("name of a component")?);
    let component = |name: &str| format!("{other}-{name}.wasm");
    for name in ["misbehave", "calls"] {
        fs::copy(component::guest(name)?, scene.join(&component(name)))?;
    }
    let step = |component: String, settings: &str, more: &str| {
        format!("- {{ name: {own}, component: {component}, settings: {settings}, {more} }}\n")
    };
    let mut steps: Vec<String> = Vec::new();
    for (behaviour, limits) in BEHAVIOURS {
        let more = format!("limits: {{ {limits} }}, grant: {{ write: ['/**'] }}");
        steps.push(step(component("misbehave"), &format!("{{ behaviour: {behaviour} }}"), &more));
    }
    // What is not granted ends up in an error's text.
    let (path, content) = (canaries.hatch("path in a call")?, canaries.hatch("content in a call")?);
    let calls = format!("{{ calls: [{{ write: [/etc/{path}, {content}] }}] }}");
    steps.push(step(component("calls"), &calls, "grant: {}"));
    for count in [1, 3, 300] {
        let calls = vec![format!("{{ write: [/etc/{path}, {content}] }}"); count].join(", ");
        steps.push(step(component("calls"), &format!("{{ calls: [{calls}] }}"), "grant: { write: ['/**'] }"));
    }
    let wrong = canaries.hatch("wrong settings")?;
    steps.push(step(component("misbehave"), &format!("{{ {wrong}: {wrong} }}"), "grant: {}"));

    let mut told = Vec::new();
    for step in &steps {
        told.push(run(&scene, &collector, &canaries, step)?);
    }
    let payloads: BTreeSet<&str> = told.iter().map(|told| told.payload.as_str()).collect();
    assert!(payloads.len() <= GUEST_STATES, "{} different payloads: {payloads:#?}", payloads.len());
    let outcomes: BTreeSet<&str> = told.iter().map(|told| told.outcome.as_str()).collect();
    assert_eq!(outcomes, BTreeSet::from(["guest_error", "success"]));
    Ok(())
}

/// Runs one step, looks at what was sent, and gives it without what is drawn or read from a clock.
fn run(scene: &Scene, collector: &Collector, canaries: &Canaries, step: &str) -> Outcome<Told> {
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let config = format!("previewFeatures: [custom-steps]\nsteps:\n{step}");
    let log = scene.join("sent");
    let run = scene.customize(&base, &config, Format::Raw)?.argument("--telemetry-log").argument(&log);
    let finished = run.telemetry("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()).finish()?;
    // The word `panicked` alone is what a step may say.
    assert!(!finished.stderr.contains("imagecustomizer: bug:"), "{step}: {finished:#?}");
    for request in collector.expect().map_err(|error| failed(format!("{step}: {error:?}: {finished:#?}")))? {
        let bytes = [request.head, request.body].concat();
        assert_eq!(canaries.found_in(&bytes), Vec::<String>::new(), "{step}");
    }
    let text = fs::read_to_string(&log)?;
    assert!(
        !text.contains("imagecustomizer.phase") && !text.contains("imagecustomizer.api"),
        "{step}: {text}"
    );
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let payload = lines.iter().map(|line| without_chance(line).to_string()).collect::<Vec<_>>().join("\n");
    let outcome =
        ["success", "guest_error"].into_iter().find(|word| payload.contains(&format!("\"{word}\"")));
    let outcome = outcome.ok_or_else(|| failed(format!("{step}: {text}")))?.to_owned();
    Ok(Told { payload, outcome })
}

/// `value` without ids and without the hour.
fn without_chance(value: &Value) -> Value {
    const CHANCE: [&str; 6] =
        ["traceId", "spanId", "parentSpanId", "startTimeUnixNano", "endTimeUnixNano", "timeUnixNano"];
    match value {
        Value::Array(items) => Value::Array(items.iter().map(without_chance).collect()),
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !CHANCE.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_chance(value))).collect())
        }
        other => other.clone(),
    }
}
