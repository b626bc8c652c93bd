//! Bodies below their compression, and back.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::payload::Refused;

/// What a body holds: `limit` bytes at most.
///
/// # Errors
/// It is not compressed by gzip, or holds more.
pub(crate) fn unpacked(body: &[u8], limit: usize) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    // One byte more than the limit, so that a longer body does not look like a shorter one.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = GzDecoder::new(body).take(most).read_to_end(&mut bytes);
    read.map_err(|_| Refused::because("a body is not compressed as it should be"))?;
    if bytes.len() > limit { Err(Refused::because("a body is too long")) } else { Ok(bytes) }
}

/// A body that holds these bytes.
///
/// # Errors
/// They cannot be compressed.
pub(crate) fn packed(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map_err(|_| Refused::because("a body cannot be compressed"))
}
