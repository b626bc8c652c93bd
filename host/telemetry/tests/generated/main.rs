//! What is made from the registry is what is checked in. `UPDATE_GENERATED=1` writes the Rust code anew; a second run
//! with it, which uses the new code, the documents.

mod model;
mod rust;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const SOURCE: &str = include_str!("../../registry/imagecustomizer.yaml");

fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares, or writes where that was asked for.
fn check(path: &Path, expected: &str) -> Outcome {
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(path, expected)?;
    }
    let found = fs::read_to_string(path)?;
    assert!(found == expected, "`{}` is not up to date: UPDATE_GENERATED=1 writes it anew", path.display());
    Ok(())
}

#[test]
fn the_rust_code_is_made_from_the_registry() -> Outcome {
    check(&in_crate("src/registry.rs"), &rust::code(&model::read(SOURCE)?)?)
}

const BEGIN: &str = "<!-- generated: begin -->\n";
const END: &str = "<!-- generated: end -->\n";

#[test]
fn the_page_lists_the_registry() -> Outcome {
    let path = in_crate("../../docs/telemetry.md");
    let page = fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(BEGIN).ok_or("no begin of the list")?;
    let (_, after) = rest.split_once(END).ok_or("no end of the list")?;
    check(&path, &format!("{before}{BEGIN}{}{END}{after}", telemetry::schema::markdown()))
}

#[test]
fn the_json_schema_is_made_from_the_registry() -> Outcome {
    let schema = serde_json::to_string_pretty(&telemetry::schema::json())?;
    check(&in_crate("../../docs/telemetry.schema.json"), &format!("{schema}\n"))
}

#[test]
fn what_is_not_closed_is_refused() -> Outcome {
    assert!(model::read(SOURCE).is_ok());
    let attribute = |kind: &str| {
        SOURCE.replacen(
            "entities:",
            &format!(
                "- key: imagecustomizer.leak\n  brief: A leak.\n  stability: development\n  annotations: {{ \
                 imagecustomizer: {{ rust: Leak, category: usage, guest: false }} }}\n  type: {kind}\n\nentities:"
            ),
            1,
        )
    };
    assert!(
        model::read(&attribute("{ members: [{ id: one, stability: development, brief: One. }] }")).is_ok()
    );
    for kind in
        ["string", "int", "double", "boolean", "string[]", "any", "template[string]", "{ members: [] }"]
    {
        assert!(model::read(&attribute(kind)).is_err(), "{kind}");
    }
    let cases = [
        // An unknown key, an event, a duplicate, a value that is no word, a reference to nothing.
        ("file_format: definition/2", "file_format: definition/2\nevents: []"),
        ("- key: imagecustomizer.ci", "- key: imagecustomizer.command"),
        ("rust: Ci,", "rust: Command,"),
        ("{ id: github_actions,", "{ id: jenkins,"),
        ("{ id: github_actions,", "{ id: github_actions, value: \"alice@example.com\","),
        ("{ id: github_actions,", "{ id: github_actions, value: 7,"),
        ("{ ref: imagecustomizer.command,", "{ ref: imagecustomizer.commando,"),
        ("category: usage", "category: marketing"),
        ("instrument: counter", "instrument: gauge"),
        ("kind: internal", "kind: client"),
        ("note: imagecustomizer.run }", "note: \"{imagecustomizer.command}\" }"),
    ];
    for (from, to) in cases {
        let changed = SOURCE.replacen(from, to, 1);
        assert_ne!(changed, SOURCE, "{from}");
        assert!(model::read(&changed).is_err(), "{to}");
    }
    Ok(())
}
