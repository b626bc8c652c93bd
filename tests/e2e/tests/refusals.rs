//! What is not done yet, or cannot be done, is refused by name before anything is written.

use e2e::{Finished, Outcome, Run, Scene, disk, scene};
use fixtures::{Distro, Foreign, Format, Layout};

/// Runs `config`, and insists on a plain refusal that leaves everything as it was.
#[track_caller]
fn refusal(scene: &Scene, base: &std::path::Path, config: &str) -> Outcome<String> {
    let before = disk::digest(base)?;
    let finished = scene.customize(base, config, Format::Raw)?.finish()?;
    assert!(!finished.is_bug(), "{config}: {finished:#?}");
    let Finished { code, stdout, stderr } = finished;
    assert_eq!(code, Some(1), "{config}: {stderr}");
    assert_eq!(stdout, "", "{config}");
    assert_eq!(disk::digest(base)?, before, "{config}: the input was changed");
    assert_eq!(scene.listing("out")?, Vec::<String>::new(), "{config}: something was written");
    Ok(stderr)
}

#[test]
fn fields_that_are_not_supported_are_named() -> Outcome {
    let scene = Scene::new()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let disks = "storage: { bootType: efi, disks: [{ partitionTableType: gpt, maxSize: 1G, partitions: [\
        { id: esp, type: esp, start: 1M, end: 9M }, { id: root, start: 9M }] }], filesystems: [\
        { deviceId: esp, type: fat32, mountPoint: /boot/efi }, { deviceId: root, type: ext4, mountPoint: / }] }\n\
        os: { bootloader: { resetType: hard-reset } }\n";
    let cases = [
        ("storage", disks),
        (
            "resetPartitionsUuidsType",
            "storage: { resetPartitionsUuidsType: reset-all }\nos: { bootloader: { resetType: hard-reset } }\n",
        ),
        ("packages", "os: { packages: { install: [vim] } }\n"),
        ("packages", "os: { packages: { updateExistingPackages: true } }\n"),
        ("selinux", "os: { selinux: { mode: permissive } }\n"),
        ("kernelCommandLine", "os: { kernelCommandLine: { extraCommandLine: [quiet] } }\n"),
        ("bootloader", "os: { bootloader: { resetType: hard-reset } }\n"),
        (
            "overlays",
            "os: { overlays: [{ lowerDirs: [/etc], upperDir: /u/up, workDir: /u/work, mountPoint: /etc }] }\n",
        ),
        ("uki", "previewFeatures: [uki]\nos: { uki: { mode: create } }\n"),
        ("scripts", "scripts: { postCustomization: [{ content: 'echo' }] }\n"),
        ("scripts", "scripts: { finalizeCustomization: [{ content: 'echo' }] }\n"),
        (
            "artifacts",
            "previewFeatures: [output-artifacts]\noutput: { artifacts: { items: [shim], path: a } }\n",
        ),
    ];
    for (name, config) in cases {
        let said = refusal(&scene, &base, config)?;
        assert!(said.contains(name), "`{name}` is not in: {said}");
    }
    Ok(())
}

#[test]
fn roots_that_can_only_be_read_are_named() -> Outcome {
    for kind in [Foreign::Xfs, Foreign::Btrfs] {
        let scene = Scene::new()?;
        let base = fixtures::foreign::image(kind, &scene::fixture_cache()?)?;
        let said = refusal(&scene, &base, "os: { hostname: x }\n")?;
        assert!(said.contains(kind.name()), "`{}` is not in: {said}", kind.name());
    }
    Ok(())
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused_with_its_place() -> Outcome {
    let scene = Scene::new()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let cases = [
        ("os:\n  hostnam: x\n", ["hostnam", "2"]),
        ("os:\n  hostname: under_score\n", ["under_score", "2"]),
        (
            "os: { additionalFiles: [{ source: nowhere.txt, destination: /x }] }\n",
            ["nowhere.txt", "config.yaml:1:25"],
        ),
        ("os: { services: { enable: [''] } }\n", ["enable", "1"]),
    ];
    for (config, parts) in cases {
        let said = refusal(&scene, &base, config)?;
        for part in parts {
            assert!(said.contains(part), "`{part}` is not in: {said}");
        }
    }
    Ok(())
}

#[test]
fn a_service_or_group_that_is_missing_is_named() -> Outcome {
    let scene = Scene::new()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let cases = [
        ("no-such-unit", "os: { services: { enable: [no-such-unit] } }\n"),
        ("no-such-group", "os: { users: [{ name: bob, primaryGroup: no-such-group }] }\n"),
    ];
    for (name, config) in cases {
        let said = refusal(&scene, &base, config)?;
        assert!(said.contains(name), "`{name}` is not in: {said}");
    }
    Ok(())
}

#[test]
fn wrong_flags_end_with_80_and_the_usage() -> Outcome {
    for arguments in
        [vec![], vec!["--no-such-flag"], vec!["customize", "--build-dir", "x"], vec!["no-such-word"]]
    {
        let finished = Run::new(arguments.clone()).finish()?;
        assert_eq!(finished.code, Some(80), "{arguments:?}: {finished:#?}");
        assert!(!finished.stdout.is_empty() && !finished.stderr.is_empty(), "{arguments:?}: {finished:#?}");
    }
    for flag in ["--help", "--version"] {
        let finished = Run::new([flag]).finish()?;
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{flag}");
        assert!(!finished.stdout.is_empty(), "{flag}");
    }
    Ok(())
}

#[test]
fn the_word_customize_may_be_left_out() -> Outcome {
    let scene = Scene::new()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let config = scene.write("config.yaml", "os: { hostname: short }\n")?;
    let path = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    let arguments = [
        "--image-file".to_owned(),
        path(base),
        "--config-file".to_owned(),
        path(config),
        "--build-dir".to_owned(),
        path(scene.join("build")),
        "--output-image-format".to_owned(),
        "vhdx".to_owned(),
        "--output-image-file".to_owned(),
        path(scene.join("out/image.vhdx")),
        "--disable-telemetry".to_owned(),
    ];
    Run::new(arguments).succeed()?;
    e2e::Disk::open(&scene.join("out/image.vhdx"), Format::Vhdx)?.check()
}
