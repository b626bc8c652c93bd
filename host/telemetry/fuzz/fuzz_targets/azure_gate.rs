//! Any bytes as items for Azure Monitor, before and after compression: the gate must not crash, and what it lets pass holds
//! nothing but words. The first byte picks the kind of record, and whether the bytes are compressed first.
#![no_main]

use std::io::{Read, Write};
use std::time::{Duration, UNIX_EPOCH};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use telemetry::destination::InstrumentationKey;
use telemetry::gate::Gate;
use telemetry::record::Components;
use telemetry::seeds::{BYTES, Seeds};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((kind, body)) = input.split_first() else { return };
    let seeds = Seeds::from_bytes(UNIX_EPOCH + Duration::from_secs(1_786_185_296), &[7; BYTES]);
    let components = if kind & 1 == 0 { Components::BuiltIn } else { Components::Foreign };
    let body = if kind & 2 == 0 { packed(body) } else { body.to_vec() };
    if let Ok(sent) = Gate::new(&seeds, components).azure(InstrumentationKey::new([7; 16]), &[body]) {
        let mut text = String::new();
        GzDecoder::new(sent.as_slice()).read_to_string(&mut text).unwrap();
        assert!(!text.contains(['@', '\\', '\n']), "{text}");
    }
});

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}
