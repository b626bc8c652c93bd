//! Images that want harm: a clear refusal or a harmless success, and never a file of the host touched.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use e2e::{Disk, Outcome, Scene, disk, ext4, scene};
use fixtures::{Distro, Format, Layout, Recipe, Tree};

const RECIPE: Recipe = Recipe { distro: Distro::AzureLinux3, layout: Layout::Efi };

const HOSTNAME: &str = "os: { hostname: harmless }\n";

fn edited(edit: impl FnOnce(&mut Tree)) -> Outcome<PathBuf> {
    Ok(fixtures::variant(RECIPE, &scene::fixture_cache()?, edit)?)
}

/// Runs `config` on `base`: it ends by itself with success or with a plain error, the input stays as it was, and
/// an output is either whole or absent. Returns standard error of a refusal, `None` after a success.
#[track_caller]
fn harmless(scene: &Scene, base: &Path, config: &str, what: &str) -> Outcome<Option<String>> {
    let before = disk::digest(base)?;
    let finished = scene.customize(base, config, Format::Raw)?.finish()?;
    assert!(!finished.is_bug(), "{what}: {finished:#?}");
    assert_eq!(disk::digest(base)?, before, "{what}: the input was changed");
    match finished.code {
        Some(0) => {
            let output = Disk::open(&scene.output(Format::Raw), Format::Raw)?;
            ext4::check(&output.partition("root")?.file)
                .map_err(|error| e2e::failed(format!("{what}: {error:?}")))?;
            fs::remove_file(scene.output(Format::Raw))?;
            Ok(None)
        }
        Some(1) => {
            assert_eq!(scene.listing("out")?, Vec::<String>::new(), "{what}: part of an output is left");
            assert!(!finished.stderr.trim().is_empty(), "{what}: no word about the reason");
            Ok(Some(finished.stderr))
        }
        _ => Err(e2e::failed(format!("{what}: {finished:#?}"))),
    }
}

#[track_caller]
fn refused(scene: &Scene, base: &Path, config: &str, what: &str) -> Outcome<String> {
    harmless(scene, base, config, what)?.ok_or_else(|| e2e::failed(format!("{what} was not refused")))
}

#[test]
fn links_that_leave_the_root_stay_inside_it() -> Outcome {
    let scene = Scene::new()?;
    let canary = scene.write("canary/hostname", "untouched")?;
    let absolute = canary.to_string_lossy().into_owned();
    let targets = [absolute.clone(), format!("../../../../../../../../..{absolute}")];
    for target in &targets {
        let base = edited(|tree| {
            tree.remove("etc/hostname");
            tree.symlink("etc/hostname", target);
        })?;
        harmless(&scene, &base, HOSTNAME, target)?;
        let directory = canary.parent().map_or(String::new(), |path| path.to_string_lossy().into_owned());
        let base = edited(|tree| {
            tree.symlink("srv/way-out", &directory);
        })?;
        let config = "os: { additionalFiles: [{ content: gotcha, destination: /srv/way-out/hostname }] }\n";
        harmless(&scene, &base, config, "a directory that leads out")?;
    }
    assert_eq!(fs::read_to_string(&canary)?, "untouched");
    assert_eq!(scene.listing("canary")?, ["hostname"]);
    Ok(())
}

#[test]
fn an_etc_that_is_a_link_upwards_is_refused() -> Outcome {
    let scene = Scene::new()?;
    let base = edited(|tree| {
        tree.remove("etc");
        tree.symlink("etc", "..");
    })?;
    let said = refused(&scene, &base, HOSTNAME, "etc -> ..")?;
    assert!(said.contains("fstab"), "{said}");
    Ok(())
}

#[test]
fn links_in_a_circle_are_refused() -> Outcome {
    let scene = Scene::new()?;
    let base = edited(|tree| {
        tree.remove("etc/hostname");
        tree.symlink("etc/hostname", "hostname");
    })?;
    let said = refused(&scene, &base, HOSTNAME, "a circle")?;
    assert!(said.contains("hostname"), "{said}");
    Ok(())
}

#[test]
fn files_are_not_written_into_devices_pipes_or_directories() -> Outcome {
    let scene = Scene::new()?;
    let base = edited(|_| {})?;
    for destination in ["/srv/keep/null", "/srv/keep/disk", "/srv/keep/pipe", "/srv/keep/many"] {
        let config = format!("os: {{ additionalFiles: [{{ content: x, destination: {destination} }}] }}\n");
        let said = refused(&scene, &base, &config, destination)?;
        assert!(said.contains(destination), "{said}");
    }
    Ok(())
}

