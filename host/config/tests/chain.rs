//! Chains of base configurations, package lists, and values of the command line.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use imagecustomizer_config::output::ImageFormat;
use imagecustomizer_config::{
    ComponentPlace, Diagnostics, LoadOptions, Mode, Overrides, PasswordPolicy, ResolvedConfig, ResolvedInput,
    Rule, load, load_inject_config,
};
use tempfile::TempDir;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn validate(dir: &TempDir, overrides: Overrides) -> Result<ResolvedConfig, Diagnostics> {
    let options = LoadOptions { overrides, mode: Mode::ValidateConfig, ..LoadOptions::default() };
    load(&dir.path().join("top.yaml"), &options)
}

fn resolved(files: &[(&str, &str)]) -> (TempDir, ResolvedConfig) {
    let dir = folder(files);
    let config = validate(&dir, Overrides::default()).unwrap();
    (dir, config)
}

fn first_rule(result: Result<ResolvedConfig, Diagnostics>) -> Rule {
    result.unwrap_err().iter().next().unwrap().rule
}

fn refused(files: &[(&str, &str)]) -> Diagnostics {
    validate(&folder(files), Overrides::default()).unwrap_err()
}

const TOP: &str = "previewFeatures: [base-configs]\nbaseConfigs: [{path: base/a.yaml}, {path: b.yaml}]\n";

#[test]
fn bases_apply_before_the_file_that_names_them_depth_first() {
    let (dir, config) = resolved(&[
        ("top.yaml", &format!("{TOP}os: {{hostname: top}}")),
        (
            "base/a.yaml",
            "previewFeatures: [base-configs]\nbaseConfigs: [{path: ../c.yaml}]\nos: {hostname: a}",
        ),
        ("b.yaml", "os: {kernelCommandLine: {extraCommandLine: [b]}}"),
        ("c.yaml", "os: {kernelCommandLine: {extraCommandLine: [c]}}"),
    ]);
    let names: Vec<_> =
        config.files().iter().map(|file| file.path.strip_prefix(dir.path()).unwrap().to_owned()).collect();
    assert_eq!(names, ["c.yaml", "base/a.yaml", "b.yaml", "top.yaml"].map(PathBuf::from));
    assert_eq!(config.hostname().unwrap().value, "top");
    let words: Vec<_> = config.kernel_command_line().iter().map(|word| word.value.as_str()).collect();
    assert_eq!(words, ["c", "b"]);
}

#[test]
fn steps_of_bases_come_first_and_start_from_their_own_folder() {
    let (dir, config) = resolved(&[
        (
            "top.yaml",
            "previewFeatures: [base-configs, custom-steps]\nbaseConfigs: [{path: base/a.yaml}]\nsteps: [{name: b, component: b.wasm}]",
        ),
        ("base/a.yaml", "previewFeatures: [custom-steps]\nsteps: [{name: a, component: a.wasm}]"),
    ]);
    let steps = config.custom_steps();
    let found: Vec<_> = steps.iter().map(|step| (step.name(), step.component())).collect();
    let file = |path| ComponentPlace::File(dir.path().join(path));
    assert_eq!(found, [("a", file("base/a.wasm")), ("b", file("b.wasm"))]);
}

#[test]
fn names_of_steps_differ_over_the_whole_chain() {
    let problems = refused(&[
        (
            "top.yaml",
            "previewFeatures: [base-configs, custom-steps]\nbaseConfigs: [{path: base/a.yaml}]\nsteps: [{name: a, component: b.wasm}]",
        ),
        ("base/a.yaml", "previewFeatures: [custom-steps]\nsteps: [{name: a, component: a.wasm}]"),
    ]);
    let first = problems.iter().next().unwrap();
    assert_eq!((first.rule, first.field.as_str()), (Rule::StepNameRepeated, "steps[0].name"));
}

#[test]
fn paths_start_from_the_folder_of_their_own_file() {
    let (dir, config) = resolved(&[
        ("top.yaml", &format!("{TOP}output: {{image: {{format: raw}}}}")),
        (
            "base/a.yaml",
            "input: {image: {path: ../img.raw}}\noutput: {image: {path: out/o.raw, format: vhdx}}\n\
             os: {additionalFiles: [{source: f, destination: /f}]}\nscripts: {postCustomization: [{path: s.sh}]}",
        ),
        ("b.yaml", "{}"),
    ]);
    let file = config.input().unwrap();
    assert_eq!(file.value, ResolvedInput::File(dir.path().join("img.raw")));
    assert_eq!(config.output_path().unwrap().value, dir.path().join("base/out/o.raw"));
    assert_eq!(config.output_format().unwrap().value, ImageFormat::Raw);
    let base = &config.files()[0];
    let source = imagecustomizer_config::FileSource::Path(dir.path().join("base/f"));
    assert_eq!(base.additional_files()[0].source, source);
    assert_eq!(base.post_customization()[0].config_dir, dir.path().join("base"));
    assert_eq!(config.place(file.at).unwrap().path, dir.path().join("base/a.yaml"));
}

