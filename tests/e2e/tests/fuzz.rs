//! Damages images at random for a while: `cargo xtask fuzz`.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use e2e::{Outcome, Scene, disk, failed, scene};
use fixtures::{Distro, Format, Layout};

/// Numbers without a pattern (an xorshift generator); a run with the same start finds the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below.max(1)
    }
}

/// Overwrites a few bytes, mostly near the front of the file or of a partition, where the structures lie.
fn damage(file: &mut File, length: u64, dice: &mut Dice) -> Outcome<Vec<(u64, u8)>> {
    let offset = |name| Layout::Efi.partition(name).map_or(0, |partition| partition.offset);
    let starts = [0, offset("esp"), offset("root")];
    let mut changes = Vec::new();
    for _ in 0..=dice.roll(8) {
        let start = starts.get(usize::try_from(dice.roll(3))?).copied().unwrap_or(0);
        let reach =
            [2048, 8192, 1 << 20, length].get(usize::try_from(dice.roll(4))?).copied().unwrap_or(length);
        let place = (start + dice.roll(reach)).min(length.saturating_sub(1));
        let byte = u8::try_from(dice.roll(256))?;
        file.seek(SeekFrom::Start(place))?;
        file.write_all(&[byte])?;
        changes.push((place, byte));
    }
    Ok(changes)
}

#[test]
#[ignore = "runs as long as it is told to; `cargo xtask fuzz` does"]
fn no_damage_brings_the_program_down() -> Outcome {
    let seconds = std::env::var("IMAGECUSTOMIZER_FUZZ_SECONDS").map_or(Ok(60), |text| text.parse())?;
    let seed = std::env::var("IMAGECUSTOMIZER_FUZZ_SEED").map_or(Ok(1), |text| text.parse())?;
    let mut dice = Dice(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let scene = Scene::new()?;
    let mut rounds = 0_u64;
    while Instant::now() < end {
        let format = Format::ALL.get(usize::try_from(dice.roll(5))?).copied().unwrap_or(Format::Raw);
        let base = scene.base(&raw, format)?;
        let mut file = File::options().write(true).open(&base)?;
        let length = file.metadata()?.len();
        let changes = damage(&mut file, length, &mut dice)?;
        drop(file);
        let before = disk::digest(&base)?;
        let finished = scene.customize(&base, "os: { hostname: fuzz }\n", Format::Raw)?.finish()?;
        let plain = matches!(finished.code, Some(0 | 1)) && !finished.is_bug();
        if !plain || disk::digest(&base)? != before {
            return Err(failed(format!(
                "seed {seed}, round {rounds}, {format:?} with {changes:?}: {finished:#?}"
            )));
        }
        rounds += 1;
    }
    println!("{rounds} damaged images, no harm done");
    Ok(())
}
