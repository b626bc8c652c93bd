//! Bytes → characters: UTF-8 or, behind a byte order mark, UTF-16.
//!
//! The reference program's reader checks its input in blocks, as far as it needs them: bad bytes well
//! behind the end of the first document do no harm. [`Text`] keeps that: it knows where the blocks end,
//! and whoever reads on gets the damage with the first look at its block.

use std::fmt;

/// So many bytes make a block.
const BLOCK: usize = 512;

/// A text as far as it can be read, and what is wrong with the rest.
pub(crate) struct Text {
    /// The whole text; what cannot be read is replaced, for showing it.
    shown: String,
    /// Where the blocks end that hold good characters only, in bytes of `shown`.
    block_ends: Vec<usize>,
    damage: Option<Damage>,
}

/// The first character that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) kind: DamageKind,
    /// Its place, in bytes of the shown text.
    pub(crate) at: usize,
}

/// Why a character cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DamageKind {
    Utf8,
    Utf16,
    /// A character that YAML does not allow.
    Forbidden(char),
}

impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8 => f.write_str("the file is not valid UTF-8"),
            Self::Utf16 => f.write_str("the file is not valid UTF-16"),
            Self::Forbidden(c) => {
                write!(f, "the character U+{:04X} is not allowed in YAML", u32::from(*c))
            }
        }
    }
}

impl Text {
    /// Decodes a file.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let (encoding, mark) = match bytes {
            [0xff, 0xfe, ..] => (Encoding::Utf16(u16::from_le_bytes), 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16(u16::from_be_bytes), 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            _ => (Encoding::Utf8, 0),
        };
        let mut text =
            Self { shown: String::with_capacity(bytes.len()), block_ends: Vec::new(), damage: None };
        let read = encoding.decode(bytes, mark, &mut text);
        encoding.show(bytes.get(read..).unwrap_or_default(), &mut text.shown);
        text
    }

    /// What can be read: the blocks before the one with the first bad character.
    pub(crate) fn readable(&self) -> &str {
        self.shown.get(..self.block_end(usize::MAX)).unwrap_or_default()
    }

    /// Where the block with this number ends, in bytes; the last one, where there is none.
    pub(crate) fn block_end(&self, number: usize) -> usize {
        self.block_ends.get(number).or(self.block_ends.last()).copied().unwrap_or(0)
    }

    /// All of it, for showing; bad characters are replaced.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) fn damage(&self) -> Option<Damage> {
        self.damage
    }
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

/// What stands at the beginning of some bytes.
enum Next {
    Char(char, usize),
    /// The bytes end inside a character.
    Incomplete,
    Bad,
}

impl Encoding {
    /// Appends all up to the first bad character; tells how many bytes were read.
    fn decode(self, bytes: &[u8], mark: usize, text: &mut Text) -> usize {
        let (mut at, mut end) = (mark, BLOCK.min(bytes.len()));
        while at < bytes.len() {
            let mut block_ends = false;
            let kind = match self.next(bytes.get(at..end).unwrap_or_default()) {
                Next::Char(c, width) if is_allowed(c) => {
                    text.shown.push(c);
                    at += width;
                    block_ends = at == end;
                    None
                }
                Next::Char(c, _) => Some(DamageKind::Forbidden(c)),
                Next::Incomplete => {
                    block_ends = true;
                    (end == bytes.len()).then_some(self.damage())
                }
                Next::Bad => Some(self.damage()),
            };
            if block_ends {
                text.block_ends.push(text.shown.len());
                end = bytes.len().min(at + BLOCK);
            }
            if let Some(kind) = kind {
                text.damage = Some(Damage { kind, at: text.shown.len() });
                break;
            }
        }
        at
    }

    fn next(self, bytes: &[u8]) -> Next {
        match self {
            Self::Utf8 => next_utf8(bytes),
            Self::Utf16(unit) => next_utf16(bytes, unit),
        }
    }

    fn damage(self) -> DamageKind {
        match self {
            Self::Utf8 => DamageKind::Utf8,
            Self::Utf16(_) => DamageKind::Utf16,
        }
    }

    fn show(self, bytes: &[u8], text: &mut String) {
        match self {
            Self::Utf8 => text.push_str(&String::from_utf8_lossy(bytes)),
            Self::Utf16(unit) => {
                let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
                text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
            }
        }
    }
}

fn next_utf8(bytes: &[u8]) -> Next {
    let width = match bytes.first() {
        Some(&byte @ ..0x80) => return Next::Char(char::from(byte), 1),
        Some(0xc0..0xe0) => 2,
        Some(0xe0..0xf0) => 3,
        Some(0xf0..0xf8) => 4,
        Some(_) => return Next::Bad,
        None => return Next::Incomplete,
    };
    let Some(bytes) = bytes.get(..width) else { return Next::Incomplete };
    let decoded = std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next());
    decoded.map_or(Next::Bad, |c| Next::Char(c, width))
}

fn next_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Next {
    let Some((first, rest)) = bytes.split_first_chunk::<2>() else { return Next::Incomplete };
    let first = unit(*first);
    match first {
        0xdc00..0xe000 => Next::Bad,
        0xd800..0xdc00 => {
            let Some(second) = rest.first_chunk::<2>() else { return Next::Incomplete };
            let decoded = char::decode_utf16([first, unit(*second)]).next();
            decoded.and_then(Result::ok).map_or(Next::Bad, |c| Next::Char(c, 4))
        }
        _ => char::from_u32(first.into()).map_or(Next::Bad, |c| Next::Char(c, 2)),
    }
}

/// The printable characters of YAML 1.1 (section 5.1) and the byte order mark.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_encodings_are_told_apart_by_their_mark() {
        for bytes in [&b"a"[..], b"\xef\xbb\xbfa", b"\xff\xfea\0", b"\xfe\xff\0a"] {
            let text = Text::decode(bytes);
            assert_eq!((text.readable(), text.shown(), text.damage()), ("a", "a", None));
        }
    }

    #[test]
    fn damage_hides_its_block() {
        let cases: [(&[u8], &str, DamageKind, usize); 7] = [
            (b"ab\x01c", "", DamageKind::Forbidden('\u{1}'), 2),
            (b"ab\xffc", "", DamageKind::Utf8, 2),
            (b"ab\xc3", "ab", DamageKind::Utf8, 2),
            (b"ab\xc3\x28", "", DamageKind::Utf8, 2),
            (b"\xff\xfea\0\x00\xdc", "", DamageKind::Utf16, 1),
            (b"\xff\xfea\0\x00\xd8", "a", DamageKind::Utf16, 1),
            (b"\xff\xfea\0b", "a", DamageKind::Utf16, 1),
        ];
        for (bytes, readable, kind, at) in cases {
            let text = Text::decode(bytes);
            assert_eq!(text.readable(), readable, "{bytes:?}");
            assert_eq!(text.damage(), Some(Damage { kind, at }), "{bytes:?}");
        }
    }

    #[test]
    fn a_character_on_the_border_of_a_block_belongs_to_the_next_one() {
        let mut bytes = vec![b'a'; 511];
        bytes.extend("é".as_bytes());
        bytes.extend([b'a'; 600]);
        let text = Text::decode(&bytes);
        assert_eq!([0, 1, 2, 9].map(|number| text.block_end(number)), [511, 1023, 1113, 1113]);
    }
}
