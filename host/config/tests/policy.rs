//! What a policy refuses, and how it says so.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use imagecustomizer_config::{LoadOptions, Mode, load, load_policy};
use std::path::Path;
use units::PathPattern;

const DIGEST: &str = "00000000000000000000000000000000000000000000000000000000000000ff";

/// The problems with `step`, an entry of `steps`, as `rule: field` each.
fn refused(policy: &str, step: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let (file, top) = (dir.path().join("policy.yaml"), dir.path().join("top.yaml"));
    std::fs::write(&file, policy).unwrap();
    let step = step.replace("DIGEST", DIGEST);
    std::fs::write(&top, format!("previewFeatures: [custom-steps]\nsteps: [{{name: a, {step}}}]")).unwrap();
    let options = LoadOptions { mode: Mode::ValidateConfig, ..LoadOptions::default() };
    let config = load(&top, &options).unwrap();
    let secrets: Vec<PathPattern> = vec!["/etc/shadow*".parse().unwrap(), "/root/.ssh/**".parse().unwrap()];
    let steps = config.custom_steps();
    let policy = load_policy(&file).unwrap();
    let result =
        policy.check(&steps, &secrets).and_then(|()| policy.check_component(steps.first().unwrap(), DIGEST));
    let Err(problems) = result else { return Vec::new() };
    problems.iter().map(|problem| format!("{}: {}", problem.rule.id(), problem.field)).collect()
}

#[test]
fn a_policy_refuses_what_it_does_not_allow() {
    let file = "component: a.wasm";
    let oci = "component: 'oci:reg.example.com/team/motd:1@sha256:DIGEST'";
    let with = |rest: &str| format!("{file}, {rest}");
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("{}", with("grant: {write: [/**], nodes: true}, limits: {memory: 4G}"), &[]),
        ("allowedRegistries: [reg.example.com]", oci.into(), &[]),
        ("allowedRegistries: [reg.example.com/team]", oci.into(), &[]),
        ("allowedRegistries: [reg.example.com/team/motd]", oci.into(), &[]),
        ("allowedRegistries: [reg.example.com/tea]", oci.into(), &["policy-registry: allowedRegistries"]),
        ("allowedRegistries: [eg.example.com]", oci.into(), &["policy-registry: allowedRegistries"]),
        ("allowedRegistries: []", oci.into(), &["policy-registry: allowedRegistries"]),
        ("allowedRegistries: []", file.into(), &[]),
        ("requireSha256: true", file.into(), &["policy-sha256: requireSha256"]),
        ("requireSha256: true", with("sha256: DIGEST"), &[]),
        ("requireSha256: false", file.into(), &[]),
        (
            "allowedComponents: [00000000000000000000000000000000000000000000000000000000000000FF]",
            file.into(),
            &[],
        ),
        ("allowedComponents: []", file.into(), &["policy-component: allowedComponents"]),
        ("maximumGrants: {write: [/etc/**]}", with("grant: {write: [/etc/motd]}"), &[]),
        ("maximumGrants: {write: [/etc/**]}", file.into(), &[]),
        (
            "maximumGrants: {write: [/etc/**]}",
            with("grant: {write: [/etc/motd, /srv, '/**/x']}"),
            &["policy-grant: maximumGrants.write", "policy-grant: maximumGrants.write"],
        ),
        (
            "maximumGrants: {write: [/etc/**]}",
            with("grant: {write: [/etc/shadow]}"),
            &["policy-grant: maximumGrants.write"],
        ),
        ("maximumGrants: {write: [/etc/shadow]}", with("grant: {write: [/etc/shadow]}"), &[]),
        (
            "maximumGrants: {write: [/etc/**]}",
            with("grant: {write: [/etc/**/shadow]}"),
            &["policy-grant: maximumGrants.write"],
        ),
        ("maximumGrants: {read: [/usr/**]}", file.into(), &["policy-grant: maximumGrants.read"]),
        ("maximumGrants: {read: [/usr/**]}", with("grant: {read: [/usr/lib/*]}"), &[]),
        ("maximumGrants: {read: [/**]}", file.into(), &[]),
        (
            "maximumGrants: {read: [/**]}",
            with("grant: {read: [/root/.ssh/id]}"),
            &["policy-grant: maximumGrants.read"],
        ),
        (
            "maximumGrants: {nodes: false}",
            with("grant: {nodes: true}"),
            &["policy-grant: maximumGrants.nodes"],
        ),
        (
            "maximumGrants: {commands: false}",
            with("grant: {commands: true}"),
            &["policy-grant: maximumGrants.commands"],
        ),
        ("maximumGrants: {packages: true}", with("grant: {packages: true}"), &[]),
        (
            "maximumLimits: {memory: 64M}",
            with("limits: {memory: 65M}"),
            &["policy-limit: maximumLimits.memory"],
        ),
        ("maximumLimits: {memory: 64M}", with("limits: {memory: 64M}"), &[]),
        ("maximumLimits: {time: 1m}", with("limits: {time: 61s}"), &["policy-limit: maximumLimits.time"]),
        (
            "maximumLimits: {openFiles: 3}",
            with("limits: {openFiles: 4}"),
            &["policy-limit: maximumLimits.openFiles"],
        ),
    ];
    for (policy, step, expected) in cases {
        assert_eq!(refused(policy, &step), expected, "{policy} | {step}");
    }
}

