//! `/etc/subuid` and `/etc/subgid`: the ranges that users may map into user namespaces.

use step_sdk::{Failure, Host, Result};

use crate::table::{field, has_fields};
use crate::{LoginDefs, Table};

/// `owner:start:count`.
const FIELDS: usize = 3;

/// One of the two files.
#[derive(Clone, Debug)]
pub struct SubordinateIds {
    table: Table,
    path: &'static str,
    min: u64,
    max: u64,
    count: u64,
}

impl SubordinateIds {
    /// The image's file for `UID` or `GID`; `None` without one, or when the image grants no ranges.
    ///
    /// # Errors
    /// What [`Host::read`] ends with.
    pub fn load(host: &dyn Host, kind: &str, defs: &LoginDefs) -> Result<Option<Self>> {
        let path = if kind == "UID" { "/etc/subuid" } else { "/etc/subgid" };
        let limit = |end: &str, default: u64| {
            let number =
                defs.number(&format!("SUB_{kind}_{end}"), i64::try_from(default).unwrap_or(i64::MAX));
            u64::try_from(number).unwrap_or(default)
        };
        let (min, max, count) = (limit("MIN", 100_000), limit("MAX", 600_100_000), limit("COUNT", 65_536));
        if count == 0 {
            return Ok(None);
        }
        Ok(Table::load(host, path)?.map(|table| Self { table, path, min, max, count }))
    }

    /// Grants the lowest free range to a user; one that an earlier user of the name left stays granted.
    ///
    /// # Errors
    /// [`Failure`] when no range of that length is free.
    pub fn grant(&mut self, user: &str) -> Result<()> {
        self.table.sort_by_key(|line| sort_key(line));
        let start = self.lowest_free();
        let start = start.ok_or_else(|| Failure::other(format!("no range is left in `{}`", self.path)))?;
        self.table.append(format!("{user}:{start}:{}", self.count));
        Ok(())
    }

    /// Writes the file if it changed.
    ///
    /// # Errors
    /// What [`Host::write`] ends with.
    pub fn save(&mut self, host: &dyn Host) -> Result<()> {
        self.table.save(host, self.path)
    }

    /// Looks for a hole between the ranges, which are in order.
    fn lowest_free(&self) -> Option<u64> {
        let end = self.max.checked_add(1).filter(|end| self.min < *end)?;
        let mut low = self.min;
        for (start, count) in self.table.lines().filter_map(parse_range) {
            if start.min(end).saturating_sub(low) >= self.count {
                return Some(low);
            }
            low = low.max(start.saturating_add(count));
            if low >= end {
                return None;
            }
        }
        (end - low >= self.count).then_some(low)
    }
}

fn parse_range(line: &[u8]) -> Option<(u64, u64)> {
    let number = |index| {
        let text = std::str::from_utf8(field(line, index)?).ok()?;
        text.parse::<u64>().ok()
    };
    if !has_fields(line, FIELDS) || has_fields(line, FIELDS + 1) {
        return None;
    }
    Some((number(1)?, number(2)?))
}

/// By start, then length, then owner; what is no range comes last.
fn sort_key(line: &[u8]) -> (bool, u64, u64, Vec<u8>) {
    match parse_range(line) {
        Some((start, count)) => (false, start, count, field(line, 0).unwrap_or_default().to_vec()),
        None => (true, 0, 0, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str, max: u64) -> SubordinateIds {
        SubordinateIds { table: Table::parse(text.as_bytes()), path: "/etc/subuid", min: 100, max, count: 10 }
    }

    fn granted(text: &str, max: u64) -> Option<String> {
        let mut ids = ids(text, max);
        ids.grant("u").ok().map(|()| String::from_utf8(ids.table.to_text()).unwrap())
    }

    #[test]
    fn the_lowest_hole_that_is_long_enough_is_granted() {
        let cases = [
            ("", 1000, Some("u:100:10\n")),
            ("a:100:10\n", 1000, Some("a:100:10\nu:110:10\n")),
            ("b:120:5\na:105:5\n", 1000, Some("a:105:5\nb:120:5\nu:110:10\n")),
            ("a:105:10\n", 1000, Some("a:105:10\nu:115:10\n")),
            ("u:5:5\n", 1000, Some("u:5:5\nu:100:10\n")),
            ("a:100:95\n", 204, Some("a:100:95\nu:195:10\n")),
            ("a:100:96\n", 204, None),
            ("a:0:18446744073709551615\n", 204, None),
            (
                "a:18446744073709551615:18446744073709551615\n",
                204,
                Some("a:18446744073709551615:18446744073709551615\nu:100:10\n"),
            ),
            ("", 99, None),
        ];
        for (before, max, after) in cases {
            assert_eq!(granted(before, max).as_deref(), after, "{before:?} {max}");
        }
    }
}
