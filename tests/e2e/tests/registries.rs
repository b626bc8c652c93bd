//! Components in registries: pushed, pulled, pinned by configurations, and refused.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use e2e::canary::Canaries;
use e2e::product::program;
use e2e::registry::{ELSEWHERE, Registry, Terms};
use e2e::token_server::TokenServer;
use e2e::tunnel::Tunnel;
use e2e::{Disk, Finished, Outcome, Run, Scene, component, disk, failed, refused, scene, text};
use fixtures::process::{command, output};
use fixtures::{Distro, Format, Layout};
use serde_json::Value;

const OPEN: Terms<'static> = Terms { login: None, tls: false, tokens: None };

fn step(arguments: &[&str]) -> Run {
    Run::new(["step"].iter().chain(arguments).copied())
}

/// Pushes a guest, and gives the reference that names it for ever.
fn push(guest: &str, reference: &str) -> Outcome<String> {
    let finished = step(&["push", &text(&component::guest(guest)?)?, reference]).succeed()?;
    Ok(finished.stdout.trim_end().to_owned())
}

/// A configuration with one step, which writes `/srv/motd`.
fn config(reference: &str) -> String {
    format!(
        "previewFeatures: [custom-steps]\nsteps:\n- name: own\n  component: 'oci:{reference}'\n  settings: \
         {{ calls: [{{ write-with-parents: [/srv/motd, from a registry] }}] }}\n  grant: {{ write: [/srv/**, /answers] }}\n"
    )
}

fn validate(scene: &Scene, config: &str, flags: &[&str]) -> Outcome<Run> {
    let file = scene.write("config.yaml", config)?;
    let run = Run::new(["validate-config", "--validate-resources=files", "--config-file"]).argument(file);
    // What other tests fetched is not to be found.
    let run = run.variable("XDG_CACHE_HOME", &text(&scene.join("cache"))?);
    Ok(flags.iter().fold(run, |run, flag| run.argument(*flag)))
}

fn digest_of(reference: &str) -> Outcome<&str> {
    reference
        .split_once('@')
        .map(|(_, digest)| digest)
        .ok_or_else(|| failed(format!("no digest in {reference}")))
}

#[test]
fn a_component_goes_to_a_registry_and_comes_back() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), OPEN)?;
    let reference = registry.reference("steps/calls:1");
    let pushed = push("calls", &reference)?;
    assert!(pushed.starts_with(&format!("{reference}@sha256:")), "{pushed}");
    let guest = text(&component::guest("calls")?)?;
    let again = step(&["push", &guest, &format!("oci:{reference}"), "--format", "json"]).succeed()?;
    let report: Value = serde_json::from_str(&again.stdout)?;
    assert_eq!(report["reference"], pushed.as_str(), "the same component has the same digest");
    assert_eq!(report["digest"], digest_of(&pushed)?);
    assert_eq!(report["size"], fs::metadata(&guest)?.len());
    let dated = step(&["push", &guest, &reference]).variable("SOURCE_DATE_EPOCH", "1").succeed()?;
    assert_ne!(dated.stdout.trim_end(), pushed, "the date is part of it");

    let pull = |reference: &str, flags: &[&str]| {
        let run = step(&["pull", reference, "--output"]).argument(scene.join("pulled.wasm"));
        flags.iter().fold(run, |run, flag| run.argument(*flag))
    };
    let pulled = pull(&pushed, &[]).succeed()?;
    assert!(pulled.stdout.contains(&pushed), "{}", pulled.stdout);
    assert_eq!(fs::read(scene.join("pulled.wasm"))?, fs::read(&guest)?);
    assert_eq!(fs::metadata(scene.join("pulled.wasm"))?.permissions().mode() & 0o133, 0);
    refused(&pull(&pushed, &[]), &["pulled.wasm` is there already", "--overwrite"])?;
    let report = pull(&reference, &["--overwrite", "--format=json"]).succeed()?;
    assert_eq!(serde_json::from_str::<Value>(&report.stdout)?["reference"], dated.stdout.trim_end());

    let inspected = step(&["inspect", &format!("oci:{reference}"), "--format=json"]).succeed()?;
    assert_eq!(serde_json::from_str::<Value>(&inspected.stdout)?["name"], "calls");
    Ok(())
}