#[test]
fn a_refusal_names_the_rule_and_its_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("policy.yaml"), "# rules\nmaximumGrants:\n  write:\n  - /srv/**\n")
        .unwrap();
    let top = "previewFeatures: [custom-steps]\nsteps:\n- name: motd\n  component: a.wasm\n  grant: {write: [/etc/motd]}\n";
    std::fs::write(dir.path().join("top.yaml"), top).unwrap();
    let options = LoadOptions { mode: Mode::ValidateConfig, ..LoadOptions::default() };
    let config = load(&dir.path().join("top.yaml"), &options).unwrap();
    let policy = load_policy(&dir.path().join("policy.yaml")).unwrap();
    let text = policy.check(&config.custom_steps(), &[]).unwrap_err().to_string();
    let text = text.replace(&*dir.path().to_string_lossy(), "DIR");
    let expected = "the policy refuses step `motd`: `grant.write` of `/etc/motd` is more than `maximumGrants.write` allows\n  \
                    --> DIR/policy.yaml:4:5\n  |\n4 |   - /srv/**\n  |     ^^^^^^^\n  \
                    hint: change `steps[0]` of `DIR/top.yaml`";
    assert_eq!(text, expected);
}

#[test]
fn a_policy_with_mistakes_is_no_policy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    for (text, rule) in [
        ("allowedRegistry: [a]", "field-unknown"),
        ("allowedComponents: [abc]", "step-sha256"),
        ("allowedRegistries: ['https://a']", "policy-form"),
        ("maximumGrants: {write: [etc]}", "step-grant-pattern"),
        ("maximumLimits: {time: 0s}", "step-limit"),
        ("maximumLimits: {memory: 64}", "size-unit"),
        ("", "file-empty"),
        ("null", "policy-form"),
        ("---\n...\n", "policy-form"),
        ("allowedComponents:\n", "policy-form"),
        ("allowedRegistries: ~", "policy-form"),
        ("requireSha256: null", "policy-form"),
        ("requireSha256: !!null ''", "policy-form"),
        ("maximumGrants:", "policy-form"),
        ("maximumGrants: {write: }", "policy-form"),
        ("maximumGrants: {write: [null]}", "policy-form"),
        ("maximumLimits: {time: }", "policy-form"),
        ("~: x\nrequireSha256: true", "policy-form"),
        ("{}\n---\nrequireSha256: true\n", "policy-form"),
        ("requireSha256: true\n...\n---\n", "policy-form"),
        ("allowedRegistries: ['*']", "policy-form"),
        ("allowedRegistries: ['host/*']", "policy-form"),
        ("allowedRegistries: ['host/team:1']", "policy-form"),
        ("allowedRegistries: ['host/Team']", "policy-form"),
        ("allowedRegistries: ['host//team']", "policy-form"),
        ("allowedRegistries: ['host:port']", "policy-form"),
        ("allowedRegistries: ['/']", "policy-form"),
        ("allowedRegistries: [' host']", "policy-form"),
    ] {
        std::fs::write(&file, text).unwrap();
        let problems = load_policy(&file).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().rule.id(), rule, "{text}");
    }
    assert!(load_policy(&dir.path().join("none")).is_err());
}

#[test]
fn a_value_that_is_left_out_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    std::fs::write(&file, "maximumGrants:\n  write:\n  nodes: false\n").unwrap();
    let text = load_policy(&file).unwrap_err().to_string();
    for words in ["`write` has no value", "policy.yaml:2:3", "write `[]` to allow none"] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    for fine in [
        "{}",
        "--- {}\n...\n# the end\n",
        "allowedRegistries: []",
        "allowedRegistries: [a, 'a:5000', a.b/c/d, 'a/b/', '[::1]:5000/a', localhost]",
    ] {
        std::fs::write(&file, fine).unwrap();
        assert!(load_policy(&file).is_ok(), "{fine}");
    }
}

#[test]
fn what_is_no_regular_file_is_no_policy() {
    let directory = tempfile::tempdir().unwrap();
    for other in [Path::new("/dev/zero"), directory.path()] {
        let problems = load_policy(other).unwrap_err();
        assert!(problems.to_string().contains("is not a regular file"), "{problems}");
    }
}
