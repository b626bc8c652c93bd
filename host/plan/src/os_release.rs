//! Reads `os-release`: shell-like assignments, as os-release(5) describes them.

use std::collections::BTreeMap;

/// The assignments of an `os-release` file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OsRelease {
    values: BTreeMap<String, String>,
}

/// Longest text that is looked at: 64 KiB.
const MAX_LEN: usize = 64 << 10;

impl OsRelease {
    /// Reads the text; lines that are no assignment are passed over, as systemd does.
    ///
    /// # Errors
    /// The number (from 1) of a line whose value expands a variable, leaves a quote open, or 0 when the text is too long.
    pub fn parse(text: &str) -> Result<Self, usize> {
        if text.len() > MAX_LEN {
            return Err(0);
        }
        let mut values = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((name, value)) = line.split_once('=').filter(|(name, _)| is_name(name)) {
                values.insert(name.to_owned(), unquote(value).ok_or(index + 1)?);
            }
        }
        Ok(Self { values })
    }

    /// The value of a variable; empty values count as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The value without its quotes; `None` when it expands a variable or a quote stays open.
fn unquote(value: &str) -> Option<String> {
    let mut text = String::new();
    let mut quote = None;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '$' | '`') => return None,
            (None | Some('"'), '\\') => text.push(chars.next()?),
            (None, ' ' | '\t' | '#') => break,
            _ => text.push(c),
        }
    }
    quote.is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_and_comments() {
        let text =
            "# x\nID=debian\nVERSION_ID=\"12\"\nNAME='Debian GNU/Linux'\nA=\"q\\\"r\"\nEMPTY=\nnot a line\n";
        let read = OsRelease::parse(text).unwrap();
        let cases = [
            ("ID", Some("debian")),
            ("VERSION_ID", Some("12")),
            ("NAME", Some("Debian GNU/Linux")),
            ("A", Some("q\"r")),
            ("EMPTY", None),
            ("not a line", None),
        ];
        for (name, value) in cases {
            assert_eq!(read.get(name), value, "{name}");
        }
    }

    #[test]
    fn expansion_and_open_quotes_are_refused_with_their_line() {
        assert_eq!(OsRelease::parse("ID=x\nNAME=$HOME\n"), Err(2));
        assert_eq!(OsRelease::parse("ID=\"x\n"), Err(1));
        assert_eq!(OsRelease::parse(&"A".repeat(MAX_LEN + 1)), Err(0));
    }
}
