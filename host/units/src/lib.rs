//! Units of disks: sizes in bytes, sector sizes, logical block addresses and GUIDs.
//!
//! Sizes and addresses come from files that nobody vouches for, so all arithmetic on them is checked.

mod guid;
mod size;

pub use guid::{Guid, ParseGuidError};
pub use size::{ByteSize, Lba, SectorSize};
