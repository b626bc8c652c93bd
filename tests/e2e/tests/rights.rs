//! The program needs no rights: not root, no device, no network.

use std::os::unix::fs::PermissionsExt;

use e2e::{Disk, Outcome, Scene, example, scene};
use fixtures::{Distro, Format, Layout};

#[test]
fn nobody_without_capabilities_devices_or_network_customizes_an_image() -> Outcome {
    let scene = Scene::new()?;
    let config = example::config(&scene, Distro::AzureLinux3)?;
    let base = scene.base(&scene::fixture(Distro::AzureLinux3, Layout::Efi)?, Format::Vhdx)?;
    std::fs::set_permissions(&base, std::fs::Permissions::from_mode(0o444))?;
    let run = scene.customize(&base, &config, Format::Qcow2)?;
    let finished = run.confined(scene.path())?;
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    let customized = Disk::open(&scene.output(Format::Qcow2), Format::Qcow2)?;
    customized.check()?;
    assert_eq!(customized.tree("root")?.owner("/home/alice")?, "40755 2001:2100");
    Ok(())
}

#[test]
fn the_confinement_of_these_tests_is_real() -> Outcome {
    let scene = Scene::new()?;
    let probe = "test ! -e /dev/loop-control && test ! -e /dev/kvm && test ! -e /dev/fuse && \
        test ! -w /etc/passwd && \
        grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status && \
        test \"$(grep -c : /proc/net/dev)\" = 1";
    let finished = e2e::Run::new(["-c", probe]).confined_as("/bin/sh".as_ref(), scene.path())?;
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    Ok(())
}
