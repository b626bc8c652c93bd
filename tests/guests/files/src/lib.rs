//! Reads a file through the standard library, which imports `wasi:filesystem`.

use step_sdk::{Failure, Host, Result, Step};

#[derive(serde::Deserialize)]
pub struct Settings {}

struct Files;

impl Step for Files {
    type Settings = Settings;
    const NAME: &'static str = "files";
    const SUMMARY: &'static str = "Reads a file of the host";
    const SETTINGS_SCHEMA: &'static str = r#"{"type": "object"}"#;

    fn run(_: &Settings, _: &dyn Host) -> Result<()> {
        std::fs::read("/etc/passwd").map(drop).map_err(|error| Failure::other(error.to_string()))
    }
}

step_sdk::export_step!(Files);
