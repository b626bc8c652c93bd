//! Copying within the image.

use super::{
    CHUNK, TreeOptions, TreeReport, WHOLE, below, clear_place, read_whole, seen_twice, set_owner,
    take_directory, with_file, write_options,
};
use crate::error::{Error, ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{FileId, Follow, Kind, Metadata, NodeId, Timestamp, Tree};
use std::collections::{HashMap, HashSet};

/// Copies what is at `source` to `destination`, which is the copy's own path and not the directory to put it in.
/// A final link at `source` is copied itself; a directory that is there already at the destination is merged into,
/// links to directories followed.
///
/// Hard links within the copy, extended attributes, device nodes and times of change are kept; owners and modes as
/// `options` say.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] when the copy would lie within its source. After an error a part is copied.
pub fn copy_tree(
    tree: &mut dyn Tree,
    source: &ImagePath,
    destination: &ImagePath,
    options: &TreeOptions,
) -> Result<TreeReport> {
    let metadata = tree.metadata(source, Follow::No)?;
    let mut copy = Copy {
        options,
        report: TreeReport::default(),
        names: HashMap::new(),
        seen: HashSet::new(),
        times: Vec::new(),
        top: None,
    };
    if metadata.kind != Kind::Directory {
        copy.object(tree, source, destination, &metadata)?;
        return Ok(copy.report);
    }
    copy.top = Some(tree.resolve(source)?);
    copy.refuse_within(tree, destination)?;
    copy.seen.insert(metadata.id);
    let mut left = vec![(source.to_owned(), destination.to_owned(), metadata)];
    while let Some((from, to, metadata)) = left.pop() {
        copy.directory(tree, &from, &to, &metadata, &mut left)?;
    }
    copy.set_times(tree)?;
    Ok(copy.report)
}

struct Copy<'a> {
    options: &'a TreeOptions,
    report: TreeReport,
    /// Where objects with several names were copied to first.
    names: HashMap<NodeId, ImagePathBuf>,
    /// Directories of the source that have been met.
    seen: HashSet<NodeId>,
    /// Directories made, and their times: to be set when nothing is put into them any more.
    times: Vec<(ImagePathBuf, Timestamp)>,
    /// The source without links.
    top: Option<ImagePathBuf>,
}

type Left = Vec<(ImagePathBuf, ImagePathBuf, Metadata)>;

