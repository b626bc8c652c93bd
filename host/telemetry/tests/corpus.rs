//! The corpus of the fuzz targets still holds bodies that the gate lets pass; otherwise fuzzing would start from nothing.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;
use telemetry::destination::InstrumentationKey;
use telemetry::gate::Gate;
use telemetry::record::Components;
use telemetry::seeds::{BYTES, Seeds};

#[test]
fn bodies_of_the_corpus_pass() -> Result<(), Box<dyn Error>> {
    let seeds = Seeds::from_bytes(UNIX_EPOCH + Duration::from_secs(1_786_185_296), &[7; BYTES]);
    let mut passed = 0;
    for target in ["otlp_gate", "azure_gate"] {
        for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target))? {
            let input = fs::read(file?.path())?;
            let (kind, body) = input.split_first().ok_or("an empty file")?;
            let gate =
                Gate::new(&seeds, if kind & 1 == 0 { Components::BuiltIn } else { Components::Foreign });
            let result = match (target, kind & 2) {
                ("otlp_gate", 0) => gate.traces(body),
                ("otlp_gate", _) => gate.metrics(body),
                (_, 0) => {
                    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
                    encoder.write_all(body)?;
                    gate.azure(InstrumentationKey::new([7; 16]), &[encoder.finish()?])
                }
                // What was sent has a tag more than what the gate takes.
                _ => continue,
            };
            result?;
            passed += 1;
        }
    }
    assert!(passed >= 9, "{passed}");
    Ok(())
}
