//! What a plain scalar means: the rules of YAML 1.1 and 1.2 as the reference program's reader mixes
//! them.

/// A scalar's meaning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    /// A whole number from -2⁶³ to 2⁶⁴-1.
    Int(i128),
    Float(f64),
    /// A date or an instant; its meaning is never asked for.
    Timestamp,
    /// The merge key `<<`.
    Merge,
    Text,
    /// `!!binary`: the decoded bytes.
    Binary(Vec<u8>),
}

impl Scalar {
    /// The name of the kind, for messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Scalar::Null => "nothing",
            Scalar::Bool(_) => "a boolean",
            Scalar::Int(_) => "a number",
            Scalar::Float(_) => "a number",
            Scalar::Timestamp => "a date",
            Scalar::Merge => "a merge key",
            Scalar::Text => "text",
            Scalar::Binary(_) => "binary data",
        }
    }
}

/// Finds the meaning of `text`, which was written plain (`quoted` false) or as certain text, with an
/// explicit `tag` or none. `None`: the text does not fit the tag.
pub(crate) fn resolve(text: &str, quoted: bool, tag: Option<&str>) -> Option<Scalar> {
    match tag {
        None if quoted => Some(Scalar::Text),
        None => Some(resolve_plain(text, true)),
        Some("!!str") => Some(Scalar::Text),
        Some("!!binary") => decode_base64(text).map(Scalar::Binary),
        Some(tag @ ("!!null" | "!!bool" | "!!int" | "!!float" | "!!timestamp")) => {
            let found = resolve_plain(text, tag == "!!timestamp");
            match (tag, found) {
                ("!!null", found @ Scalar::Null)
                | ("!!bool", found @ Scalar::Bool(_))
                | ("!!int", found @ Scalar::Int(_))
                | ("!!float", found @ Scalar::Float(_))
                | ("!!timestamp", found @ Scalar::Timestamp) => Some(found),
                #[expect(clippy::cast_precision_loss, reason = "what `!!float 1` asks for")]
                ("!!float", Scalar::Int(n)) if i64::try_from(n).is_ok() => Some(Scalar::Float(n as f64)),
                _ => None,
            }
        }
        Some("!!merge") if text == "<<" => Some(Scalar::Merge),
        // Other tags mean nothing to the reference program.
        Some(_) => Some(Scalar::Text),
    }
}

fn resolve_plain(text: &str, dates: bool) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        "<<" => return Scalar::Merge,
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') => parse_float(text).map_or(Scalar::Text, Scalar::Float),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            if dates && is_timestamp(text) {
                return Scalar::Timestamp;
            }
            let digits = text.replace('_', "");
            if let Some(number) = parse_int(&digits) {
                Scalar::Int(number)
            } else {
                parse_float(&digits).map_or(Scalar::Text, Scalar::Float)
            }
        }
        _ => Scalar::Text,
    }
}

/// Decimal, `0x`, `0o`, `0b` and leading-zero octal, with a sign; from -2⁶³ to 2⁶⁴-1.
fn parse_int(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let prefix = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match prefix.as_deref() {
        Some("0x") => (16, digits.get(2..)?),
        Some("0o") => (8, digits.get(2..)?),
        Some("0b") => (2, digits.get(2..)?),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    // Unsigned beyond 2⁶³ only without a sign, which is how the reference program's reader has it.
    let value = sign * magnitude;
    let signed = text.starts_with(['+', '-']);
    let fits = i64::try_from(value).is_ok() || !signed;
    fits.then_some(value)
}

/// `[+-]digits[.digits][e[+-]digits]` or `[+-].digits…`; too large a number is no number.
fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && all_digits(fraction),
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction),
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    if !mantissa_fits || !exponent_fits {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Whether the reference program's reader takes `text` for an instant: `YYYY-M-D`, alone or with a
/// time after `T`, `t` or one blank, an optional fraction and an optional offset.
fn is_timestamp(text: &str) -> bool {
    fn digits(text: &str, most: usize) -> Option<(u32, &str)> {
        let count = text.bytes().take_while(u8::is_ascii_digit).take(most).count();
        let value = text.get(..count)?.parse().ok()?;
        Some((value, text.get(count..)?))
    }
    fn check(text: &str) -> Option<()> {
        let (year_text, rest) = text.split_at_checked(4)?;
        let (year, empty) = digits(year_text, 4)?;
        let (month, rest) = digits(rest.strip_prefix('-').filter(|_| empty.is_empty())?, 2)?;
        let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
        if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        if rest.is_empty() {
            return Some(());
        }
        let blank = rest.starts_with(' ');
        let (hour, rest) = digits(rest.strip_prefix(['T', 't', ' '])?, 2)?;
        let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
        let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
        let rest = match rest.strip_prefix(['.', ',']) {
            Some(fraction) => {
                let kept = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
                if kept.len() == fraction.len() {
                    return None;
                }
                kept
            }
            None => rest,
        };
        let offset_fits = match rest {
            "" => blank,
            "Z" => !blank,
            offset if !blank => is_offset(offset),
            _ => false,
        };
        (hour < 24 && minute < 60 && second < 60 && offset_fits).then_some(())
    }
    /// `±HH:MM`
    fn is_offset(text: &str) -> bool {
        let Some(rest) = text.strip_prefix(['+', '-']) else { return false };
        let Some((hours, minutes)) = rest.split_once(':') else { return false };
        let field = |s: &str, below: u32| {
            s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit()) && s.parse().is_ok_and(|n: u32| n < below)
        };
        field(hours, 25) && field(minutes, 61)
    }
    check(text).is_some()
}

