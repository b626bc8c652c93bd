//! What the end-to-end tests share: running the built program, and reading images back with programs that
//! have nothing to do with it.
//!
//! Nothing here mounts anything. ext4 is read by `debugfs` and checked by `e2fsck`, FAT is read by mtools and
//! checked by `fsck.fat`, formats are undone by `qemu-img`, partition tables are read by `sfdisk`.

pub mod boot;
pub mod canary;
pub mod collector;
pub mod component;
pub mod disk;
pub mod example;
pub mod ext4;
pub mod failure;
pub mod fat;
pub mod product;
pub mod receivers;
pub mod registry;
pub mod scene;
pub mod token_server;
pub mod tunnel;

pub use disk::Disk;
pub use failure::{Failure, Outcome, failed};
pub use product::{Finished, Run, refused, text};
pub use scene::Scene;
