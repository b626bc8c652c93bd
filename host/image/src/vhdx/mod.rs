//! VHDX: [MS-VHDX] "Virtual Hard Disk v2 (VHDX) File Format". All numbers are little-endian.

mod header;
mod metadata;
mod read;
mod write;

pub(crate) use header::{Error, SIGNATURE};

use std::fs::File;

use crate::ErrorKind;
use crate::detect::{Failure, read_up_to};

pub(crate) use metadata::Layout;
pub(crate) use read::pieces;
pub(crate) use write::{convert_in_place, write};

/// Reads everything that stands in front of the table of blocks.
pub(crate) fn layout(file: &File, len: u64) -> Result<Layout, Failure> {
    let fetch = |offset, count| read_up_to(file, offset, count);
    let headers = [fetch(header::OFFSETS[0], header::LEN)?, fetch(header::OFFSETS[1], header::LEN)?];
    header::check(&headers)?;
    let tables = [
        fetch(header::REGION_TABLE_OFFSETS[0], header::REGION_TABLE_LEN)?,
        fetch(header::REGION_TABLE_OFFSETS[1], header::REGION_TABLE_LEN)?,
    ];
    let regions = header::regions(&tables, len)?;
    // The items stand within the first MiB of the region: the table says where, and has no reason to say farther.
    let count = usize::try_from(regions.metadata.len.min(1 << 20)).unwrap_or_default();
    Ok(metadata::parse(&fetch(regions.metadata.offset, count)?, regions.blocks)?)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = if error.is_damage() { ErrorKind::Corrupt } else { ErrorKind::Unsupported };
        Self::new(kind, error)
    }
}