/// The number of days of a month (1 to 12) of the Gregorian calendar.
pub(crate) fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Standard alphabet, padding required, line ends skipped.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let symbols: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    let groups = symbols.len() / 4;
    for (index, group) in symbols.chunks_exact(4).enumerate() {
        let padding = group.iter().rev().take_while(|&&b| b == b'=').count();
        if padding > 2 || (padding > 0 && index + 1 != groups) {
            return None;
        }
        let mut bits = 0_u32;
        for &symbol in group {
            let value = match symbol {
                b'A'..=b'Z' => symbol - b'A',
                b'a'..=b'z' => symbol - b'a' + 26,
                b'0'..=b'9' => symbol - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => 0,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        if group.iter().take(4 - padding).any(|&b| b == b'=') {
            return None;
        }
        bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(3 - padding));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_reference_reader_makes_of_them() {
        let cases = [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("nULL", Scalar::Text),
            ("TRUE", Scalar::Bool(true)),
            ("tRUE", Scalar::Text),
            ("yes", Scalar::Text),
            ("0", Scalar::Int(0)),
            ("-0", Scalar::Int(0)),
            ("017", Scalar::Int(15)),
            ("08", Scalar::Float(8.0)),
            ("0o17", Scalar::Int(15)),
            ("0X1f", Scalar::Int(31)),
            ("-0b11", Scalar::Int(-3)),
            ("1_000", Scalar::Int(1000)),
            ("18446744073709551615", Scalar::Int(u64::MAX.into())),
            ("+18446744073709551615", Scalar::Float(18_446_744_073_709_551_615.0)),
            ("-9223372036854775808", Scalar::Int(i64::MIN.into())),
            ("1e3", Scalar::Float(1000.0)),
            ("1.", Scalar::Float(1.0)),
            (".5", Scalar::Float(0.5)),
            ("1e999", Scalar::Text),
            ("--1", Scalar::Text),
            ("2024-02-29", Scalar::Timestamp),
            ("2023-02-29", Scalar::Text),
            ("2024-05-20T15:04:05Z", Scalar::Timestamp),
            ("2024-05-20 15:04:05", Scalar::Timestamp),
            ("<<", Scalar::Merge),
        ];
        for (text, expected) in cases {
            assert_eq!(resolve(text, false, None), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_tag_must_fit_the_text() {
        assert_eq!(resolve("30", true, Some("!!int")), Some(Scalar::Int(30)));
        assert_eq!(resolve("yes", false, Some("!!bool")), None);
        assert_eq!(resolve("30", false, Some("!!str")), Some(Scalar::Text));
        assert_eq!(resolve("3", false, Some("!!float")), Some(Scalar::Float(3.0)));
        assert_eq!(resolve("9223372036854775808", false, Some("!!float")), None);
        assert_eq!(resolve("5", false, Some("!mine")), Some(Scalar::Text));
        assert_eq!(resolve("aGk=", false, Some("!!binary")), Some(Scalar::Binary(b"hi".to_vec())));
        assert_eq!(resolve("a=k=", false, Some("!!binary")), None);
    }
}
