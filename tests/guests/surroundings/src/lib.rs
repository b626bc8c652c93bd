//! Writes all that a component can find out about where it runs to `/surroundings`: two equal runs must give the same
//! text, and none of it may come from the host.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use step_sdk::{Failure, Host, Result, Step};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    text: String,
}

struct Surroundings;

impl Step for Surroundings {
    type Settings = Settings;
    const NAME: &'static str = "surroundings";
    const SUMMARY: &'static str = "Looks around";
    const SETTINGS_SCHEMA: &'static str = r#"{"type": "object", "required": ["text"]}"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        let text = look(settings, host).map_err(|_| Failure::other("formatting"))?;
        host.write("/surroundings", text.as_bytes(), &Default::default())
    }
}

step_sdk::export_step!(Surroundings);

fn look(settings: &Settings, host: &dyn Host) -> std::result::Result<String, std::fmt::Error> {
    let mut text = String::new();
    let start = Instant::now();
    writeln!(text, "settings {:?}", settings.text)?;
    writeln!(text, "step {} on {}", host.step_name(), host.architecture())?;
    writeln!(text, "epoch {}", host.source_date_epoch())?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    writeln!(text, "wall clock {}.{:09}", since.as_secs(), since.subsec_nanos())?;
    std::thread::sleep(Duration::from_secs(3600));
    let slept = start.elapsed();
    writeln!(text, "slept for at least an hour {}", slept >= Duration::from_secs(3600))?;
    writeln!(text, "slept {slept:?}")?;
    writeln!(text, "environment {:?}", std::env::vars().collect::<Vec<_>>())?;
    writeln!(text, "arguments {:?}", std::env::args().collect::<Vec<_>>())?;
    writeln!(text, "thread {}", std::thread::Builder::new().spawn(|| ()).is_ok())?;
    let mut line = String::new();
    writeln!(text, "stdin {:?}", std::io::stdin().read_line(&mut line).ok())?;
    let mut salt = [0; 16];
    host.random(&mut salt);
    writeln!(text, "random {salt:02x?}")?;
    let map: HashMap<u32, ()> = (0..20).map(|number| (number, ())).collect();
    writeln!(text, "order {:?}", map.keys().collect::<Vec<_>>())?;
    // Without canonical form the bits of this differ between processors.
    let nan = std::hint::black_box(0.0_f64) / std::hint::black_box(0.0);
    writeln!(text, "not a number {:016x}", nan.to_bits())?;
    let names: Vec<String> =
        host.list_directory("/etc").unwrap_or_default().into_iter().map(|e| e.name).collect();
    writeln!(text, "directory {names:?}")?;
    Ok(text)
}
