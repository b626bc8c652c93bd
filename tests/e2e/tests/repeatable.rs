//! The same inputs and the same date give the same bytes.

use e2e::{Outcome, Scene, disk, example, scene};
use fixtures::{Distro, Format, Layout};

#[test]
fn two_runs_write_the_same_bytes() -> Outcome {
    for (distro, layout) in [(Distro::AzureLinux3, Layout::Efi), (Distro::Debian12, Layout::Boot)] {
        let mut digests = Vec::new();
        for _ in 0..2 {
            let scene = Scene::new()?;
            let config = example::config(&scene, distro)?;
            let base = scene.base(&scene::fixture(distro, layout)?, Format::Raw)?;
            scene.customize(&base, &config, Format::Raw)?.succeed()?;
            digests.push(disk::digest(&scene.output(Format::Raw))?);
            // Times are kept in seconds: a clock that is looked at shows now.
            std::thread::sleep(std::time::Duration::from_millis(1100));
        }
        assert_eq!(digests.first(), digests.last(), "{distro:?} {layout:?}");
    }
    Ok(())
}