#[test]
fn single_values_come_from_the_last_file_and_lists_from_all() {
    let (_dir, config) = resolved(&[
        (
            "top.yaml",
            "previewFeatures: [base-configs, output-artifacts, remove-package-manager]\n\
             baseConfigs: [{path: a.yaml}]\nos: {packages: {removePackageManager: false}}\n\
             output: {artifacts: {items: [ukis, shim], path: t}}",
        ),
        (
            "a.yaml",
            "previewFeatures: [output-artifacts, remove-package-manager]\n\
             os: {imageHistory: none, selinux: {mode: permissive}, bootloader: {resetType: hard-reset},\n\
             packages: {removePackageManager: true}}\n\
             output: {artifacts: {items: [verity-hash, shim, ''], path: a}, image: {cosi: {compression: {level: 3}}}}",
        ),
    ]);
    assert!(!config.removes_package_manager().unwrap().value);
    assert!(!config.keeps_history());
    assert_eq!(config.selinux_mode().unwrap().word(), "permissive");
    assert!(config.bootloader_reset().is_some());
    assert_eq!(config.cosi_compression_level(), 3);
    let artifacts = config.artifacts().unwrap();
    let items: Vec<_> = artifacts.items.iter().map(|item| item.word()).collect();
    assert_eq!(items, ["verity-hash", "shim", "ukis"]);
    assert!(artifacts.path.ends_with("t"));
    assert_eq!(config.preview_features().len(), 3);
}

#[test]
fn a_base_file_must_be_valid_by_itself() {
    let problems = refused(&[
        ("top.yaml", "previewFeatures: [base-configs, uki]\nbaseConfigs: [{path: a.yaml}]"),
        ("a.yaml", "os: {uki: {mode: create}}"),
    ]);
    assert_eq!(problems.iter().next().unwrap().rule, Rule::UkiPreview);
    assert_eq!(problems.names(), ["Validation:InvalidImageConfig", "Validation:InvalidBaseConfigs"]);
}

#[test]
fn a_feature_named_in_a_base_does_not_count_for_the_top() {
    let problems = refused(&[
        (
            "top.yaml",
            "previewFeatures: [base-configs]\nbaseConfigs: [{path: a.yaml}]\nos: {uki: {mode: create}}",
        ),
        ("a.yaml", "previewFeatures: [uki]"),
    ]);
    assert_eq!(problems.iter().next().unwrap().rule, Rule::UkiPreview);
}

#[test]
fn a_file_reached_twice_is_refused_even_without_a_loop() {
    let leaf = "previewFeatures: [base-configs]\nbaseConfigs: [{path: c.yaml}]";
    let cases: [&[(&str, &str)]; 3] = [
        &[
            ("top.yaml", "previewFeatures: [base-configs]\nbaseConfigs: [{path: a.yaml}, {path: b.yaml}]"),
            ("a.yaml", leaf),
            ("b.yaml", leaf),
            ("c.yaml", "{}"),
        ],
        &[
            (
                "top.yaml",
                "previewFeatures: [base-configs]\nbaseConfigs: [{path: a.yaml}, {path: ./x/../a.yaml}]",
            ),
            ("a.yaml", "{}"),
        ],
        &[("top.yaml", "previewFeatures: [base-configs]\nbaseConfigs: [{path: top.yaml}]")],
    ];
    for files in cases {
        assert_eq!(refused(files).iter().next().unwrap().rule, Rule::BaseConfigRepeated);
    }
}

