//! The other words of the command line, and the flags that show instead of do.

use std::path::Path;

use e2e::{Disk, Outcome, Run, Scene, disk, scene};
use fixtures::process::{command, output};
use fixtures::{Distro, Format, Layout};
use serde_json::Value;

fn convert(from: &Path, to: &Path, format: Format) -> Run {
    let mut run = Run::new(["convert", "--log-color", "never"]);
    for (flag, path) in [("--image-file", from), ("--output-image-file", to)] {
        run = run.argument(flag).argument(path);
    }
    run.argument("--output-image-format").argument(format.name())
}

#[test]
fn convert_keeps_every_byte_of_the_disk() -> Outcome {
    let scene = Scene::new()?;
    let raw = scene::fixture(Distro::Ubuntu2404, Layout::Efi)?;
    let expected = disk::digest(&Disk::open(&raw, Format::Raw)?.raw)?;
    for from in Format::ALL {
        let base = scene.base(&raw, from)?;
        for to in Format::ALL {
            convert(&base, &scene.output(to), to).succeed()?;
            let found = disk::digest(&Disk::open(&scene.output(to), to)?.raw)?;
            assert_eq!(found, expected, "{from:?} to {to:?}");
        }
    }
    Ok(())
}

#[test]
fn a_plan_is_shown_and_nothing_is_written() -> Outcome {
    let scene = Scene::new()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let run = scene.customize(
        &base,
        "os: { hostname: planned, modules: [{ name: loop, loadMode: always }] }\n",
        Format::Raw,
    )?;
    let finished = run.argument("--plan=json").succeed()?;
    let plan: Value = serde_json::from_str(&finished.stdout)?;
    assert!(plan.to_string().contains("planned"), "{plan:#}");
    assert_eq!(scene.listing("out")?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_report_tells_what_the_run_did() -> Outcome {
    let scene = Scene::new()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let run = scene.customize(&base, "os: { hostname: reported }\n", Format::Raw)?;
    run.argument("--report").argument(scene.join("report.json")).succeed()?;
    let report: Value = serde_json::from_slice(&std::fs::read(scene.join("report.json"))?)?;
    assert!(report.to_string().contains("hostname"), "{report:#}");
    Ok(())
}

#[test]
fn a_report_goes_to_standard_output_where_that_is_named() -> Outcome {
    let scene = Scene::new()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let run = scene.customize(&base, "os: { hostname: reported }\n", Format::Raw)?;
    let stdout = scene.join("stdout");
    std::os::unix::fs::symlink("/dev/stdout", &stdout)?;
    let finished = run.argument("--report").argument(&stdout).succeed()?;
    let report: Value = serde_json::from_str(&finished.stdout)?;
    assert!(report.to_string().contains("hostname"), "{report:#}");
    assert!(stdout.is_symlink(), "the link was replaced");
    Ok(())
}

#[test]
fn validate_config_needs_no_image() -> Outcome {
    let scene = Scene::new()?;
    let cases = [("os: { hostname: fine }\n", Some(0)), ("os: { hostname: not_fine }\n", Some(1))];
    for (text, code) in cases {
        let config = scene.write("config.yaml", text)?;
        let finished = Run::new(["validate-config", "--config-file"]).argument(config).finish()?;
        assert_eq!((finished.code, finished.stdout.as_str()), (code, ""), "{text}: {finished:#?}");
    }
    Ok(())
}

#[test]
fn doctor_finds_the_programs_of_this_machine() -> Outcome {
    let finished = Run::new(["doctor"]).succeed()?;
    for name in ["e2fsck", "fsck.fat"] {
        assert!(finished.stdout.contains(name), "{finished:#?}");
    }
    Ok(())
}

#[test]
fn what_our_conversions_write_is_what_qemu_reads() -> Outcome {
    let scene = Scene::new()?;
    let raw = scene::fixture(Distro::Debian12, Layout::Boot)?;
    for format in [Format::Qcow2, Format::Vhdx] {
        convert(&raw, &scene.output(format), format).succeed()?;
        let mut compare = command("qemu-img");
        compare
            .args(["compare", "-f", "raw", "-F", format.qemu_driver()])
            .arg(&raw)
            .arg(scene.output(format));
        output(&mut compare)?;
    }
    Ok(())
}
