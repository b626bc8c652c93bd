//! Files of this machine that a configuration names.
#![cfg(test)]

use std::fs;
use std::os::unix::fs::symlink;

use imagecustomizer_config::{Kind, LoadOptions, Mode, Overrides, Resources, load};

/// What stands in the folder: `file` and `dir`, a link to each, a link to nothing.
fn check(yaml: &str, overrides: Overrides) -> Vec<&'static str> {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path();
    fs::write(base.join("file"), "x").unwrap();
    fs::create_dir(base.join("dir")).unwrap();
    symlink("file", base.join("to-file")).unwrap();
    symlink("dir", base.join("to-dir")).unwrap();
    symlink("nothing", base.join("broken")).unwrap();
    fs::write(base.join("top.yaml"), yaml).unwrap();
    let options = LoadOptions { overrides, mode: Mode::ValidateConfig, ..LoadOptions::default() };
    let config = load(&base.join("top.yaml"), &options).unwrap();
    assert!(config.validate_resources(Resources::default()).is_ok());
    match config.validate_resources(Resources::FILES) {
        Ok(()) => Vec::new(),
        Err(problems) => {
            assert_eq!(problems.kind(), Kind::Resource);
            problems.names()
        }
    }
}

#[test]
fn named_files_are_there_and_of_the_right_kind() {
    let invalid = "Validation:InvalidImageConfig";
    let file = |source: &str| format!("os: {{additionalFiles: [{{source: {source}, destination: /a}}]}}");
    let dir = |source: &str| format!("os: {{additionalDirs: [{{source: {source}, destination: /a}}]}}");
    let key = |path: &str| format!("os: {{users: [{{name: a, sshPublicKeyPaths: [{path}]}}]}}");
    let password =
        |path: &str| format!("os: {{users: [{{name: a, password: {{type: hashed-file, value: {path}}}}}]}}");
    let script = |list: &str, path: &str| format!("scripts: {{{list}: [{{path: {path}}}]}}");
    let step = |component: &str, artifacts: &str| {
        format!(
            "previewFeatures: [custom-steps]\nsteps: [{{name: a, component: {component}, artifacts: {artifacts}}}]"
        )
    };
    let cases: Vec<(String, &[&str])> = vec![
        ("input: {image: {path: file}}".into(), &[]),
        ("input: {image: {path: none}}".into(), &["Validation:InvalidInputImageFileConfig"]),
        ("input: {image: {path: dir}}".into(), &["Validation:InputImageFileNotFile"]),
        ("input: {image: {path: file/below}}".into(), &["Validation:InvalidInputImageFileConfig"]),
        ("output: {image: {path: new/file}}".into(), &[]),
        ("output: {image: {path: file}}".into(), &[]),
        ("output: {image: {path: dir}}".into(), &["Validation:OutputImageFileIsDirectory"]),
        ("output: {image: {path: dir, format: pxe-dir}}".into(), &[]),
        ("output: {image: {path: file/below}}".into(), &["Validation:InvalidOutputImageFileConfig"]),
        (
            "previewFeatures: [output-selinux-policy]\noutput: {selinuxPolicyPath: file}".into(),
            &["Validation:OutputSelinuxPolicyPathIsFileConfig"],
        ),
        ("previewFeatures: [output-selinux-policy]\noutput: {selinuxPolicyPath: dir}".into(), &[]),
        (file("file"), &[]),
        (file("to-file"), &[]),
        (file("broken"), &["Validation:InvalidAdditionalFilesSource"]),
        (file("dir"), &["Validation:AdditionalFilesSourceNotFile"]),
        (
            "iso: {additionalFiles: [{source: none, destination: /a}]}".into(),
            &["Validation:InvalidAdditionalFilesSource"],
        ),
        (
            "pxe: {additionalFiles: [{source: none, destination: /a}]}".into(),
            &["Validation:InvalidAdditionalFilesSource"],
        ),
        (dir("dir"), &[]),
        (dir("to-dir"), &[]),
        (dir("none"), &["Validation:AdditionalDirsSourceNotFound"]),
        (dir("file"), &["Validation:AdditionalDirsSourceIsFile"]),
        (dir("file/below"), &["Validation:AdditionalDirsSourceNotReadable"]),
        (key("file"), &[]),
        (key("none"), &["Validation:InvalidUser", "Validation:InvalidSSHPublicKeyFile"]),
        (key("dir"), &["Validation:InvalidUser", "Validation:SSHPublicKeyNotFile"]),
        (password("file"), &[]),
        (password("none"), &["Validation:InvalidUser", "Validation:InvalidPasswordFile"]),
        (password("dir"), &["Validation:InvalidUser", "Validation:PasswordFileNotFile"]),
        (script("postCustomization", "file"), &[]),
        (
            script("postCustomization", "none"),
            &["Validation:InvalidPostCustomizationScript", "Validation:ScriptFileNotReadable"],
        ),
        (
            script("finalizeCustomization", "dir"),
            &["Validation:InvalidFinalizeScript", "Validation:ScriptFileNotFile"],
        ),
    ];
    for (yaml, fits) in [
        (step("file", "{a: file, b: dir}"), true),
        (step("to-file", "{}"), true),
        (step("none", "{}"), false),
        (step("dir", "{}"), false),
        (step("file", "{a: none}"), false),
        (step("file", "{a: broken}"), false),
        (step("file", "{a: /dev/zero}"), false),
        (step("file", "{a: to-file, b: to-dir}"), true),
    ] {
        let names = check(&yaml, Overrides::default());
        let expected = if fits { Vec::new() } else { vec![invalid] };
        assert_eq!(names, expected, "{yaml}");
    }
    for (yaml, expected) in cases {
        let names = check(&yaml, Overrides::default());
        let expected: Vec<_> = if expected.is_empty() { Vec::new() } else { [&[invalid], expected].concat() };
        assert_eq!(names, expected, "{yaml}");
    }
}

