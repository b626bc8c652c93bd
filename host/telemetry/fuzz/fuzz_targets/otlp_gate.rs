//! Any bytes as the body of an OTLP request: the gate must not crash, and what it lets pass it made itself, so that it
//! passes again unchanged. The first byte picks the kind of request and of record.
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use telemetry::gate::Gate;
use telemetry::record::Components;
use telemetry::seeds::{BYTES, Seeds};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((kind, body)) = input.split_first() else { return };
    let seeds = Seeds::from_bytes(UNIX_EPOCH + Duration::from_secs(1_786_185_296), &[7; BYTES]);
    let components = if kind & 1 == 0 { Components::BuiltIn } else { Components::Foreign };
    let gate = Gate::new(&seeds, components);
    let pass = |body: &[u8]| if kind & 2 == 0 { gate.traces(body) } else { gate.metrics(body) };
    if let Ok(sent) = pass(body) {
        assert_eq!(pass(&sent).as_ref(), Ok(&sent));
        assert!(sent.len() <= body.len(), "the gate adds nothing");
    }
});