#[test]
fn storage_stands_in_one_file() {
    let storage = "previewFeatures: [reinitialize-verity]\nstorage: {reinitializeVerity: all}";
    let top = "previewFeatures: [base-configs, reinitialize-verity]\nbaseConfigs: [{path: a.yaml}]\n";
    let twice = [("top.yaml", &*format!("{top}storage: {{reinitializeVerity: none}}")), ("a.yaml", storage)];
    let problems = refused(&twice);
    assert_eq!(problems.iter().next().unwrap().rule, Rule::StorageOneFile);
    assert_eq!(problems.names(), ["Validation:InvalidImageConfig", "Validation:StorageMoreThanOne"]);
    let (_dir, config) =
        resolved(&[("top.yaml", &format!("{top}storage: {{disks: []}}")), ("a.yaml", storage)]);
    assert!(config.storage().unwrap().reinitialize_verity.is_some());
}

#[test]
fn a_base_that_cannot_be_read_is_reported_where_it_is_named() {
    let problems =
        refused(&[("top.yaml", "previewFeatures: [base-configs]\nbaseConfigs:\n- path: no.yaml\n")]);
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.rule, Rule::FileRead);
    assert_eq!(problems.place(problem).unwrap().position.line, 3);
}

#[test]
fn package_lists_are_read_before_inline_packages() {
    let (_dir, config) = resolved(&[
        ("top.yaml", "os: {packages: {installLists: [l/a.yaml, l/b.yaml], install: [x, 3.10]}}"),
        ("l/a.yaml", "packages: [a, ~, 1]"),
        ("l/b.yaml", "packages:"),
    ]);
    let names: Vec<_> = config.files()[0].packages.install.iter().map(|name| name.value.as_str()).collect();
    assert_eq!(names, ["a", "1", "x", "3.10"]);
}

#[test]
fn broken_package_lists_are_refused_also_without_looking_at_resources() {
    let top = ("top.yaml", "os: {packages: {removeLists: [a.yaml]}}");
    for (list, rule) in [
        (Some("packages: [a]\nmore: x"), Rule::FieldUnknown),
        (Some(""), Rule::FileEmpty),
        (Some("# none"), Rule::FileEmpty),
        (None, Rule::FileRead),
    ] {
        let mut files = vec![top];
        files.extend(list.map(|text| ("a.yaml", text)));
        let problems = refused(&files);
        assert_eq!(problems.iter().next().unwrap().rule, rule, "{list:?}");
        assert!(problems.names().contains(&"Packages:InvalidPackageListFile"));
    }
}

#[test]
fn files_in_other_encodings() {
    let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}os: {hostname: a}\n".encode_utf16().flat_map(order).collect()
    };
    let good: [Vec<u8>; 4] = [
        b"\xef\xbb\xbfos: {hostname: a}\n".to_vec(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        b"os: {hostname: a}\r\n".to_vec(),
    ];
    for bytes in good {
        let dir = folder(&[]);
        fs::write(dir.path().join("top.yaml"), &bytes).unwrap();
        let config = validate(&dir, Overrides::default()).unwrap();
        assert_eq!(config.hostname().unwrap().value, "a");
    }
    for bytes in [b"os: {hostname: \xff}".as_slice(), b"\xff\xfea", b"\xff\xfe\x00\xd8"] {
        let dir = folder(&[]);
        fs::write(dir.path().join("top.yaml"), bytes).unwrap();
        assert_eq!(first_rule(validate(&dir, Overrides::default())), Rule::Encoding);
    }
}

#[test]
fn a_file_that_is_too_large_or_missing_is_refused() {
    let dir = folder(&[]);
    fs::File::create(dir.path().join("top.yaml")).unwrap().set_len((64 << 20) + 1).unwrap();
    assert_eq!(first_rule(validate(&dir, Overrides::default())), Rule::FileRead);
    assert_eq!(first_rule(validate(&folder(&[]), Overrides::default())), Rule::FileRead);
}

#[test]
fn a_file_with_much_content_is_read() {
    let content =
        format!("os: {{additionalFiles: [{{destination: /a, content: {}}}]}}", "a ".repeat(3 << 20));
    let (_dir, config) = resolved(&[("top.yaml", &content)]);
    let os = config.files()[0].config.os.as_ref().unwrap();
    assert_eq!(os.additional_files[0].content.as_ref().unwrap().len(), (6 << 20) - 1);
}

#[test]
fn a_long_chain_is_read() {
    let name = |number: usize| if number == 0 { "top.yaml".to_owned() } else { format!("{number}.yaml") };
    let text = |number: usize| {
        format!("previewFeatures: [base-configs]\nbaseConfigs: [{{path: {}}}]", name(number + 1))
    };
    let mut files: Vec<_> = (0..1500).map(|number| (name(number), text(number))).collect();
    files.push((name(1500), "{}".to_owned()));
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (_dir, config) = resolved(&files);
    assert_eq!(config.files().len(), 1501);
    assert!(config.files()[0].path.ends_with("1500.yaml"));
}