#[test]
fn without_a_name_for_the_file_a_component_is_named_after_its_repository() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), OPEN)?;
    let pushed = push("calls", &registry.reference("steps/greeting:1"))?;
    let mut pull = command(program()?);
    step(&["pull", &pushed]).dress(&mut pull);
    let printed = output(pull.current_dir(scene.path()))?;
    assert!(String::from_utf8_lossy(&printed).starts_with("greeting.wasm\n"));
    assert!(scene.join("greeting.wasm").is_file());
    Ok(())
}

#[test]
fn what_cannot_be_pushed_or_pulled_is_said_by_name() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), OPEN)?;
    let guest = text(&component::guest("calls")?)?;
    let no_component = text(&scene.write("text.wasm", "no component")?)?;
    let no_step = text(&component::guest("without-step")?)?;
    let reference = registry.reference("steps/x:1");
    let wrong = registry.reference(&format!("steps/x@sha256:{}", "0".repeat(64)));
    let cases: Vec<(Vec<&str>, Vec<&str>)> = vec![
        (vec!["push", &no_component, &reference], vec!["the component was not pushed", "text.wasm"]),
        (vec!["push", &no_step, &reference], vec!["cannot be used as a step", "step inspect"]),
        (vec!["push", &guest, "nonsense"], vec!["`nonsense` is not a reference", "REGISTRY/REPOSITORY:TAG"]),
        (vec!["push", &guest, &wrong], vec!["name a tag alone"]),
        (
            vec!["pull", &reference],
            vec!["the component was not pulled", "there is no `127.0.0.1", "MANIFEST_UNKNOWN"],
        ),
        (vec!["pull", "a.example/b"], vec!["names neither a tag nor a digest"]),
        (vec!["pull", "127.0.0.1:1/b:1"], vec!["cannot be reached"]),
        (vec!["inspect", "oci:127.0.0.1:1/b:1"], vec!["cannot fetch `127.0.0.1:1/b:1`"]),
        (vec!["pull", "nowhere.invalid/b:1"], vec!["nobody knows the address of `nowhere.invalid`"]),
    ];
    for (arguments, words) in cases {
        refused(&step(&arguments), &words)?;
    }
    Ok(())
}

#[test]
fn a_step_from_a_registry_changes_the_image_and_is_fetched_once() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), OPEN)?;
    let pushed = push("calls", &registry.reference("steps/calls:1"))?;
    let before = registry.requests()?.len();
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let cache = text(&scene.join("cache"))?;
    let run = scene.customize(&base, &config(&pushed), Format::Raw)?.variable("XDG_CACHE_HOME", &cache);
    run.succeed()?;
    let root = Disk::open(&scene.output(Format::Raw), Format::Raw)?.tree("root")?;
    assert_eq!(root.text("/srv/motd")?, "from a registry");
    let fetches = registry.requests()?.len();
    assert!(fetches > before, "the registry was asked");
    run.succeed()?;
    assert_eq!(registry.requests()?.len(), fetches, "what is kept was asked for again");

    drop(registry);
    fs::remove_file(scene.output(Format::Raw))?;
    run.succeed()?;
    let elsewhere = scene.customize(&base, &config(&pushed), Format::Raw)?;
    let elsewhere = elsewhere.variable("XDG_CACHE_HOME", &text(&scene.join("empty"))?);
    refused(
        &elsewhere,
        &["cannot be fetched", "cannot be reached", "step-component-fetch", "config.yaml:4:14"],
    )?;
    Ok(())
}

