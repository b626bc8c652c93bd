//! A new ext4 file system, for trees that do not come from an image.

use super::device::Device;
use super::{Ext4, engine_error};
use crate::error::{Error, ErrorKind};
use crate::filesystem::{Failure, Outcome};
use block::Window;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes of a block.
const BLOCK: u32 = 4096;

/// Bytes that one group of blocks covers: as many blocks as one block has bits.
const GROUP: u64 = 8 * BLOCK as u64 * BLOCK as u64;

/// Objects that one group has room for.
const INODES_OF_GROUP: u64 = 8192;

/// The name of every file system made here: equal trees are to be equal to the byte.
const UUID: [u8; 16] = *b"imagecustomizer!";

impl Ext4 {
    /// Bytes for a file system with room for `objects` and for `content` bytes in files.
    #[must_use]
    pub fn size_for(objects: u64, content: u64) -> u64 {
        // A group more, for what the objects themselves take and for what is to come.
        let groups = (objects / INODES_OF_GROUP).saturating_add(1);
        let blocks = objects.saturating_mul(u64::from(BLOCK));
        let bytes = groups.saturating_mul(GROUP).saturating_add(blocks).saturating_add(content);
        // Whole groups: a short one at the end may have no room for what belongs to it.
        bytes.checked_next_multiple_of(GROUP).unwrap_or(bytes)
    }

    /// Makes an empty file system that fills `window`, whose bytes must be zero.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the window is smaller than a file system can be; [`ErrorKind::Io`].
    pub fn format(window: Window) -> Result<(), Error> {
        format(window).map_err(|failure| failure.without_path("make an ext4 file system"))
    }
}

fn format(window: Window) -> Outcome<()> {
    let size = window.len();
    let device = Device::new(window, true);
    let make = || fs_ext4::mkfs::format_filesystem(&device, None, Some(UUID), size, BLOCK);
    catch_unwind(AssertUnwindSafe(make))
        .map_err(|_| Failure::new(ErrorKind::InvalidArgument, "the size does not fit"))?
        .map_err(engine_error::failure)?;
    device.write_back().map_err(|error| Failure::new(ErrorKind::Io, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Image;
    use crate::{Existing, ImagePath, Tree, WriteOptions};

    #[test]
    fn a_new_file_system_can_be_filled_and_is_sound() {
        let image = Image::empty(Ext4::size_for(100, 1 << 20));
        Ext4::format(image.window()).unwrap();
        let mut tree = image.ext4_tree();
        let names: Vec<_> = tree.list_directory(ImagePath::new("/")).unwrap();
        assert_eq!(names.iter().map(|entry| entry.name.as_slice()).collect::<Vec<_>>(), [b"lost+found"]);
        tree.remove_directory(ImagePath::new("/lost+found")).unwrap();
        let options = WriteOptions { existing: Existing::Keep, parents: true, ..WriteOptions::default() };
        for number in 0..200 {
            let path = format!("/etc/{number}/file");
            tree.write(ImagePath::new(&path), &vec![b'x'; 20_000], &options).unwrap();
        }
        tree.flush().unwrap();
        image.check_ext();
    }

    #[test]
    fn a_window_that_is_too_small_is_refused() {
        let image = Image::empty(16 << 10);
        assert_eq!(Ext4::format(image.window()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
