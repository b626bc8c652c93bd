//! The cases in `tests/conformance/*.yaml`: what one configuration file accepts and refuses.
#![cfg(test)]
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use imagecustomizer_config::{Kind, PasswordPolicy, Rule, check_text};

struct Case {
    place: String,
    accepted: bool,
    rule: Rule,
    yaml: String,
}

fn cases() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files.iter().flat_map(|file| cases_of(file)).collect()
}

fn cases_of(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(title) = line.strip_prefix("### ") else {
            let case = cases.last_mut().expect("a case begins with a title");
            case.yaml.push_str(line);
            case.yaml.push('\n');
            continue;
        };
        let place = format!("{}:{} {title}", file.file_name().unwrap().display(), index + 1);
        let (what, rest) = title.split_once(' ').expect(&place);
        let (rule, _) = rest.split_once(':').expect(&place);
        let rule = Rule::ALL.iter().find(|known| known.id() == rule).copied();
        let rule = rule.unwrap_or_else(|| panic!("{place}: no such rule"));
        assert!(matches!(what, "accept" | "reject"), "{place}");
        cases.push(Case { place, accepted: what == "accept", rule, yaml: String::new() });
    }
    cases
}

#[test]
fn every_case_is_accepted_or_refused_by_its_rule() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in cases() {
        count += 1;
        let result = check_text(case.yaml.as_bytes(), Path::new("case.yaml"), PasswordPolicy::Any);
        let fits = match &result {
            Ok(_) => case.accepted,
            Err(problems) => {
                !case.accepted && problems.iter().next().is_some_and(|problem| problem.rule == case.rule)
            }
        };
        if !fits {
            let found = match result {
                Ok(_) => "accepted".to_owned(),
                Err(problems) => format!("{:?}\n{problems}", problems.iter().next().unwrap().rule),
            };
            wrong.push(format!("{}\n{}--- {found}", case.place, case.yaml));
        }
    }
    println!("{count} conformance cases");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Rules that need several files, options or files of the machine: see `chain.rs` and `resources.rs`.
const ELSEWHERE: &[Rule] = &[
    Rule::FileRead,
    Rule::Encoding,
    Rule::AliasExpansion,
    Rule::BaseConfigRepeated,
    Rule::StorageOneFile,
    Rule::InputRequired,
    Rule::OutputFormatRequired,
    Rule::OutputPathRequired,
    Rule::PackageSources,
    Rule::RemovePackageManagerFormat,
    Rule::OptionSnapshotTime,
    Rule::OptionSnapshotTimePreview,
    Rule::OptionImage,
    Rule::OptionImageTwice,
    Rule::OptionImagePreview,
    Rule::OptionToolsDirPreview,
    Rule::OptionCosiLevel,
    Rule::CreatePreview,
    Rule::CreateField,
    Rule::CreateDisks,
    Rule::InjectPreview,
    Rule::InjectSource,
    Rule::InjectDestination,
    Rule::InjectPartition,
    Rule::PasswordTypeAllowed,
];

#[test]
fn every_rule_has_a_case_of_either_kind() {
    let mut seen: BTreeMap<Rule, BTreeSet<bool>> = BTreeMap::new();
    for case in cases() {
        seen.entry(case.rule).or_default().insert(case.accepted);
    }
    let missing: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| !ELSEWHERE.contains(rule))
        .filter(|rule| !matches!(rule.kind(), Kind::Resource | Kind::Unsupported))
        .filter(|rule| seen.get(rule).is_none_or(|kinds| kinds.len() < 2))
        .map(|rule| rule.id())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
