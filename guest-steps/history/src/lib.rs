//! Appends this run to `/usr/share/image-customizer/history.json`, an array with one object for each customization the
//! image has been through.
//!
//! The layout is that of Go's JSON encoder with an indent of one blank, which earlier tools wrote. Entries that are there
//! stay, with the order of their keys.

use step_sdk::json::{self, Value};
use step_sdk::{Failure, FailureCode, Host, Level, Result, Step, WriteOptions};

const PATH: &str = "/usr/share/image-customizer/history.json";

/// What the step is told; `config` goes into the file as it is, so secrets must be gone from it already.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    timestamp: String,
    tool_version: String,
    image_uuid: String,
    config: Value,
}

/// The step.
pub struct History;

impl Step for History {
    type Settings = Settings;
    const NAME: &'static str = "history";
    const SUMMARY: &'static str = "Appends this customization to the image's history";
    const SETTINGS_SCHEMA: &'static str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["timestamp", "toolVersion", "imageUuid", "config"],
  "properties": {
    "timestamp": { "type": "string" },
    "toolVersion": { "type": "string" },
    "imageUuid": { "type": "string" },
    "config": { "description": "The image definition, without secrets." }
  }
}"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        let mut entries = earlier_entries(host)?;
        entries.push(entry(settings));
        let text = json::to_go_indented(&Value::Array(entries));
        match host.write(PATH, text.as_bytes(), &WriteOptions { parents: true, ..Default::default() }) {
            // A sealed /usr cannot take the history, and needs none: what is in it did not change.
            Err(failure) if failure.code == FailureCode::ReadOnly => {
                host.log(Level::Warn, "the image history is not written: read-only", &[("path", PATH)]);
                Ok(())
            }
            written => written,
        }
    }
}

step_sdk::export_step!(History);

fn earlier_entries(host: &dyn Host) -> Result<Vec<Value>> {
    let Some(content) = host.read_if_there(PATH)? else {
        return Ok(Vec::new());
    };
    let not_understood = |problem: &dyn std::fmt::Display| {
        Failure::other(format!("the image's history `{PATH}` cannot be understood: {problem}"))
    };
    let text = String::from_utf8(content).map_err(|_| not_understood(&"it is not UTF-8"))?;
    match json::parse(&text).map_err(|error| not_understood(&error))? {
        Value::Array(entries) if entries.iter().all(|entry| matches!(entry, Value::Object(_))) => Ok(entries),
        Value::Null => Ok(Vec::new()),
        _ => Err(not_understood(&"it is not an array of objects")),
    }
}

fn entry(settings: &Settings) -> Value {
    let text = |key: &str, value: &String| (key.to_owned(), Value::String(value.clone()));
    Value::Object(vec![
        text("timestamp", &settings.timestamp),
        text("toolVersion", &settings.tool_version),
        text("imageUuid", &settings.image_uuid),
        ("config".to_owned(), settings.config.clone()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::testing::{MemoryHost, Tree, check_settings};

    const SETTINGS: &str = r#"{
        "imageUuid": "0f3c", "timestamp": "2026-11-22T09:07:21Z", "toolVersion": "1.7.0",
        "config": {"storage":{},"os":{"hostname":"<a>&b","permissions":488,"list":[]},"input":{"image":{}}}
    }"#;
    const ENTRY: &str = r#" {
  "timestamp": "2026-11-22T09:07:21Z",
  "toolVersion": "1.7.0",
  "imageUuid": "0f3c",
  "config": {
   "storage": {},
   "os": {
    "hostname": "\u003ca\u003e\u0026b",
    "permissions": 488,
    "list": []
   },
   "input": {
    "image": {}
   }
  }
 }"#;

    fn run(host: &MemoryHost) -> Result<()> {
        History::run(&step_sdk::parse_settings(SETTINGS).unwrap(), host)
    }

    #[test]
    fn the_first_run_makes_directory_and_file() {
        let host = MemoryHost::new(Tree::new());
        run(&host).unwrap();
        assert_eq!(host.text(PATH).unwrap(), format!("[\n{ENTRY}\n]"));
        assert!(host.manifest().contains("d 0755 0:0 /usr/share/image-customizer\nf 0644 0:0 "));
    }

    #[test]
    fn a_second_run_appends() {
        let host = MemoryHost::new(Tree::new());
        run(&host).unwrap();
        run(&host).unwrap();
        assert_eq!(host.text(PATH).unwrap(), format!("[\n{ENTRY},\n{ENTRY}\n]"));
    }

    #[test]
    fn earlier_entries_stay_with_keys_that_nobody_knows() {
        let host =
            MemoryHost::new(Tree::new().file(PATH, r#"[{"z":1.0,"a":{"later":[18446744073709551616]}}]"#));
        run(&host).unwrap();
        let earlier =
            " {\n  \"z\": 1.0,\n  \"a\": {\n   \"later\": [\n    18446744073709551616\n   ]\n  }\n }";
        assert_eq!(host.text(PATH).unwrap(), format!("[\n{earlier},\n{ENTRY}\n]"));
    }

    #[test]
    fn an_empty_list_is_a_history() {
        for there in ["[]", " null\n"] {
            let host = MemoryHost::new(Tree::new().file(PATH, there));
            run(&host).unwrap();
            assert_eq!(host.text(PATH).unwrap(), format!("[\n{ENTRY}\n]"));
        }
    }

    #[test]
    fn a_history_that_cannot_be_understood_is_left_alone() {
        for there in [&b""[..], b"{}", b"[1]", b"[", b"[{}] x", b"\"\xff\""] {
            let host = MemoryHost::new(Tree::new().file(PATH, there));
            let failure = run(&host).unwrap_err();
            assert!(failure.message.contains("cannot be understood"), "{failure}");
            assert_eq!(host.read(PATH).unwrap(), there);
        }
    }

    #[test]
    fn a_read_only_place_is_a_warning_and_other_trouble_an_error() {
        let read_only = MemoryHost::new(Tree::new()).with_failing_changes(FailureCode::ReadOnly);
        run(&read_only).unwrap();
        assert_eq!(read_only.log_records()[0].level, Level::Warn);
        let full = MemoryHost::new(Tree::new()).with_failing_changes(FailureCode::NoSpace);
        assert_eq!(run(&full).unwrap_err().code, FailureCode::NoSpace);
    }

    #[test]
    fn schema_and_settings_agree() {
        let good = [
            SETTINGS,
            r#"{"timestamp":"","toolVersion":"","imageUuid":"","config":null}"#,
            r#"{"timestamp":"","toolVersion":"","imageUuid":"","config":[1.5]}"#,
        ];
        let bad = [
            "{}",
            r#"{"timestamp":"","toolVersion":"","imageUuid":""}"#,
            r#"{"timestamp":1,"toolVersion":"","imageUuid":"","config":{}}"#,
            r#"{"timestamp":"","toolVersion":"","imageUuid":"","config":{},"more":1}"#,
        ];
        check_settings::<History>(&good, &bad).unwrap();
    }
}
