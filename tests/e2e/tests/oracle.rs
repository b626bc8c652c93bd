//! The tests' own eyes: what they read from a fixture is what was put into it.

use e2e::{Disk, Outcome, scene};
use fixtures::{Distro, Format, Layout};

#[test]
fn a_fixture_reads_back_as_it_was_described() -> Outcome {
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Boot)?;
    let disk = Disk::open(&raw, Format::Raw)?;
    disk.check()?;
    let root = disk.tree("root")?;
    assert_eq!(root.text("/etc/hostname")?, "unnamed\n");
    assert_eq!(root.text("/etc/os-release")?, "../usr/lib/os-release");
    assert_eq!(root.text("/srv/keep/long-link")?.len(), 121);
    assert_eq!(root.text("/srv/keep/null")?, "01:03");
    assert_eq!(root.node("/srv/keep/two-mebibytes")?.content.len(), 2 << 20);
    assert_eq!(root.owner("/usr/bin/su")?, "104755 0:0");
    assert_eq!(root.owner("/srv/keep/high-owner")?, "100600 4200000001:3000000002");
    assert_eq!(root.node("/etc/motd")?.xattrs, ["user.note (4) = \"kept\""]);
    assert_eq!(root.below("/srv/keep/many").len(), 300);
    assert!(disk.tree("boot")?.has("/grub2/grub.cfg"));
    let manifest = disk.manifest()?;
    assert!(manifest.contains_key("esp:/EFI/BOOT/A Long Name With Spaces.txt"));
    let second = manifest.get("root:/srv/keep/second-name").map_or("", String::as_str);
    assert!(second.ends_with("same-as=/srv/keep/first-name"), "{second}");
    Ok(())
}

#[test]
fn formats_do_not_change_what_is_read() -> Outcome {
    let raw = scene::fixture(Distro::Debian12, Layout::Efi)?;
    let expected = Disk::open(&raw, Format::Raw)?.manifest()?;
    for format in Format::ALL {
        let image = fixtures::converted(&raw, format)?;
        let found = Disk::open(&image, format)?.manifest()?;
        assert_eq!(e2e::disk::differences(&expected, &found), [].into(), "{format:?}");
    }
    Ok(())
}
