//! From a password to the second field of the shadow file.
//!
//! No value is ever part of a message.

use accounts::check_field;
use sha_crypt::{BLOCK_SIZE_SHA512, Params, sha512_crypt};
use step_sdk::{Failure, FailureCode, Host, Level, Result};

use crate::settings::Password;

/// The digits of the text form, lowest first.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of salt: what the reference program takes.
const SALT_LENGTH: usize = 12;
/// Bytes. PAM reads no more than 512; and the time for hashing grows with the square.
const LONGEST_PASSWORD: usize = 512;

impl Password {
    /// The field's value; `None` when no password is to open the account.
    pub(crate) fn hash(&self, host: &dyn Host) -> Result<Option<String>> {
        let (value, artifact) = match self {
            Self::Locked => return Ok(None),
            Self::PlainText { artifact } | Self::Hashed { artifact } => {
                (host.artifact_read(artifact)?, artifact)
            }
        };
        let end = value.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        let value = value.get(..end).unwrap_or_default();
        if value.is_empty() {
            host.log(Level::Warn, "the password is empty: the account is locked", &[("artifact", artifact)]);
            return Ok(None);
        }
        match self {
            Self::PlainText { .. } => hash_plain_text(value, &salt(host)).map(Some),
            _ => check_hash(value).map(Some),
        }
    }
}

fn check_hash(value: &[u8]) -> Result<String> {
    let hash = std::str::from_utf8(value).map_err(|_| invalid("the hashed password is no text"))?;
    check_field("hashed password", hash)?;
    Ok(hash.to_owned())
}

fn hash_plain_text(password: &[u8], salt: &str) -> Result<String> {
    if password.len() > LONGEST_PASSWORD {
        return Err(invalid("the password is longer than 512 bytes"));
    }
    if password.iter().any(|byte| matches!(byte, 0 | b'\n' | b'\r')) {
        return Err(invalid("the password holds a line end or a NUL: nobody could type it"));
    }
    let digest = sha512_crypt(password, salt.as_bytes(), Params::RECOMMENDED);
    Ok(format!("$6${salt}${}", encode(&digest)))
}

fn salt(host: &dyn Host) -> String {
    let mut random = [0; SALT_LENGTH];
    host.random(&mut random);
    random.iter().map(|byte| digit(u32::from(*byte))).collect()
}

/// The text form of a digest: three bytes make four digits, and the bytes are taken in an order of its own, which goes
/// from (0, 21, 42) by rotating and adding one; byte 63 is left for the end.
fn encode(digest: &[u8; BLOCK_SIZE_SHA512]) -> String {
    let byte = |index: usize| u32::from(digest.get(index).copied().unwrap_or_default());
    let mut text = String::with_capacity(86);
    let mut indices = (0, 21, 42);
    for _ in 0..21 {
        let (high, middle, low) = indices;
        push_digits(&mut text, byte(high) << 16 | byte(middle) << 8 | byte(low), 4);
        indices = (middle + 1, low + 1, high + 1);
    }
    push_digits(&mut text, byte(63), 2);
    text
}

fn push_digits(text: &mut String, mut value: u32, count: usize) {
    for _ in 0..count {
        text.push(digit(value));
        value >>= 6;
    }
}

/// The digit for the lowest six bits.
fn digit(value: u32) -> char {
    let index = usize::try_from(value & 0x3f).unwrap_or_default();
    char::from(DIGITS.get(index).copied().unwrap_or(b'.'))
}

fn invalid(message: &str) -> Failure {
    Failure::new(FailureCode::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_openssl() {
        let (long, short) = ("abcdefghijkl", "./Zz09");
        let (x, y) = ("x".repeat(70), "y".repeat(130));
        let cases = [
            (
                "a",
                long,
                "ylb5KGXNoIALSE313jqV1gx6hiij3qkT.7oPUb9QP9YObPoJ8HQR9K5JvX5DOG6B3lgug1mqlzqPr7eA7E7qF/",
            ),
            (
                "hunter2",
                long,
                "ztHGAvIiw4wUuq8EI6DH3vo22C0s1bVBJNNzAvTWFeXfpi.CJR/hbYwc3pzUQ6TSH21cZTqnkuwxh8IgCO3BX0",
            ),
            (
                "hunter2",
                short,
                "pzkh/JVf586lv1IBIUK6AEMDBOGnyWQ/tMd89Qj0ggA7wOWMynHN.lV04t7E/i.0Fe.gst.qYeJebrzqN6TO.0",
            ),
            (
                &x,
                long,
                "pTGRx7eH4Lksh4T8J7pPWfI4fhzNns6kYg4/R5kL3hmPiPbq68UrBY8wZhz6A.Hi07KvCXjIFfYhnX29GXTnZ0",
            ),
            (
                "pässwörd",
                short,
                "0RJmPIvlJ/iy7DkcXzqcyZtESyYxgyWSTqs6Tk9eHyCLFwcsxpNOeeAdL2Ka.nstq814MVHDxpk4d3QzfFhqw0",
            ),
            (
                &y,
                long,
                "bbMNgtTMIRxdoQQjrjhE4hwlYnVF.Ca/4anITMP/Slr.mPnnzzdlXR6xQyNyVoOFYRWcOP9ERz9OrafAaSKSk.",
            ),
        ];
        for (password, salt, digest) in cases {
            let expected = format!("$6${salt}${digest}");
            assert_eq!(hash_plain_text(password.as_bytes(), salt).unwrap(), expected, "{password}");
        }
    }

    #[test]
    fn impossible_values_are_refused_without_naming_them() {
        for value in ["secret:0:0", "secret\nroot::0", "secret\u{1}", "secret\0"] {
            let failure = check_hash(value.as_bytes()).unwrap_err();
            assert!(!failure.message.contains("secret"), "{failure}");
        }
        assert!(check_hash(b"\xff").is_err());
        let long = [b'a'; LONGEST_PASSWORD + 1];
        for value in [b"secret\nx".as_slice(), b"secret\0", &long] {
            let failure = hash_plain_text(value, "abc").unwrap_err();
            assert!(!failure.message.contains("secret"), "{failure}");
        }
    }
}
