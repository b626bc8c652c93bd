//! qcow2, versions 2 and 3: <https://www.qemu.org/docs/master/interop/qcow2.html>.

mod header;

pub(crate) use header::{Error, Header, MAGIC};

use crate::ErrorKind;
use crate::detect::Failure;

/// The size of the disk in bytes, once the header is known to ask for nothing that is not read.
///
/// `head` is the start of a file of `len` bytes.
pub(crate) fn identify(head: &[u8], len: u64) -> Result<u64, Failure> {
    let header = Header::parse(head, len)?;
    Ok(header.size)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = if error.is_damage() { ErrorKind::Corrupt } else { ErrorKind::Unsupported };
        Self::new(kind, error)
    }
}
