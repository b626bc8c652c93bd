//! The grammars of text fields.

use super::address;
use crate::yaml::days_in;

/// One letter, digit or `_`, then up to 62 of those or `-`, in each label; a dot or `_` may end it.
/// The reference program's grammar takes `_`, and a rule after it refuses it again.
pub(super) fn hostname(name: &str) -> Result<(), &'static str> {
    let body = name.strip_suffix('.').unwrap_or(name);
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if name.contains('_') {
        return Err("it contains `_`");
    }
    if !body.split('.').all(label_fits) {
        return Err("each part is 1 to 63 letters, digits or `-`, and does not begin with `-`");
    }
    if name.bytes().filter(|b| *b != b'.').count() > 255 {
        return Err("it is longer than 255 characters");
    }
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Err("it is an address");
    }
    Ok(())
}

/// An absolute path that may stand in `/etc/fstab`.
pub(super) fn mount_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        Err("it is empty")
    } else if !path.starts_with('/') {
        Err("it does not begin with `/`")
    } else if path.contains([' ', '\t', '\n', ':', ',']) {
        Err("it contains a blank, a tab, a line end, `:` or `,`")
    } else {
        Ok(())
    }
}

/// Whether a path is in its shortest form: no `//`, `.`, `..` or `/` at the end.
pub(super) fn is_normalised(path: &str) -> bool {
    path == "/" || path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."))
}

/// `8-4-4-4-12` hex digits.
pub(super) fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether the text is a version of Azure Linux: `3.0`, or with a date `3.0.20250101`.
pub(crate) fn azure_linux_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (2..=3).contains(&parts.len()) && parts.into_iter().all(digits)
}

/// Whether the text is one segment of an OCI repository path.
pub(crate) fn azure_linux_variant(text: &str) -> bool {
    is_repository_segment(text)
}

/// Runs of `a-z0-9`, joined by `.`, `_`, `__` or any number of `-`.
pub(super) fn is_repository_segment(text: &str) -> bool {
    let is_run = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut rest = text.as_bytes();
    loop {
        let run = rest.iter().take_while(|b| is_run(**b)).count();
        if run == 0 {
            return false;
        }
        rest = rest.get(run..).unwrap_or_default();
        if rest.is_empty() {
            return true;
        }
        let separator = rest.iter().take_while(|b| !is_run(**b)).count();
        let joins = rest.get(..separator).unwrap_or_default();
        if !matches!(joins, b"." | b"_" | b"__") && !joins.iter().all(|b| *b == b'-') {
            return false;
        }
        rest = rest.get(separator..).unwrap_or_default();
    }
}

/// Lower-case letters and digits, words joined by `-`, at most 64 bytes.
pub(super) fn step_name(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 64 && text.split('-').all(is_word)
}

/// `registry/repository[:tag]@sha256:digest`
pub(super) fn is_oci_component(text: &str) -> Result<(), &'static str> {
    address::oci_reference(text)?;
    let Some((name, digest)) = text.split_once('@') else {
        return Err("it has no digest");
    };
    if !digest.starts_with("sha256:") {
        return Err("its digest is not `sha256:` and 64 hex digits");
    }
    let path = name.split_once('/').map_or("", |(_, path)| path);
    match path.split_once(':') {
        Some((_, tag)) if !address::is_tag(tag) => {
            Err("the tag is not 1 to 128 letters, digits, `_`, `.` or `-`")
        }
        _ => Ok(()),
    }
}

/// An instant: RFC 3339, or a date alone, which means its first instant in UTC.
pub(crate) fn snapshot_time(text: &str) -> bool {
    check_snapshot_time(text).is_some()
}

fn check_snapshot_time(text: &str) -> Option<()> {
    let date = text.get(..10)?;
    let rest = text.get(10..)?;
    let mut fields = date.split('-');
    let year = number(fields.next()?, 4)?;
    let month = number(fields.next()?, 2)?;
    let day = number(fields.next()?, 2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) || fields.next().is_some() {
        return None;
    }
    if rest.is_empty() {
        return Some(());
    }
    let (hour, rest) = rest.strip_prefix('T')?.split_once(':')?;
    let hour = number(hour, hour.len().clamp(1, 2))?;
    let (minute, rest) = rest.split_once(':')?;
    let minute = number(minute, 2)?;
    let second = number(rest.get(..2)?, 2)?;
    let mut rest = rest.get(2..)?;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if after.len() == fraction.len() {
            return None;
        }
        rest = after;
    }
    (hour < 24 && minute < 60 && second < 60 && (rest == "Z" || is_offset(rest))).then_some(())
}

/// `±HH:MM`
fn is_offset(text: &str) -> bool {
    let offset = text.strip_prefix(['+', '-']).and_then(|rest| rest.split_once(':'));
    let Some((hours, minutes)) = offset else { return false };
    number(hours, 2).is_some_and(|h| h <= 24) && number(minutes, 2).is_some_and(|m| m <= 60)
}

/// A number of exactly `length` digits.
fn number(text: &str, length: usize) -> Option<u32> {
    let fits = text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostnames() {
        let long = "a".repeat(63);
        for name in ["web-1", "a.b.c", "A1", "1", "a-", "a.b.", "1.2.3.4.", "1.2.3.04", &long] {
            assert_eq!(hostname(name), Ok(()), "{name}");
        }
        let (label, total) = ("a".repeat(64), vec!["a".repeat(60); 5].join("."));
        for name in ["-a", "a_b", "_a", "a b", "a..b", ".a", "ä", "1.2.3.4", "a\n", "a_", &label, &total] {
            assert!(hostname(name).is_err(), "{name}");
        }
    }

    #[test]
    fn azure_linux_names() {
        for text in ["minimal-os", "a", "a__b", "a--b", "a.b_c"] {
            assert!(azure_linux_variant(text), "{text}");
        }
        for text in ["", "A", "-a", "a-", "a___b", "a._b", "a/b", "a b"] {
            assert!(!azure_linux_variant(text), "{text}");
        }
        for text in ["3.0", "3.0.20250102", "10.04"] {
            assert!(azure_linux_version(text), "{text}");
        }
        for text in ["3", "3.", "3.0.", "3.0.1.2", "v3.0", "", "3.0 "] {
            assert!(!azure_linux_version(text), "{text}");
        }
    }

    #[test]
    fn instants() {
        for text in ["2024-05-20", "2024-05-20T15:04:05Z", "2024-05-20T15:04:05.25+02:00", "2024-02-29"] {
            assert!(snapshot_time(text), "{text}");
        }
        for text in [
            "",
            "2024-5-20",
            "2023-02-29",
            "2024-05-20 15:04:05Z",
            "2024-05-20T15:04Z",
            "2024-05-20T15:04:05",
            "2024-05-20T24:04:05Z",
            "2024-05-20T15:04:05.Z",
            "2024-05-20z",
            "20240520",
            "2024-13-01",
            "2024-05-20T15:04:05z",
            "äääää",
        ] {
            assert!(!snapshot_time(text), "{text}");
        }
    }
}
