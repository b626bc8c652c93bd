//! Units of disks: sizes in bytes, sector sizes, logical block addresses and GUIDs; and patterns of paths, which all
//! crates that speak of grants share.
//!
//! Sizes and addresses come from files that nobody vouches for, so all arithmetic on them is checked.

mod guid;
mod path_pattern;
mod size;

pub use guid::{Guid, ParseGuidError};
pub use path_pattern::{ParsePatternError, PathPattern};
pub use size::{ByteSize, Lba, SectorSize};