impl Copy<'_> {
    fn directory(
        &mut self,
        tree: &mut dyn Tree,
        from: &ImagePath,
        to: &ImagePath,
        metadata: &Metadata,
        left: &mut Left,
    ) -> Result<()> {
        // Listed before the copy is made, which may lie beside the entries.
        let entries = tree.list_directory(from)?;
        if take_directory(tree, to, metadata, self.options)? {
            self.report.directories += 1;
            copy_xattrs(tree, from, to)?;
            self.times.push((to.to_owned(), metadata.modified));
        } else {
            // It may be a link that leads back into the source.
            self.refuse_within(tree, to)?;
        }
        let first = left.len();
        for entry in entries {
            let (from, to) = (below(from, &entry.name), below(to, &entry.name));
            let metadata = tree.metadata(&from, Follow::No)?;
            if metadata.kind != Kind::Directory {
                self.object(tree, &from, &to, &metadata)?;
            } else if self.seen.insert(metadata.id) {
                left.push((from, to, metadata));
            } else {
                return Err(seen_twice(&from));
            }
        }
        if let Some(added) = left.get_mut(first..) {
            added.reverse();
        }
        Ok(())
    }

    /// Copies anything but a directory.
    fn object(
        &mut self,
        tree: &mut dyn Tree,
        from: &ImagePath,
        to: &ImagePath,
        metadata: &Metadata,
    ) -> Result<()> {
        if metadata.links > 1 {
            if let Some(first) = self.names.get(&metadata.id) {
                clear_place(tree, to, self.options)?;
                tree.make_hard_link(first, to)?;
                self.report.files += 1;
                return Ok(());
            }
            self.names.insert(metadata.id, to.to_owned());
        }
        match metadata.kind {
            Kind::Regular => self.file(tree, from, to, metadata)?,
            Kind::Symlink => {
                let text = tree.read_link(from)?;
                clear_place(tree, to, self.options)?;
                tree.make_symlink(&text, to)?;
                set_owner(tree, to, self.options.owner.unwrap_or(metadata.owner))?;
            }
            kind => {
                clear_place(tree, to, self.options)?;
                tree.make_node(to, kind, self.options.file_mode.unwrap_or(metadata.mode), metadata.device)?;
                set_owner(tree, to, self.options.owner.unwrap_or(metadata.owner))?;
            }
        }
        self.report.count(metadata);
        if metadata.kind != Kind::Regular {
            copy_xattrs(tree, from, to)?;
            tree.set_modified(to, metadata.modified, Follow::No)?;
        }
        Ok(())
    }

    fn file(&self, tree: &mut dyn Tree, from: &ImagePath, to: &ImagePath, metadata: &Metadata) -> Result<()> {
        if let Some(target) = super::find(tree, to, Follow::Yes)?
            && target.id == metadata.id
        {
            return Err(Error::new(ErrorKind::InvalidArgument, "copy to")
                .at(to)
                .caused_by("it is the source"));
        }
        let options = write_options(metadata, self.options);
        if metadata.size <= WHOLE {
            let content = with_file(tree, from, |tree, file| read_whole(tree, file, metadata.size))?;
            tree.write(to, &content, &options)?;
        } else {
            let target = tree.create(to, &options)?;
            let copied = with_file(tree, from, |tree, file| copy_chunks(tree, file, target, metadata.size));
            let closed = tree.close(target);
            copied?;
            closed?;
        }
        // The link that may be at `to` was followed; attributes and times belong to what it leads to.
        let written = tree.resolve(to)?;
        copy_xattrs(tree, from, &written)?;
        tree.set_modified(&written, metadata.modified, Follow::No)
    }

    /// A copy within its own source would never end.
    fn refuse_within(&self, tree: &mut dyn Tree, path: &ImagePath) -> Result<()> {
        let Some(top) = &self.top else { return Ok(()) };
        let place = nearest(tree, path)?;
        let within = place.as_bytes().strip_prefix(top.as_bytes());
        if top.as_bytes() == b"/" || within.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")) {
            let text = format!("it lies within the source, `{}`", top.display());
            return Err(Error::new(ErrorKind::InvalidArgument, "copy to").at(path).caused_by(text));
        }
        Ok(())
    }

    fn set_times(&mut self, tree: &mut dyn Tree) -> Result<()> {
        for (path, time) in std::mem::take(&mut self.times).into_iter().rev() {
            tree.set_modified(&path, time, Follow::No)?;
        }
        Ok(())
    }
}

/// Where `path`, or the first of the directories above it that exists, ends after all links; with the missing rest.
fn nearest(tree: &mut dyn Tree, path: &ImagePath) -> Result<ImagePathBuf> {
    let bytes = path.as_bytes();
    let mut end = bytes.len();
    loop {
        let part = bytes.get(..end).filter(|part| !part.is_empty()).unwrap_or(b"/");
        match tree.resolve(ImagePath::new(part)) {
            Ok(resolved) => {
                let mut whole = resolved.as_bytes().to_vec();
                while whole.last() == Some(&b'/') {
                    whole.pop();
                }
                let rest = bytes.get(end..).unwrap_or_default();
                if !rest.is_empty() && !rest.starts_with(b"/") {
                    whole.push(b'/');
                }
                whole.extend_from_slice(rest);
                return Ok(ImagePathBuf::from(whole));
            }
            Err(error) if error.kind() == ErrorKind::NotFound && end > 0 => {
                end = bytes
                    .get(..end)
                    .and_then(|part| part.iter().rposition(|byte| *byte == b'/'))
                    .unwrap_or(0);
            }
            Err(error) => return Err(error),
        }
    }
}

fn copy_xattrs(tree: &mut dyn Tree, from: &ImagePath, to: &ImagePath) -> Result<()> {
    for name in tree.list_xattrs(from)? {
        let value = tree.xattr(from, &name)?;
        tree.set_xattr(to, &name, &value)?;
    }
    Ok(())
}

/// Parts that are all zero are left out: the file has holes there. What the source knows to be a hole is not read.
fn copy_chunks(tree: &mut dyn Tree, from: FileId, to: FileId, size: u64) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut end = size;
    let mut next = tree.find_data(from, 0)?;
    while let Some(position) = next.filter(|position| *position < size) {
        let read = tree.read_at(from, position, &mut buffer)?;
        let part = buffer.get(..read).unwrap_or_default();
        if part.is_empty() {
            end = position;
            break;
        }
        if !is_zero(part) {
            tree.write_at(to, position, part)?;
        }
        next = tree.find_data(from, position + read as u64)?;
    }
    tree.set_size(to, end)
}

fn is_zero(bytes: &[u8]) -> bool {
    static ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|part| Some(part) == ZEROS.get(..part.len()))
}
