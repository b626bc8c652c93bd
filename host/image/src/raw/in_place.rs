//! Turns a plain disk into a packed one without copying it: the kernel takes out ranges of the file and puts room in
//! front, by moving entries of the file system's own tables. Ext4 and XFS can do that.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// The most ranges that are taken out of a file. Each moves all that stands behind it, so many would take longer than
/// a copy.
const MAX_GAPS: usize = 2000;

/// A range of grains that are not all zeros, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grains {
    pub(crate) first: u64,
    pub(crate) count: u64,
}

impl Grains {
    /// The first grain after these.
    pub(crate) fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }
}

/// Adds grains behind those that are there, as one range if they follow each other.
pub(crate) fn push(all: &mut Vec<Grains>, next: Grains) {
    match all.last_mut() {
        Some(last) if last.end() == next.first => last.count += next.count,
        _ => all.push(next),
    }
}

/// Makes `file` consist of `front` bytes, and then of the grains in `used` one after the other, as whole grains.
/// False, with the file as it was but for zeros at its end, when that cannot be done or would not pay.
///
/// `front` and `grain` are multiples of 64 KiB. `used` tells of every grain that is not all zeros, in order.
///
/// # Errors
/// What the system reports once the file has been changed: its content is lost then.
pub(crate) fn pack(file: &File, front: u64, grain: u64, used: &[Grains]) -> io::Result<bool> {
    let end = used.last().map_or(0, Grains::end);
    let mut gaps = Vec::new();
    let mut at = 0;
    for grains in used {
        gaps.extend((grains.first > at).then_some(Grains { first: at, count: grains.first - at }));
        at = grains.end();
    }
    if gaps.len() > MAX_GAPS {
        return Ok(false);
    }
    // What is behind the last grain that is used is all zeros; an empty file has no place to put anything in front of.
    let size = end.checked_mul(grain).ok_or(io::ErrorKind::FileTooLarge)?;
    let original = file.metadata()?.len();
    file.set_len(size.max(grain))?;
    if let Err(error) = retry(|| fallocate(file, FallocateFlags::INSERT_RANGE, 0, front)) {
        file.set_len(original)?;
        return match error {
            Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::FBIG | Errno::PERM => Ok(false),
            error => Err(error.into()),
        };
    }
    file.set_len(front.checked_add(size).ok_or(io::ErrorKind::FileTooLarge)?)?;
    // From the last to the first, so that the places of those to come stay the same.
    for gap in gaps.iter().rev() {
        let (at, len) = (front + gap.first * grain, gap.count * grain);
        retry(|| fallocate(file, FallocateFlags::COLLAPSE_RANGE, at, len))?;
    }
    // The room in front is a hole; it is written by the caller.
    debug_assert!(file.read_at(&mut [0], 0).is_ok());
    Ok(true)
}

fn retry(mut call: impl FnMut() -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAIN: u64 = 64 << 10;

    fn packed(size: u64, used: &[(u64, u64)]) -> (bool, Vec<u8>) {
        let file = tempfile::tempfile().unwrap();
        file.set_len(size).unwrap();
        let used: Vec<Grains> =
            used.iter().map(|(first, count)| Grains { first: *first, count: *count }).collect();
        for grains in &used {
            for grain in grains.first..grains.end() {
                let len = GRAIN.min(size - grain * GRAIN) as usize;
                file.write_all_at(&vec![(grain % 255) as u8 + 1; len], grain * GRAIN).unwrap();
            }
        }
        let done = pack(&file, GRAIN, GRAIN, &used).unwrap();
        let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        (done, bytes)
    }

    #[test]
    fn grains_follow_each_other_behind_the_front() {
        /// Grains in the file, ranges that are used, grains afterwards.
        type Case = (u64, &'static [(u64, u64)], &'static [u8]);
        let cases: [Case; 7] = [
            (10, &[(0, 2), (5, 1), (7, 3)], &[1, 2, 6, 8, 9, 10]),
            (10, &[(9, 1)], &[10]),
            (10, &[(0, 1)], &[1]),
            (10, &[(3, 4)], &[4, 5, 6, 7]),
            (10, &[(0, 10)], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            (10, &[], &[]),
            (1, &[], &[]),
        ];
        for (size, used, expected) in cases {
            let (done, bytes) = packed(size * GRAIN, used);
            assert!(done, "the file system of the tests is ext4 or XFS");
            let grains: Vec<u8> = bytes.chunks(GRAIN as usize).map(|grain| grain[0]).collect();
            assert_eq!(grains, [&[0], expected].concat(), "{used:?}");
        }
    }

    #[test]
    fn the_last_grain_is_filled_up() {
        let (_, bytes) = packed(2 * GRAIN - 512, &[(1, 1)]);
        assert_eq!(bytes.len() as u64, 2 * GRAIN);
        assert_eq!((bytes[bytes.len() - 513], bytes[bytes.len() - 512]), (2, 0));
    }

    #[test]
    fn a_file_in_too_many_parts_is_left_alone() {
        let used: Vec<(u64, u64)> = (0..=MAX_GAPS as u64).map(|index| (index * 2 + 1, 1)).collect();
        let size = used.len() as u64 * 2 * GRAIN;
        let (done, bytes) = packed(size, &used);
        assert!(!done);
        assert_eq!(bytes.len() as u64, size);
    }
}
