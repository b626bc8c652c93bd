//! A run may be killed at any moment: no half-written output, no lost input, nothing to clean up.

use std::fs;
use std::time::{Duration, Instant};

use e2e::collector::Collector;
use e2e::{Disk, Outcome, Scene, disk, example, failed, scene};
use fixtures::process::{command, output};
use fixtures::{Distro, Format, Layout};

/// How often a run is killed.
const KILLS: u64 = 20;

/// Spreads the moments over the run without a pattern, the same way every time.
fn moment(number: u64, whole: Duration) -> Duration {
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    // Some fall behind the end: the run is done by then, and so must be its output.
    whole.mul_f64(f64::from(u32::try_from(scattered).unwrap_or(0)) / 65_536.0 * 1.05)
}

/// Command lines of processes that name `needle`.
fn processes_naming(needle: &str) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        // Processes end while one looks at them.
        let line = fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(needle) {
            found.push(line);
        }
    }
    Ok(found)
}

#[test]
fn a_killed_run_leaves_the_input_and_no_output_and_the_next_run_works() -> Outcome {
    let scene = Scene::new()?;
    let config = example::config(&scene, Distro::AzureLinux3)?;
    let base = scene.base(&scene::fixture(Distro::AzureLinux3, Layout::Efi)?, Format::Qcow2)?;
    let before = disk::digest(&base)?;
    let run = scene.customize(&base, &config, Format::Vhdx)?;
    let started = Instant::now();
    run.succeed()?;
    let whole = started.elapsed();
    let output = scene.output(Format::Vhdx);
    let expected = Disk::open(&output, Format::Vhdx)?.manifest()?.len();
    let scene_name = scene.path().to_string_lossy().into_owned();

    for number in 1..=KILLS {
        // A missing output is no failure: the last run may have been killed before it.
        _ = fs::remove_file(&output);
        let mut child = run.start()?;
        std::thread::sleep(moment(number, whole));
        child.kill()?;
        child.wait()?;
        assert_eq!(disk::digest(&base)?, before, "kill {number} changed the input");
        let listing = scene.listing("out")?;
        let hidden = |name: &String| name.starts_with('.');
        assert!(
            listing.iter().all(|name| name == "image.vhdx" || hidden(name)),
            "kill {number}: {listing:?}"
        );
        if output.exists() {
            let disk = Disk::open(&output, Format::Vhdx)?;
            disk.check()?;
            assert_eq!(disk.manifest()?.len(), expected, "kill {number} left half an output");
        }
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(processes_naming(&scene_name)?, Vec::<String>::new(), "kill {number}");
    }

    run.succeed()?;
    Disk::open(&output, Format::Vhdx)?.check()?;
    assert_eq!(scene.listing("out")?, ["image.vhdx"], "leftovers of killed runs");
    let build: u64 = scene.listing("build")?.iter().map(|name| size(&scene.join("build").join(name))).sum();
    assert!(build < 8 << 20, "{build} bytes lie in the build directory: {:?}", scene.listing("build")?);
    Ok(())
}

/// Bytes of a file, or of everything below a directory.
fn size(path: &std::path::Path) -> u64 {
    let below = |path| fs::read_dir(path).into_iter().flatten().flatten();
    if path.is_dir() {
        below(path).map(|entry| size(&entry.path())).sum()
    } else {
        path.metadata().map_or(0, |it| it.len())
    }
}

#[test]
fn a_run_that_is_told_to_stop_removes_what_it_began() -> Outcome {
    let scene = Scene::new()?;
    let config = example::config(&scene, Distro::AzureLinux3)?;
    let base = scene.base(&scene::fixture(Distro::AzureLinux3, Layout::Efi)?, Format::Vhdx)?;
    let run = scene.customize(&base, &config, Format::Qcow2)?;
    for signal in ["-TERM", "-INT"] {
        let mut child = run.start()?;
        std::thread::sleep(Duration::from_millis(150));
        // A run that is faster than this has nothing left to stop.
        _ = command("sh").args(["-c", &format!("kill {signal} {}", child.id())]).status()?;
        let status = child.wait()?;
        assert!(matches!(status.code(), Some(0 | 1)), "{signal}: {status}");
        if status.code() == Some(1) {
            assert_eq!(scene.listing("out")?, Vec::<String>::new(), "{signal}");
        }
        assert!(size(&scene.join("build")) < 8 << 20, "{signal}: {:?}", scene.listing("build")?);
        _ = fs::remove_file(scene.output(Format::Qcow2));
    }
    Ok(())
}

#[test]
fn a_run_that_waits_for_its_configuration_ends_at_once_when_it_is_told_to() -> Outcome {
    let scene = Scene::new()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let run = scene.customize(&base, "os: {}\n", Format::Raw)?;
    // A pipe that nobody writes to.
    let config = scene.join("config.yaml");
    fs::remove_file(&config)?;
    output(command("mkfifo").arg(&config))?;
    let mut child = run.start()?;
    std::thread::sleep(Duration::from_millis(500));
    let told = Instant::now();
    output(command("sh").args(["-c", "kill -TERM \"$0\"", &child.id().to_string()]))?;
    assert_eq!(child.wait()?.code(), Some(1));
    assert!(told.elapsed() < Duration::from_secs(3), "it took {:?}", told.elapsed());
    Ok(())
}

#[test]
fn two_runs_in_one_build_directory_do_not_disturb_each_other() -> Outcome {
    let scene = Scene::new()?;
    let config = example::config(&scene, Distro::AzureLinux3)?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let first = scene.customize(&base, &config, Format::Raw)?;
    let second = scene.customize(&base, &config, Format::Qcow2)?;
    let mut running = first.start()?;
    let finished = second.finish()?;
    let status = running.wait()?;
    // One of them may find the directory in use, and has to say so; whoever ends well has to have done the work.
    assert!(status.success() || finished.code == Some(0), "{status}, {finished:#?}");
    for (done, format) in [(status.success(), Format::Raw), (finished.code == Some(0), Format::Qcow2)] {
        assert_eq!(scene.output(format).exists(), done, "{format:?}");
        if done {
            Disk::open(&scene.output(format), format)?.check()?;
        }
    }
    Ok(())
}

/// Moments are tried until one falls into the run.
#[test]
fn a_stopped_run_is_told_to_telemetry_as_stopped() -> Outcome {
    let scene = Scene::new()?;
    let collector = Collector::start()?;
    let config = example::config(&scene, Distro::AzureLinux3)?;
    let base = scene.base(&scene::fixture(Distro::AzureLinux3, Layout::Efi)?, Format::Qcow2)?;
    let run = scene.customize(&base, &config, Format::Vhdx)?;
    let run = run.telemetry("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    for attempt in 1..=30 {
        let mut child = run.start()?;
        std::thread::sleep(Duration::from_millis(20 * attempt));
        // The shell's own `kill`: the program is missing on small systems.
        output(command("sh").args(["-c", "kill -INT \"$0\" || true", &child.id().to_string()]))?;
        let code = child.wait()?.code();
        let requests = collector.take();
        if requests.iter().any(|request| request.says("cancelled")) {
            assert_eq!((code, requests.len()), (Some(1), 2), "attempt {attempt}");
            assert!(!scene.output(Format::Vhdx).exists(), "attempt {attempt} left an output");
            return Ok(());
        }
        // Too late, or before there was anybody to hear the signal.
        _ = fs::remove_file(scene.output(Format::Vhdx));
    }
    Err(failed("no run was told as stopped"))
}
