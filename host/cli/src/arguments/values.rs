//! How the values of flags are read where clap's own readers differ from the reference program.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};

use super::flags::Resource;

/// A path. Unlike clap's own reader this takes the empty text, which stands for "not given".
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// One of `words`, case-sensitive, or the empty text, which every such flag takes as "not given".
pub(super) fn one_of(words: &'static [&'static str]) -> PossibleValuesParser {
    let words = words.iter().copied().map(PossibleValue::new);
    PossibleValuesParser::new(words.chain([PossibleValue::new("").hide(true)]))
}

/// One of `words`, case-sensitive.
pub(super) fn words(words: &'static [&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(words.iter().copied().map(PossibleValue::new))
}

/// A truth value after `=`, in any case.
pub(crate) fn truth(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(format!("expected true, 1, yes, false, 0 or no but got `{text}`")),
    }
}

/// A whole number whose prefix names its base: `0x` 16, `0o` or `0` 8, `0b` 2, otherwise 10.
///
/// One underscore may stand between two digits, or between prefix and digits.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    parse_integer(text).ok_or_else(|| format!("expected a whole number but got `{text}`"))
}

fn parse_integer(text: &str) -> Option<i64> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = split_base(magnitude);
    let value = i128::from(u64::from_str_radix(&without_underscores(digits)?, radix).ok()?);
    i64::try_from(if negative { -value } else { value }).ok()
}

/// The base, and the digits; after a prefix these may begin with an underscore.
fn split_base(text: &str) -> (u32, &str) {
    let prefixes = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
    for (prefix, radix) in prefixes {
        if let Some(digits) = text.strip_prefix(prefix) {
            return (radix, digits.strip_prefix('_').unwrap_or(digits));
        }
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => (8, digits.strip_prefix('_').unwrap_or(digits)),
        _ => (10, text),
    }
}

/// `None` for anything but letters and digits with single underscores between them.
fn without_underscores(digits: &str) -> Option<String> {
    let groups: Vec<&str> = digits.split('_').collect();
    let sound = |group: &&str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_alphanumeric());
    groups.iter().all(sound).then(|| groups.concat())
}

/// Splits a list at its commas. `\,` is a comma inside an entry; any other backslash stands for itself.
/// An empty entry at the end is dropped, so `a,` is one entry and the empty text none.
pub(super) fn split_list(text: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    let mut entry = Vec::new();
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if bytes.peek() == Some(&b',') => entry.extend(bytes.next()),
            // The byte after a backslash is taken as it is, another backslash too.
            b'\\' => entry.extend([b'\\'].into_iter().chain(bytes.next())),
            b',' => entries.push(std::mem::take(&mut entry)),
            _ => entry.push(byte),
        }
    }
    if !entry.is_empty() {
        entries.push(entry);
    }
    entries
}

/// The paths of a list flag that was given once or several times.
pub(crate) fn path_list(given: &[OsString]) -> Vec<PathBuf> {
    let entries = given.iter().flat_map(|text| split_list(OsStr::as_bytes(text)));
    entries.map(|entry| PathBuf::from(OsString::from_vec(entry))).collect()
}

/// The value of one `--validate-resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourceList(pub(crate) Vec<Resource>);

/// Reads a list of resource kinds; empty entries are dropped.
pub(super) fn resources(text: &str) -> Result<ResourceList, String> {
    let entries = split_list(text.as_bytes());
    let words = entries.iter().map(|entry| String::from_utf8_lossy(entry)).filter(|word| !word.is_empty());
    let kinds = words.map(|word| {
        Resource::from_word(&word)
            .ok_or_else(|| format!("must be one of \"files\",\"oci\",\"all\" but got \"{word}\""))
    });
    kinds.collect::<Result<_, _>>().map(ResourceList)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_their_base_from_the_prefix() {
        let cases = [
            ("9", Some(9)),
            ("+9", Some(9)),
            ("-9", Some(-9)),
            ("0", Some(0)),
            ("00", Some(0)),
            ("0x16", Some(22)),
            ("0X1f", Some(31)),
            ("-0x10", Some(-16)),
            ("0o17", Some(15)),
            ("0O17", Some(15)),
            ("017", Some(15)),
            ("0b11", Some(3)),
            ("0B11", Some(3)),
            ("1_000", Some(1000)),
            ("0x_f", Some(15)),
            ("0_7", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("99999999999999999999999999", None),
            ("", None),
            ("-", None),
            ("+-1", None),
            ("0x", None),
            ("0x+1", None),
            ("+ 1", None),
            ("08", None),
            ("0b2", None),
            ("1_", None),
            ("_1", None),
            ("1__0", None),
            ("0__7", None),
            ("0x__1", None),
            ("1.0", None),
            ("1e3", None),
            ("ten", None),
            ("١", None),
        ];
        for (text, expected) in cases {
            assert_eq!(integer(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn lists_split_at_commas_that_no_backslash_protects() {
        let cases: [(&str, &[&str]); 12] = [
            ("", &[]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            ("a,", &["a"]),
            (",a", &["", "a"]),
            ("a,,b", &["a", "", "b"]),
            (r"a\,b", &["a,b"]),
            (r"a\,b,c", &["a,b", "c"]),
            (r"a\b", &[r"a\b"]),
            (r"a\\,b", &[r"a\\", "b"]),
            (r"a\", &[r"a\"]),
            (r"\,", &[","]),
        ];
        for (text, expected) in cases {
            let entries = split_list(text.as_bytes());
            let entries: Vec<&str> =
                entries.iter().map(|entry| std::str::from_utf8(entry).unwrap()).collect();
            assert_eq!(entries, expected, "{text:?}");
        }
    }

    #[test]
    fn a_list_flag_given_twice_is_one_list() {
        let given = [OsString::from("a,b"), OsString::from("c")];
        assert_eq!(path_list(&given), ["a", "b", "c"].map(PathBuf::from));
    }

    #[test]
    fn a_path_that_is_not_utf8_survives_splitting() {
        let given = [OsString::from_vec(b"a\xff,b".to_vec())];
        assert_eq!(path_list(&given), [PathBuf::from(OsString::from_vec(b"a\xff".to_vec())), "b".into()]);
    }

    #[test]
    fn truth_values_have_three_spellings_each() {
        for text in ["true", "TRUE", "1", "yes"] {
            assert_eq!(truth(text), Ok(true), "{text}");
        }
        for text in ["false", "False", "0", "no"] {
            assert_eq!(truth(text), Ok(false), "{text}");
        }
        for text in ["", "on", "y", "2"] {
            assert!(truth(text).is_err(), "{text}");
        }
    }

    #[test]
    fn resource_lists_take_known_kinds_only() {
        assert_eq!(resources("files,oci"), Ok(ResourceList(vec![Resource::Files, Resource::Oci])));
        assert_eq!(resources(""), Ok(ResourceList(Vec::new())));
        assert!(resources("files,Files").unwrap_err().ends_with("but got \"Files\""));
    }
}
