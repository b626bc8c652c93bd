//! A file of lines with fields between colons.

use step_sdk::{Failure, Host, Result, WriteOptions};

/// The lines of such a file, kept byte by byte.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Table {
    lines: Vec<Vec<u8>>,
    changed: bool,
}

impl Table {
    /// Understands the text of a file; any text will do. A missing last line end is added.
    pub fn parse(text: &[u8]) -> Self {
        let lines = if text.is_empty() {
            Vec::new()
        } else {
            let text = text.strip_suffix(b"\n").unwrap_or(text);
            text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
        };
        Self { lines, changed: false }
    }

    /// Reads the file, or gives `None` when the image has none.
    ///
    /// # Errors
    /// What [`Host::read`] ends with.
    pub fn load(host: &dyn Host, path: &str) -> Result<Option<Self>> {
        Ok(host.read_if_there(path)?.map(|text| Self::parse(&text)))
    }

    /// Writes the file if a line changed; owner and mode stay.
    ///
    /// # Errors
    /// What [`Host::write`] ends with.
    pub fn save(&mut self, host: &dyn Host, path: &str) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        self.changed = false;
        host.write(path, &self.to_text(), &WriteOptions::default())
    }

    /// The file's text.
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.lines.iter().map(|line| line.len() + 1).sum());
        for line in &self.lines {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        text
    }

    /// The lines, without line ends.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(Vec::as_slice)
    }

    /// The first line whose first field is `name` and that has at least `fields` fields.
    pub fn find(&self, name: &str, fields: usize) -> Option<&[u8]> {
        self.lines().find(|line| is_entry(line, name, fields))
    }

    /// Whether a line's first field is `name`, however little else it holds.
    pub fn mentions(&self, name: &str) -> bool {
        self.lines().any(|line| is_entry(line, name, 2))
    }

    /// Puts a line at the end, but in front of the `+` and `-` lines of NIS.
    pub fn append(&mut self, line: String) {
        let place = self.lines.iter().position(|line| is_nis(line)).unwrap_or(self.lines.len());
        self.lines.insert(place, line.into_bytes());
        self.changed = true;
    }

    /// Replaces the first whole line of `name`, or appends.
    pub fn put(&mut self, name: &str, fields: usize, line: String) {
        match self.lines.iter_mut().find(|old| is_entry(old, name, fields)) {
            Some(old) => {
                self.changed |= old.as_slice() != line.as_bytes();
                *old = line.into_bytes();
            }
            None => self.append(line),
        }
    }

    /// Replaces one field (counted from 0) of the first line of `name` that has at least `fields` fields.
    ///
    /// # Errors
    /// [`Failure`] when there is no such line, or the value would break the file.
    pub fn set_field(&mut self, name: &str, fields: usize, field: usize, value: &str) -> Result<()> {
        crate::check_field("value", value)?;
        let line = self.lines.iter_mut().find(|line| is_entry(line, name, fields));
        let line = line.ok_or_else(|| Failure::other(format!("there is no complete line for `{name}`")))?;
        let mut parts: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        let part = parts.get_mut(field);
        let part = part.ok_or_else(|| Failure::other(format!("the line of `{name}` has too few fields")))?;
        if *part != value.as_bytes() {
            *part = value.as_bytes();
            let new = parts.join(&b':');
            *line = new;
            self.changed = true;
        }
        Ok(())
    }

    /// Lets `change` rewrite lines; it gives `None` for a line that stays.
    pub fn rewrite(&mut self, mut change: impl FnMut(&[u8]) -> Option<Vec<u8>>) {
        for line in &mut self.lines {
            if let Some(new) = change(line) {
                self.changed |= *line != new;
                *line = new;
            }
        }
    }

    /// Brings the lines in front of the first NIS line into the order of `key`; equal keys keep theirs.
    pub fn sort_by_key<K: Ord>(&mut self, key: impl FnMut(&Vec<u8>) -> K) {
        let end = self.lines.iter().position(|line| is_nis(line)).unwrap_or(self.lines.len());
        let (sortable, _) = self.lines.split_at_mut(end);
        sortable.sort_by_cached_key(key);
        self.changed = true;
    }
}

/// Field `number` (from 0) of a line.
pub(crate) fn field(line: &[u8], number: usize) -> Option<&[u8]> {
    line.split(|byte| *byte == b':').nth(number)
}

/// A field that holds an ID: decimal digits, below 2³²−1 (which means "no ID").
pub(crate) fn id_field(line: &[u8], number: usize) -> Option<u32> {
    let digits = field(line, number)?;
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let id: u32 = std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()?;
    (id != u32::MAX).then_some(id)
}

/// Whether the line has at least `fields` fields and its first one is `name`.
fn is_entry(line: &[u8], name: &str, fields: usize) -> bool {
    line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b':'))
        && has_fields(line, fields)
}

/// Whether the line has at least that many fields.
pub(crate) fn has_fields(line: &[u8], fields: usize) -> bool {
    line.split(|byte| *byte == b':').take(fields).count() == fields
}

/// Whether the line hands over to NIS, or takes an entry of NIS back.
pub(crate) fn is_nis(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'+' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_as_it_was() {
        for text in ["", "\n", "a:b\n", "\n\na\n", "a:\u{fffd}\r\n:::\n", "+::\n#x\n"] {
            assert_eq!(Table::parse(text.as_bytes()).to_text(), text.as_bytes());
        }
        assert_eq!(Table::parse(b"a:b").to_text(), b"a:b\n");
        assert_eq!(Table::parse(b"\xff:\0:x").to_text(), b"\xff:\0:x\n");
    }

    #[test]
    fn a_new_line_stands_before_nis_lines() {
        let mut table = Table::parse(b"a:1\n+::\nb:2\n-x::\n");
        table.append("n:3".into());
        assert_eq!(table.to_text(), b"a:1\nn:3\n+::\nb:2\n-x::\n");
    }

    #[test]
    fn only_the_asked_field_of_the_exact_name_changes() {
        let mut table = Table::parse(b"web1:x:1\nweb:x:2\nweb:x:3\n");
        table.set_field("web", 3, 1, "y").unwrap();
        assert_eq!(table.to_text(), b"web1:x:1\nweb:y:2\nweb:x:3\n");
        assert!(table.set_field("web", 4, 1, "y").is_err());
        assert!(table.set_field("web", 3, 3, "y").is_err());
        assert!(table.set_field("web", 3, 1, "a:b").is_err());
        assert!(table.set_field("web", 3, 1, "a\nroot::0").is_err());
    }

    #[test]
    fn odd_numbers_are_no_ids() {
        let cases: [(&[u8], Option<u32>); 8] = [
            (b"a:0", Some(0)),
            (b"a:4294967294", Some(u32::MAX - 1)),
            (b"a:4294967295", None),
            (b"a:-1", None),
            (b"a:+1", None),
            (b"a: 1", None),
            (b"a:", None),
            (b"a", None),
        ];
        for (line, id) in cases {
            assert_eq!(id_field(line, 1), id, "{line:?}");
        }
    }
}
