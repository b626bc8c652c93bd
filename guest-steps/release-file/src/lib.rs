//! Writes `/etc/image-customizer-release`: which version of the tool made the image, and when.

use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use step_sdk::{Host, Result, Step, WriteOptions};

const PATH: &str = "/etc/image-customizer-release";

/// What the step is told.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    tool_version: Quotable,
    build_date: Quotable,
    image_uuid: Quotable,
}

/// Text that stands between double quotes as it is: printable ASCII but `"`, `$`, `` ` `` and `\`, which shells that
/// source the file would take for something else.
struct Quotable(String);

/// The step.
pub struct ReleaseFile;

impl Step for ReleaseFile {
    type Settings = Settings;
    const NAME: &'static str = "release-file";
    const SUMMARY: &'static str = "Records version, date and UUID in /etc/image-customizer-release";
    const SETTINGS_SCHEMA: &'static str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["toolVersion", "buildDate", "imageUuid"],
  "properties": {
    "toolVersion": { "type": "string", "pattern": "^[ !#%-\\[\\]^_a-~]*$" },
    "buildDate": { "type": "string", "pattern": "^[ !#%-\\[\\]^_a-~]*$" },
    "imageUuid": { "type": "string", "pattern": "^[ !#%-\\[\\]^_a-~]*$" }
  }
}"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        let Settings { tool_version, build_date, image_uuid } = settings;
        // The empty line at the end belongs to the format.
        let text = format!(
            "TOOL_VERSION=\"{}\"\nBUILD_DATE=\"{}\"\nIMAGE_UUID=\"{}\"\n\n",
            tool_version.0, build_date.0, image_uuid.0
        );
        if host.read_if_there(PATH)?.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        host.write(PATH, text.as_bytes(), &WriteOptions { parents: true, ..Default::default() })
    }
}

step_sdk::export_step!(ReleaseFile);

impl<'de> Deserialize<'de> for Quotable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let quotable = |byte: u8| (b' '..=b'~').contains(&byte) && !b"\"$`\\".contains(&byte);
        if text.bytes().all(quotable) {
            return Ok(Self(text));
        }
        Err(D::Error::invalid_value(Unexpected::Str(&text), &"printable ASCII without quotes, `$` and `\\`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::Owner;
    use step_sdk::testing::{MemoryHost, Tree, check_settings};

    const SETTINGS: &str =
        r#"{"toolVersion":"1.7.0-dev","buildDate":"2026-11-22T09:07:21Z","imageUuid":"0f3c"}"#;
    const TEXT: &str =
        "TOOL_VERSION=\"1.7.0-dev\"\nBUILD_DATE=\"2026-11-22T09:07:21Z\"\nIMAGE_UUID=\"0f3c\"\n\n";

    fn run(host: &MemoryHost) {
        ReleaseFile::run(&step_sdk::parse_settings(SETTINGS).unwrap(), host).unwrap();
    }

    #[test]
    fn the_file_ends_with_an_empty_line() {
        let host = MemoryHost::new(Tree::new().directory("/etc", 0o755));
        run(&host);
        assert_eq!(host.manifest(), format!("d 0755 0:0 /etc\nf 0644 0:0 {PATH} {TEXT:?}\n"));
    }

    #[test]
    fn an_earlier_file_is_overwritten_and_keeps_mode_and_owner() {
        let host =
            MemoryHost::new(Tree::new().file_with(PATH, "x".repeat(500), 0o600, Owner { uid: 1, gid: 2 }));
        run(&host);
        assert_eq!(host.manifest(), format!("d 0755 0:0 /etc\nf 0600 1:2 {PATH} {TEXT:?}\n"));
    }

    #[test]
    fn a_second_run_changes_nothing() {
        let host = MemoryHost::new(Tree::new());
        run(&host);
        run(&host);
        assert_eq!(host.changes(), 1);
    }

    #[test]
    fn schema_and_settings_agree() {
        let with = |version: &str| format!(r#"{{"toolVersion":"{version}","buildDate":"","imageUuid":""}}"#);
        let good: Vec<String> =
            ["", "1.7.0-dev", "~ !#%&'()*+,-./09:;<=>?@AZ[]^_az{|}"].into_iter().map(with).collect();
        let mut bad: Vec<String> =
            ["\\\"", "$x", "`x`", "\\\\", "\\n", "\\u007f", "é"].into_iter().map(with).collect();
        bad.extend(["{}", r#"{"toolVersion":"","buildDate":"","imageUuid":1}"#].map(String::from));
        bad.push(SETTINGS.replace('{', r#"{"x":1,"#));
        let good: Vec<&str> = good.iter().map(String::as_str).collect();
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        check_settings::<ReleaseFile>(&good, &bad).unwrap();
    }
}