#[test]
fn a_tag_that_moves_moves_nothing_and_the_lock_shows_another_digest() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), OPEN)?;
    let reference = registry.reference("steps/calls:1");
    let pushed = push("calls", &reference)?;
    let file = scene.write("config.yaml", config(&pushed))?;
    step(&["lock", "--config-file"]).argument(&file).succeed()?;
    let lock = fs::read_to_string(scene.join("imagecustomizer.lock"))?;
    assert!(lock.contains(&format!("oci:{pushed}")), "{lock}");
    validate(&scene, &config(&pushed), &["--locked"])?.succeed()?;

    let guest = text(&component::guest("calls")?)?;
    let moved = step(&["push", &guest, &reference]).variable("SOURCE_DATE_EPOCH", "7").succeed()?;
    let moved = moved.stdout.trim_end();
    validate(&scene, &config(&pushed), &["--locked"])?.succeed()?;
    let (old, new) = (digest_of(&pushed)?, digest_of(moved)?);
    assert_ne!(old, new);
    let asked = registry.requests()?;
    refused(&validate(&scene, &config(moved), &["--locked"])?, &[old, new, "step-locked", "step lock"])?;
    assert_eq!(registry.requests()?, asked, "the lock is asked before the registry");
    validate(&scene, &config(moved), &[])?.succeed()?;

    let wrong = format!("{reference}@sha256:{}", "0".repeat(64));
    refused(&validate(&scene, &config(&wrong), &[])?, &["there is no `", "step-component-fetch"])?;
    Ok(())
}

#[test]
fn policy_and_lock_are_asked_before_any_registry() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), OPEN)?;
    let pushed = push("calls", &registry.reference("steps/calls:1"))?;
    let before = registry.requests()?;
    let policy =
        scene.write("policy.yaml", format!("allowedRegistries: [{}/other]\n", registry.address()))?;
    let policy = format!("--policy={}", text(&policy)?);
    let own = config(&pushed);
    refused(&validate(&scene, &own, &[&policy])?, &["policy-registry", "allowedRegistries"])?;
    refused(&validate(&scene, &own, &["--locked"])?, &["locked nowhere"])?;
    Run::new(["validate-config", "--config-file"]).argument(scene.join("config.yaml")).succeed()?;
    assert_eq!(registry.requests()?, before, "the registry was asked");
    let policy =
        scene.write("policy.yaml", format!("allowedRegistries: [{}/steps]\n", registry.address()))?;
    validate(&scene, &own, &["--policy", &policy.to_string_lossy()])?.succeed()?;
    Ok(())
}

#[test]
fn commands_ask_no_registry_that_the_policy_does_not_allow() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), OPEN)?;
    let pushed = push("calls", &registry.reference("steps/calls:1"))?;
    let before = registry.requests()?;
    let policy = text(&scene.write("policy.yaml", "allowedRegistries: [registry.example.com/steps]\n")?)?;
    let root = text(&scene.join("."))?;
    let component = format!("oci:{pushed}");
    let commands: [&[&str]; 4] = [
        &["pull", &pushed, "--output", "/nonexistent/x.wasm"],
        &["inspect", &component],
        &["check", &component],
        &["run", &component, "--root", &root],
    ];
    for command in commands {
        let run = step(command).variable("IMAGECUSTOMIZER_POLICY", &policy);
        refused(&run, &["the policy refuses", "steps/calls", "policy.yaml:1:21"])?;
    }
    assert_eq!(registry.requests()?, before, "the registry was asked");
    Ok(())
}

#[test]
fn credentials_are_found_where_other_tools_keep_them() -> Outcome {
    let scene = Scene::new()?;
    let terms = Terms { login: Some(("alice", "hunter2")), ..OPEN };
    let registry = Registry::start(&scene.join("registry"), terms)?;
    let guest = text(&component::guest("calls")?)?;
    let reference = registry.reference("steps/calls:1");
    let push = || step(&["push", &guest, &reference]);
    refused(&push(), &["does not let us in", "docker login 127.0.0.1", "/nonexistent/.docker/config.json"])?;

    let file = text(&registry.credentials("alice", "hunter3")?)?;
    refused(&push().variable("REGISTRY_AUTH_FILE", &file), &["does not let us in", &file])?;
    registry.credentials("alice", "hunter2")?;
    push().variable("REGISTRY_AUTH_FILE", &file).succeed()?;
    fs::create_dir(scene.join("docker"))?;
    fs::copy(&file, scene.join("docker/config.json"))?;
    push().variable("DOCKER_CONFIG", &text(&scene.join("docker"))?).succeed()?;

    let helper = "#!/bin/sh\nread server || :\n[ \"$1 $server $OTEL_SECRET\" = \"get $EXPECTED \" ] || exit 3\n\
                  echo '{\"Username\":\"alice\",\"Secret\":\"hunter2\"}'\n";
    let path = scene.write("bin/docker-credential-test", helper)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    let by_helper = serde_json::json!({ "credHelpers": { registry.address(): "test" } });
    scene.write("docker/config.json", by_helper.to_string())?;
    let run = push()
        .variable("DOCKER_CONFIG", &text(&scene.join("docker"))?)
        .variable("EXPECTED", registry.address())
        .variable("OTEL_SECRET", "not for helpers");
    refused(
        &run,
        &["credential helper `test` cannot be used: it is not installed", "docker-credential-test"],
    )?;
    run.variable("PATH", &format!("{}:/usr/bin:/bin", text(&scene.join("bin"))?)).succeed()?;
    Ok(())
}

