//! What tests share that compare a step with the program of a distribution, on images and requests made at random.
#![expect(clippy::panic, reason = "for tests alone, where an assertion that fails is a panic")]

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The seeds of a run: `cases` of them, from 0 or from the variable `FIRST_SEED` on.
pub fn seeds(cases: u64) -> std::ops::Range<u64> {
    let first = env::var("FIRST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    first..first.saturating_add(cases)
}

/// Numbers that follow from a seed: SplitMix64.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Whether it is the one of `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `from`, which is not empty.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or_default();
        *from.get(index).unwrap_or_else(|| panic!("there is nothing to pick from"))
    }
}

/// A directory that goes away with the value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A directory for one case of a test. In memory where there is some: the programs wait for the disk after every file, and
    /// trees are made and removed by the hundred.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn new(test: &str, seed: u64) -> io::Result<Self> {
        let memory = Some(PathBuf::from("/dev/shm")).filter(|path| path.is_dir());
        let base = memory.unwrap_or_else(env::temp_dir);
        let path = base.join(format!("{test}-differential-{}-{seed}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Compares two texts line by line; `context` stands in front of what only one of them has.
pub fn assert_same(ours: &str, theirs: &str, context: impl Fn() -> String) {
    if ours != theirs {
        let only = |this: &str, other: &str| {
            let lines = this.lines().filter(|line| !other.lines().any(|there| there == *line));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        panic!("{}\n--- ours\n{}--- theirs\n{}", context(), only(ours, theirs), only(theirs, ours));
    }
}

/// A comparison says little where hardly anything can be carried out.
pub fn assert_enough(succeeded: u64, wanted: u64) {
    assert!(
        succeeded > wanted,
        "only {succeeded} requests can be carried out, not more than {wanted}: the test says little"
    );
}
