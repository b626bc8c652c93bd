//! Files held open.

use super::change::content_kind;
use super::{Node, UserTree, metadata};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};
use crate::path::ImagePath;
use crate::tree::{FileId, Follow, Metadata, WriteOptions};

/// Files open at once at most.
const MOST_FILES: usize = 65_536;

/// The table of open files. A number is used again after its file was closed.
#[derive(Debug, Default)]
pub(super) struct OpenFiles {
    files: Vec<Option<Open>>,
    count: usize,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    node: Node,
    /// The file was removed; its inode may belong to another by now.
    lost: bool,
}

impl OpenFiles {
    fn add(&mut self, node: Node) -> Outcome<FileId> {
        let open = Some(Open { node, lost: false });
        if self.count >= MOST_FILES {
            return Err(Failure::new(ErrorKind::TooLarge, format!("more than {MOST_FILES} files are open")));
        }
        let index = match self.files.iter().position(Option::is_none) {
            Some(free) => {
                if let Some(place) = self.files.get_mut(free) {
                    *place = open;
                }
                free
            }
            None => {
                self.files.push(open);
                self.files.len() - 1
            }
        };
        self.count += 1;
        u32::try_from(index).map(FileId).map_err(|_| ErrorKind::TooLarge.into())
    }

    fn get(&self, file: FileId) -> Outcome<Node> {
        let found = usize::try_from(file.0).ok().and_then(|index| self.files.get(index)).copied().flatten();
        match found {
            None => Err(Failure::new(ErrorKind::InvalidArgument, "no file of that number is open")),
            Some(Open { lost: true, .. }) => {
                Err(Failure::new(ErrorKind::NotFound, "the file was removed while it was open"))
            }
            Some(open) => Ok(open.node),
        }
    }

    pub(super) fn close(&mut self, file: FileId) -> Outcome<()> {
        let place = usize::try_from(file.0).ok().and_then(|index| self.files.get_mut(index));
        match place.and_then(Option::take) {
            Some(_) => {
                self.count = self.count.saturating_sub(1);
                Ok(())
            }
            None => Err(Failure::new(ErrorKind::InvalidArgument, "no file of that number is open")),
        }
    }

    /// The object is gone: files open on it answer [`ErrorKind::NotFound`] from here on.
    pub(super) fn lose(&mut self, node: Node) {
        for open in self.files.iter_mut().flatten() {
            open.lost |= open.node == node;
        }
    }
}

impl UserTree {
    pub(super) fn open_file(&mut self, path: &ImagePath) -> Outcome<FileId> {
        let node = self.existing(path, Follow::Yes)?;
        content_kind(self.attributes(node)?.kind)?;
        self.files.add(node)
    }

    pub(super) fn create_file(&mut self, path: &ImagePath, options: &WriteOptions) -> Outcome<FileId> {
        let node = self.file_to_fill(path, options)?;
        self.files.add(node)
    }

    pub(super) fn open_metadata(&mut self, file: FileId) -> Outcome<Metadata> {
        let node = self.files.get(file)?;
        Ok(metadata(node, self.attributes(node)?))
    }

    pub(super) fn read_open(&mut self, file: FileId, offset: u64, buffer: &mut [u8]) -> Outcome<usize> {
        let node = self.files.get(file)?;
        self.engine(node.mount)?.read(node.inode, offset, buffer)
    }

    pub(super) fn data_in_open(&mut self, file: FileId, offset: u64) -> Outcome<Option<u64>> {
        let node = self.files.get(file)?;
        self.engine(node.mount)?.find_data(node.inode, offset)
    }

    pub(super) fn write_open(&mut self, file: FileId, offset: u64, data: &[u8]) -> Outcome<()> {
        let node = self.files.get(file)?;
        if data.is_empty() {
            return Ok(());
        }
        self.writable(node.mount)?.write(node.inode, offset, data)
    }

    pub(super) fn resize_open(&mut self, file: FileId, size: u64) -> Outcome<()> {
        let node = self.files.get(file)?;
        self.writable(node.mount)?.set_size(node.inode, size)
    }
}
