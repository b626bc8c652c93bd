//! Sizes and permissions as the configuration writes them.

use std::fmt;

use serde_json::{Value as Json, json};
use units::ByteSize;

use crate::decode::{Decoder, Flags, Item, UsedField, Value, clip, printed_value, value_of_item};
use crate::history::HistoryWriter;
use crate::rule::Rule;
use crate::schema::Definitions;
use crate::source::Located;
use crate::yaml::NodeId;

/// One mebibyte in bytes.
pub const MIB: u64 = 1 << 20;

/// A size in bytes, a whole number of MiB; written as digits and one of `K`, `M`, `G`, `T`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskSize(u64);

impl DiskSize {
    /// A size of so many bytes.
    pub fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The size in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// The size as one of the units crate, which prints it in words: `4 GiB`.
    pub fn size(self) -> ByteSize {
        ByteSize::new(self.0)
    }

    /// Reads a size.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, SizeError> {
        let digits_end = text.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, unit) = text.split_at_checked(digits_end).ok_or(SizeError::Form)?;
        if digits.is_empty() {
            return Err(SizeError::Form);
        }
        let shift = match unit {
            "" => return Err(SizeError::UnitMissing),
            "K" => 10,
            "M" => 20,
            "G" => 30,
            "T" => 40,
            _ => return Err(SizeError::Form),
        };
        // A leading zero means octal, for compatibility with the reference program.
        let number = match digits.strip_prefix('0') {
            Some(octal) if !octal.is_empty() => {
                u64::from_str_radix(octal, 8).map_err(|_| SizeError::Octal)?
            }
            _ => digits.parse().map_err(|_| SizeError::TooLarge)?,
        };
        // A size of 2⁶⁴ bytes or more wraps around, for the same reason.
        let bytes = number.wrapping_mul(1 << shift);
        if bytes.is_multiple_of(MIB) { Ok(Self(bytes)) } else { Err(SizeError::NotWholeMib) }
    }
}

/// What is wrong with the text of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// Not digits and a unit.
    Form,
    /// Digits without a unit.
    UnitMissing,
    /// A leading zero, and then digits that are not octal.
    Octal,
    /// The digits alone are more than 2⁶⁴-1.
    TooLarge,
    /// Not a multiple of 1 MiB.
    NotWholeMib,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not a size",
            Self::UnitMissing => "the size has no unit",
            Self::Octal => "a size with a leading zero is octal, and this one has other digits",
            Self::TooLarge => "the size is too large",
            Self::NotWholeMib => "the size is not a multiple of 1 MiB",
        })
    }
}

impl std::error::Error for SizeError {}

/// The largest unit that divides the size, as `1536M`; zero prints as `0T`.
impl fmt::Display for DiskSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in [('T', 40), ('G', 30), ('M', 20), ('K', 10)] {
            if self.0.is_multiple_of(1 << shift) {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

const SIZE_HINT: &str = "write digits and a unit, as `512M` or `8G` (`K`, `M`, `G` or `T`)";

fn read_size(text: &Located<String>, decoder: &mut Decoder<'_>) -> Option<DiskSize> {
    match DiskSize::parse(text) {
        Ok(size) => Some(size),
        Err(error) => {
            let rule = match error {
                SizeError::UnitMissing => Rule::SizeUnit,
                SizeError::NotWholeMib => Rule::SizeWholeMib,
                SizeError::Form | SizeError::Octal | SizeError::TooLarge => Rule::SizeForm,
            };
            let message = format!("invalid size `{}`: {error}", clip(text));
            decoder.report(rule, text.at, message).hint = Some(SIZE_HINT.to_owned());
            None
        }
    }
}

impl Item for Located<DiskSize> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = decoder.text(id)?;
        let size = read_size(&text, decoder)?;
        Some(Located::new(size, text.at))
    }
}

printed_value!(DiskSize, "^[0-9]+[KMGT]$");

/// The size of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionSize {
    /// All that is left on the disk.
    Grow,
    /// So many bytes.
    Fixed(DiskSize),
}

