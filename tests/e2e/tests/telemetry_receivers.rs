//! Telemetry of real runs arrives whole where it is meant to: in two collectors and in Azure Monitor's own models, none
//! of which shares code with us. What arrives is what `--telemetry-log` shows.

use std::fs;

use e2e::collector::Collector;
use e2e::receivers::{OtelTap, Rotel, Understood, read_by_microsofts_models};
use e2e::{Outcome, Run, Scene, scene};
use fixtures::{Distro, Format, Layout};

const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const AZURE: &str = "APPLICATIONINSIGHTS_CONNECTION_STRING";

/// A run of `customize` that keeps a log of its telemetry.
fn customize(scene: &Scene) -> Outcome<Run> {
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let run = scene.customize(&base, "os: { hostname: received }\n", Format::Qcow2)?;
    Ok(run.argument("--telemetry-log").argument(scene.join("telemetry.json")))
}

/// Runs, and returns what the log says was sent.
fn sent_by(run: &Run, scene: &Scene) -> Outcome<Understood> {
    run.succeed()?;
    let sent = Understood::of_json_lines(&fs::read_to_string(scene.join("telemetry.json"))?)?;
    for name in ["run", "phase", "runs", "run.duration", "api.calls"] {
        assert!(sent.names.contains(&format!("imagecustomizer.{name}")), "{name}: {sent:#?}");
    }
    for (key, value) in [("command", "customize"), ("outcome", "success"), ("image.format.output", "qcow2")] {
        let attribute = (format!("imagecustomizer.{key}"), value.to_owned());
        assert!(sent.attributes.contains(&attribute), "{attribute:?}: {sent:#?}");
    }
    Ok(sent)
}

#[test]
fn rotel_receives_a_run_by_http() -> Outcome {
    let scene = Scene::new()?;
    let mut rotel = Rotel::start(scene.path())?;
    let sent = sent_by(&customize(&scene)?.telemetry(COLLECTOR, &rotel.http()), &scene)?;
    assert_eq!(rotel.understood()?, sent);
    Ok(())
}

/// The program has to be built with its feature `grpc`, as `cargo xtask test` does.
#[test]
fn rotel_receives_a_run_by_grpc() -> Outcome {
    let scene = Scene::new()?;
    let mut rotel = Rotel::start(scene.path())?;
    let run = customize(&scene)?.telemetry(COLLECTOR, &rotel.grpc());
    let sent = sent_by(&run.variable("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), &scene)?;
    assert_eq!(rotel.understood()?, sent);
    Ok(())
}

#[test]
fn oteltap_receives_a_run_by_http() -> Outcome {
    let scene = Scene::new()?;
    let mut tap = OtelTap::start(scene.path())?;
    let sent = sent_by(&customize(&scene)?.telemetry(COLLECTOR, &tap.http()), &scene)?;
    let understood = tap.understood()?;
    assert_eq!(understood.names, sent.names);
    let of_resources: Vec<_> = sent.attributes.difference(&understood.attributes).collect();
    assert!(of_resources.iter().all(|(key, _)| is_of_resource(key)), "{of_resources:?}");
    assert!(understood.attributes.is_subset(&sent.attributes), "{understood:?}");
    Ok(())
}

fn is_of_resource(key: &str) -> bool {
    [
        "service.",
        "imagecustomizer.host.",
        "imagecustomizer.install.",
        "imagecustomizer.schema.",
        "imagecustomizer.ci",
    ]
    .iter()
    .any(|start| key.starts_with(start))
}

#[test]
fn microsofts_models_read_and_write_the_items_without_loss() -> Outcome {
    let scene = Scene::new()?;
    let monitor = Collector::start()?;
    let failing = scene.customize(&scene.join("missing.raw"), "os: { hostname: x }\n", Format::Raw)?;
    for run in [customize(&scene)?, failing] {
        run.telemetry(AZURE, &monitor.connection_string()).finish()?;
        for request in monitor.expect()? {
            assert_eq!(request.path(), "/v2/track");
            read_by_microsofts_models(&request.body)?;
        }
    }
    Ok(())
}
