//! Every input format becomes every output format, and the file trees are the same whichever way they went.

use e2e::{Disk, Outcome, Scene, disk, example, scene};
use fixtures::{Distro, Format, Layout};

/// They hold an identifier that may differ from run to run.
const OF_THE_RUN: [&str; 2] =
    ["root:/etc/image-customizer-release", "root:/usr/share/image-customizer/history.json"];

/// Customizes one input into all outputs; each is read back and compared with what raw to raw gives.
fn all_outputs_of(input: Format) -> Outcome {
    let scene = Scene::new()?;
    let config = example::config(&scene, Distro::AzureLinux3)?;
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let plain = scene.join("plain.raw");
    scene.customize(&raw, &config, Format::Raw)?.succeed()?;
    std::fs::rename(scene.output(Format::Raw), &plain)?;
    let expected = Disk::open(&plain, Format::Raw)?.manifest()?;

    let base = scene.base(&raw, input)?;
    let before = disk::digest(&base)?;
    for output in Format::ALL {
        scene.customize(&base, &config, output)?.succeed()?;
        let customized = Disk::open(&scene.output(output), output)?;
        customized.check()?;
        let mut differing = disk::differences(&expected, &customized.manifest()?);
        differing.retain(|path, _| !OF_THE_RUN.contains(&path.as_str()));
        assert_eq!(differing, [].into(), "{input:?} to {output:?}");
    }
    assert_eq!(disk::digest(&base)?, before, "the input was changed");
    Ok(())
}

#[test]
fn raw_becomes_every_format() -> Outcome {
    all_outputs_of(Format::Raw)
}

#[test]
fn qcow2_becomes_every_format() -> Outcome {
    all_outputs_of(Format::Qcow2)
}

#[test]
fn vhdx_becomes_every_format() -> Outcome {
    all_outputs_of(Format::Vhdx)
}

#[test]
fn dynamic_vhd_becomes_every_format() -> Outcome {
    all_outputs_of(Format::Vhd)
}

#[test]
fn fixed_vhd_becomes_every_format() -> Outcome {
    all_outputs_of(Format::VhdFixed)
}

#[test]
fn qemu_finds_no_fault_in_what_it_can_check() -> Outcome {
    let scene = Scene::new()?;
    let raw = scene::fixture(Distro::Debian12, Layout::Bios)?;
    let config = example::config(&scene, Distro::Debian12)?;
    for format in [Format::Qcow2, Format::Vhdx] {
        scene.customize(&raw, &config, format)?.succeed()?;
        let mut check = fixtures::process::command("qemu-img");
        check.args(["check", "-f", format.qemu_driver()]).arg(scene.output(format));
        fixtures::process::output(&mut check)?;
    }
    Ok(())
}

#[test]
fn input_and_output_may_be_the_same_file() -> Outcome {
    let scene = Scene::new()?;
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let config = scene.write("config.yaml", "os: { hostname: in-place }\n")?;
    let image = scene.base(&raw, Format::Qcow2)?;
    e2e::Run::customize(&image, &config, &scene.join("build"), &image, Format::Qcow2).succeed()?;
    let customized = Disk::open(&image, Format::Qcow2)?;
    customized.check()?;
    assert_eq!(customized.tree("root")?.text("/etc/hostname")?, "in-place");
    Ok(())
}
