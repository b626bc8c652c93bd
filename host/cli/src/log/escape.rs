//! Text from outside never moves the cursor, changes colours or begins a line of its own.

use std::fmt::Write as _;

/// The text with everything that could act on a terminal or end the line written as an escape.
pub(crate) fn escape_line(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        push_escaped(&mut escaped, character);
    }
    escaped
}

/// The text as [`escape_line`] writes it, in double quotes; quotes and backslashes get a backslash.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        push_escaped(&mut quoted, character);
    }
    quoted.push('"');
    quoted
}

/// JSON text in which the characters that JSON may leave bare, but a terminal acts on, are escapes too.
/// They occur inside strings alone, so the meaning stays; line ends occur between values alone, and stay too.
pub(crate) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && acts_on_terminal(character) {
            // All of them lie in the basic plane, so one unit of UTF-16 is enough.
            push_formatted(&mut escaped, format_args!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn push_escaped(text: &mut String, character: char) {
    match character {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        _ if character.is_ascii_control() => {
            push_formatted(text, format_args!("\\x{:02x}", u32::from(character)))
        }
        _ if acts_on_terminal(character) => {
            push_formatted(text, format_args!("\\u{{{:x}}}", u32::from(character)))
        }
        _ => text.push(character),
    }
}

/// Control characters, line and paragraph separators, and what reverses the direction of text.
fn acts_on_terminal(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}')
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_formatted(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_as_an_escape() {
        let cases = [
            ("plain text, ünï ✓", "plain text, ünï ✓"),
            ("a\nb", r"a\nb"),
            ("a\r\tb", r"a\r\tb"),
            ("\u{1b}[31mred\u{1b}[0m", r"\x1b[31mred\x1b[0m"),
            ("bell\u{7} delete\u{7f} nul\0", r"bell\x07 delete\x7f nul\x00"),
            ("csi\u{9b}2J", r"csi\u{9b}2J"),
            ("line\u{2028}paragraph\u{2029}", r"line\u{2028}paragraph\u{2029}"),
            ("bidi\u{202e}\u{2066}", r"bidi\u{202e}\u{2066}"),
            (r"back\slash", r"back\slash"),
        ];
        for (text, expected) in cases {
            assert_eq!(escape_line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_cannot_be_closed_from_inside() {
        assert_eq!(quote(r#"a" level=info msg="b\"#), r#""a\" level=info msg=\"b\\""#);
    }

    #[test]
    fn escaped_json_still_means_the_same() {
        let text = "a\u{9b}b\u{7f}\u{202e}\u{2028}\u{1b}\n\"";
        let json = escape_json(&serde_json::to_string(text).unwrap());
        assert!(json.chars().all(|character| character == ' ' || character.is_ascii_graphic()), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
