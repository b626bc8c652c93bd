//! The syntax of unit files, as far as the section `[Install]` needs it.

/// Bytes: longer lines, also joined ones, are refused.
const LONGEST_LINE: usize = 1 << 20;

/// `Key=value` in the section `[Install]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// The assignments of `[Install]`, in order.
///
/// # Errors
/// What is wrong, for a file that systemd refuses as a whole.
pub(crate) fn install_assignments(text: &[u8]) -> Result<Vec<Assignment>, &'static str> {
    let mut reader = Reader::default();
    let mut continued: Option<Vec<u8>> = None;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for line in lines(text) {
        if line.len() >= LONGEST_LINE {
            return Err("a line is longer than 1 MiB");
        }
        if matches!(line.trim_ascii_start().first(), Some(b'#' | b';')) {
            continue;
        }
        let mut whole = continued.take().unwrap_or_default();
        whole.extend_from_slice(line);
        if whole.len() > LONGEST_LINE {
            return Err("a line is longer than 1 MiB");
        }
        if ends_in_backslash(&whole) {
            whole.pop();
            whole.push(b' ');
            continued = Some(whole);
        } else {
            reader.line(&whole)?;
        }
    }
    if let Some(rest) = continued {
        reader.line(&rest)?;
    }
    Ok(reader.assignments)
}

/// Splits at every line end that systemd knows: LF, CR, NUL, and CR LF.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut previous = 0;
    text.split(|byte| matches!(byte, b'\n' | b'\r' | 0)).filter(move |line| {
        // The empty text between CR and LF is no line.
        let offset = line.as_ptr() as usize - text.as_ptr() as usize;
        let before = offset.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(0);
        let is_half =
            line.is_empty() && text.get(offset) == Some(&b'\n') && before == b'\r' && previous != offset;
        previous = offset;
        !is_half
    })
}

/// Whether the last backslash escapes the line end.
fn ends_in_backslash(line: &[u8]) -> bool {
    line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

#[derive(Default)]
struct Reader {
    in_install: bool,
    assignments: Vec<Assignment>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let line = std::str::from_utf8(line).map_err(|_| "a line is not UTF-8")?;
        if let Some(header) = line.strip_prefix('[') {
            let name = header.strip_suffix(']').ok_or("a section header does not end in `]`")?;
            if name.chars().any(|c| c.is_ascii_control() || matches!(c, '"' | '\\' | '\'')) {
                return Err("a section header holds an odd character");
            }
            self.in_install = name == "Install";
            return Ok(());
        }
        if let Some((key, value)) = line.split_once('=').filter(|(key, _)| self.in_install && !key.is_empty())
        {
            self.assignments
                .push(Assignment { key: key.trim_ascii().into(), value: value.trim_ascii().into() });
        }
        Ok(())
    }
}

/// The words of a list; quotes hold words together. `None` when a quote is left open.
pub(crate) fn quoted_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if is_separator(c) => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// The words of `Also=`: no quotes, and a backslash takes the next character as it is. `None` when nothing follows the
/// backslash.
pub(crate) fn plain_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut escaped = false;
    for c in text.chars() {
        match c {
            c if escaped => {
                escaped = false;
                word.get_or_insert_default().push(c);
            }
            '\\' => escaped = true,
            c if is_separator(c) => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!escaped).then_some(words)
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[u8]) -> Vec<(String, String)> {
        install_assignments(text).unwrap().into_iter().map(|a| (a.key, a.value)).collect()
    }

    #[test]
    fn only_the_section_install_is_read() {
        let text = b"WantedBy=lost\n[Unit]\nAlso=x\n[Install]\n WantedBy = a.target b \n#Alias=n\n;x=y\nnoise\n=v\n[X-Install]\nAlias=z\n[Install]\nAlias=k";
        assert_eq!(pairs(text), [("WantedBy".into(), "a.target b".into()), ("Alias".into(), "k".into())]);
    }

    #[test]
    fn lines_are_joined_across_comments() {
        let text = b"[Install]\nAlias=a \\\n# no\n  b \\\r\n  c\\\\\nAlso=d\\";
        let expected = [("Alias".into(), "a    b    c\\\\".into()), ("Also".into(), "d".into())];
        assert_eq!(pairs(text), expected);
    }

    #[test]
    fn broken_files_are_refused() {
        let long = [b"[Install]\nAlias=".as_slice(), &vec![b'x'; LONGEST_LINE]].concat();
        for text in [b"[Install".as_slice(), b"[a\"b]", b"[Install]\nAlias=\xff\n", &long] {
            assert!(install_assignments(text).is_err());
        }
        assert_eq!(pairs(b"\0\x01\x02\n[Install]\0Alias=a\0"), [("Alias".into(), "a".into())]);
    }

    #[test]
    fn words_are_split_as_systemd_splits_them() {
        assert_eq!(quoted_words("a \"b c\"'d'\te\\x2df ''").unwrap(), ["a", "b cd", "e\\x2df", ""]);
        assert_eq!(quoted_words("a \"b"), None);
        assert_eq!(plain_words("a\\x2db \"c\"").unwrap(), ["ax2db", "\"c\""]);
        assert_eq!(plain_words("a \\"), None);
    }
}
