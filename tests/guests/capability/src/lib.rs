//! Imports `customizer:step/commands`, which a policy has to grant.

use commands::customizer::step::commands::{Command, run};
use step_sdk::{Failure, Host, Result, Step};

mod commands {
    wit_bindgen::generate!({
        path: "../../../wit/step",
        inline: "
            package guests:capability;

            world starts-programs {
                import customizer:step/commands@0.1.0;
            }
        ",
        world: "guests:capability/starts-programs",
        generate_all,
    });
}

#[derive(serde::Deserialize)]
pub struct Settings {}

struct Capability;

impl Step for Capability {
    type Settings = Settings;
    const NAME: &'static str = "capability";
    const SUMMARY: &'static str = "Starts a program of the image";
    const SETTINGS_SCHEMA: &'static str = r#"{"type": "object"}"#;

    fn run(_: &Settings, _: &dyn Host) -> Result<()> {
        let command = Command {
            program: "/bin/sh".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: "/".into(),
            input: Vec::new(),
            timeout_seconds: None,
        };
        run(&command).map(drop).map_err(|failure| Failure::other(failure.message))
    }
}

step_sdk::export_step!(Capability);
