//! A tree of the host copied into the image.

use super::{
    CHUNK, TreeOptions, TreeReport, WHOLE, below, clear_place, make_directories_counted, set_owner,
    take_directory, write_options,
};
use crate::error::{Error, ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{Entry, Kind, Metadata, NodeId, Tree};
use std::collections::HashSet;
use std::io::Read;

/// Mode of directories above the destination that are missing.
const PARENT_MODE: u32 = 0o755;

/// A file or a tree of the host.
///
/// `path` is relative to it, parts joined by `/`; empty for the file or tree itself. What links mean is the
/// source's business: one it follows shows up as what it leads to, one it does not as [`Kind::Symlink`].
pub trait Source {
    /// What is at `path`. [`Metadata::id`] must tell directories apart: one met twice ends the call.
    ///
    /// # Errors
    /// Whatever the host answers.
    fn metadata(&self, path: &ImagePath) -> Result<Metadata>;
    /// The entries of a directory, in byte order of the names.
    ///
    /// # Errors
    /// Whatever the host answers.
    fn list(&self, path: &ImagePath) -> Result<Vec<Entry>>;
    /// The content of a regular file, from its start. It is asked for large pieces.
    ///
    /// # Errors
    /// Whatever the host answers.
    fn open(&self, path: &ImagePath) -> Result<Box<dyn Read + '_>>;
    /// The text of a link that is not followed.
    ///
    /// # Errors
    /// Whatever the host answers.
    fn read_link(&self, path: &ImagePath) -> Result<Vec<u8>>;
}

/// Copies `source` to `destination`, which is the copy's own path. Missing directories above it are made (0755,
/// 0:0). Everything made or changed gets the tree's time, not the source's.
///
/// Files that exist keep inode and attributes and get owner and mode of the source or of `options`; directories
/// that exist are merged into and stay as they are; a link at the place of a file or directory is followed.
///
/// # Errors
/// [`ErrorKind::SpecialFile`] when the source holds a device, pipe or socket; [`ErrorKind::AlreadyExists`] unless
/// files may be overwritten; those of the source and of the tree. After an error a part is installed.
pub fn install(
    tree: &mut dyn Tree,
    source: &dyn Source,
    destination: &ImagePath,
    options: &TreeOptions,
) -> Result<TreeReport> {
    let top = source.metadata(ImagePath::new(b""))?;
    let mut report = TreeReport::default();
    let bytes = destination.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let trimmed = bytes.get(..end).unwrap_or(bytes);
    if let Some(slash) = trimmed.iter().rposition(|byte| *byte == b'/').filter(|slash| *slash > 0) {
        let parent = ImagePath::new(trimmed.get(..slash).unwrap_or_default());
        report.directories += make_directories_counted(tree, parent, PARENT_MODE)?;
    }
    let mut install = Install { source, options, report, seen: HashSet::new(), buffer: Vec::new() };
    let mut left = vec![(ImagePathBuf::default(), destination.to_owned(), top)];
    while let Some((from, to, metadata)) = left.pop() {
        if metadata.kind == Kind::Directory {
            install.directory(tree, &from, &to, &metadata, &mut left)?;
        } else {
            install.object(tree, &from, &to, &metadata)?;
        }
    }
    Ok(install.report)
}

struct Install<'a> {
    source: &'a dyn Source,
    options: &'a TreeOptions,
    report: TreeReport,
    seen: HashSet<NodeId>,
    buffer: Vec<u8>,
}

type Left = Vec<(ImagePathBuf, ImagePathBuf, Metadata)>;

impl Install<'_> {
    fn directory(
        &mut self,
        tree: &mut dyn Tree,
        from: &ImagePath,
        to: &ImagePath,
        metadata: &Metadata,
        left: &mut Left,
    ) -> Result<()> {
        if !self.seen.insert(metadata.id) {
            return Err(super::seen_twice(from));
        }
        if take_directory(tree, to, metadata, self.options)? {
            self.report.directories += 1;
        }
        let first = left.len();
        for entry in self.source.list(from)? {
            let from = if from.as_bytes().is_empty() {
                ImagePathBuf::from(entry.name.clone())
            } else {
                below(from, &entry.name)
            };
            let to = below(to, &entry.name);
            let metadata = self.source.metadata(&from)?;
            if metadata.kind == Kind::Directory {
                left.push((from, to, metadata));
            } else {
                self.object(tree, &from, &to, &metadata)?;
            }
        }
        if let Some(added) = left.get_mut(first..) {
            added.reverse();
        }
        Ok(())
    }

    fn object(
        &mut self,
        tree: &mut dyn Tree,
        from: &ImagePath,
        to: &ImagePath,
        metadata: &Metadata,
    ) -> Result<()> {
        match metadata.kind {
            Kind::Regular => self.file(tree, from, to, metadata),
            Kind::Symlink => {
                let text = self.source.read_link(from)?;
                clear_place(tree, to, self.options)?;
                tree.make_symlink(&text, to)?;
                set_owner(tree, to, self.options.owner.unwrap_or(metadata.owner))?;
                self.report.symlinks += 1;
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::SpecialFile, "install").at(from)),
        }
    }

    /// The file may grow or shrink while it is read: what counts is what was read.
    fn file(
        &mut self,
        tree: &mut dyn Tree,
        from: &ImagePath,
        to: &ImagePath,
        metadata: &Metadata,
    ) -> Result<()> {
        let options = write_options(metadata, self.options);
        let mut content = self.source.open(from)?;
        self.buffer.clear();
        let failed = |error: std::io::Error| Error::new(ErrorKind::Io, "read").at(from).caused_by(error);
        (&mut content).take(WHOLE).read_to_end(&mut self.buffer).map_err(failed)?;
        self.report.files += 1;
        let mut position = self.buffer.len() as u64;
        if position < WHOLE {
            tree.write(to, &self.buffer, &options)?;
            self.report.bytes += position;
            return Ok(());
        }
        let file = tree.create(to, &options)?;
        let result = (|| {
            tree.write_at(file, 0, &self.buffer)?;
            loop {
                self.buffer.clear();
                let step = (&mut content).take(CHUNK as u64).read_to_end(&mut self.buffer).map_err(failed)?;
                if step == 0 {
                    return Ok(());
                }
                tree.write_at(file, position, &self.buffer)?;
                position += step as u64;
            }
        })();
        let closed = tree.close(file);
        result.map_err(|error: Error| error.at(to))?;
        self.report.bytes += position;
        closed
    }
}
