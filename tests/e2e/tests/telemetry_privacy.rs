//! What leaves the machine holds nothing that a user wrote, whatever happens, and does not depend on it.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::canary::Canaries;
use e2e::collector::{Collector, Request};
use e2e::product::program;
use e2e::{Finished, Outcome, Run, Scene, failed};
use fixtures::process::command;
use fixtures::{Distro, Format, Layout, Recipe};
use serde_json::Value;

/// Variables whose text an ordinary program of this kind might pass on.
const VARIABLES: [&str; 14] = [
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER_ARG",
    "TRACEPARENT",
    "TRACESTATE",
    "BAGGAGE",
    "USER",
    "LOGNAME",
    "HOSTNAME",
    "EMAIL",
    "GITHUB_REPOSITORY",
    "GITHUB_ACTOR",
    "BUILD_REQUESTEDFOREMAIL",
    "AZURE_SUBSCRIPTION_ID",
];

/// A place to work in which every text that a user controls is a canary.
struct Stage {
    scene: Scene,
    canaries: Canaries,
    variables: Vec<(&'static str, String)>,
    home: PathBuf,
    base: PathBuf,
}

impl Stage {
    fn new() -> Outcome<Self> {
        let (scene, mut canaries) = (Scene::new()?, Canaries::default());
        let mut variables = Vec::new();
        for name in VARIABLES {
            let text = canaries.hatch(name)?;
            variables.push(match name {
                "OTEL_RESOURCE_ATTRIBUTES" => (name, format!("user.email={text},host.name={text}")),
                "TRACEPARENT" => (name, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
                "TRACESTATE" => (name, format!("vendor={text}")),
                "BAGGAGE" => (name, format!("key={text}")),
                _ => (name, text),
            });
        }
        let home = scene.join(&format!("home-{}", canaries.hatch("home directory")?));
        fs::create_dir(&home)?;
        let base = scene.join(&format!("{}.alice", canaries.hatch("name and extension of the image")?));
        let release = format!(
            "NAME={0}\nID=azurelinux\nVERSION_ID=\"3.0\"\nPRETTY_NAME=\"{0}\"\nHOME_URL=\"{0}\"\n",
            canaries.hatch("os-release")?
        );
        let motd = canaries.hatch("a file of the image")?;
        let recipe = Recipe { distro: Distro::AzureLinux3, layout: Layout::Efi };
        // Made afresh: its texts are this run's own.
        let raw = fixtures::variant(recipe, &scene.join("fixtures"), |tree| {
            tree.file("usr/lib/os-release", 0o644, release);
            tree.file(&format!("etc/{motd}"), 0o644, motd.clone());
        })?;
        fs::copy(raw, &base)?;
        Ok(Self { scene, canaries, variables, home, base })
    }

    fn hatch(&mut self, place: &str) -> Outcome<String> {
        self.canaries.hatch(place)
    }

    /// A configuration in which every value is a canary.
    fn config(&mut self) -> Outcome<String> {
        let content = self.hatch("content of a file")?;
        let source = format!("files/{}", self.hatch("name of a file")?);
        self.scene.write(&source, content)?;
        Ok(format!(
            "os:\n  hostname: {}\n  groups: [{{ name: {} }}]\n  users:\n  - name: {}\n    homeDirectory: /srv/{}\n    \
             password: {{ type: plain-text, value: {} }}\n    sshPublicKeys: [\"ssh-ed25519 AAAA {}\"]\n  \
             additionalFiles:\n  - source: {source}\n    destination: /etc/{}\n  - content: {}\n    \
             destination: /etc/{}\n  modules: [{{ name: {}, loadMode: always, options: {{ {}: {} }} }}]\n",
            self.hatch("host name of the image")?,
            self.hatch("group")?,
            self.hatch("user")?,
            self.hatch("home directory in the image")?,
            self.hatch("password")?,
            self.hatch("comment of a key")?,
            self.hatch("destination")?,
            self.hatch("inline content")?,
            self.hatch("second destination")?,
            self.hatch("module")?,
            self.hatch("option of a module")?,
            self.hatch("value of an option")?,
        ))
    }

    fn dressed(&self, mut run: Run, destination: &Destination) -> Run {
        run = run.telemetry(destination.0, &destination.1);
        for (name, value) in &self.variables {
            run = run.variable(name, value);
        }
        run.variable("HOME", &self.home.to_string_lossy())
    }

    fn customize(&self, config: &str) -> Outcome<Run> {
        self.scene.customize(&self.base, config, Format::Qcow2)
    }
}

/// The variable that names it, and its value.
struct Destination(&'static str, String);

/// What a run is expected to say of itself.
struct Expected {
    code: i32,
    error: &'static str,
}

const fn failure(error: &'static str) -> Expected {
    Expected { code: 1, error }
}

/// Runs of every way to end that needs no component of a user's own.
fn runs(stage: &mut Stage) -> Outcome<Vec<(String, Run, Expected)>> {
    let success = stage.config()?;
    let mut runs =
        vec![("success".to_owned(), stage.customize(&success)?, Expected { code: 0, error: "none" })];
    let missing = stage.hatch("missing file")?;
    let (unknown, script) = (stage.hatch("unknown field")?, stage.hatch("script")?);
    let (service, distro) = (stage.hatch("service")?, stage.hatch("unknown distribution")?);
    let configs = [
        ("an unknown field", format!("os: {{ {unknown}: {unknown} }}\n"), failure("config_invalid")),
        ("broken YAML", format!("os: [{unknown}\n"), failure("config_invalid")),
        (
            "a missing file",
            format!("os: {{ additionalFiles: [{{ source: {missing}, destination: /{missing} }}] }}\n"),
            failure("config_invalid"),
        ),
        (
            "a script",
            format!("scripts: {{ postCustomization: [{{ content: 'echo {script}' }}] }}\n"),
            failure("not_supported"),
        ),
        (
            "a service that is not there",
            format!("os: {{ services: {{ enable: [{service}] }} }}\n"),
            failure("step_failed"),
        ),
    ];
    for (index, (name, config, expected)) in configs.into_iter().enumerate() {
        let config = stage.scene.write(&format!("{index}/config.yaml"), config)?;
        let (build, output) = (stage.scene.join("build"), stage.scene.join(&format!("out/{index}.raw")));
        let run = Run::customize(&stage.base, &config, &build, &output, Format::Raw);
        runs.push((name.to_owned(), run, expected));
    }
    let config = stage.scene.write("empty/config.yaml", "os: { hostname: plain }\n")?;
    let (build, output) = (stage.scene.join("build"), stage.scene.join("out/x.raw"));
    let text = stage.scene.write(&format!("{missing}.txt"), &missing)?;
    let recipe = Recipe { distro: Distro::AzureLinux3, layout: Layout::Efi };
    let release = format!("ID={distro}\nVERSION_ID={distro}\n");
    let strange = fixtures::variant(recipe, &stage.scene.join("fixtures"), |tree| {
        tree.file("usr/lib/os-release", 0o644, release);
    })?;
    let below_a_file = text.join(&missing);
    let bases: [(&str, &Path, &Path, &Path, Expected); 5] = [
        ("no image", &stage.scene.join(&missing), &build, &output, failure("input_not_found")),
        ("an image of text", &text, &build, &output, failure("image_layout")),
        ("a strange distribution", &strange, &build, &output, failure("distribution")),
        ("an output below a file", &stage.base, &build, &below_a_file, failure("output_write")),
        ("a build directory below a file", &stage.base, &below_a_file, &output, failure("build_directory")),
    ];
    for (name, base, build, output, expected) in bases {
        runs.push((name.to_owned(), Run::customize(base, &config, build, output, Format::Raw), expected));
    }
    let path = |name: &str| stage.scene.join(name).into_os_string();
    let word = |text: &str| text.to_owned().into();
    runs.push((
        "a conversion".into(),
        Run::new([
            word("convert"),
            word("--image-file"),
            stage.base.clone().into(),
            word("--output-image-file"),
            path("out/converted.vhdx"),
            word("--output-image-format"),
            word("vhdx"),
        ]),
        Expected { code: 0, error: "none" },
    ));
    runs.push((
        "a validation".into(),
        Run::new([word("validate-config"), word("--config-file"), path("0/config.yaml")]),
        failure("config_invalid"),
    ));
    runs.push((
        "files injected".into(),
        Run::new([
            word("inject-files"),
            word("--build-dir"),
            path("build"),
            word("--config-file"),
            path("0/config.yaml"),
            word("--image-file"),
            stage.base.clone().into(),
        ]),
        failure("not_supported"),
    ));
    Ok(runs)
}

/// Every request of every run must be free of canaries; both payloads of each must be there.
fn check(
    stage: &Stage,
    name: &str,
    finished: &Finished,
    expected: &Expected,
    requests: &[Request],
) -> Outcome {
    if finished.code != Some(expected.code) {
        return Err(failed(format!("{name}: {finished:#?}")));
    }
    for request in requests {
        let mut bytes = request.head.clone();
        bytes.extend_from_slice(&request.body);
        for bytes in [&bytes, &request.head, &request.body] {
            let leaked = stage.canaries.found_in(bytes);
            assert_eq!(leaked, Vec::<String>::new(), "{name}: {}", String::from_utf8_lossy(bytes));
        }
    }
    Ok(())
}

#[test]
fn no_text_of_a_user_reaches_a_collector_however_a_run_ends() -> Outcome {
    let (mut stage, collector) = (Stage::new()?, Collector::start()?);
    let destination = Destination("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    for (name, run, expected) in runs(&mut stage)? {
        let finished = stage.dressed(run, &destination).finish()?;
        let requests =
            collector.expect().map_err(|error| failed(format!("{name}: {error:?}: {finished:#?}")))?;
        check(&stage, &name, &finished, &expected, &requests)?;
        let mut paths: Vec<String> = requests.iter().map(Request::path).collect();
        paths.sort();
        assert_eq!(paths, ["/v1/metrics", "/v1/traces"], "{name}");
        for request in &requests {
            // The opposite of a leak: what is meant to be told is there.
            assert!(request.says(expected.error), "{name} does not tell `{}`: {finished:#?}", expected.error);
        }
    }
    assert!(stage.canaries.count() > 35, "{} canaries", stage.canaries.count());
    Ok(())
}

#[test]
fn no_text_of_a_user_reaches_azure_monitor_however_a_run_ends() -> Outcome {
    let (mut stage, collector) = (Stage::new()?, Collector::start()?);
    let variable = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    let destination = Destination(variable, collector.connection_string());
    for (name, run, expected) in runs(&mut stage)? {
        let finished = stage.dressed(run, &destination).finish()?;
        let requests =
            collector.expect().map_err(|error| failed(format!("{name}: {error:?}: {finished:#?}")))?;
        check(&stage, &name, &finished, &expected, &requests)?;
        assert!(requests.iter().all(|request| request.path() == "/v2/track"), "{name}");
    }
    Ok(())
}

/// The same with a collector that has a name, on a machine that has one: what a name server is asked, and by whom the
/// collector is called.
#[test]
fn no_text_of_a_user_reaches_a_name_server() -> Outcome {
    let mut stage = Stage::new()?;
    let host_name = stage.hatch("host name of the machine")?;
    let success = stage.config()?;
    let run = stage.customize(&success)?;
    let destination = Destination("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318".into());
    let (kept, tried) = (stage.scene.join("kept"), stage.dressed(run, &destination));
    fs::create_dir(&kept)?;
    let mut unshare = command("unshare");
    unshare.args(["--user", "--map-root-user", "--net", "--mount", "--uts", "python3"]);
    unshare.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/surroundings/network.py"));
    tried.dress(unshare.arg(&kept).arg(&host_name).arg(program()?));
    let output = fixtures::process::finished(&mut unshare)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut names: Vec<String> = stage.scene.listing("kept")?;
    names.retain(|name| name != "resolv.conf");
    assert!(names.iter().any(|name| name.starts_with("dns-")), "no name was asked for: {names:?}");
    assert!(names.iter().filter(|name| name.starts_with("http-")).count() == 2, "{names:?}");
    for name in names {
        let bytes = fs::read(kept.join(&name))?;
        assert_eq!(stage.canaries.found_in(&bytes), Vec::<String>::new(), "{name}");
        let asked = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!name.starts_with("dns-") || asked.contains("collector\u{7}example"), "{name}: {asked:?}");
    }
    Ok(())
}

/// What one run sent: the bytes without identifiers, and the same as JSON.
struct Sent {
    name: String,
    bodies: Vec<Vec<u8>>,
    json: Vec<Value>,
}

/// Two rounds of runs that differ in what their users wrote, and in nothing else.
#[test]
fn runs_that_differ_in_a_users_texts_send_the_same_bytes() -> Outcome {
    let collector = Collector::start()?;
    let (first, second) = (round(&collector)?, round(&collector)?);
    assert_eq!(first.len(), second.len());
    let mut identical = 0;
    for (first, second) in first.iter().zip(&second) {
        let name = &first.name;
        assert_eq!(masked(&first.json, IDS_AND_TIMES), masked(&second.json, IDS_AND_TIMES), "{name}");
        // Runs that took about the same time, begun in the same hour, differ in nothing at all.
        if masked(&first.json, IDS) == masked(&second.json, IDS) {
            assert_eq!(first.bodies, second.bodies, "{name}");
            identical += 1;
        }
    }
    assert!(
        identical > first.len() / 2,
        "only {identical} of {} runs could be compared byte by byte",
        first.len()
    );
    Ok(())
}

fn round(collector: &Collector) -> Outcome<Vec<Sent>> {
    let mut stage = Stage::new()?;
    let destination = Destination("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    let mut round = Vec::new();
    for (name, run, _) in runs(&mut stage)? {
        let log = format!("sent-{}", stage.hatch("log")?);
        let log = stage.scene.join(&log);
        let run = run.argument("--telemetry-log").argument(&log);
        stage.dressed(run, &destination).finish()?;
        let mut requests = collector.expect()?;
        requests.sort_by_key(Request::path);
        let lines = fs::read_to_string(&log)?;
        let json: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let ids = ids_in(&lines);
        let bodies = requests.into_iter().map(|request| without(&ids, request.body)).collect();
        round.push(Sent { name, bodies, json });
    }
    Ok(round)
}

const IDS: &[&str] = &["traceId", "spanId", "parentSpanId"];
const IDS_AND_TIMES: &[&str] = &[
    "traceId",
    "spanId",
    "parentSpanId",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "timeUnixNano",
    "sum",
    "min",
    "max",
    "bucketCounts",
    "imagecustomizer.duration.class",
];

/// The values without the members and attributes of these names. Members that have members are no values: the sum of a
/// histogram goes, the points of a sum stay.
fn masked(values: &[Value], names: &[&str]) -> Vec<Value> {
    values.iter().map(|value| mask(value, names)).collect()
}

fn mask(value: &Value, names: &[&str]) -> Value {
    match value {
        Value::Array(items) => Value::Array(masked(items, names)),
        Value::Object(members) => {
            let attribute =
                members.get("key").and_then(Value::as_str).is_some_and(|key| names.contains(&key));
            let named = |name: &String, value: &Value| names.contains(&name.as_str()) && !value.is_object();
            let kept = members.iter().filter(|(name, value)| !named(name, value) && !attribute);
            Value::Object(kept.map(|(name, value)| (name.clone(), mask(value, names))).collect())
        }
        other => other.clone(),
    }
}

#[test]
fn what_is_masked_is_values_and_nothing_below_them() {
    let point = serde_json::json!({ "asInt": "1", "timeUnixNano": "7" });
    let metric = serde_json::json!([{ "sum": { "dataPoints": [point] } }, { "histogram": { "sum": 0.5, "count": "1" } }]);
    let expected = serde_json::json!([{ "sum": { "dataPoints": [{ "asInt": "1" }] } }, { "histogram": { "count": "1" } }]);
    assert_eq!(mask(&metric, IDS_AND_TIMES), expected);
}

/// The bytes of all identifiers in a payload that was written as JSON.
fn ids_in(log: &str) -> Vec<Vec<u8>> {
    let mut ids = Vec::new();
    for field in IDS {
        let field = format!("\"{field}\":\"");
        for (at, _) in log.match_indices(&field) {
            let digits =
                log.get(at + field.len()..).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or("x"), 16).ok();
            ids.extend(digits.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>());
        }
    }
    ids.retain(|id| !id.is_empty());
    ids
}

fn without(ids: &[Vec<u8>], mut body: Vec<u8>) -> Vec<u8> {
    for id in ids {
        let places: Vec<usize> =
            (0..body.len()).filter(|at| body.get(*at..).is_some_and(|rest| rest.starts_with(id))).collect();
        for at in places {
            body.get_mut(at..at + id.len()).into_iter().flatten().for_each(|byte| *byte = 0);
        }
    }
    body
}
