//! What people and the image history get to see. `UPDATE_GOLDEN=1` writes the files anew.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use imagecustomizer_config::{
    Digests, HashRequest, LoadOptions, Mode, PasswordPolicy, check_text, history_text, load,
};

fn compare(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{} differs", path.display());
}

/// Shared with the tests of the command line. Title and text of each mistake.
fn mistakes() -> Vec<(&'static str, &'static str)> {
    const FILE: &str = include_str!("../../../tests/golden/messages/mistakes.yaml");
    FILE.split("### ").skip(1).map(|mistake| mistake.split_once('\n').unwrap()).collect()
}

#[test]
fn ten_mistakes_are_explained() {
    let mut text = String::new();
    let mistakes = mistakes();
    assert_eq!(mistakes.len(), 10);
    for (title, yaml) in mistakes {
        let problems =
            check_text(yaml.as_bytes(), Path::new("config.yaml"), PasswordPolicy::Any).unwrap_err();
        assert!(!format!("{problems}{problems:?}{}", problems.to_json()).contains("hunter2"), "{title}");
        text.push_str(&format!("# {title}\n{problems}\n\n"));
    }
    compare("mistakes.txt", &text);
}

#[test]
fn mistakes_have_a_form_for_machines() {
    let (_, yaml) = mistakes()[0];
    let problems = check_text(yaml.as_bytes(), Path::new("config.yaml"), PasswordPolicy::Any).unwrap_err();
    compare("mistakes.json", &format!("{:#}\n", problems.to_json()));
}

const EVERYTHING: &str = r#"
previewFeatures: [base-configs, uki, output-artifacts, custom-steps]
baseConfigs: [{path: base.yaml}]
input: {image: {path: in.raw}}
output: {image: {path: out.raw, format: raw}, artifacts: {items: [ukis], path: a}}
iso: {}
os:
  hostname: web-1
  packages: {installLists: [list.yaml], install: [b], updateExistingPackages: no}
  additionalFiles:
  - {source: motd, destination: /etc/motd, permissions: 0750}
  - {destination: /etc/x, content: "<a> & b"}
  additionalDirs: [{source: tree, destination: /t}]
  groups: [{name: g, gid: 0}]
  users:
  - name: joe
    password: {type: plain-text, value: hunter2}
    passwordExpiresDays: 0
    sshPublicKeyPaths: [keys/a.pub, /home/joe/.ssh/id.pub]
    sshPublicKeys: [hunter2]
  modules: [{name: m, options: {b: 1, a: 2}}]
  overlays: []
steps:
- name: motd
  component: steps/motd.wasm
  settings: {text: hunter2, more: [hunter2, 1]}
  artifacts: {logo: motd, tree: tree, key: /home/joe/key}
  grant: {read: [], write: [/etc/motd], nodes: no}
  limits: {memory: 64M, time: 90s, openFiles: 3}
  after: users
scripts:
  postCustomization:
  - {path: s.sh, name: s}
  - {content: hunter2, environmentVariables: {B: hunter2, A: x}}
"#;

#[test]
fn the_history_shows_the_configuration_without_secrets() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("top.yaml"), EVERYTHING).unwrap();
    fs::write(dir.path().join("base.yaml"), "{}").unwrap();
    fs::write(dir.path().join("list.yaml"), "packages: [a]").unwrap();
    let config = load(&dir.path().join("top.yaml"), &LoadOptions::default()).unwrap();
    let mut digests = Digests::default();
    for request in config.hash_requests() {
        match request {
            HashRequest::File(path) => {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                digests.files.insert(path, format!("digest of {name}"));
            }
            HashRequest::Dir(path) => {
                let inside = BTreeMap::from([("a/b".to_owned(), "digest of a/b".to_owned())]);
                digests.dirs.insert(path, inside);
            }
            HashRequest::Any(path) => {
                if !digests.dirs.contains_key(&path) {
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    digests.files.insert(path, format!("digest of {name}"));
                }
            }
        }
    }
    digests.components.insert("motd".to_owned(), "digest of a component".to_owned());
    let text = history_text(&config.history(&digests));
    assert!(!text.contains("hunter2") && !text.contains(&*dir.path().to_string_lossy()));
    assert!(!format!("{config:?}").contains("hunter2"));
    for script in config.files().iter().flat_map(|file| file.post_customization()) {
        assert!(!format!("{script:?}").contains("hunter2"));
    }
    compare("history.json", &format!("{text}\n"));
}

#[test]
fn the_history_of_nothing_shows_what_is_always_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("top.yaml"), "{}").unwrap();
    let options = LoadOptions { mode: Mode::ValidateConfig, ..LoadOptions::default() };
    let config = load(&dir.path().join("top.yaml"), &options).unwrap();
    let expected = serde_json::json!({
        "input": { "image": {} },
        "storage": {},
        "os": {
            "packages": {}, "selinux": {}, "kernelCommandLine": {}, "services": {}, "bootloader": {},
        },
        "scripts": {},
        "output": { "image": { "cosi": { "compression": {} } } },
    });
    assert_eq!(config.history(&Digests::default()).to_string(), expected.to_string());
}
