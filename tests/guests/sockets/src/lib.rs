//! Asks for the network through the standard library, which imports `wasi:sockets`.

use step_sdk::{Failure, Host, Result, Step};

#[derive(serde::Deserialize)]
pub struct Settings {}

struct Sockets;

impl Step for Sockets {
    type Settings = Settings;
    const NAME: &'static str = "sockets";
    const SUMMARY: &'static str = "Connects to the host";
    const SETTINGS_SCHEMA: &'static str = r#"{"type": "object"}"#;

    fn run(_: &Settings, _: &dyn Host) -> Result<()> {
        let stream = std::net::TcpStream::connect("127.0.0.1:22");
        stream.map(drop).map_err(|error| Failure::other(error.to_string()))
    }
}

step_sdk::export_step!(Sockets);
