//! The rules on crates: which may know which, under which licences foreign ones come, and that none comes twice
//! without a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use e2e::{Outcome, failed};
use fixtures::process::{command, output};
use program::Program;
use serde_json::Value;

/// Each of our crates by folder, with those it may use. Folders of `guest-steps/` that are not listed are steps.
const ARROWS: [(&str, &[&str]); 24] = [
    ("host/units", &[]),
    ("host/program", &[]),
    ("host/telemetry", &[]),
    ("host/schema", &[]),
    ("host/config", &["host/units"]),
    ("host/partition", &["host/units"]),
    ("host/plan", &["host/config", "host/units"]),
    ("host/image", &["host/program", "host/units"]),
    ("host/filesystem", &["host/program", "host/units"]),
    ("host/block", &["host/program", "host/units"]),
    ("host/rootfs", &["host/block", "host/partition", "host/units"]),
    ("host/sandbox", &["host/rootfs"]),
    ("host/step-kit", &[]),
    ("host/oci", &["host/program"]),
    ("host/engine", HOST_BELOW_ENGINE),
    ("host/cli", &["host/engine", "host/config", "host/telemetry", "host/step-kit", "host/oci"]),
    ("guest-steps/sdk/derive", &[]),
    ("guest-steps/sdk", &["guest-steps/sdk/derive"]),
    ("guest-steps/accounts", &["guest-steps/sdk"]),
    ("guest-steps/*", &["guest-steps/sdk", "guest-steps/accounts"]),
    ("tests/differential", &[]),
    ("tests/fixtures", &[]),
    ("tests/e2e", &["tests/fixtures", "host/program"]),
    ("xtask", &["tests/fixtures"]),
];

const HOST_BELOW_ENGINE: &[&str] = &[
    "host/units",
    "host/config",
    "host/plan",
    "host/partition",
    "host/image",
    "host/block",
    "host/rootfs",
    "host/filesystem",
    "host/program",
    "host/sandbox",
    "host/schema",
    "host/telemetry",
];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/"))
}

/// What cargo knows; with `foreign` also of crates that are not ours, for Linux alone.
fn metadata(foreign: bool) -> Outcome<Value> {
    let mut cargo = command(env!("CARGO"));
    cargo.current_dir(workspace()).args(["metadata", "--format-version", "1"]);
    // rustup's proxies and the registry's files are found by the caller's variables.
    if foreign {
        cargo.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    } else {
        cargo.arg("--no-deps");
    }
    if let Some(path) = std::env::var_os("PATH") {
        cargo.env("PATH", path);
    }
    Ok(serde_json::from_slice(&output(&mut cargo)?)?)
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// A path inside the workspace.
fn folder(path: &str) -> String {
    let path = Path::new(path);
    path.strip_prefix(workspace()).unwrap_or(path).to_string_lossy().into_owned()
}

fn allowed(folder: &str) -> Option<&'static [&'static str]> {
    let listed =
        |name: &str| ARROWS.iter().find(|(crate_folder, _)| *crate_folder == name).map(|(_, to)| *to);
    listed(folder).or_else(|| folder.strip_prefix("guest-steps/").and_then(|_| listed("guest-steps/*")))
}

