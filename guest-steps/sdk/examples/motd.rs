//! A whole step: it puts a greeting into `/etc/motd`. Its crate is of type `cdylib` and has `step-sdk` and `serde` as
//! dependencies.

use step_sdk::{Host, Level, Result, Step, WriteOptions};

/// What the image definition says.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    text: String,
}

/// The step.
pub struct Motd;

impl Step for Motd {
    type Settings = Settings;
    const NAME: &'static str = "motd";
    const SUMMARY: &'static str = "Puts a greeting into /etc/motd";
    const SETTINGS_SCHEMA: &'static str = r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["text"],
        "properties": { "text": { "type": "string" } }
    }"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        let text = format!("{}\n", settings.text.trim_end());
        if host.read_if_there("/etc/motd")?.as_deref() == Some(text.as_bytes()) {
            return Ok(()); // a second run changes nothing
        }
        host.log(Level::Info, "writes the greeting", &[("path", "/etc/motd")]);
        host.write("/etc/motd", text.as_bytes(), &WriteOptions { parents: true, ..Default::default() })
    }
}

step_sdk::export_step!(Motd);

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::testing::{MemoryHost, Tree};

    #[test]
    fn schema_and_settings_agree() {
        let (good, bad) =
            ([r#"{ "text": "hello" }"#], ["{}", r#"{ "text": 1 }"#, r#"{ "text": "", "more": 1 }"#]);
        step_sdk::testing::check_settings::<Motd>(&good, &bad).unwrap();
    }

    #[test]
    fn the_greeting_is_written_once() {
        let host = MemoryHost::new(Tree::new().directory("/etc", 0o755));
        let settings = step_sdk::parse_settings(r#"{ "text": "hello" }"#).unwrap();
        Motd::run(&settings, &host).unwrap();
        Motd::run(&settings, &host).unwrap();
        assert_eq!(host.manifest(), "d 0755 0:0 /etc\nf 0644 0:0 /etc/motd \"hello\\n\"\n");
        assert_eq!(host.changes(), 1);
    }
}
