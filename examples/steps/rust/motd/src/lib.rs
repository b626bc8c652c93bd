//! The step `motd`: puts a greeting into /etc/motd.

use step_sdk::{Result, Root, Schema, Step};

const PATH: &str = "/etc/motd";

/// What the image definition says to the step.
#[derive(serde::Deserialize, Schema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// The greeting; the file ends with a line end.
    #[schema(max_length = 4096)]
    text: String,
}

/// The step.
pub struct Greeting;

impl Step for Greeting {
    type Settings = Settings;
    const NAME: &'static str = "motd";
    const SUMMARY: &'static str = "Puts a greeting into /etc/motd";
    const SETTINGS_SCHEMA: &'static str = step_sdk::settings_schema!(Settings);

    fn run(settings: &Settings, root: &Root) -> Result<()> {
        let text = format!("{}\n", settings.text.trim_end_matches('\n'));
        // Looks first: a second run changes nothing.
        if root.ensure_file(PATH, text)?.changed() {
            root.info("wrote the greeting", &[("path", PATH)]);
        }
        Ok(())
    }
}

step_sdk::export_step!(Greeting);

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::testing::{self, MemoryHost, Tree};

    #[test]
    fn the_greeting_is_written_once() {
        let host = MemoryHost::new(Tree::new().directory("/etc", 0o755));
        for _ in 0..2 {
            testing::run::<Greeting>(r#"{ "text": "hello" }"#, &host).unwrap();
        }
        assert_eq!(host.manifest(), "d 0755 0:0 /etc\nf 0644 0:0 /etc/motd \"hello\\n\"\n");
        assert_eq!(host.changes(), 1);
    }

    #[test]
    fn other_settings_are_refused() {
        for settings in ["{}", r#"{ "text": 1 }"#, r#"{ "text": "", "more": 1 }"#] {
            assert!(testing::settings::<Greeting>(settings).is_err(), "{settings}");
        }
    }
}