#[test]
fn binary_data_that_is_no_text_is_valid_but_cannot_be_carried_out() {
    let text = "input: {image: {path: a}}\noutput: {image: {path: b, format: raw}}\n\
                os: {additionalFiles: [{destination: /a, content: !!binary /w==}]}";
    let dir = folder(&[("top.yaml", text)]);
    validate(&dir, Overrides::default()).unwrap();
    assert_eq!(first_rule(load(&dir.path().join("top.yaml"), &LoadOptions::default())), Rule::Unsupported);
}

#[test]
fn options_are_checked_and_need_their_features() {
    let text = |text: &str| Some(text.to_owned());
    let cases: Vec<(Overrides, &str, Option<Rule>)> = vec![
        (
            Overrides { package_snapshot_time: text("2024-01-01"), ..Overrides::default() },
            "previewFeatures: [package-snapshot-time]",
            None,
        ),
        (
            Overrides { package_snapshot_time: text("2024-01-01"), ..Overrides::default() },
            "{}",
            Some(Rule::OptionSnapshotTimePreview),
        ),
        (
            Overrides { package_snapshot_time: text("soon"), ..Overrides::default() },
            "previewFeatures: [package-snapshot-time]",
            Some(Rule::OptionSnapshotTime),
        ),
        (Overrides { image: text("oci:a/b"), ..Overrides::default() }, "{}", Some(Rule::OptionImagePreview)),
        (
            Overrides { image: text("azurelinux:minimal-os:3.0"), ..Overrides::default() },
            "previewFeatures: [input-image-oci]",
            None,
        ),
        (
            Overrides { image: text("OCI:a/b"), ..Overrides::default() },
            "previewFeatures: [input-image-oci]",
            Some(Rule::OptionImage),
        ),
        (
            Overrides { image: text("oci:a/b"), image_file: Some("x".into()), ..Overrides::default() },
            "previewFeatures: [input-image-oci]",
            Some(Rule::OptionImageTwice),
        ),
        (
            Overrides { tools_dir: Some("x".into()), ..Overrides::default() },
            "{}",
            Some(Rule::OptionToolsDirPreview),
        ),
        (
            Overrides { tools_dir: Some("x".into()), ..Overrides::default() },
            "previewFeatures: [tools-dir]",
            None,
        ),
        (
            Overrides { cosi_compression_level: Some(0), ..Overrides::default() },
            "{}",
            Some(Rule::OptionCosiLevel),
        ),
        (Overrides { cosi_compression_level: Some(22), ..Overrides::default() }, "{}", None),
    ];
    for (overrides, yaml, rule) in cases {
        let dir = folder(&[("top.yaml", yaml)]);
        let found =
            validate(&dir, overrides.clone()).map_err(|problems| problems.iter().next().unwrap().rule);
        assert_eq!(found.err(), rule, "{overrides:?} {yaml}");
    }
}

fn customize(yaml: &str, overrides: Overrides) -> Result<ResolvedConfig, Diagnostics> {
    let dir = folder(&[("top.yaml", yaml)]);
    load(&dir.path().join("top.yaml"), &LoadOptions { overrides, ..LoadOptions::default() })
}

#[test]
fn a_complete_run_needs_input_format_and_output() {
    let input = "input: {image: {path: a}}\n";
    let output = "output: {image: {path: b, format: raw}}\n";
    let rules = |yaml: &str| -> Vec<Rule> {
        let problems = customize(yaml, Overrides::default()).unwrap_err();
        problems.iter().map(|problem| problem.rule).collect()
    };
    assert_eq!(rules("{}"), [Rule::InputRequired, Rule::OutputFormatRequired, Rule::OutputPathRequired]);
    assert_eq!(rules(output), [Rule::InputRequired]);
    assert_eq!(rules(&format!("{input}output: {{image: {{format: raw}}}}")), [Rule::OutputPathRequired]);
    assert!(customize(&format!("{input}{output}"), Overrides::default()).is_ok());
    let options = Overrides {
        image_file: Some("/x/a".into()),
        output_image_file: Some("/x/../b".into()),
        output_image_format: Some(ImageFormat::Cosi),
        ..Overrides::default()
    };
    let config = customize(&format!("{input}{output}"), options).unwrap();
    assert_eq!(config.input().unwrap().value, ResolvedInput::File("/x/a".into()));
    assert_eq!(config.output_path().unwrap().value, Path::new("/b"));
    assert_eq!(config.output_format().unwrap().value, ImageFormat::Cosi);
    assert_eq!(config.cosi_compression_level(), 9);
}

