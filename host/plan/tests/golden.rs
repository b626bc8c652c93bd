//! Every configuration in `tests/configs` has a golden plan in `tests/golden/plans`, or the list of what in it is not
//! supported yet. `UPDATE_GOLDEN=1` writes them anew.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use config::{LoadOptions, Mode, Overrides, PasswordPolicy};
use imagecustomizer_plan::{
    Distribution, Family, FileSystemFact, ImageFacts, InputFact, OutputFact, RunFacts, make, unsupported,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The plan as text, or what is refused; paths start at the top of the workspace.
fn plan_of(file: &Path) -> String {
    let overrides = Overrides {
        image_file: Some(PathBuf::from("/base.raw")),
        output_image_file: Some(PathBuf::from("/out.raw")),
        output_image_format: Some(config::output::ImageFormat::Raw),
        ..Overrides::default()
    };
    let options = LoadOptions { overrides, passwords: PasswordPolicy::Any, mode: Mode::Customize };
    let config = config::load(file, &options).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let refused = unsupported(&config);
    if !refused.is_empty() {
        let fields: Vec<String> =
            refused.into_iter().map(|used| format!("not supported yet: {}\n", used.field)).collect();
        return fields.concat();
    }
    let run = RunFacts {
        tool_version: "[VERSION]".to_owned(),
        build_date: "[TIME]".to_owned(),
        image_uuid: "[UUID]".to_owned(),
        history_config: config.history(&config::Digests::default()),
        components: BTreeMap::from([("first".to_owned(), "[DIGEST]".to_owned())]),
        directories: BTreeSet::from([top().join("tests/configs/files/tree")]),
    };
    let file_system = |partition, mount_point: &str, kind: &str| FileSystemFact {
        partition,
        mount_point: mount_point.to_owned(),
        kind: kind.to_owned(),
        uuid: None,
    };
    let image = ImageFacts {
        distribution: Distribution { family: Family::AzureLinux, version: "3.0".to_owned() },
        architecture: "x86_64".to_owned(),
        file_systems: vec![file_system(2, "/", "ext4"), file_system(1, "/boot/efi", "vfat")],
    };
    let input = InputFact { path: PathBuf::from("/base.raw"), format: "raw".to_owned(), disk_size: 1 << 30 };
    let output = OutputFact { path: PathBuf::from("/out.raw"), format: "raw".to_owned() };
    let plan = make(&config, &run, input, image, output).unwrap();
    format!("{plan}\n").replace(&format!("{}/", top().display()), "")
}

#[test]
fn every_configuration_gives_its_golden_plan() {
    let golden = top().join("tests/golden/plans");
    let mut count = 0;
    for entry in std::fs::read_dir(top().join("tests/configs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        count += 1;
        let plan = plan_of(&path);
        let expected = golden.join(path.file_stem().unwrap()).with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&golden).unwrap();
            std::fs::write(&expected, plan).unwrap();
            continue;
        }
        let found = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(plan, found, "{}", expected.display());
    }
    assert!(count > 10, "{count} configurations");
}

#[test]
fn no_plan_shows_a_password() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.yaml");
    let text = "os: { users: [{ name: a, password: { type: plain-text, value: hunter2 } }], \
                additionalFiles: [{ destination: /x, content: hunter3 }] }\n";
    std::fs::write(&file, text).unwrap();
    let plan = plan_of(&file);
    assert!(plan.contains("0/users/0/password 7 bytes"), "{plan}");
    assert!(!plan.contains("hunter2"), "{plan}");
}

/// Names of the steps in the plan of `yaml`; with `base` as its base configuration.
fn order(base: &str, yaml: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let top =
        format!("previewFeatures: [custom-steps, base-configs]\nbaseConfigs: [{{path: base.yaml}}]\n{yaml}");
    std::fs::write(directory.path().join("base.yaml"), format!("previewFeatures: [custom-steps]\n{base}"))
        .unwrap();
    std::fs::write(directory.path().join("top.yaml"), top).unwrap();
    let plan = plan_of(&directory.path().join("top.yaml"));
    let steps = plan.lines().filter_map(|line| line.strip_prefix("step ")?.split_whitespace().nth(1));
    steps.map(str::to_owned).collect()
}

#[test]
fn steps_of_ones_own_stand_where_the_configuration_says() {
    let step = |name: &str, place: &str| format!("{{name: {name}, component: a.wasm{place}}}");
    let os = "os: {hostname: a, users: [{name: u}], groups: [{name: g}], additionalFiles: [{destination: /a, content: b}]}";
    let built_in = ["hostname", "groups", "users", "files", "release-file", "history"];
    let cases: [(&str, &[&str]); 9] = [
        ("", &["hostname", "groups", "users", "files", "own", "release-file", "history"]),
        (
            ", before: release-file",
            &["hostname", "groups", "users", "files", "own", "release-file", "history"],
        ),
        (", after: files", &["hostname", "groups", "users", "files", "own", "release-file", "history"]),
        (", before: hostname", &["own", "hostname", "groups", "users", "files", "release-file", "history"]),
        (", after: history", &["hostname", "groups", "users", "files", "release-file", "history", "own"]),
        (", after: users", &["hostname", "groups", "users", "own", "files", "release-file", "history"]),
        // Nothing asks for these two, but their places are known.
        (", after: directories", &["hostname", "groups", "users", "own", "files", "release-file", "history"]),
        (", before: modules", &["hostname", "groups", "users", "files", "own", "release-file", "history"]),
        (", after: groups", &["hostname", "groups", "own", "users", "files", "release-file", "history"]),
    ];
    for (place, expected) in cases {
        assert_eq!(order("", &format!("{os}\nsteps: [{}]", step("own", place))), expected, "{place}");
    }
    let several = format!(
        "{os}\nsteps: [{}, {}, {}]",
        step("c", ""),
        step("b", ", after: users"),
        step("d", ", before: files")
    );
    let expected = ["hostname", "groups", "users", "a", "b", "d", "files", "c", "release-file", "history"];
    assert_eq!(order(&format!("steps: [{}]", step("a", ", after: users")), &several), expected);
    assert_eq!(order("", os), built_in);
}

#[test]
fn a_step_stands_behind_the_last_and_before_the_first_of_its_kind() {
    let users = |name: &str| format!("os: {{groups: [{{name: {name}}}], users: [{{name: {name}}}]}}");
    let own = "\nsteps: [{name: own, component: a.wasm, after: groups}, {name: early, component: a.wasm, before: users}]";
    let expected = ["groups", "early", "users", "groups", "own", "users", "release-file", "history"];
    assert_eq!(order(&users("a"), &(users("b") + own)), expected);
}
