//! Texts that occur nowhere else, and the search for them in whatever leaves the machine.

use std::fs;
use std::io::Read;

use crate::Outcome;

/// Texts to be put where a user can put texts.
#[derive(Debug, Default)]
pub struct Canaries {
    known: Vec<(String, String)>,
}

impl Canaries {
    /// A new text for `place`: lower-case letters and digits that may stand in a name of any kind.
    ///
    /// # Errors
    /// The kernel gives no random numbers.
    pub fn hatch(&mut self, place: &str) -> Outcome<String> {
        let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
        let digits: String = uuid.chars().filter(char::is_ascii_hexdigit).take(14).collect();
        let text = format!("cn{digits}");
        self.known.push((place.to_owned(), text.clone()));
        Ok(text)
    }

    /// The places whose texts are found in `bytes`, plain or encoded, also below compression.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut layers = vec![bytes.to_vec()];
        if let Some(inner) = unpacked(bytes) {
            layers.push(inner);
        }
        let lowered: Vec<Vec<u8>> = layers.iter().map(|layer| layer.to_ascii_lowercase()).collect();
        let mut found = Vec::new();
        for (place, text) in &self.known {
            let exact = encodings(text);
            let in_layer = |layer: &Vec<u8>, wanted: &[u8]| {
                layer.windows(wanted.len().max(1)).any(|window| window == wanted)
            };
            let seen = layers.iter().any(|layer| exact.iter().any(|wanted| in_layer(layer, wanted)))
                || lowered.iter().any(|layer| in_layer(layer, text.as_bytes()));
            if seen {
                found.push(place.clone());
            }
        }
        found
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }
}

fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut inner = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).take(16 << 20).read_to_end(&mut inner).ok()?;
    Some(inner)
}

/// `text` in the encodings that programs use: as it is, backwards, hexadecimal, base64 from each of the three
/// positions, UTF-16, percent.
fn encodings(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let mut all = vec![
        bytes.to_vec(),
        bytes.iter().rev().copied().collect(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        percent.into_bytes(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    all.extend((0..3).map(|shift| base64_core(bytes, shift)));
    all
}

/// The part of the base64 form of `bytes` that is the same whatever stands around it, when they begin `shift` bytes
/// behind a group of three.
fn base64_core(bytes: &[u8], shift: usize) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
    let mut core = Vec::new();
    for (index, group) in padded.chunks_exact(3).enumerate() {
        let [a, b, c] = *group else { continue };
        let word = u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c);
        for digit in 0..4 {
            // The first digits depend on what stands before.
            if index > 0 || shift == 0 {
                let value = word >> (18 - 6 * digit) & 63;
                core.push(DIGITS.get(value as usize).copied().unwrap_or(b'='));
            }
        }
    }
    core
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_every_encoding() {
        let mut canaries = Canaries::default();
        let text = canaries.hatch("here").unwrap();
        let base64 = |before: &str| {
            let mut all = before.as_bytes().to_vec();
            all.extend_from_slice(text.as_bytes());
            all.extend_from_slice(b"and more");
            base64_core(&all, 0)
        };
        let hidden = [
            text.clone().into_bytes(),
            text.to_uppercase().into_bytes(),
            text.chars().rev().collect::<String>().into_bytes(),
            base64("x=\"/"),
            base64("ab"),
            base64("abc"),
            base64("abcd"),
        ];
        for bytes in hidden {
            assert_eq!(canaries.found_in(&bytes), ["here"], "{}", String::from_utf8_lossy(&bytes));
        }
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
        assert_eq!(canaries.found_in(&packed.finish().unwrap()), ["here"]);
        assert!(canaries.found_in(b"nothing of the kind").is_empty());
    }
}
