//! Measures how much time telemetry adds to a run, for endpoints good and bad, and prints a table in Markdown.
//!
//! usage: endpoints [PEERS]    PEERS is the program of `tests/telemetry-peers`, with the SDK as it comes
//!
//! ```sh
//! cargo build --manifest-path tests/telemetry-peers/Cargo.toml --target-dir target/telemetry-peers
//! cargo run -p imagecustomizer-telemetry --example endpoints --features grpc -- target/telemetry-peers/debug/telemetry-peers
//! ```
//!
//! With the feature `grpc` there is a column for it. Each figure is of a process of its own: the time from the record
//! to the end of sending. All servers listen on the loopback.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

mod clients;
#[path = "../../tests/endpoints/mod.rs"]
mod endpoints;
mod name_server;
mod places;

use std::env;
use std::error::Error;
use std::ffi::OsString;

use clients::Client;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What one process of ours does. The first argument says which.
const SEND: &str = "--send";
const BEHIND: &str = "--behind-silent-name-server";

fn main() -> Outcome {
    let mut arguments = env::args_os().skip(1);
    match arguments.next() {
        Some(word) if word == SEND => clients::send_once(),
        Some(word) if word == BEHIND => name_server::hold(&arguments.collect::<Vec<_>>()),
        peers => table(peers),
    }
}

fn table(peers: Option<OsString>) -> Outcome {
    let clients = Client::all(peers);
    let names: Vec<_> = clients.iter().map(Client::name).collect();
    println!("| Endpoint | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(clients.len()));
    for place in places::all(clients::peers_of(&clients))? {
        let cells: Result<Vec<_>, _> = clients.iter().map(|client| place.measure(client)).collect();
        println!("| {} | {} |", place.name(), cells?.join(" | "));
    }
    Ok(())
}