#[test]
fn packages_need_a_source() {
    let base = "input: {image: {path: a}}\noutput: {image: {path: b, format: raw}}\n";
    let without = Overrides { disable_base_image_rpm_repos: true, ..Overrides::default() };
    let with = Overrides { rpm_sources: vec!["x".into()], ..without.clone() };
    for packages in ["install: [a]", "update: [a]", "updateExistingPackages: true"] {
        let yaml = format!("{base}os: {{packages: {{{packages}}}}}");
        assert_eq!(first_rule(customize(&yaml, without.clone())), Rule::PackageSources);
        assert!(customize(&yaml, with.clone()).is_ok());
        assert!(customize(&yaml, Overrides::default()).is_ok());
    }
    let yaml = format!("{base}os: {{packages: {{remove: [a], updateExistingPackages: false}}}}");
    assert!(customize(&yaml, without).is_ok());
}

#[test]
fn live_and_cosi_images_keep_the_package_manager() {
    for (format, fits) in [("raw", true), ("cosi", false), ("iso", false), ("pxe-dir", false), ("vhd", true)]
    {
        let yaml = format!(
            "previewFeatures: [remove-package-manager]\ninput: {{image: {{path: a}}}}\n\
             output: {{image: {{path: b, format: {format}}}}}\nos: {{packages: {{removePackageManager: true}}}}"
        );
        let found = customize(&yaml, Overrides::default()).map_err(|problems| problems.names());
        match found {
            Ok(_) => assert!(fits, "{format}"),
            Err(names) => {
                assert!(!fits, "{format}");
                assert_eq!(names.last(), Some(&"Validation:RemovePackageManagerBadOutputFormat"));
            }
        }
    }
}

#[test]
fn create_takes_disks_and_packages_and_refuses_what_needs_an_image() {
    const STORAGE: &str = "{bootType: legacy, disks: [{partitionTableType: gpt, \
                           partitions: [{id: b, type: bios-grub, size: 8M}]}]}";
    let run_on = |features: &str, os: &str, storage: &str, sources: &[&str]| {
        let yaml = format!(
            "previewFeatures: [{features}]\noutput: {{image: {{path: b, format: raw}}}}\n\
             os: {{bootloader: {{resetType: hard-reset}}, {os}}}\nstorage: {storage}"
        );
        let dir = folder(&[("top.yaml", &yaml)]);
        let rpm_sources = sources.iter().map(PathBuf::from).collect();
        let overrides = Overrides { rpm_sources, tools_dir: Some("x".into()), ..Overrides::default() };
        let options = LoadOptions { mode: Mode::Create, overrides, ..LoadOptions::default() };
        load(&dir.path().join("top.yaml"), &options)
    };
    let run = |features: &str, os: &str| run_on(features, os, STORAGE, &["x"]);
    run("create, tools-dir", "").unwrap();
    run("create, tools-dir", "hostname: a, packages: {install: [a]}").unwrap();
    assert_eq!(first_rule(run("tools-dir", "")), Rule::CreatePreview);
    assert_eq!(first_rule(run("create", "")), Rule::OptionToolsDirPreview);
    assert_eq!(first_rule(run_on("create, tools-dir", "", STORAGE, &[])), Rule::PackageSources);
    assert_eq!(first_rule(run_on("create, tools-dir", "", "{}", &["x"])), Rule::CreateDisks);
    for field in [
        "selinux: {mode: disabled}",
        "additionalFiles: [{destination: /a, content: b}]",
        "additionalDirs: [{source: a, destination: /b}]",
        "modules: [{name: a}]",
        "overlays: []",
        "uki: {}",
    ] {
        assert_eq!(first_rule(run("create, tools-dir, uki", field)), Rule::CreateField, "{field}");
    }
}

