//! Texts of a registry in messages.

use std::fmt::Write as _;

use crate::http::escaped;

/// Characters of a foreign text that a message shows.
const LONGEST: usize = 200;

/// The text in one line that moves no cursor, shortened.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", in_one_line(text.get(..end).unwrap_or_default())),
        None => in_one_line(text),
    }
}

fn in_one_line(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => safe.push(' '),
            _ if character.is_control() || is_format(character) => {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
            _ => safe.push(character),
        }
    }
    safe
}

/// What changes the direction or the look of other text without being seen.
fn is_format(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Texts that no message may hold.
#[derive(Default)]
pub(crate) struct Secrets(Vec<String>);

/// A shorter text occurs in messages by chance; nobody's password is so short that hiding it would help.
const SHORTEST_SECRET: usize = 4;

impl Secrets {
    /// Hides this text from now on, as it is and as it may be written in an address, a document or a message.
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST_SECRET {
            return;
        }
        let forms =
            [secret.to_owned(), escaped(secret), in_one_line(secret), secret.escape_debug().to_string()];
        self.0.extend(forms.iter().map(|form| form.to_ascii_lowercase()));
        // A secret within another one must not leave the rest of it.
        self.0.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        self.0.dedup();
    }

    /// The text as [`shown`] writes it, without secrets that the registry may have given back.
    pub(crate) fn shown(&self, text: &str) -> String {
        shown(&self.hidden(text))
    }

    /// The text without secrets, whether in small letters or in large ones, and without the beginning of one where
    /// [`shown`] cut it.
    pub(crate) fn hidden(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| without(&text, secret))
    }
}

const HIDDEN: &str = "[secret]";

fn without(text: &str, secret: &str) -> String {
    // ASCII letters alone change, so places stay.
    let lower = text.to_ascii_lowercase();
    let (mut safe, mut done) = (String::new(), 0);
    for (at, found) in lower.match_indices(secret) {
        safe.push_str(text.get(done..at).unwrap_or_default());
        safe.push_str(HIDDEN);
        done = at.saturating_add(found.len());
    }
    safe.push_str(text.get(done..).unwrap_or_default());
    without_beginning(&safe, secret)
}

/// Cuts the beginning of a secret before `…`.
fn without_beginning(text: &str, secret: &str) -> String {
    let mut parts = text.split('…');
    let mut safe = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let lower = safe.to_ascii_lowercase();
        let ends = (SHORTEST_SECRET..secret.len()).rev().filter_map(|end| secret.get(..end));
        if let Some(rest) = ends.filter_map(|start| lower.strip_suffix(start)).next() {
            safe.truncate(rest.len());
            safe.push_str(HIDDEN);
        }
        safe.push('…');
        safe.push_str(part);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_in_its_line_and_moves_no_cursor() {
        assert_eq!(shown("a\nb\u{1b}[31mc\u{202e}d"), "a b\\u{1b}[31mc\\u{202e}d");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn secrets_that_come_back_are_hidden() {
        let mut secrets = Secrets::default();
        secrets.add("hunter2");
        secrets.add("a");
        assert_eq!(secrets.shown("bad password hunter2 of a"), "bad password [secret] of a");
        assert_eq!(secrets.hidden("https://HUNTER2.example/"), "https://[secret].example/");
        secrets.add("hunter2 \t&more");
        let forms = "hunter2 \t&more hunter2%20%09%26more \"hunter2 \\t&more\" ä hunter2";
        assert_eq!(secrets.shown(forms), "[secret] [secret] \"[secret]\" ä [secret]");
    }

    #[test]
    fn a_secret_that_is_cut_off_is_hidden_as_well() {
        let mut secrets = Secrets::default();
        secrets.add(&"s3cr3t".repeat(100));
        let message =
            format!("`{}` is wrong", shown(&format!("{}{}", "x".repeat(190), "s3cr3t".repeat(100))));
        assert_eq!(secrets.hidden(&message), format!("`{}[secret]…` is wrong", "x".repeat(190)));
    }
}