#[test]
fn a_registry_with_tls_needs_somebody_trusted() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), Terms { tls: true, ..OPEN })?;
    let guest = text(&component::guest("calls")?)?;
    let push = step(&["push", &guest, &registry.reference("steps/calls:1")]);
    refused(&push, &["no trusted connection to `https://127.0.0.1", "SSL_CERT_FILE"])?;
    push.variable("SSL_CERT_FILE", &text(&registry.authority())?).succeed()?;
    assert!(registry.requests()?.iter().all(|line| line.contains("HTTP/1.1\" 20") || line.contains(" 404 ")));
    Ok(())
}

#[test]
fn a_registry_elsewhere_is_reached_through_a_proxy() -> Outcome {
    let scene = Scene::new()?;
    let registry = Registry::start(&scene.join("registry"), Terms { tls: true, ..OPEN })?;
    let tunnel = Tunnel::start(registry.address())?;
    let authority = text(&registry.authority())?;
    let guest = text(&component::guest("calls")?)?;
    let reference = format!("{ELSEWHERE}/steps/calls:1");
    let through = |run: Run| {
        run.variable("SSL_CERT_FILE", &authority)
            .variable("HTTPS_PROXY", &tunnel.url())
            .variable("XDG_CACHE_HOME", &scene.join("cache").to_string_lossy())
    };
    let pushed = through(step(&["push", &guest, &reference])).succeed()?;
    through(step(&["inspect", &format!("oci:{}", pushed.stdout.trim_end())])).succeed()?;
    let asked = tunnel.asked();
    assert!(asked.len() >= 2 && asked.iter().all(|place| *place == format!("{ELSEWHERE}:443")), "{asked:?}");

    let around = through(step(&["pull", &reference])).variable("NO_PROXY", ELSEWHERE);
    refused(&around, &["nobody knows the address of `registry.test`"])?;
    let untrusted = step(&["pull", &reference]).variable("HTTPS_PROXY", &tunnel.url());
    refused(&untrusted, &["no trusted connection to `https://registry.test`"])?;
    Ok(())
}

#[test]
fn a_token_is_fetched_for_the_repository_and_no_more() -> Outcome {
    let scene = Scene::new()?;
    let keys = scene.join("tokens");
    // `alice:hunter2`
    let tokens = TokenServer::start(&keys, "Basic YWxpY2U6aHVudGVyMg==")?;
    let realm = tokens.realm();
    let terms = Terms { tokens: Some((&realm, &keys)), ..OPEN };
    let registry = Registry::start(&scene.join("registry"), terms)?;
    let guest = text(&component::guest("calls")?)?;
    let push = step(&["push", &guest, &registry.reference("steps/calls:1")]);
    refused(&push, &["does not let us in", "docker login"])?;
    let file = text(&registry.credentials("alice", "hunter2")?)?;
    let before = tokens.asked().len();
    let pushed = push.variable("REGISTRY_AUTH_FILE", &file).succeed()?;
    let asked =
        |action: &str| format!("/token?service=token-server&scope=repository%3Asteps%2Fcalls%3A{action}");
    assert_eq!(tokens.asked().split_off(before), [asked("pull%2Cpush")], "one token serves the whole push");
    let inspect = step(&["inspect", &format!("oci:{}", pushed.stdout.trim_end())]);
    let inspect = inspect.variable("REGISTRY_AUTH_FILE", &file);
    inspect.variable("XDG_CACHE_HOME", &text(&scene.join("cache"))?).succeed()?;
    assert_eq!(tokens.asked().last(), Some(&asked("pull")));
    Ok(())
}

