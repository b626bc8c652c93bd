//! qcow2, versions 2 and 3: <https://www.qemu.org/docs/master/interop/qcow2.html>. All numbers are big-endian.

mod header;
mod read;
mod write;

pub(crate) use header::{Error, Header, MAGIC};
pub(crate) use read::{decompress, pieces};
pub(crate) use write::{convert_in_place, write};

use crate::ErrorKind;
use crate::detect::Failure;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = if error.is_damage() { ErrorKind::Corrupt } else { ErrorKind::Unsupported };
        Self::new(kind, error)
    }
}