#[test]
fn options_are_told_from_the_configuration() {
    let names = |overrides| check("{}", overrides).pop();
    let image = Overrides { image_file: Some("/no/such".into()), ..Overrides::default() };
    assert_eq!(names(image), Some("Validation:InvalidInputImageFileArg"));
    let output = Overrides { output_image_file: Some("/".into()), ..Overrides::default() };
    assert_eq!(names(output), Some("Validation:OutputImageFileIsDirectory"));
    let policy = Overrides { output_selinux_policy_path: Some("/etc/passwd".into()), ..Overrides::default() };
    assert_eq!(names(policy), Some("Validation:OutputSelinuxPolicyPathIsFileArg"));
}

#[test]
fn package_sources_are_folders_or_repository_files() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.repo", "a.txt"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let names = |source: &str| {
        let rpm_sources = vec![dir.path().join(source)];
        check("{}", Overrides { rpm_sources, ..Overrides::default() }).pop()
    };
    assert_eq!(names(""), None);
    assert_eq!(names("a.repo"), None);
    assert_eq!(names("a.txt"), Some("RpmSources:TypeUnknown"));
    assert_eq!(names("none"), Some("RpmSources:FileTypeDetection"));
}

#[test]
fn all_that_is_missing_is_reported_at_once() {
    let yaml = "os: {additionalFiles: [{source: a, destination: /a}, {source: dir, destination: /b}],\n\
                additionalDirs: [{source: c, destination: /c}]}";
    assert_eq!(check(yaml, Overrides::default()).len(), 4);
}

#[test]
fn registries_are_not_supported_yet() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("top.yaml");
    fs::write(&path, "previewFeatures: [input-image-oci]\ninput: {image: {oci: a/b}}").unwrap();
    let options = LoadOptions { mode: Mode::ValidateConfig, ..LoadOptions::default() };
    let config = load(&path, &options).unwrap();
    assert!(config.validate_resources(Resources::FILES).is_ok());
    let problems = config.validate_resources(Resources { files: true, oci: true }).unwrap_err();
    assert_eq!(problems.kind(), Kind::Unsupported);
}
