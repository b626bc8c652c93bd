//! Which ID a new account gets.

use std::collections::BTreeSet;

/// IDs from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range {
    /// The lowest ID.
    pub min: u32,
    /// The highest ID.
    pub max: u32,
}

impl Range {
    /// Whether the ID lies within.
    pub fn contains(self, id: u32) -> bool {
        (self.min..=self.max).contains(&id)
    }
}

/// The ID for a new account: `preferred` if it is free and in the range, else one above the highest in use, else the
/// lowest free one; `None` when all are taken.
pub fn allocate(range: Range, used: &BTreeSet<u32>, preferred: Option<u32>) -> Option<u32> {
    if let Some(preferred) = preferred.filter(|id| range.contains(*id) && !used.contains(id)) {
        return Some(preferred);
    }
    if range.min > range.max {
        return None;
    }
    match used.range(range.min..=range.max).next_back() {
        None => Some(range.min),
        Some(highest) if *highest < range.max => Some(highest + 1),
        Some(_) => lowest_free(range, used),
    }
}

/// Walks the used IDs, not the range: hostile limits cannot make it long.
fn lowest_free(range: Range, used: &BTreeSet<u32>) -> Option<u32> {
    let mut candidate = range.min;
    for id in used.range(range.min..=range.max) {
        if *id != candidate {
            return Some(candidate);
        }
        candidate = id.checked_add(1)?;
    }
    range.contains(candidate).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocation_follows_the_rules() {
        let range = Range { min: 1000, max: 1003 };
        let cases: [(&[u32], Option<u32>, Option<u32>); 9] = [
            (&[], None, Some(1000)),
            (&[0, 999, 1004, 65534], None, Some(1000)),
            (&[1001], None, Some(1002)),
            (&[1001, 1003], None, Some(1000)),
            (&[1000, 1003], None, Some(1001)),
            (&[1000, 1001, 1002, 1003], None, None),
            (&[1001], Some(1003), Some(1003)),
            (&[1001], Some(1001), Some(1002)),
            (&[1001], Some(500), Some(1002)),
        ];
        for (used, preferred, expected) in cases {
            let used: BTreeSet<u32> = used.iter().copied().collect();
            assert_eq!(allocate(range, &used, preferred), expected, "{used:?} {preferred:?}");
        }
    }

    #[test]
    fn extreme_ranges_neither_overflow_nor_take_long() {
        let used = [u32::MAX - 1].into_iter().collect();
        assert_eq!(allocate(Range { min: 0, max: u32::MAX - 1 }, &used, None), Some(0));
        assert_eq!(allocate(Range { min: 5, max: 4 }, &used, None), None);
        assert_eq!(allocate(Range { min: u32::MAX - 1, max: u32::MAX - 1 }, &used, None), None);
    }
}