#[test]
fn a_partition_that_fstab_names_twice_is_written_at_its_first_place_alone() -> Outcome {
    let scene = Scene::new()?;
    let fstab = fixtures::fstab(RECIPE.layout);
    let esp = fstab.lines().find(|line| line.contains("/boot/efi")).unwrap_or_default();
    let twice = format!("{fstab}{}\n", esp.replace("/boot/efi", "/mnt"));
    let base = edited(|tree| {
        tree.file("etc/fstab", 0o644, twice.clone());
    })?;
    let config = |place: &str| {
        format!("os: {{ additionalFiles: [{{ content: kept, destination: {place}/note.txt }}] }}\n")
    };
    let said = refused(&scene, &base, &config("/mnt"), "the second place")?;
    assert!(said.contains("/boot/efi"), "{said}");
    let run = scene.customize(&base, &config("/boot/efi"), Format::Raw)?;
    run.succeed()?;
    let files = Disk::open(&scene.output(Format::Raw), Format::Raw)?.manifest()?;
    assert!(files.keys().any(|path| path.to_lowercase().ends_with("note.txt")), "{files:#?}");
    Ok(())
}

#[test]
fn files_that_are_no_disk_images_are_refused() -> Outcome {
    let scene = Scene::new()?;
    let whole = fs::read(edited(|_| {})?)?;
    let noise: Vec<u8> =
        (0..1_u64 << 20).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let part = |length: usize| whole.get(..length).unwrap_or_default().to_vec();
    let cases = [
        ("empty", Vec::new()),
        ("one byte", vec![0]),
        ("noise", noise),
        ("zeros", vec![0; 8 << 20]),
        ("half a partition table", part(700)),
        ("a partition table without its partitions", part(1 << 20)),
        ("half a disk", part(whole.len() / 2)),
        ("the name of a qcow2 and nothing more", b"QFI\xfb\0\0\0\x03".to_vec()),
        ("the name of a vhdx and nothing more", b"vhdxfile".to_vec()),
    ];
    for (what, bytes) in cases {
        let base = scene.write("hostile.img", bytes)?;
        refused(&scene, &base, HOSTNAME, what)?;
    }
    Ok(())
}

#[test]
fn images_that_point_at_other_files_are_refused() -> Outcome {
    let scene = Scene::new()?;
    let raw = edited(|_| {})?;
    let base = scene.join("overlay.qcow2");
    let mut create = fixtures::process::command("qemu-img");
    create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(raw).arg(&base);
    fixtures::process::output(&mut create)?;
    let said = refused(&scene, &base, HOSTNAME, "a backing file")?;
    assert!(said.contains("backing"), "{said}");
    Ok(())
}

/// Places in an image where a changed byte means something: partition table, superblock, group descriptors,
/// bitmaps, inodes, the FAT.
#[test]
fn damaged_metadata_never_brings_the_program_down() -> Outcome {
    let scene = Scene::new()?;
    let raw = edited(|_| {})?;
    let root = Layout::Efi.partition("root").ok_or_else(|| e2e::failed("no root"))?;
    let esp = Layout::Efi.partition("esp").ok_or_else(|| e2e::failed("no ESP"))?;
    let places = [
        512 + 72,
        512 + 80,
        512 + 84,
        1024 + 32,
        1024 + 40,
        root.offset + 1024 + 4,
        root.offset + 1024 + 24,
        root.offset + 1024 + 32,
        root.offset + 1024 + 40,
        root.offset + 1024 + 88,
        root.offset + 1024 + 96,
        root.offset + 1024 + 254,
        root.offset + 4096,
        root.offset + 4096 + 8,
        root.offset + 4096 + 64,
        root.offset + (1 << 20),
        root.offset + (1 << 20) + 300,
        root.offset + (2 << 20),
        esp.offset + 11,
        esp.offset + 13,
        esp.offset + 14,
        esp.offset + 36,
        esp.offset + 44,
        esp.offset + 32 * 512,
    ];
    for place in places {
        for byte in [0x00, 0xff] {
            let base = scene.base(&raw, Format::Raw)?;
            let mut file = File::options().write(true).open(&base)?;
            file.seek(SeekFrom::Start(place))?;
            file.write_all(&[byte; 4])?;
            drop(file);
            harmless(&scene, &base, HOSTNAME, &format!("{byte:#x} at {place}"))?;
        }
    }
    Ok(())
}

#[test]
fn a_clean_image_is_still_customized_by_these_tests() -> Outcome {
    let scene = Scene::new()?;
    scene.customize(&edited(|_| {})?, HOSTNAME, Format::Raw)?.succeed()?;
    let disk = Disk::open(&scene.output(Format::Raw), Format::Raw)?;
    disk.check()?;
    assert_eq!(disk.tree("root")?.text("/etc/hostname")?, "harmless");
    Ok(())
}
