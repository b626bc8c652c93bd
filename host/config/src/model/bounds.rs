//! Amounts that bound a step: bytes and time.

use std::fmt;
use std::time::Duration;

use crate::decode::{Decoder, Item, clip, printed_value};
use crate::rule::Rule;
use crate::source::Located;
use crate::yaml::NodeId;

/// A number of bytes; written as digits and one of `K`, `M`, `G`, `T`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteCount(u64);

impl ByteCount {
    /// So many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Result<Self, (Rule, &'static str)> {
        let (number, unit) = digits_and_unit(text).ok_or((Rule::SizeForm, "not a size"))?;
        let shift = match unit {
            "K" => 10,
            "M" => 20,
            "G" => 30,
            "T" => 40,
            "" => return Err((Rule::SizeUnit, "the size has no unit")),
            _ => return Err((Rule::SizeForm, "not a size")),
        };
        let bytes = number.and_then(|number| number.checked_mul(1 << shift));
        bytes.map(Self).ok_or((Rule::SizeForm, "the size is too large"))
    }
}

/// The largest unit that divides the number, as `1536M`.
impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in [('T', 40), ('G', 30), ('M', 20), ('K', 10)] {
            if self.0 > 0 && self.0.is_multiple_of(1 << shift) {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        match self.0 {
            0 => f.write_str("0K"),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

/// A time in seconds; written as digits and one of `s`, `m`, `h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u64);

impl Seconds {
    /// So many seconds.
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = digits_and_unit(text)?;
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        number?.checked_mul(factor).map(Self)
    }
}

/// The largest unit that divides the time, as `90s`.
impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in [('h', 3600), ('m', 60)] {
            if self.0 > 0 && self.0.is_multiple_of(factor) {
                return write!(f, "{}{unit}", self.0 / factor);
            }
        }
        write!(f, "{}s", self.0)
    }
}

/// `None`: no digits in front. The number is `None` when it does not fit into 64 bits.
fn digits_and_unit(text: &str) -> Option<(Option<u64>, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at_checked(end)?;
    (!digits.is_empty()).then(|| (digits.parse().ok(), unit))
}

impl Item for Located<ByteCount> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = decoder.text(id)?;
        match ByteCount::parse(&text) {
            Ok(size) => Some(Located::new(size, text.at)),
            Err((rule, reason)) => {
                let message = format!("invalid size `{}`: {reason}", clip(&text));
                decoder.report(rule, text.at, message).hint =
                    Some("write digits and a unit, as `64K` or `256M` (`K`, `M`, `G` or `T`)".to_owned());
                None
            }
        }
    }
}

printed_value!(ByteCount, "^[0-9]+[KMGT]$");

impl Item for Located<Seconds> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = decoder.text(id)?;
        let time = Seconds::parse(&text);
        if time.is_none() {
            let message = format!("invalid time `{}`", clip(&text));
            decoder.report(Rule::TimeForm, text.at, message).hint =
                Some("write digits and a unit, as `90s`, `5m` or `1h`".to_owned());
        }
        time.map(|time| Located::new(time, text.at))
    }
}

printed_value!(Seconds, "^[0-9]+[smh]$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_bytes_are_read_and_printed() {
        let cases = [
            ("64K", Some(65_536), "64K"),
            ("1024K", Some(1 << 20), "1M"),
            ("010M", Some(10 << 20), "10M"),
            ("0T", Some(0), "0K"),
            ("1", None, ""),
            ("", None, ""),
            ("K", None, ""),
            ("1k", None, ""),
            ("-1K", None, ""),
            ("1.5G", None, ""),
            ("18446744073709551615T", None, ""),
            ("18446744073709551616K", None, ""),
        ];
        for (text, bytes, printed) in cases {
            let size = ByteCount::parse(text).ok();
            assert_eq!(size.map(ByteCount::bytes), bytes, "{text}");
            assert!(size.is_none_or(|size| size.to_string() == printed), "{text}");
        }
    }

    #[test]
    fn times_are_read_and_printed() {
        let cases = [
            ("90s", Some(90), "90s"),
            ("5m", Some(300), "5m"),
            ("120m", Some(7200), "2h"),
            ("0s", Some(0), "0s"),
            ("5", None, ""),
            ("5 m", None, ""),
            ("5ms", None, ""),
            ("18446744073709551615h", None, ""),
        ];
        for (text, seconds, printed) in cases {
            let time = Seconds::parse(text);
            assert_eq!(time.map(|time| time.duration().as_secs()), seconds, "{text}");
            assert!(time.is_none_or(|time| time.to_string() == printed), "{text}");
        }
    }
}
