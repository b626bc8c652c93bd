//! A limit to what aliases may multiply.

/// How many nodes were visited, and how many of them through aliases: a small file whose aliases
/// multiply is refused by the same measure as in the reference program.
#[derive(Default)]
pub(super) struct Budget {
    visits: u32,
    alias_visits: u32,
    /// Through how many aliases the node was reached that is being read.
    pub(super) alias_depth: u32,
    pub(super) exceeded: bool,
}

impl Budget {
    /// Up to this many visits nearly all may come from aliases.
    const FREE: u32 = 400_000;
    /// From this many on only one in ten may.
    const FULL: u32 = 4_000_000;

    /// Counts a node; `false` when there were too many.
    pub(super) fn visit(&mut self) -> bool {
        self.visits = self.visits.saturating_add(1);
        if self.alias_depth > 0 {
            self.alias_visits = self.alias_visits.saturating_add(1);
        }
        let excess = f64::from(self.visits.saturating_sub(Self::FREE)) / f64::from(Self::FULL - Self::FREE);
        let allowed = 0.99 - 0.89 * excess.min(1.0);
        let share = f64::from(self.alias_visits) / f64::from(self.visits);
        self.exceeded |= self.alias_visits > 100 && self.visits > 1000 && share > allowed;
        !self.exceeded
    }
}