#[test]
fn credentials_are_in_nothing_that_a_run_leaves_behind() -> Outcome {
    let scene = Scene::new()?;
    let mut canaries = Canaries::default();
    let (password, other) = (canaries.hatch("the password")?, canaries.hatch("a wrong password")?);
    let terms = Terms { login: Some(("alice", &password)), ..OPEN };
    let registry = Registry::start(&scene.join("registry"), terms)?;
    let guest = text(&component::guest("calls")?)?;
    let reference = registry.reference("steps/calls:1");
    let cache = text(&scene.join("cache"))?;
    let output = text(&scene.join("pulled.wasm"))?;
    let told = |run: Run, file: &str| {
        let run = run.variable("REGISTRY_AUTH_FILE", file).variable("XDG_CACHE_HOME", &cache);
        run.argument("--log-level=trace")
    };
    let mut said = Vec::new();
    let mut listen = |finished: Finished| {
        said.extend([finished.stdout.into_bytes(), finished.stderr.into_bytes()]);
    };
    let file = text(&registry.credentials("alice", &other)?)?;
    listen(refused(&told(step(&["push", &guest, &reference]), &file), &["does not let us in"])?);
    registry.credentials("alice", &password)?;
    let pushed = told(step(&["push", &guest, &reference]), &file).succeed()?;
    let pinned = pushed.stdout.trim_end().to_owned();
    listen(pushed);
    fs::write(
        &file,
        format!("{{\"auths\":{{\"{}\":{{\"password\":\"{password}\",}}}}}}", registry.address()),
    )?;
    listen(refused(
        &told(step(&["pull", &pinned, "--output", &output]), &file),
        &["cannot be used: line 1"],
    )?);
    registry.credentials("alice", &password)?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let run = scene.customize(&base, &config(&pinned), Format::Raw)?;
    let sides = ["report.json", "trace", "log"];
    let run = ["--report", "--trace-steps", "--log-file"]
        .iter()
        .zip(sides)
        .fold(run, |run, (flag, name)| run.argument(*flag).argument(scene.join(name)));
    listen(told(run, &file).succeed()?);
    for name in sides {
        said.push(fs::read(scene.join(name))?);
    }
    let root = Disk::open(&scene.output(Format::Raw), Format::Raw)?.tree("root")?;
    said.push(root.text("/usr/share/image-customizer/history.json")?.into_bytes());
    for bytes in said {
        assert_eq!(canaries.found_in(&bytes), Vec::<String>::new(), "{}", String::from_utf8_lossy(&bytes));
    }
    Ok(())
}

#[test]
fn a_signal_ends_a_run_that_waits_for_a_registry() -> Outcome {
    let scene = Scene::new()?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let reference = format!("{}/a:1@sha256:{}", silent.local_addr()?, "0".repeat(64));
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let before = disk::digest(&base)?;
    let run = scene.customize(&base, &config(&reference), Format::Raw)?;
    let mut customize = command(program()?);
    run.dress(customize.stderr(fs::File::create(scene.join("said"))?));
    let mut child = customize.spawn()?;
    // The run has asked, and waits.
    let (mut asked, _) = silent.accept()?;
    asked.read_exact(&mut [0; 1])?;
    let started = Instant::now();
    output(command("sh").args(["-c", "kill -TERM \"$0\"", &child.id().to_string()]))?;
    let status = child.wait()?;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    let said = fs::read_to_string(scene.join("said"))?;
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("the run was cancelled") && !said.contains("without cleaning up"), "{said}");
    assert_eq!(disk::digest(&base)?, before);
    assert_eq!(scene.listing("out")?, Vec::<String>::new());
    Ok(())
}
