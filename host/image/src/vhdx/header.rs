//! The first MiB: identifier, two headers, two region tables. Sections 2.2 and 2.3 of the specification.

use units::Guid;

use crate::fields::{array, put, u16_le, u32_le, u64_le};

pub(crate) const SIGNATURE: &[u8] = b"vhdxfile";
/// Where the two headers are, in bytes.
pub(crate) const OFFSETS: [u64; 2] = [64 << 10, 128 << 10];
/// Bytes of a header that its checksum covers.
pub(crate) const LEN: usize = 4 << 10;
/// Where the two region tables are, in bytes.
pub(crate) const REGION_TABLE_OFFSETS: [u64; 2] = [192 << 10, 256 << 10];
/// Bytes of a region table.
pub(crate) const REGION_TABLE_LEN: usize = 64 << 10;
/// What regions start and end at a multiple of, in bytes.
pub(crate) const ALIGNMENT: u64 = 1 << 20;

pub(crate) const HEADER_SIGNATURE: &[u8] = b"head";
pub(crate) const REGION_SIGNATURE: &[u8] = b"regi";
pub(crate) const BLOCKS_REGION: Guid =
    Guid::from_bytes(0x2dc27766_f623_4200_9d64_115e9bfd4a08_u128.to_be_bytes());
pub(crate) const METADATA_REGION: Guid =
    Guid::from_bytes(0x8b7ca206_4790_4b9a_b8fe_575f050f886e_u128.to_be_bytes());
const MAX_REGIONS: u32 = 2047;

/// Why a VHDX is not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    #[error("neither {0} of the VHDX has the right signature and checksum")]
    NoneValid(&'static str),
    #[error("the VHDX has version {0}; version 1 is read")]
    Version(u16),
    #[error("the VHDX was not closed properly: its log holds changes that are not carried out yet")]
    Log,
    #[error("it is a difference to another VHDX, and does not hold the whole disk")]
    HasParent,
    #[error("the VHDX requires the unknown {what} `{id}`")]
    Required { what: &'static str, id: Guid },
    #[error("the VHDX lacks its {0}")]
    Missing(&'static str),
    #[error("the VHDX has {field} {value}, which is not allowed")]
    Field { field: &'static str, value: u64 },
    #[error("block {block} of the VHDX lies at byte {offset}, outside of the file or over another one")]
    Block { block: u64, offset: u64 },
}

impl Error {
    /// Whether the file is damaged, rather than beyond what is read.
    pub(crate) fn is_damage(&self) -> bool {
        !matches!(self, Self::Version(_) | Self::Log | Self::HasParent | Self::Required { .. })
    }
}

/// A part of the file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Regions {
    pub(crate) blocks: Region,
    pub(crate) metadata: Region,
}

/// CRC-32C of a structure whose own checksum, at byte 4, counts as zero.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    let mut copy = bytes.to_vec();
    put(&mut copy, 4, &[0; 4]);
    crc32c::crc32c(&copy)
}

fn is_valid(bytes: &[u8], signature: &[u8], len: usize) -> bool {
    bytes.len() == len && bytes.starts_with(signature) && u32_le(bytes, 4) == Some(checksum(bytes))
}

/// Looks at the header that counts: the one with the higher sequence number of those that are valid.
pub(crate) fn check(headers: &[Vec<u8>; 2]) -> Result<(), Error> {
    let current = headers
        .iter()
        .filter(|header| is_valid(header, HEADER_SIGNATURE, LEN))
        .max_by_key(|header| u64_le(header, 8))
        .ok_or(Error::NoneValid("header"))?;
    let version = u16_le(current, 66).unwrap_or_default();
    if version != 1 {
        return Err(Error::Version(version));
    }
    let log = array(current, 48).map(Guid::from_mixed_endian).unwrap_or_default();
    if log.is_zero() { Ok(()) } else { Err(Error::Log) }
}

/// The regions of a file of `len` bytes.
pub(crate) fn regions(tables: &[Vec<u8>; 2], len: u64) -> Result<Regions, Error> {
    let table = tables
        .iter()
        .find(|table| is_valid(table, REGION_SIGNATURE, REGION_TABLE_LEN))
        .ok_or(Error::NoneValid("region table"))?;
    let count = u32_le(table, 8).filter(|count| *count <= MAX_REGIONS).unwrap_or(MAX_REGIONS);
    let (mut blocks, mut metadata) = (None, None);
    let entries = table.get(16..).unwrap_or_default().chunks_exact(32);
    for entry in entries.take(usize::try_from(count).unwrap_or_default()) {
        let id = array(entry, 0).map(Guid::from_mixed_endian).unwrap_or_default();
        let region = Region {
            offset: u64_le(entry, 16).unwrap_or_default(),
            len: u64::from(u32_le(entry, 24).unwrap_or_default()),
        };
        let is_required = u32_le(entry, 28).unwrap_or_default() & 1 != 0;
        match id {
            BLOCKS_REGION => blocks = Some(checked(region, len)?),
            METADATA_REGION => metadata = Some(checked(region, len)?),
            id if is_required => return Err(Error::Required { what: "region", id }),
            _ => {}
        }
    }
    Ok(Regions {
        blocks: blocks.ok_or(Error::Missing("table of blocks"))?,
        metadata: metadata.ok_or(Error::Missing("metadata"))?,
    })
}

/// Refuses a region that is not aligned, or leaves the file.
fn checked(region: Region, len: u64) -> Result<Region, Error> {
    let fits = region.offset.checked_add(region.len).is_some_and(|end| end <= len);
    if !fits || !region.offset.is_multiple_of(ALIGNMENT) || region.offset < ALIGNMENT {
        return Err(Error::Field { field: "a region at byte", value: region.offset });
    }
    Ok(region)
}