impl fmt::Display for PartitionSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grow => f.write_str("grow"),
            Self::Fixed(size) => size.fmt(f),
        }
    }
}

impl Item for Located<PartitionSize> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = decoder.text(id)?;
        let size = match text.as_str() {
            "" => return None,
            "grow" => PartitionSize::Grow,
            _ => PartitionSize::Fixed(read_size(&text, decoder)?),
        };
        Some(Located::new(size, text.at))
    }
}

printed_value!(PartitionSize, "^([0-9]+[KMGT]|grow)$");

/// The permission bits of a file: owner, group and others; no set-id or sticky bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FilePermissions(u32);

impl FilePermissions {
    /// The bits, at most 0o777.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Reads octal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let bits = digits.then(|| u32::from_str_radix(text, 8).ok()).flatten()?;
        (bits <= 0o777).then_some(Self(bits))
    }
}

impl fmt::Display for FilePermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Item for Located<FilePermissions> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = decoder.text(id)?;
        let Some(value) = FilePermissions::parse(&text) else {
            let message = format!("invalid permissions `{}`", clip(&text));
            decoder.report(Rule::PermissionsForm, text.at, message).hint =
                Some("write octal digits up to `777`, as `0644`".to_owned());
            return None;
        };
        Some(Located::new(value, text.at))
    }
}

impl Value for Located<FilePermissions> {
    value_of_item!(Self);

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        out.push(UsedField { field: path.to_owned(), at: self.at });
    }

    fn history(&self, _flags: Flags, _writer: &mut HistoryWriter<'_>) -> Option<Json> {
        Some(json!(self.value.bits()))
    }

    fn schema(_definitions: &mut Definitions) -> Json {
        json!({ "oneOf": [
            { "type": "string", "pattern": "^0*[0-7]{1,3}$" },
            { "type": "integer", "minimum": 0, "maximum": 777 },
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_parse_as_in_the_reference_program() {
        let cases = [
            ("8M", Ok(8 * MIB)),
            ("1024K", Ok(MIB)),
            ("1023K", Err(SizeError::NotWholeMib)),
            ("0K", Ok(0)),
            ("010M", Ok(8 * MIB)),
            ("08M", Err(SizeError::Octal)),
            ("00M", Ok(0)),
            ("1T", Ok(1 << 40)),
            ("1", Err(SizeError::UnitMissing)),
            ("", Err(SizeError::Form)),
            ("M", Err(SizeError::Form)),
            ("1m", Err(SizeError::Form)),
            ("1MiB", Err(SizeError::Form)),
            ("1.5G", Err(SizeError::Form)),
            (" 1M", Err(SizeError::Form)),
            ("-1M", Err(SizeError::Form)),
            ("18446744073709551616K", Err(SizeError::TooLarge)),
            ("18446744073709551615T", Ok(u64::MAX << 40)),
            ("16777216T", Ok(0)),
            ("16777217T", Ok(1 << 40)),
            ("18014398509483008K", Ok(MIB)),
            ("18014398509481985K", Err(SizeError::NotWholeMib)),
            ("02000000000000000000000M", Err(SizeError::Octal)),
        ];
        for (text, expected) in cases {
            assert_eq!(DiskSize::parse(text).map(DiskSize::bytes), expected, "{text}");
        }
    }

    #[test]
    fn sizes_print_in_the_largest_unit_that_divides_them() {
        for (mib, text) in [(0, "0T"), (1536, "1536M"), (1024, "1G"), (8, "8M"), (1 << 20, "1T")] {
            assert_eq!(DiskSize::from_bytes(mib * MIB).to_string(), text);
        }
    }

    #[test]
    fn permissions_are_octal_digits_up_to_777() {
        for (text, bits) in
            [("0644", Some(0o644)), ("644", Some(0o644)), ("0000777", Some(0o777)), ("0", Some(0))]
        {
            assert_eq!(FilePermissions::parse(text).map(FilePermissions::bits), bits);
        }
        for text in ["", "0o644", "0x1ff", "+644", "6_44", " 644", "1000", "888", "37777777777777"] {
            assert_eq!(FilePermissions::parse(text), None, "{text}");
        }
    }
}
