//! Names: what may be stored, the short name beside a long one, and which names are the same.

use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};

/// UTF-16 units of a long name at most.
pub(super) const LONGEST: usize = 255;
/// UTF-16 units in one slot.
pub(super) const PER_SLOT: usize = 13;
/// Base and extension of a short name, padded by spaces.
pub(super) type Short = [u8; 11];

/// What the upper half of code page 437, the usual one, stands for.
const CODE_PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// A name that FAT can store.
pub(super) fn check(name: &[u8]) -> Outcome<&str> {
    let refuse = |text: &str| {
        let shown = String::from_utf8_lossy(name);
        let text = format!("FAT cannot store the name `{}`: {text}", shown.escape_debug());
        Err(Failure::new(ErrorKind::Unsupported, text))
    };
    let Ok(text) = std::str::from_utf8(name) else { return refuse("it is not UTF-8") };
    if text.is_empty() || text.encode_utf16().count() > LONGEST {
        return refuse("it has no character, or more than 255");
    }
    if text.chars().any(|c| c < ' ' || c == '\u{7f}' || "\"*/:<>?\\|".contains(c)) {
        return refuse("it holds a control character or one of \"*/:<>?\\|");
    }
    if text.ends_with([' ', '.']) {
        return refuse("it ends in a space or a dot");
    }
    Ok(text)
}

/// Whether two names are the same to FAT.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    let (Ok(one), Ok(other)) = (std::str::from_utf8(one), std::str::from_utf8(other)) else {
        return false;
    };
    one.chars().map(upper).eq(other.chars().map(upper))
}

/// One character to one, as the tables of FAT have it.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

/// The short name of a slot as text, in lower case where the slot says so.
pub(super) fn short_text(short: &Short, lower_base: bool, lower_extension: bool) -> String {
    let (base, extension) = short.split_at(8);
    let mut text = part_text(base, lower_base);
    let extension = part_text(extension, lower_extension);
    if !extension.is_empty() {
        text.push('.');
        text.push_str(&extension);
    }
    text
}

fn part_text(part: &[u8], lower: bool) -> String {
    let len = part.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    part.iter()
        .take(len)
        .map(|byte| match byte {
            0..=127 if lower => char::from(byte.to_ascii_lowercase()),
            0..=127 => char::from(*byte),
            high => CODE_PAGE_437.chars().nth(usize::from(*high) - 128).unwrap_or('_'),
        })
        .map(|c| if c == '/' || c.is_control() { '_' } else { c })
        .collect()
}

/// The name as a short one, if it is one: at most 8 and 3 characters, all of them upper case.
pub(super) fn as_short(name: &str) -> Option<Short> {
    let (base, extension) = match name.rsplit_once('.') {
        Some((base, extension)) => (base, Some(extension)),
        None => (name, None),
    };
    let fits =
        |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(is_short_character);
    if !fits(base, 8) || extension.is_some_and(|extension| !fits(extension, 3)) {
        return None;
    }
    let mut short = [b' '; 11];
    fill(&mut short, 0, base.as_bytes());
    fill(&mut short, 8, extension.unwrap_or_default().as_bytes());
    Some(short)
}

fn is_short_character(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"$%'-_@~`!(){}^#&".contains(&byte)
}

/// A short name to go with a long one, none of those `taken`.
pub(super) fn make_short(name: &str, taken: &dyn Fn(&Short) -> bool) -> Option<Short> {
    let trimmed = name.trim_start_matches(['.', ' ']);
    let (base, extension) = match trimmed.rsplit_once('.') {
        Some((base, extension)) => (base, extension),
        None => (trimmed, ""),
    };
    let (mut base, extension) = (simplify(base), simplify(extension));
    if base.is_empty() {
        base.push(b'_');
    }
    let with = |head: &[u8], tail: &str| {
        let mut short = [b' '; 11];
        let keep = head.len().min(8 - tail.len());
        fill(&mut short, 0, head.get(..keep).unwrap_or(head));
        fill(&mut short, keep, tail.as_bytes());
        fill(&mut short, 8, extension.get(..3).unwrap_or(&extension));
        short
    };
    // A name that only its case keeps from being a short one stays itself there, for what reads no long names.
    let same = as_short(&name.to_ascii_uppercase());
    let few = (1..=4).map(|number| with(&base, &format!("~{number}")));
    // Many names that begin alike: tell them apart by what they are, or each would try all that came before.
    let hash = name.encode_utf16().fold(0_u16, |hash, unit| hash.rotate_left(5).wrapping_add(unit));
    let mut head = base.get(..2).unwrap_or(&base).to_vec();
    head.extend_from_slice(format!("{hash:04X}").as_bytes());
    let by_hash = (1..=9).map(|number| with(&head, &format!("~{number}")));
    let many = (5..=999_999).map(|number| with(&base, &format!("~{number}")));
    same.into_iter().chain(few).chain(by_hash).chain(many).find(|short| !taken(short))
}

fn simplify(part: &str) -> Vec<u8> {
    let simple = part.chars().filter(|c| !matches!(c, ' ' | '.')).map(|c| {
        let byte = u8::try_from(u32::from(upper(c))).unwrap_or(b'_');
        if is_short_character(byte) { byte } else { b'_' }
    });
    simple.collect()
}

fn fill(short: &mut Short, start: usize, bytes: &[u8]) {
    for (place, byte) in short.iter_mut().skip(start).zip(bytes) {
        *place = *byte;
    }
}

/// Ties the slots of a long name to the short name behind them.
pub(super) fn checksum(short: &Short) -> u8 {
    short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// A long name as bytes: UTF-8, halves of pairs that stand alone as they would be coded. `None` when it holds
/// what no name may hold.
pub(super) fn long_bytes(units: &[u16]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(units.len());
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(c) if c < ' ' || c == '/' || c == '\u{7f}' => return None,
            Ok(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(half) => {
                let half = half.unpaired_surrogate();
                let [low, high] = [half & 0x3F, half >> 6 & 0x3F].map(|bits| bits.to_le_bytes()[0]);
                bytes.extend_from_slice(&[0xED, 0x80 | high, 0x80 | low]);
            }
        }
    }
    // More bytes than a name may have elsewhere, or a name with a meaning: the short one must do.
    (!bytes.is_empty() && bytes.len() <= 255 && bytes != b"." && bytes != b"..").then_some(bytes)
}
