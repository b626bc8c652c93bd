//! The footer: the last 512 bytes of every VHD.

use crate::fields::{array, put, u32_be, u64_be};

pub(crate) const COOKIE: &[u8] = b"conectix";
/// Bytes.
pub(crate) const LEN: usize = 512;

const VERSION: u32 = 0x0001_0000;
/// Bit 1 is reserved and always set.
const FEATURES: u32 = 2;
/// Which program and host made the file. Readers take the size in bytes for what counts when the program is `qem2`,
/// QEMU's mark for just that; any new name might not be known to them.
const CREATOR: &[u8; 4] = b"qem2";
const CREATOR_VERSION: u32 = 0x0005_0003;
const CREATOR_HOST: &[u8; 4] = b"Wi2k";
/// Programs that mean the geometry.
const GEOMETRY_CREATORS: [&[u8; 4]; 3] = [b"vpc ", b"vs  ", b"qemu"];
/// 65535 cylinders, 16 heads, 255 sectors: the largest geometry, which means "look at the size in bytes".
const LARGEST_GEOMETRY: [u8; 4] = [0xff, 0xff, 16, 255];
/// Seconds from 1970 to 2000, from which a VHD counts.
const YEAR_2000: u64 = 946_684_800;
const CHECKSUM_AT: usize = 64;

/// Why a VHD is not read or written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    #[error("it starts as a VHD but does not end in a footer")]
    NoFooter,
    #[error("the VHD has version {0:#010x}; 0x00010000 is read")]
    Version(u32),
    #[error("the VHD was made by `{0}`, which gives the size of the disk by its geometry")]
    Geometry(String),
    #[error("the checksum of the {what} is {stored:#010x}, but {computed:#010x} is right")]
    Checksum { what: &'static str, stored: u32, computed: u32 },
    #[error("it is a difference to another VHD, and does not hold the whole disk")]
    Differencing,
    #[error("the VHD has the unknown type {0}")]
    DiskType(u32),
    #[error("the disk has {0} bytes, but the file is shorter")]
    CutShort(u64),
    #[error("the header of the dynamic VHD has {field} {value}, which is not allowed")]
    Field { field: &'static str, value: u64 },
    #[error("block {block} of the VHD lies at byte {offset}, outside of the file or over another one")]
    Block { block: u64, offset: u64 },
}

/// The types that are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskType {
    Fixed = 2,
    Dynamic = 3,
}

/// What a footer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) disk_type: DiskType,
    /// Bytes in the disk.
    pub(crate) current_size: u64,
    /// Where the header of a dynamic VHD is, in bytes.
    pub(crate) data_offset: u64,
}

impl Footer {
    /// Understands the last bytes of a file; `None` when they are no footer.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, Error> {
        if bytes.len() != LEN || !bytes.starts_with(COOKIE) {
            return Ok(None);
        }
        let version = u32_be(bytes, 12).unwrap_or_default();
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let creator: [u8; 4] = array(bytes, 28).unwrap_or_default();
        if GEOMETRY_CREATORS.contains(&&creator) {
            return Err(Error::Geometry(String::from_utf8_lossy(&creator).into_owned()));
        }
        let (stored, computed) =
            (u32_be(bytes, CHECKSUM_AT).unwrap_or_default(), checksum(bytes, CHECKSUM_AT));
        if stored != computed {
            return Err(Error::Checksum { what: "VHD footer", stored, computed });
        }
        let disk_type = match u32_be(bytes, 60).unwrap_or_default() {
            2 => DiskType::Fixed,
            3 => DiskType::Dynamic,
            4 => return Err(Error::Differencing),
            other => return Err(Error::DiskType(other)),
        };
        Ok(Some(Self {
            disk_type,
            current_size: u64_be(bytes, 48).unwrap_or_default(),
            data_offset: u64_be(bytes, 16).unwrap_or_default(),
        }))
    }

    /// The footer's bytes, as QEMU writes them for `force_size=on`.
    pub(crate) fn write(&self, made_at: u64, id: [u8; 16]) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let seconds = u32::try_from(made_at.saturating_sub(YEAR_2000)).unwrap_or(u32::MAX);
        put(&mut bytes, 0, COOKIE);
        put(&mut bytes, 8, &FEATURES.to_be_bytes());
        put(&mut bytes, 12, &VERSION.to_be_bytes());
        put(&mut bytes, 16, &self.data_offset.to_be_bytes());
        put(&mut bytes, 24, &seconds.to_be_bytes());
        put(&mut bytes, 28, CREATOR);
        put(&mut bytes, 32, &CREATOR_VERSION.to_be_bytes());
        put(&mut bytes, 36, CREATOR_HOST);
        put(&mut bytes, 40, &self.current_size.to_be_bytes());
        put(&mut bytes, 48, &self.current_size.to_be_bytes());
        put(&mut bytes, 56, &LARGEST_GEOMETRY);
        put(&mut bytes, 60, &(self.disk_type as u32).to_be_bytes());
        put(&mut bytes, 68, &id);
        let sum = checksum(&bytes, CHECKSUM_AT);
        put(&mut bytes, CHECKSUM_AT, &sum.to_be_bytes());
        bytes
    }
}

/// The ones' complement of the sum of all bytes but those of the checksum itself, which is at `at`.
pub(crate) fn checksum(bytes: &[u8], at: usize) -> u32 {
    let sum =
        |bytes: Option<&[u8]>| bytes.unwrap_or_default().iter().map(|byte| u32::from(*byte)).sum::<u32>();
    !(sum(bytes.get(..at)) + sum(bytes.get(at + 4..)))
}
