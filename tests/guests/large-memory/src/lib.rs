//! Does nothing, but its memory has 512 MiB from the start: see `build.rs`.

use step_sdk::{Host, Result, Step};

#[derive(serde::Deserialize)]
pub struct Settings {}

struct LargeMemory;

impl Step for LargeMemory {
    type Settings = Settings;
    const NAME: &'static str = "large-memory";
    const SUMMARY: &'static str = "Wants much memory";
    const SETTINGS_SCHEMA: &'static str = r#"{"type": "object"}"#;

    fn run(_: &Settings, _: &dyn Host) -> Result<()> {
        Ok(())
    }
}

step_sdk::export_step!(LargeMemory);
