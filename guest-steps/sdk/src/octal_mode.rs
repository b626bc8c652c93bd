//! Permissions as settings hold them.

use serde::de::{Error, Unexpected};

/// Permission, set-ID and sticky bits; in settings, a string of one to four octal digits: `"0644"`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OctalMode(pub u32);

impl OctalMode {
    /// What a settings' schema says of such a field.
    pub const PATTERN: &'static str = "^[0-7]{1,4}$";
}

impl<'de> serde::Deserialize<'de> for OctalMode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if digits => Ok(Self(mode)),
            _ => Err(D::Error::invalid_value(Unexpected::Str(&text), &"one to four octal digits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_octal_digits_make_a_mode() {
        for (text, mode) in [("0644", 0o644), ("755", 0o755), ("4755", 0o4755), ("7", 7)] {
            assert_eq!(crate::parse_settings::<OctalMode>(&format!("{text:?}")), Ok(OctalMode(mode)));
        }
        for text in ["\"\"", "\"00644\"", "\"0o644\"", "\"+644\"", "\"888\"", "\" 644\"", "644", "null"] {
            assert!(crate::parse_settings::<OctalMode>(text).is_err(), "{text}");
        }
    }
}
