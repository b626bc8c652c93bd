//! Every guest and every behaviour has a row in `tests/guests/README.md`, and every row a test here.

use crate::hostile::CASES;
use crate::scene::guests;
use std::collections::BTreeSet;
use std::fs;

/// A row of the table: guest, behaviour, what it tries, what stops it, and the test.
struct Row {
    guest: String,
    behaviour: String,
    test: String,
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(guests().join("README.md")).unwrap();
    text.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<String> = line
                .trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect();
            let [guest, behaviour, _, _, test] =
                cells.try_into().unwrap_or_else(|_| panic!("five cells in {line}"));
            Row { guest, behaviour, test }
        })
        .collect()
}

/// The crates of the guests' workspace.
fn crates() -> BTreeSet<String> {
    let entries = fs::read_dir(guests()).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.join("Cargo.toml").exists())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// The variants of `Behaviour`, as the settings name them.
fn behaviours() -> BTreeSet<String> {
    let source = fs::read_to_string(guests().join("misbehave/src/lib.rs")).unwrap();
    let variants = source.split_once("enum Behaviour {").unwrap().1.split_once('}').unwrap().0;
    let kebab = |name: &str| {
        let mut kebab = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !kebab.is_empty() {
                kebab.push('-');
            }
            kebab.push(letter.to_ascii_lowercase());
        }
        kebab
    };
    variants
        .lines()
        .map(|line| line.trim().trim_end_matches(','))
        .filter(|name| !name.is_empty())
        .map(kebab)
        .collect()
}

/// The source of the tests, this file left out.
fn tests() -> String {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| !path.ends_with("table.rs")).map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn every_guest_and_behaviour_is_listed() {
    let rows = rows();
    let listed: BTreeSet<String> = rows.iter().map(|row| row.guest.clone()).collect();
    assert_eq!(
        listed.iter().filter(|guest| !guest.starts_with('(')).cloned().collect::<BTreeSet<_>>(),
        crates()
    );
    let listed = rows.iter().filter(|row| row.guest == "misbehave").map(|row| row.behaviour.clone());
    assert_eq!(listed.collect::<BTreeSet<String>>(), behaviours());
    let listed: Vec<&str> =
        rows.iter().filter(|row| row.guest == "(text)").map(|row| row.behaviour.as_str()).collect();
    let cases: BTreeSet<&str> = CASES.iter().map(|case| case.name).collect();
    assert_eq!(listed.iter().copied().collect::<BTreeSet<&str>>(), cases);
    assert_eq!(listed.len(), CASES.len());
}

#[test]
fn every_row_has_its_test() {
    let source = tests();
    for Row { guest, behaviour, test } in rows() {
        let start = source.find(&format!("fn {test}()")).unwrap_or_else(|| panic!("no test `{test}`"));
        let body = source[start..].split("\n#[test]").next().unwrap();
        if guest == "misbehave" {
            assert!(body.contains(&format!("\"{behaviour}\"")), "`{test}` does not run `{behaviour}`");
        }
    }
}
