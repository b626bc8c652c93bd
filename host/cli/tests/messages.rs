//! What the built program says about mistakes in a configuration, in each form of the log. `UPDATE_GOLDEN=1` writes the
//! files anew.

#![expect(clippy::disallowed_methods, reason = "these tests run the program itself")]
#![expect(clippy::unwrap_used, reason = "this file holds tests only")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Title and text of each mistake.
fn mistakes() -> Vec<(String, String)> {
    let file = fs::read_to_string(golden("mistakes.yaml")).unwrap();
    let mistakes = file.split("### ").skip(1).map(|mistake| mistake.split_once('\n').unwrap());
    mistakes.map(|(title, text)| (title.to_owned(), text.to_owned())).collect()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/messages").join(name)
}

fn compare(name: &str, found: &str) {
    let path = golden(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{} differs", path.display());
}

/// Standard error of a run that has to fail, without what differs from run to run.
fn told(directory: &Path, form: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagecustomizer"));
    // Tests are nobody's usage.
    command.env("IMAGECUSTOMIZER_TELEMETRY", "off");
    command.current_dir(directory).args(["validate-config", "--config-file", "config.yaml", form]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    text.replace(fs::canonicalize(directory).unwrap().to_str().unwrap(), "[DIR]")
}

/// What stands between the two texts becomes `shown`; the texts must be there.
fn blank(text: &str, before: &str, after: &str, shown: &str) -> String {
    let (head, rest) = text.split_once(before).unwrap();
    let (_, tail) = rest.split_once(after).unwrap();
    format!("{head}{before}{shown}{after}{tail}")
}

/// All mistakes in one form; `clean` takes out what differs from run to run.
fn all(form: &str, clean: impl Fn(&str) -> String) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mistakes = mistakes();
    assert_eq!(mistakes.len(), 10);
    let told = mistakes.iter().map(|(title, text)| {
        fs::write(directory.path().join("config.yaml"), text).unwrap();
        format!("# {title}\n{}\n", clean(&told(directory.path(), form)))
    });
    told.collect()
}

#[test]
fn a_person_sees_the_lines_and_hints() {
    let short = all("--log-color=always", |text| {
        blank(&text.replace("\x1b[31m", "").replace("\x1b[0m", ""), "FATA[", "]", "TIME")
    });
    compare("text.txt", &short);
}

#[test]
fn a_pipe_gets_one_line_of_names_and_values() {
    compare("logfmt.txt", &all("--log-color=never", |text| blank(text, "time=\"", "\"", "[TIME]")));
}

#[test]
fn a_program_gets_name_rule_place_and_hint() {
    let json = all("--log-format=json", |text| {
        let mut record: serde_json::Value = serde_json::from_str(text).unwrap();
        for field in ["name", "rule", "file", "line", "column"] {
            let expected =
                field != "name" || record["msg"].as_str().unwrap().contains("invalid image config");
            assert_eq!(record.get(field).is_some(), expected, "{field}: {text}");
        }
        record["time"] = "[TIME]".into();
        format!("{record:#}\n")
    });
    compare("json.txt", &json);
}
