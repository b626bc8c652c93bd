//! GUIDs, in the two byte orders that disks hold them in.

use std::fmt;
use std::str::FromStr;

/// A GUID or UUID. Prints in lower case: `c12a7328-f81f-11d2-ba4b-00a0c93ec93b`; parses either case.
///
/// GPT and VHDX store the first three groups little-endian ("mixed"); ext4, btrfs, xfs, LUKS and VHD store the
/// bytes in the order in which they print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid([u8; 16]);

impl Guid {
    /// All bits zero: "none" in a GPT entry.
    pub const ZERO: Self = Self([0; 16]);

    /// From 16 bytes in printing order.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes in printing order.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// From 16 bytes as a GPT or VHDX structure holds them.
    #[must_use]
    pub const fn from_mixed_endian(bytes: [u8; 16]) -> Self {
        Self(swap(bytes))
    }

    /// The 16 bytes as a GPT or VHDX structure holds them.
    #[must_use]
    pub const fn mixed_endian(self) -> [u8; 16] {
        swap(self.0)
    }

    /// Whether all bits are zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

/// Reverses the bytes of each of the first three groups.
const fn swap(b: [u8; 16]) -> [u8; 16] {
    let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15] = b;
    [b3, b2, b1, b0, b5, b4, b7, b6, b8, b9, b10, b11, b12, b13, b14, b15]
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A text that is no GUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseGuidError;

impl fmt::Display for ParseGuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a GUID of the form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`")
    }
}

impl std::error::Error for ParseGuidError {}

impl FromStr for Guid {
    type Err = ParseGuidError;

    fn from_str(text: &str) -> Result<Self, ParseGuidError> {
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        let digits = groups.concat();
        if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseGuidError);
        }
        let value = u128::from_str_radix(&digits, 16).map_err(|_| ParseGuidError)?;
        Ok(Self(value.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ESP's type as text, and as a GPT holds it.
    const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
    const ESP_ON_DISK: [u8; 16] =
        [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];

    #[test]
    fn a_gpt_type_guid_reads_prints_and_parses() {
        let guid = Guid::from_mixed_endian(ESP_ON_DISK);
        assert_eq!(guid.to_string(), ESP);
        assert_eq!(guid.mixed_endian(), ESP_ON_DISK);
        assert_eq!(ESP.to_uppercase().parse(), Ok(guid));
        assert_eq!(Guid::from_bytes(guid.bytes()), guid);
    }

    #[test]
    fn other_texts_are_refused() {
        let cases = [
            "",
            "c12a7328f81f11d2ba4b00a0c93ec93b",
            "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93bb",
            "+12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93g",
            "c12a7328-f81f-11d2-ba4b00-a0c93ec93b",
            "ää2a7328-f81f-11d2-ba4b-00a0c93ec9",
        ];
        for text in cases {
            assert_eq!(text.parse::<Guid>(), Err(ParseGuidError), "{text}");
        }
    }
}
