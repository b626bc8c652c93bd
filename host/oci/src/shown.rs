//! Texts of a registry in messages.

use std::fmt::Write as _;

/// Characters of a foreign text that a message shows.
const LONGEST: usize = 200;

/// The text in one line that moves no cursor, shortened.
pub(crate) fn shown(text: &str) -> String {
    let mut safe = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == LONGEST {
            safe.push('…');
            break;
        }
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
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            self.0.push(secret.to_owned());
        }
    }

    /// The text as [`shown`] writes it, without secrets that the registry may have given back.
    pub(crate) fn shown(&self, text: &str) -> String {
        let hide = |text: String, secret: &String| text.replace(secret.as_str(), "[secret]");
        shown(&self.0.iter().fold(text.to_owned(), hide))
    }
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
    }
}
