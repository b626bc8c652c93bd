//! Telemetry that is off does nothing at all, and a run without telemetry opens no socket.

use std::fs;
use std::path::Path;

use e2e::collector::Collector;
use e2e::product::program;
use e2e::{Outcome, Run, Scene, example, failed, scene};
use fixtures::process::{command, finished};
use fixtures::{Distro, Format, Layout};

/// System calls of `run`, with those of its children, one on a line.
fn traced(run: &Run, scene: &Scene) -> Outcome<String> {
    let log = scene.join("trace");
    let mut strace = command("strace");
    strace.args(["-f", "-qq", "-e", "trace=%network,openat,open,creat,clone,clone3,execve", "-o"]).arg(&log);
    run.dress(strace.arg(program()?));
    let output = finished(&mut strace)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() != Some(0) {
        return Err(failed(said));
    }
    Ok(fs::read_to_string(&log)?)
}

fn customize(scene: &Scene) -> Outcome<Run> {
    let config = example::config(scene, Distro::AzureLinux3)?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    scene.customize(&base, &config, Format::Qcow2)
}

/// Every traced call that has to do with sockets, a pair of them in one process too.
fn network_calls(trace: &str) -> Vec<&str> {
    const OTHERS: [&str; 6] = ["openat", "open", "creat", "clone", "clone3", "execve"];
    let name = |line: &str| -> String {
        let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
        let call = call.strip_prefix("<... ").unwrap_or(call);
        call.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    // Signals and ends of processes have no name of a call.
    trace.lines().filter(|line| !name(line).is_empty() && !OTHERS.contains(&name(line).as_str())).collect()
}

#[test]
fn a_run_with_telemetry_off_makes_no_call_on_sockets() -> Outcome {
    let scene = Scene::new()?;
    let collector = Collector::start()?;
    let run = customize(&scene)?.telemetry("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    let trace = traced(&run.argument("--disable-telemetry"), &scene)?;
    assert_eq!(network_calls(&trace), Vec::<&str>::new());
    assert!(trace.contains("execve("), "the trace is empty");
    for name in ["resolv.conf", "nsswitch.conf", ".local/state", "/var/lib/imagecustomizer"] {
        assert!(!trace.contains(name), "the run looked at `{name}`");
    }
    assert!(collector.take().is_empty());
    Ok(())
}

#[test]
fn without_a_destination_nothing_is_opened_either() -> Outcome {
    let scene = Scene::new()?;
    let trace = traced(&customize(&scene)?.telemetry("CI", "true"), &scene)?;
    assert_eq!(network_calls(&trace), Vec::<&str>::new());
    Ok(())
}

/// The opposite, so that the tests above cannot pass for a wrong reason.
#[test]
fn a_run_with_telemetry_on_is_seen_by_the_same_trace() -> Outcome {
    let scene = Scene::new()?;
    let collector = Collector::start()?;
    let run = customize(&scene)?.telemetry("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    let trace = traced(&run, &scene)?;
    assert!(!network_calls(&trace).is_empty());
    assert_eq!(collector.expect()?.len(), 2);
    Ok(())
}

/// Invariant I-6: what is started by the program cannot know of telemetry, nor of anything else outside.
#[test]
fn child_processes_see_no_variable_of_telemetry() -> Outcome {
    let scene = Scene::new()?;
    let collector = Collector::start()?;
    let run = customize(&scene)?.telemetry("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    let run = [
        "TRACEPARENT",
        "TRACESTATE",
        "BAGGAGE",
        "OTEL_RESOURCE_ATTRIBUTES",
        "AZURE_MONITOR_CONNECTION_STRING",
    ]
    .into_iter()
    .fold(run, |run, name| run.variable(name, "surroundings-of-the-run"));
    let log = scene.join("trace");
    let mut strace = command("strace");
    strace.args(["-f", "-qq", "-v", "-s", "65536", "-e", "trace=execve", "-o"]).arg(&log);
    run.dress(strace.arg(program()?));
    finished(&mut strace)?;
    let trace = fs::read_to_string(&log)?;
    let mut started = trace.lines().filter(|line| line.contains("execve("));
    // What strace was asked to run comes first.
    let own = started.next().unwrap_or_default();
    assert!(own.contains("/imagecustomizer\"") && own.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{own}");
    let children: Vec<&str> = started.collect();
    assert!(!children.is_empty(), "no program was started");
    let url = collector.url();
    for line in children {
        let secrets = ["OTEL_", "TRACE", "BAGGAGE", "CONNECTION_STRING", "surroundings", &url];
        let knows = secrets.into_iter().find(|word| line.contains(*word));
        assert_eq!(knows, None, "{line}");
    }
    Ok(())
}

/// Words of the command line, variables, and whether the run sends.
type Case = (&'static [&'static str], &'static [(&'static str, &'static str)], bool);

/// Every way to say no, and what is no way to say so.
#[test]
fn every_opt_out_is_honoured() -> Outcome {
    let scene = Scene::new()?;
    let config = scene.write("config.yaml", "os: { hostname: plain }\n")?;
    let collector = Collector::start()?;
    let validate = |words: &[&str], variables: &[(&'static str, &str)]| {
        let (before, after): (Vec<&&str>, Vec<&&str>) = words.iter().partition(|word| word.ends_with('<'));
        let mut run = Run::new(before.iter().map(|word| word.trim_end_matches('<').to_owned()));
        run = run.argument("validate-config").argument("--config-file").argument(&config);
        run = after.iter().fold(run, |run, word| run.argument(**word));
        run = run.telemetry("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
        run = variables.iter().fold(run, |run, (name, value)| run.variable(name, value));
        run.succeed().map(|_| !collector.take().is_empty())
    };
    let cases: &[Case] = &[
        (&[], &[], true),
        (&["--disable-telemetry"], &[], false),
        (&["--disable-telemetry<"], &[], false),
        (&["--disable-telemetry=true"], &[], false),
        (&["--disable-telemetry=false"], &[], true),
        (&[], &[("IMAGECUSTOMIZER_TELEMETRY", "0")], false),
        (&[], &[("IMAGECUSTOMIZER_TELEMETRY", "off")], false),
        (&[], &[("IMAGECUSTOMIZER_TELEMETRY", "false")], false),
        (&[], &[("IMAGECUSTOMIZER_TELEMETRY", "perhaps")], false),
        (&[], &[("IMAGECUSTOMIZER_TELEMETRY", "on")], true),
        (&[], &[("ENABLE_TELEMETRY", "false")], false),
        (&[], &[("ENABLE_TELEMETRY", "true")], true),
        (&[], &[("DO_NOT_TRACK", "1")], false),
        (&[], &[("DO_NOT_TRACK", "yes")], false),
        (&[], &[("DO_NOT_TRACK", "0")], true),
        (&[], &[("DO_NOT_TRACK", "")], true),
        (&[], &[("OTEL_SDK_DISABLED", "true")], false),
        (&[], &[("OTEL_SDK_DISABLED", "TRUE")], false),
        (&[], &[("OTEL_SDK_DISABLED", "false")], true),
        (&[], &[("OTEL_SDK_DISABLED", "perhaps")], false),
        (&[], &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")], false),
    ];
    for (words, variables, sends) in cases {
        assert_eq!(validate(words, variables)?, *sends, "{words:?} {variables:?}");
    }
    Ok(())
}

/// On a machine of one's own: told first, sent later.
#[test]
fn the_first_run_tells_and_sends_nothing() -> Outcome {
    let scene = Scene::new()?;
    let config = scene.write("config.yaml", "os: { hostname: plain }\n")?;
    let collector = Collector::start()?;
    let run = |state: &Path, words: &[&str]| {
        let mut run = Run::new(words.iter().map(|word| (*word).to_owned()));
        if words.is_empty() {
            run = Run::new(["validate-config", "--config-file"]).argument(&config);
        }
        run = run.telemetry("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()).variable("CI", "");
        run.variable("XDG_STATE_HOME", &state.to_string_lossy()).variable("HOME", &state.to_string_lossy())
    };
    let state = scene.join("state");
    fs::create_dir(&state)?;
    let first = run(&state, &[]).as_nobody(scene.path())?;
    assert!(first.stderr.to_lowercase().contains("telemetry"), "{first:#?}");
    assert_eq!(collector.take().len(), 0, "{first:#?}");
    let second = run(&state, &[]).as_nobody(scene.path())?;
    assert!(!second.stderr.to_lowercase().contains("telemetry"), "{second:#?}");
    assert_eq!(collector.take().len(), 2, "{second:#?}");
    Ok(())
}
