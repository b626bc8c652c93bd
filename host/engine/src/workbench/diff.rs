//! What became of a tree, as text that can be read, kept in a file and compared.

use super::snapshot::{Object, Snapshot};
use rootfs::{ImagePathBuf, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// The differences between two states of a tree, in byte order of the paths.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Changes(Vec<Change>);

/// What became of one object. Its states are lines of a manifest: kind, mode, owner, path, content.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// Absolute, as it is; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// `None`: it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// `None`: it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Where nothing but the lines of a text changed: what the object is, and those lines with their signs.
    #[serde(skip)]
    lines: Option<(String, Vec<String>)>,
}

/// Cells of the table that finds the lines two texts share. Beyond it all lines between the first and the last that
/// differ are shown.
const MOST_CELLS: usize = 4_000_000;

impl Changes {
    /// What has to be done to `before` to get `after`. The time of an object counts where the run set it: `clock` is what
    /// all that is changed gets by itself.
    pub(super) fn between(before: &Snapshot, after: &Snapshot, clock: Timestamp) -> Self {
        let paths: BTreeSet<&ImagePathBuf> = before.objects.keys().chain(after.objects.keys()).collect();
        let change = |path: &ImagePathBuf| {
            let (old, new) = (before.objects.get(path), after.objects.get(path));
            let time = new.map(|new| new.modified);
            // Whatever time an object had before, another one than the run's own was set on purpose.
            let set = time.filter(|time| *time != clock && old.map(|old| old.modified) != Some(*time));
            let was = old.map(|old| old.line(path, None));
            let is = new.map(|new| new.line(path, set));
            if was == is {
                return None;
            }
            let lines = match (old, new) {
                (Some(old), Some(new)) if set.is_none() => changed_lines(path, old, new),
                _ => None,
            };
            Some(Change {
                path: String::from_utf8_lossy(path.as_bytes()).into_owned(),
                before: was,
                after: is,
                lines,
            })
        };
        Self(paths.into_iter().filter_map(change).collect())
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }
}

/// The lines of a text that changed, when nothing else of the object did and one of the texts has several lines.
fn changed_lines(path: &ImagePathBuf, old: &Object, new: &Object) -> Option<(String, Vec<String>)> {
    let head = new.summary(path);
    let (before, after) = (old.text()?, new.text()?);
    let several = |text: &str| text.lines().nth(1).is_some();
    if head != old.summary(path) || !(several(before) || several(after)) {
        return None;
    }
    Some((head, line_changes(before, after)))
}

/// The lines that are not in both texts: `-` those of the first, `+` those of the second.
pub(super) fn line_changes(before: &str, after: &str) -> Vec<String> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let same = |(one, other): &(&&str, &&str)| one == other;
    let start = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (old.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
    let end = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let old = old.get(..old.len() - end).unwrap_or_default();
    let new = new.get(..new.len() - end).unwrap_or_default();
    let shared = shared_lines(old, new);
    let mut lines = Vec::new();
    let (mut from_old, mut from_new) = (0, 0);
    for (one, other) in shared.into_iter().chain([(old.len(), new.len())]) {
        lines.extend(old.get(from_old..one).unwrap_or_default().iter().map(|line| signed('-', line)));
        lines.extend(new.get(from_new..other).unwrap_or_default().iter().map(|line| signed('+', line)));
        (from_old, from_new) = (one + 1, other + 1);
    }
    lines
}

fn signed(sign: char, line: &str) -> String {
    match line.strip_suffix('\n') {
        Some(line) => format!("{sign}{}", harmless(line)),
        None => format!("{sign}{} (no line end)", harmless(line)),
    }
}

/// As it is, but for what a terminal would act on: for people, who know what a backslash is in their file.
fn harmless(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        if c == '\\' || is_printable(c) { shown.push(c) } else { shown.extend(c.escape_debug()) }
    }
    shown
}

/// Places of a longest sequence of lines that both have, in order.
fn shared_lines(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    if old.is_empty() || new.is_empty() || width.saturating_mul(old.len() + 1) > MOST_CELLS {
        return Vec::new();
    }
    // The length of such a sequence from each pair of places on.
    let mut table = vec![0_u32; width * (old.len() + 1)];
    let cell = |table: &[u32], one: usize, other: usize| table.get(one * width + other).copied().unwrap_or(0);
    for (one, line) in old.iter().enumerate().rev() {
        for (other, candidate) in new.iter().enumerate().rev() {
            let length = match line == candidate {
                true => cell(&table, one + 1, other + 1) + 1,
                false => cell(&table, one + 1, other).max(cell(&table, one, other + 1)),
            };
            if let Some(slot) = table.get_mut(one * width + other) {
                *slot = length;
            }
        }
    }
    let mut pairs = Vec::new();
    let (mut one, mut other) = (0, 0);
    while let (Some(line), Some(candidate)) = (old.get(one), new.get(other)) {
        if line == candidate {
            pairs.push((one, other));
            (one, other) = (one + 1, other + 1);
        } else if cell(&table, one + 1, other) >= cell(&table, one, other + 1) {
            one += 1;
        } else {
            other += 1;
        }
    }
    pairs
}

/// The text on one line, without what a terminal would act on; two texts never look the same.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            _ if is_printable(c) => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// `escape_debug` knows what is not; of what it escapes, quotes are plain here.
fn is_printable(c: char) -> bool {
    matches!(c, '"' | '\'') || c.escape_debug().len() == 1
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|change| write!(f, "{change}"))
    }
}

/// Lines with their ends: `+` what was made, `-` what was removed, both for what is another now, `~` where lines of a text
/// changed, which follow.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((head, lines)) = &self.lines {
            writeln!(f, "~ {head}")?;
            return lines.iter().try_for_each(|line| writeln!(f, "    {line}"));
        }
        if let Some(before) = &self.before {
            writeln!(f, "- {before}")?;
        }
        match &self.after {
            Some(after) => writeln!(f, "+ {after}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_both_texts_have_are_left_out() {
        let cases: [(&str, &str, &[&str]); 7] = [
            ("a\nb\nc\n", "a\nx\nc\n", &["-b", "+x"]),
            ("a\nb\n", "a\nb\nc\n", &["+c"]),
            ("a\nb\nc\nd\n", "b\nx\nd\n", &["-a", "-c", "+x"]),
            ("a\n", "a", &["-a", "+a (no line end)"]),
            ("", "\n", &["+"]),
            ("a\na\n", "a\n", &["-a"]),
            ("tab\there \\ \"\n", "", &["-tab\\there \\ \""]),
        ];
        for (before, after, expected) in cases {
            assert_eq!(line_changes(before, after), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn long_texts_are_compared_without_a_table() {
        let text = |step: usize| (0..5000).map(|n| format!("{}\n", n * step)).collect::<String>();
        let lines = line_changes(&text(1), &text(3));
        assert_eq!(lines.len(), 2 * 4999);
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        assert_eq!(printable("a\"b'c\\\x1b[2Jé\u{202e}"), "a\"b'c\\\\\\u{1b}[2Jé\\u{202e}");
    }
}
