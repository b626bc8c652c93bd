//! Imports `wasi:http`: the host must refuse it by its name, before any of its code runs.

use step_sdk::{Failure, Host, Result, Step};

// The interface as the component model's ABI has it: request, options (whether there are any, and which), and where
// the answer goes.
#[link(wasm_import_module = "wasi:http/outgoing-handler@0.2.4")]
unsafe extern "C" {
    fn handle(request: i32, has_options: i32, options: i32, answer: *mut u8);
}

#[derive(serde::Deserialize)]
pub struct Settings {}

struct Http;

impl Step for Http {
    type Settings = Settings;
    const NAME: &'static str = "http";
    const SUMMARY: &'static str = "Sends a request";
    const SETTINGS_SCHEMA: &'static str = r#"{"type": "object"}"#;

    fn run(_: &Settings, _: &dyn Host) -> Result<()> {
        let mut answer = [0_u64; 16];
        // SAFETY: the signature is that of the interface, and the answer has room.
        unsafe { handle(0, 0, 0, answer.as_mut_ptr().cast()) };
        Err(Failure::other(format!("the network answered: {answer:?}")))
    }
}

step_sdk::export_step!(Http);
