//! VHD, fixed and dynamic: "Virtual Hard Disk Image Format Specification", Microsoft, 2006. All numbers are
//! big-endian.
//!
//! A VHD tells the size of its disk twice: in bytes, and by cylinders, heads and sectors, which cannot tell every
//! size. Which one counts depends on the program that made it; those that mean the latter are refused.

mod dynamic;
mod footer;

pub(crate) use dynamic::{pieces, write};
pub(crate) use footer::{DiskType, Error, Footer};

use std::fs::File;

use units::ByteSize;

use crate::detect::{Failure, read_up_to};
use crate::{ErrorKind, InputFormat};

/// The largest disk: one that Hyper-V and QEMU still take.
pub(crate) const MAX_SIZE: ByteSize = ByteSize::new(2040 << 30);

/// What a VHD is.
pub(crate) struct Found {
    pub(crate) format: InputFormat,
    /// Bytes.
    pub(crate) virtual_size: u64,
    /// Where the header of a dynamic VHD is, in bytes.
    pub(crate) data_offset: u64,
}

/// Tells whether a file of `len` bytes that starts with `head` is a VHD: it ends in a footer.
pub(crate) fn identify(file: &File, len: u64, head: &[u8]) -> Result<Option<Found>, Failure> {
    let footer = match len.checked_sub(footer::LEN as u64) {
        Some(start) => {
            Footer::parse(&read_up_to(file, start, footer::LEN)?).map_err(|e| Failure::from(e).at(start))?
        }
        None => None,
    };
    let Some(footer) = footer else {
        // A dynamic VHD starts with a copy of its footer.
        return if head.starts_with(footer::COOKIE) { Err(Error::NoFooter.into()) } else { Ok(None) };
    };
    let format = match footer.disk_type {
        DiskType::Fixed => InputFormat::VhdFixed,
        DiskType::Dynamic => InputFormat::VhdDynamic,
    };
    if footer.disk_type == DiskType::Fixed && footer.current_size > len.saturating_sub(footer::LEN as u64) {
        return Err(Error::CutShort(footer.current_size).into());
    }
    // The last sector counts only if it is whole, as in QEMU.
    Ok(Some(Found { format, virtual_size: footer.current_size / 512 * 512, data_offset: footer.data_offset }))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Geometry(_) => ErrorKind::GeometrySized,
            Error::Differencing | Error::Version(_) | Error::DiskType(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Corrupt,
        };
        Self::new(kind, error)
    }
}
