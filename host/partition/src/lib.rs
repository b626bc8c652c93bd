//! Partition tables and file system superblocks, read from bytes.
//!
//! [`read_table`] finds a GPT or an MBR; [`superblock::probe`] tells what a partition holds. Both fetch a bounded
//! number of bytes through [`ReadAt`] and hand them to pure parsers. Everything they read is hostile.

mod bytes;
mod error;
mod gpt;
mod mbr;
mod read;
#[cfg(test)]
mod sample;
pub mod superblock;
mod table;

pub use error::{Error, Structure};
pub use read::ReadAt;
pub use table::{
    DiskId, GptLayout, Partition, PartitionId, PartitionType, Table, TableKind, Warning, known_type,
    read_table,
};