#[test]
fn only_drawn_arrows_exist_between_our_crates() -> Outcome {
    let mut wrong = Vec::new();
    for package in list(&metadata(false)?, "packages") {
        let from = folder(text(package, "manifest_path").trim_end_matches("/Cargo.toml"));
        let Some(allowed) = allowed(&from) else {
            wrong.push(format!("`{from}` is in no list"));
            continue;
        };
        for dependency in list(package, "dependencies") {
            // What only tests use builds no arrow.
            let kind = dependency.get("kind").and_then(Value::as_str);
            let to = folder(text(dependency, "path"));
            if !to.is_empty() && kind != Some("dev") && !allowed.contains(&to.as_str()) {
                wrong.push(format!("`{from}` may not depend on `{to}`"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

#[test]
fn all_our_crates_have_the_common_version_licence_and_lints() -> Outcome {
    let root = std::fs::read_to_string(workspace().join("Cargo.toml"))?;
    for package in list(&metadata(false)?, "packages") {
        let name = text(package, "name");
        assert!(name == "xtask" || name.starts_with("imagecustomizer"), "{name}");
        assert_eq!((text(package, "license"), text(package, "version")), ("MIT", "0.1.0"), "{name}");
        let manifest = std::fs::read_to_string(text(package, "manifest_path"))?;
        let common = manifest.contains("[lints]\nworkspace = true")
            || lints(&manifest, "[lints.") == lints(&root, "[workspace.lints.");
        assert!(common, "{name} has lints of its own");
    }
    Ok(())
}

/// The tables of lints in a manifest, whatever stands before their names. The kit for authors says them itself: it is put
/// into projects outside of this workspace.
fn lints(manifest: &str, start: &str) -> BTreeSet<String> {
    let mut table = "";
    let mut lints = BTreeSet::new();
    for line in manifest.lines() {
        match line.strip_prefix('[') {
            Some(_) => table = line.strip_prefix(start).unwrap_or(""),
            None if table.is_empty() || line.is_empty() || line.starts_with('#') => {}
            None => drop(lints.insert(format!("{table} {line}"))),
        }
    }
    lints
}

/// The quoted words in the array `key = [ … ]` of `deny.toml`.
fn quoted_words(key: &str) -> Outcome<BTreeSet<String>> {
    let rules = std::fs::read_to_string(workspace().join("deny.toml"))?;
    let (_, rest) = rules.split_once(&format!("\n{key} = [")).ok_or_else(|| failed(format!("no {key}")))?;
    let array = rest.split("\n]").next().unwrap_or("");
    Ok(array.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

#[test]
fn foreign_crates_come_under_licences_we_agreed_to() -> Outcome {
    let agreed = quoted_words("allow")?;
    for package in list(&metadata(true)?, "packages") {
        let licence = text(package, "license").replace('/', " OR ");
        let name = text(package, "name");
        assert!(permits(&licence, &agreed), "`{name}` comes under `{licence}`; see deny.toml");
    }
    Ok(())
}

/// Whether an SPDX expression can be met with the agreed licences alone.
fn permits(expression: &str, agreed: &BTreeSet<String>) -> bool {
    let expression = expression.trim();
    if let Some((left, right)) = split_outside(expression, " OR ") {
        return permits(left, agreed) || permits(right, agreed);
    }
    if let Some((left, right)) = split_outside(expression, " AND ") {
        return permits(left, agreed) && permits(right, agreed);
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => permits(inner, agreed),
        None => agreed.contains(expression),
    }
}

/// Splits at the first `operator` that stands in no parentheses.
fn split_outside<'a>(expression: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let at_depth_zero = |position: &usize| {
        let before = expression.get(..*position).unwrap_or("");
        before.matches('(').count() == before.matches(')').count()
    };
    let position = expression.match_indices(operator).map(|(position, _)| position).find(at_depth_zero)?;
    Some((expression.get(..position)?, expression.get(position + operator.len()..)?))
}

#[test]
fn licence_expressions_are_understood() {
    let agreed: BTreeSet<String> = ["MIT", "Unicode-3.0"].map(str::to_owned).into();
    let cases = [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(GPL-2.0-only OR Apache-2.0) AND Unicode-3.0", false),
        ("", false),
    ];
    for (expression, expected) in cases {
        assert_eq!(permits(expression, &agreed), expected, "{expression}");
    }
}

#[test]
fn no_foreign_crate_comes_in_two_versions_without_a_reason() -> Outcome {
    let metadata = metadata(true)?;
    let resolved: BTreeSet<&str> = metadata
        .pointer("/resolve/nodes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|node| text(node, "id"))
        .collect();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in list(&metadata, "packages").filter(|package| resolved.contains(text(package, "id"))) {
        versions.entry(text(package, "name")).or_default().insert(text(package, "version"));
    }
    let excused = quoted_words("skip")?;
    let mut surprising = Vec::new();
    for (name, versions) in versions.into_iter().filter(|(_, versions)| versions.len() > 1) {
        let unexcused: Vec<_> =
            versions.iter().filter(|version| !excused.contains(&format!("{name}@{version}"))).collect();
        // One version is the rule; the others need a line.
        if unexcused.len() > 1 {
            surprising.push(format!("{name}: {unexcused:?}"));
        }
    }
    assert_eq!(surprising, Vec::<String>::new(), "give a reason in deny.toml, or make it one");
    Ok(())
}

/// Invariant I-6: who could speak OpenTelemetry at all.
#[test]
fn only_the_telemetry_crate_depends_on_opentelemetry() -> Outcome {
    let speaks = |name: &str| name.starts_with("opentelemetry") || name.contains("-opentelemetry");
    let mut wrong = Vec::new();
    let mut dependants = 0;
    for package in list(&metadata(true)?, "packages") {
        let from = text(package, "name");
        for dependency in list(package, "dependencies").map(|dependency| text(dependency, "name")) {
            if speaks(dependency) && !speaks(from) {
                dependants += 1;
                if from != "imagecustomizer-telemetry" {
                    wrong.push(format!("`{from}` may not depend on `{dependency}`"));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(dependants > 3, "{dependants} dependants were seen");
    Ok(())
}

#[test]
fn the_container_has_the_packages_of_the_programs_that_are_started() -> Outcome {
    let dockerfile = std::fs::read_to_string(workspace().join("Dockerfile"))?;
    let (_, rest) = dockerfile.split_once("ARG PACKAGES=\"").ok_or_else(|| failed("no ARG PACKAGES"))?;
    let listed: BTreeSet<&str> = rest.split('"').next().unwrap_or("").split_whitespace().collect();
    let needed: BTreeSet<&str> = Program::all().iter().map(|program| program.debian_package()).collect();
    assert_eq!(listed, needed);
    Ok(())
}
