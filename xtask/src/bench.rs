//! Times the program beside the shell commands that do the same work. A figure to look at, never a verdict.

use std::fs;
use std::path::Path;

use fixtures::process::{command, output};
use fixtures::{Distro, Format, Layout, Recipe};

use crate::Outcome;
use crate::build;
use crate::setup::{Purpose, prepare};
use crate::shell::{fixture_cache, target};

const CONFIG: &str = "os: { hostname: bench, services: { enable: [alpha] } }\n";

/// The pairs of formats that are timed.
const PAIRS: [(Format, Format); 4] = [
    (Format::Raw, Format::Raw),
    (Format::Qcow2, Format::Qcow2),
    (Format::Vhdx, Format::Vhdx),
    (Format::Raw, Format::VhdFixed),
];

/// Runs every case `rounds` times, one after the other, so that a busy minute hits all of them.
pub(crate) fn compare(rounds: usize) -> Outcome {
    prepare(Purpose::Demo)?;
    let program = build::released()?;
    let recipe = Recipe { distro: Distro::AzureLinux3, layout: Layout::Efi };
    let raw = fixtures::image(recipe, &fixture_cache())?;
    let directory = target().join("bench");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("config.yaml"), CONFIG)?;
    println!("\n{rounds} rounds; seconds of wall time (least) and of processor time (median)\n");
    println!("{:<22} {:>10} {:>10} {:>14} {:>14}", "", "wall", "cpu", "qemu-img wall", "qemu-img cpu");
    for (from, to) in PAIRS {
        let base = fixtures::converted(&raw, from)?;
        let ours = times(rounds, &customize(&program, &base, &directory, to))?;
        let theirs = times(rounds, &convert_twice(&base, &directory, from, to))?;
        let name = format!("{} to {}", from.name(), to.name());
        println!("{name:<22} {:>10.3} {:>10.3} {:>14.3} {:>14.3}", ours.0, ours.1, theirs.0, theirs.1);
    }
    Ok(())
}

fn customize(program: &Path, base: &Path, directory: &Path, to: Format) -> String {
    let name = to.name();
    let (program, base, directory) = (program.display(), base.display(), directory.display());
    format!(
        "'{program}' --log-level error --image-file '{base}' --config-file '{directory}/config.yaml' \
         --build-dir '{directory}/build' --output-image-format {name} --output-image-file '{directory}/out.{name}'"
    )
}

/// The least that a sequence of other programs needs, with no change made in between: to raw, a check, and back.
fn convert_twice(base: &Path, directory: &Path, from: Format, to: Format) -> String {
    let (from, to) = (from.qemu_driver(), to.qemu_driver());
    let offset = Layout::Efi.partition("root").map_or(0, |root| root.offset);
    let (base, directory) = (base.display(), directory.display());
    format!(
        "qemu-img convert -f {from} -O raw '{base}' '{directory}/work.raw' && \
         e2fsck -fn '{directory}/work.raw?offset={offset}' && \
         qemu-img convert -f raw -O {to} '{directory}/work.raw' '{directory}/other.{to}'"
    )
}

/// Least wall time and median processor time of a shell command.
fn times(rounds: usize, line: &str) -> Outcome<(f64, f64)> {
    let script = format!("TIMEFORMAT='%R %U %S'; time {{ {line}; }} >/dev/null 2>&1");
    let (mut walls, mut processors) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        let merged = format!("{{ {script}; }} 2>&1");
        let said = String::from_utf8(output(command("bash").args(["-e", "-c", &merged]))?)?;
        let numbers: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [wall, user, system] = numbers[..] else { return Err(format!("not a time: {said}").into()) };
        walls.push(wall);
        processors.push(user + system);
    }
    walls.sort_by(f64::total_cmp);
    processors.sort_by(f64::total_cmp);
    let median = processors.get(processors.len() / 2).copied().unwrap_or_default();
    Ok((walls.first().copied().unwrap_or_default(), median))
}