#[test]
fn the_password_policy_decides_about_types() {
    let run = |kind: &str, passwords| {
        let value = if kind == "locked" { "" } else { ", value: x" };
        let yaml = format!("os: {{users: [{{name: a, password: {{type: {kind}{value}}}}}]}}");
        let dir = folder(&[("top.yaml", &yaml)]);
        let options = LoadOptions { passwords, mode: Mode::ValidateConfig, ..LoadOptions::default() };
        load(&dir.path().join("top.yaml"), &options)
    };
    for kind in ["plain-text", "hashed", "plain-text-file", "hashed-file"] {
        assert!(run(kind, PasswordPolicy::Any).is_ok());
        assert_eq!(first_rule(run(kind, PasswordPolicy::LockedOnly)), Rule::PasswordTypeAllowed);
    }
    assert!(run("locked", PasswordPolicy::LockedOnly).is_ok());
}

#[test]
fn an_iso_is_rebuilt_when_disks_os_or_scripts_are_there() {
    for (yaml, customizes) in [
        ("{}", false),
        ("os: ~", false),
        ("os: {}", true),
        ("scripts: {postCustomization: [{content: a}]}", true),
        ("scripts: {postCustomization: []}", false),
        ("iso: {}", false),
    ] {
        let (_dir, config) = resolved(&[("top.yaml", yaml)]);
        assert_eq!(config.customizes_os(), customizes, "{yaml}");
    }
}

#[test]
fn every_set_field_is_listed_with_its_place() {
    let (_dir, config) = resolved(&[(
        "top.yaml",
        "previewFeatures: [uki]\nos:\n  hostname: a\n  uki: {}\n  users:\n  - name: b\n  packages: {install: [c]}\n  overlays: []\n",
    )]);
    let used: Vec<_> =
        config.features_used().into_iter().map(|used| (used.field, used.at.start.line)).collect();
    let expected = [
        ("os.hostname", 3),
        ("os.packages.install[0]", 7),
        ("os.users[0].name", 6),
        ("os.overlays", 0),
        ("os.uki", 4),
        ("previewFeatures[0]", 1),
    ];
    assert_eq!(used, expected.map(|(field, line)| (field.to_owned(), line)));
}

#[test]
fn aliases_that_multiply_are_refused_quickly() {
    let keys = "k,".repeat(3000);
    let users = "*u,".repeat(3000);
    let yaml = format!("os: {{users: [&u {{name: a, sshPublicKeys: [{keys}]}},{users}]}}");
    let dir = folder(&[("top.yaml", &yaml)]);
    let begun = std::time::Instant::now();
    assert_eq!(first_rule(validate(&dir, Overrides::default())), Rule::AliasExpansion);
    assert!(begun.elapsed().as_secs() < 20);
}

#[test]
fn the_configuration_of_inject_files() {
    let item = "{source: /a, destination: b, partition: {idType: part-label, id: c}, type: anything}";
    let run = |yaml: &str| {
        let dir = folder(&[("top.yaml", yaml)]);
        let loaded = load_inject_config(&dir.path().join("top.yaml"));
        (dir, loaded)
    };
    let (dir, loaded) = run(&format!("previewFeatures: [inject-files]\ninjectFiles: [{item}]"));
    let config = loaded.unwrap();
    assert_eq!(config.config.inject_files[0].source_path(&config.dir), dir.path().join("a"));
    assert!(run("previewFeatures: [inject-files]").1.is_ok());
    let cases = [
        (format!("injectFiles: [{item}]"), Rule::InjectPreview),
        (item.replace("source: /a, ", ""), Rule::InjectSource),
        (item.replace("destination: b, ", ""), Rule::InjectDestination),
        (item.replace(", id: c", ""), Rule::InjectPartition),
        (item.replace("part-label", "label"), Rule::ChoiceUnknown),
        (item.replace("type", "kind"), Rule::FieldUnknown),
    ];
    for (yaml, rule) in cases {
        let yaml = match yaml.starts_with('{') {
            true => format!("previewFeatures: [inject-files]\ninjectFiles: [{yaml}]"),
            false => yaml,
        };
        let problems = run(&yaml).1.unwrap_err();
        assert_eq!(problems.iter().next().unwrap().rule, rule, "{yaml}");
    }
}

#[test]
fn the_configurations_of_all_features_are_valid() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/configs");
    let mut count = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let overrides = Overrides {
            image_file: Some(path.clone()),
            output_image_file: Some("/nowhere/out.raw".into()),
            output_image_format: Some(ImageFormat::Raw),
            ..Overrides::default()
        };
        let config = load(&path, &LoadOptions { overrides, ..LoadOptions::default() });
        let config = config.unwrap_or_else(|problems| panic!("{}:\n{problems}", path.display()));
        config.validate_resources(imagecustomizer_config::Resources::FILES).unwrap();
        count += 1;
    }
    assert!(count >= 16);
}
