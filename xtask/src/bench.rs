//! Times the program beside the shell commands that do the same work. A figure to look at, never a verdict.

use std::fs;
use std::path::Path;

use fixtures::process::{command, output};
use fixtures::{Distro, Format, Layout, Recipe};

use crate::Outcome;
use crate::build;
use crate::setup::{Purpose, prepare};
use crate::shell::{cargo, fixture_cache, run, target};

const CONFIG: &str = "os: { hostname: bench, services: { enable: [alpha] } }\n";

/// The pairs of formats that are timed.
const PAIRS: [(Format, Format); 4] = [
    (Format::Raw, Format::Raw),
    (Format::Qcow2, Format::Qcow2),
    (Format::Vhdx, Format::Vhdx),
    (Format::Raw, Format::VhdFixed),
];

/// What the sandbox costs, measured by its own tests in an optimized build: one after the other, as they count the processor
/// time of their process.
pub(crate) fn steps() -> Outcome {
    prepare(Purpose::Demo)?;
    build::steps()?;
    let mut test = cargo("test");
    test.args(["--release", "--package", "imagecustomizer-sandbox", "--test", "guests", "--"]);
    test.args(["cost::", "--ignored", "--nocapture", "--test-threads", "1"]);
    run(test.env("STEPS", target().join("steps/wasm32-wasip2/step")))
}

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

/// What the task on the real Debian image changes: files beside the configuration, made by [`real_input`].
const REAL_CONFIG: &str = "previewFeatures: [preview-distro-version]
os:
  hostname: bench-host
  additionalDirs: [{ source: data, destination: /opt/data }]
  additionalFiles: [SMALL]
  users: [{ name: alice, password: { type: plain-text, value: secret } }]
  services: { enable: [systemd-networkd] }
";

/// Small files, files in the directory, and bytes in each of those: 100 MiB in all.
const SMALL_FILES: usize = 20;
const DATA_FILES: usize = 1000;
const DATA_BYTES: usize = 104_858;

/// One task on a real Debian: host name, 20 files, a directory of 1,000 files and 100 MiB, a user and a service; beside
/// the shell sequence that does the same through a loop device and a mount, which takes root.
pub(crate) fn compare_real(rounds: usize) -> Outcome {
    prepare(Purpose::Test)?;
    let program = build::released()?;
    let raw = fixtures::debian::image(&fixture_cache())?;
    let directory = target().join("bench-real");
    real_input(&directory)?;
    println!("\n{rounds} rounds; seconds of wall time (least) and of processor time (median)\n");
    println!("{:<22} {:>10} {:>10} {:>14} {:>14}", "", "wall", "cpu", "shell wall", "shell cpu");
    for (from, to) in [PAIRS[0], PAIRS[1]] {
        let base = fixtures::converted(&raw, from)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // In turn, so that a busy minute hits both.
        for _ in 0..rounds.max(1) {
            ours.push(times(1, &customize(&program, &base, &directory, to))?);
            theirs.push(times(1, &shell_sequence(&base, &directory, from, to))?);
        }
        let (ours, theirs) = (best(&ours), best(&theirs));
        let name = format!("{} to {}", from.name(), to.name());
        println!("{name:<22} {:>10.3} {:>10.3} {:>14.3} {:>14.3}", ours.0, ours.1, theirs.0, theirs.1);
    }
    Ok(())
}

/// Least wall time and median processor time of some runs.
fn best(runs: &[(f64, f64)]) -> (f64, f64) {
    let mut processors: Vec<f64> = runs.iter().map(|run| run.1).collect();
    processors.sort_by(f64::total_cmp);
    let least = runs.iter().map(|run| run.0).fold(f64::INFINITY, f64::min);
    (least, processors.get(processors.len() / 2).copied().unwrap_or_default())
}

fn real_input(directory: &Path) -> Outcome {
    let data = directory.join("data");
    fs::create_dir_all(&data)?;
    // Bytes that do not compress and are the same in every run: a linear congruential generator.
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for number in 0..DATA_FILES {
        fs::write(data.join(format!("{number}")), (0..DATA_BYTES).map(|_| random()).collect::<Vec<u8>>())?;
    }
    let mut small = Vec::new();
    for number in 0..SMALL_FILES {
        fs::write(directory.join(format!("small{number}")), format!("file {number}\n"))?;
        small.push(format!("{{ source: small{number}, destination: /etc/bench/small{number} }}"));
    }
    fs::write(directory.join("config.yaml"), REAL_CONFIG.replace("SMALL", &small.join(", ")))?;
    Ok(())
}

/// What the reference program does for such a configuration, as shell commands: a lower bound of its cost.
fn shell_sequence(base: &Path, directory: &Path, from: Format, to: Format) -> String {
    let [_, root] = fixtures::debian::partitions();
    let (offset, length) = (root.offset, root.length);
    let (from, to) = (from.qemu_driver(), to.qemu_driver());
    let (base, directory) = (base.display(), directory.display());
    format!(
        "set -e; cd '{directory}'; mkdir -p mnt
         qemu-img convert -f {from} -O raw '{base}' work.raw
         loop=$(losetup --find --show --read-only --offset {offset} --sizelimit {length} work.raw)
         mount -o ro,noload \"$loop\" mnt; cat mnt/etc/os-release; umount mnt; losetup --detach \"$loop\"
         loop=$(losetup --find --show --offset {offset} --sizelimit {length} work.raw)
         mount \"$loop\" mnt
         printf bench-host >mnt/etc/hostname
         mkdir -p mnt/etc/bench; cp small* mnt/etc/bench/; cp -r data mnt/opt/data
         chroot mnt useradd -m -p \"$(openssl passwd -6 secret)\" alice
         chroot mnt systemctl enable systemd-networkd
         fstrim mnt; sync; umount mnt; losetup --detach \"$loop\"
         e2fsck -fn 'work.raw?offset={offset}'
         qemu-img convert -f raw -O {to} work.raw other.{to}; rm work.raw"
    )
}
