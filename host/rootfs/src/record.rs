//! A journal of all that was done to a tree, and doing it again.
//!
//! The journal is lines of JSON, one call each. Calls that failed are in it too: what they did and took back may
//! have left its mark on the layout. On a copy of the same base, with the same clock, replaying gives the same
//! bytes.

use crate::error::{Error, ErrorKind, Result};
use crate::path::{ImagePath, ImagePathBuf};
use crate::tree::{
    Aim, Device, Entry, FileId, Follow, Kind, Location, Metadata, MountInfo, Owner, Timestamp, Tree,
    WriteOptions,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, Write};

/// A tree that writes down every call that changes it before it gives the call's result.
pub struct Recorder<W> {
    tree: Box<dyn Tree>,
    journal: W,
}

/// One line of the journal.
#[derive(Debug, Deserialize, Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    call: Call<'a>,
    /// The kind of error, in words, that the call ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
enum Call<'a> {
    Open { path: Bytes<'a>, file: FileId },
    Create { path: Bytes<'a>, options: WriteOptions, file: FileId },
    WriteAt { file: FileId, offset: u64, data: Bytes<'a> },
    SetSize { file: FileId, size: u64 },
    Close { file: FileId },
    Write { path: Bytes<'a>, data: Bytes<'a>, options: WriteOptions },
    MakeDirectory { path: Bytes<'a>, mode: u32 },
    MakeSymlink { target: Bytes<'a>, path: Bytes<'a> },
    MakeHardLink { existing: Bytes<'a>, path: Bytes<'a> },
    MakeNode { path: Bytes<'a>, kind: Kind, mode: u32, device: Option<Device> },
    Rename { old: Bytes<'a>, new: Bytes<'a> },
    RemoveFile { path: Bytes<'a> },
    RemoveDirectory { path: Bytes<'a> },
    SetMode { path: Bytes<'a>, mode: u32 },
    SetOwner { path: Bytes<'a>, owner: Owner, follow: Follow },
    SetModified { path: Bytes<'a>, time: Timestamp, follow: Follow },
    SetXattr { path: Bytes<'a>, name: Cow<'a, str>, value: Bytes<'a> },
    RemoveXattr { path: Bytes<'a>, name: Cow<'a, str> },
    Flush,
    Trim,
}

/// Bytes in JSON: `text:` and the text where they are text, else `hex:` and two digits each.
#[derive(Debug)]
struct Bytes<'a>(Cow<'a, [u8]>);

impl<'a> From<&'a ImagePath> for Bytes<'a> {
    fn from(path: &'a ImagePath) -> Self {
        Self(Cow::Borrowed(path.as_bytes()))
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }
}

impl Bytes<'_> {
    fn path(&self) -> ImagePathBuf {
        ImagePathBuf::from(self.0.to_vec())
    }
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.collect_str(&format_args!("text:{text}")),
            Err(_) => {
                let mut text = String::with_capacity(4 + self.0.len() * 2);
                text.push_str("hex:");
                for byte in self.0.iter() {
                    text.extend(
                        [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
                    );
                }
                serializer.serialize_str(&text)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Bytes<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        if let Some(text) = text.strip_prefix("text:") {
            return Ok(Self(Cow::Owned(text.as_bytes().to_vec())));
        }
        let hex = text.strip_prefix("hex:").ok_or_else(|| D::Error::custom("neither `text:` nor `hex:`"))?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
        match bytes.filter(|_| rest.is_empty()) {
            Some(bytes) => Ok(Self(Cow::Owned(bytes))),
            None => Err(D::Error::custom("no hexadecimal digits")),
        }
    }
}

impl<W: Write + Send> Recorder<W> {
    /// Records what is done to `tree` from here on.
    pub fn new(tree: Box<dyn Tree>, journal: W) -> Self {
        Self { tree, journal }
    }

    /// The tree and the journal, written as far as the journal's writer has got.
    pub fn into_parts(self) -> (Box<dyn Tree>, W) {
        (self.tree, self.journal)
    }

    fn note<T>(&mut self, call: Call<'_>, result: Result<T>) -> Result<T> {
        let failed = result.as_ref().err().map(|error| error.kind().text().to_owned());
        let written = serde_json::to_writer(&mut self.journal, &Line { call, failed })
            .map_err(std::io::Error::from)
            .and_then(|()| self.journal.write_all(b"\n"));
        match written {
            Ok(()) => result,
            // Without the line the journal would tell of another tree.
            Err(error) => Err(Error::new(ErrorKind::Io, "write the journal").caused_by(error)),
        }
    }
}

impl<W> std::fmt::Debug for Recorder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("mounts", &self.tree.mounts()).finish_non_exhaustive()
    }
}

impl<W: Write + Send> Tree for Recorder<W> {
    fn resolve(&mut self, path: &ImagePath) -> Result<ImagePathBuf> {
        self.tree.resolve(path)
    }

    fn locate(&mut self, path: &ImagePath, aim: Aim) -> Result<Location> {
        self.tree.locate(path, aim)
    }

    fn metadata(&mut self, path: &ImagePath, follow: Follow) -> Result<Metadata> {
        self.tree.metadata(path, follow)
    }

    fn read_link(&mut self, path: &ImagePath) -> Result<Vec<u8>> {
        self.tree.read_link(path)
    }

    fn list_directory(&mut self, path: &ImagePath) -> Result<Vec<Entry>> {
        self.tree.list_directory(path)
    }

    fn open(&mut self, path: &ImagePath) -> Result<FileId> {
        // Opening changes nothing; it is noted for what is done to the file, so failures are not.
        let file = self.tree.open(path)?;
        self.note(Call::Open { path: path.into(), file }, Ok(file))
    }

    fn create(&mut self, path: &ImagePath, options: &WriteOptions) -> Result<FileId> {
        let result = self.tree.create(path, options);
        let file = result.as_ref().map_or(FileId(u32::MAX), |file| *file);
        self.note(Call::Create { path: path.into(), options: *options, file }, result)
    }

    fn file_metadata(&mut self, file: FileId) -> Result<Metadata> {
        self.tree.file_metadata(file)
    }

    fn read_at(&mut self, file: FileId, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.tree.read_at(file, offset, buffer)
    }

    fn find_data(&mut self, file: FileId, offset: u64) -> Result<Option<u64>> {
        self.tree.find_data(file, offset)
    }

    fn write_at(&mut self, file: FileId, offset: u64, data: &[u8]) -> Result<()> {
        let result = self.tree.write_at(file, offset, data);
        self.note(Call::WriteAt { file, offset, data: data.into() }, result)
    }

    fn set_size(&mut self, file: FileId, size: u64) -> Result<()> {
        let result = self.tree.set_size(file, size);
        self.note(Call::SetSize { file, size }, result)
    }

    fn close(&mut self, file: FileId) -> Result<()> {
        let result = self.tree.close(file);
        self.note(Call::Close { file }, result)
    }

    fn write(&mut self, path: &ImagePath, data: &[u8], options: &WriteOptions) -> Result<()> {
        let result = self.tree.write(path, data, options);
        self.note(Call::Write { path: path.into(), data: data.into(), options: *options }, result)
    }

    fn make_directory(&mut self, path: &ImagePath, mode: u32) -> Result<()> {
        let result = self.tree.make_directory(path, mode);
        self.note(Call::MakeDirectory { path: path.into(), mode }, result)
    }

    fn make_symlink(&mut self, target: &[u8], path: &ImagePath) -> Result<()> {
        let result = self.tree.make_symlink(target, path);
        self.note(Call::MakeSymlink { target: target.into(), path: path.into() }, result)
    }

    fn make_hard_link(&mut self, existing: &ImagePath, path: &ImagePath) -> Result<()> {
        let result = self.tree.make_hard_link(existing, path);
        self.note(Call::MakeHardLink { existing: existing.into(), path: path.into() }, result)
    }

    fn make_node(&mut self, path: &ImagePath, kind: Kind, mode: u32, device: Option<Device>) -> Result<()> {
        let result = self.tree.make_node(path, kind, mode, device);
        self.note(Call::MakeNode { path: path.into(), kind, mode, device }, result)
    }

    fn rename(&mut self, old: &ImagePath, new: &ImagePath) -> Result<()> {
        let result = self.tree.rename(old, new);
        self.note(Call::Rename { old: old.into(), new: new.into() }, result)
    }

    fn remove_file(&mut self, path: &ImagePath) -> Result<()> {
        let result = self.tree.remove_file(path);
        self.note(Call::RemoveFile { path: path.into() }, result)
    }

    fn remove_directory(&mut self, path: &ImagePath) -> Result<()> {
        let result = self.tree.remove_directory(path);
        self.note(Call::RemoveDirectory { path: path.into() }, result)
    }

    fn set_mode(&mut self, path: &ImagePath, mode: u32) -> Result<()> {
        let result = self.tree.set_mode(path, mode);
        self.note(Call::SetMode { path: path.into(), mode }, result)
    }

    fn set_owner(&mut self, path: &ImagePath, owner: Owner, follow: Follow) -> Result<()> {
        let result = self.tree.set_owner(path, owner, follow);
        self.note(Call::SetOwner { path: path.into(), owner, follow }, result)
    }

    fn set_modified(&mut self, path: &ImagePath, time: Timestamp, follow: Follow) -> Result<()> {
        let result = self.tree.set_modified(path, time, follow);
        self.note(Call::SetModified { path: path.into(), time, follow }, result)
    }

    fn list_xattrs(&mut self, path: &ImagePath) -> Result<Vec<String>> {
        self.tree.list_xattrs(path)
    }

    fn xattr(&mut self, path: &ImagePath, name: &str) -> Result<Vec<u8>> {
        self.tree.xattr(path, name)
    }

    fn set_xattr(&mut self, path: &ImagePath, name: &str, value: &[u8]) -> Result<()> {
        let result = self.tree.set_xattr(path, name, value);
        self.note(Call::SetXattr { path: path.into(), name: name.into(), value: value.into() }, result)
    }

    fn remove_xattr(&mut self, path: &ImagePath, name: &str) -> Result<()> {
        let result = self.tree.remove_xattr(path, name);
        self.note(Call::RemoveXattr { path: path.into(), name: name.into() }, result)
    }

    fn mounts(&self) -> Vec<MountInfo> {
        self.tree.mounts()
    }

    fn flush(&mut self) -> Result<()> {
        let result = self.tree.flush();
        self.note(Call::Flush, result)
    }

    fn trim(&mut self) -> Result<crate::TrimReport> {
        let result = self.tree.trim();
        self.note(Call::Trim, result)
    }
}

/// Why a journal could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal could not be read.
    #[error("cannot read line {line} of the journal")]
    Read {
        /// Counted from 1.
        line: u64,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A line is no call.
    #[error("line {line} of the journal is no call")]
    Parse {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A call ended otherwise than it did when it was recorded: the tree is not the one the journal began with.
    #[error("line {line} of the journal: the call ends otherwise than recorded ({recorded})")]
    Differs {
        /// Counted from 1.
        line: u64,
        /// How it ended then.
        recorded: String,
        /// How it ends now, if in an error.
        #[source]
        source: Option<Error>,
    },
}

/// Does to `tree` what the journal tells; gives the number of calls.
///
/// # Errors
/// [`ReplayError`]; the calls of the lines before it have been done.
pub fn replay(journal: impl BufRead, tree: &mut dyn Tree) -> std::result::Result<u64, ReplayError> {
    let mut files = HashMap::new();
    let mut count = 0;
    for (text, line) in journal.lines().zip(1..) {
        let text = text.map_err(|source| ReplayError::Read { line, source })?;
        let Line { call, failed } =
            serde_json::from_str(&text).map_err(|source| ReplayError::Parse { line, source })?;
        let result = run(call, tree, &mut files);
        let found = result.as_ref().err().map(|error| error.kind().text());
        if found != failed.as_deref() {
            let recorded = failed.unwrap_or_else(|| "success".to_owned());
            return Err(ReplayError::Differs { line, recorded, source: result.err() });
        }
        count += 1;
    }
    Ok(count)
}

fn run(call: Call<'_>, tree: &mut dyn Tree, files: &mut HashMap<FileId, FileId>) -> Result<()> {
    let known = |files: &HashMap<FileId, FileId>, file| files.get(&file).copied().unwrap_or(FileId(u32::MAX));
    match call {
        Call::Open { path, file } => tree.open(&path.path()).map(|opened| _ = files.insert(file, opened)),
        Call::Create { path, options, file } => {
            tree.create(&path.path(), &options).map(|opened| _ = files.insert(file, opened))
        }
        Call::WriteAt { file, offset, data } => tree.write_at(known(files, file), offset, &data.0),
        Call::SetSize { file, size } => tree.set_size(known(files, file), size),
        Call::Close { file } => tree.close(files.remove(&file).unwrap_or(FileId(u32::MAX))),
        Call::Write { path, data, options } => tree.write(&path.path(), &data.0, &options),
        Call::MakeDirectory { path, mode } => tree.make_directory(&path.path(), mode),
        Call::MakeSymlink { target, path } => tree.make_symlink(&target.0, &path.path()),
        Call::MakeHardLink { existing, path } => tree.make_hard_link(&existing.path(), &path.path()),
        Call::MakeNode { path, kind, mode, device } => tree.make_node(&path.path(), kind, mode, device),
        Call::Rename { old, new } => tree.rename(&old.path(), &new.path()),
        Call::RemoveFile { path } => tree.remove_file(&path.path()),
        Call::RemoveDirectory { path } => tree.remove_directory(&path.path()),
        Call::SetMode { path, mode } => tree.set_mode(&path.path(), mode),
        Call::SetOwner { path, owner, follow } => tree.set_owner(&path.path(), owner, follow),
        Call::SetModified { path, time, follow } => tree.set_modified(&path.path(), time, follow),
        Call::SetXattr { path, name, value } => tree.set_xattr(&path.path(), &name, &value.0),
        Call::RemoveXattr { path, name } => tree.remove_xattr(&path.path(), &name),
        Call::Flush => tree.flush(),
        Call::Trim => tree.trim().map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property_tests::Draw;
    use crate::testing::{CLOCK, Image, Random, path};
    use crate::{Fat, FatOptions, UserTree};

    const MIB: u64 = 1024 * 1024;

    fn replayed_gives_the_same_bytes(base: &Image, draw: Draw, open: fn(&Image) -> UserTree) {
        for seed in 1..=3 {
            let (one, two) = (base.copy(), base.copy());
            let mut random = Random::new(seed);
            let mut recorder = Recorder::new(Box::new(open(&one)), Vec::new());
            for _ in 0..600 {
                let _ = draw.call(&mut random).run(&mut recorder);
                // What only looks must leave no trace.
                let _ = recorder.list_directory(path("/a"));
            }
            recorder.flush().unwrap();
            let (_, journal) = recorder.into_parts();
            let mut tree = open(&two);
            assert!(replay(&journal[..], &mut tree).unwrap() > 400);
            assert!(one.bytes() == two.bytes(), "seed {seed}");
        }
    }

    #[test]
    fn ext4_replayed_on_a_copy_is_the_same_bytes() {
        let base = Image::ext(24 * MIB, &["-t", "ext4"]);
        let draw = Draw { names: 14, largest: 300_000, xattr: 300, wide_times: true };
        replayed_gives_the_same_bytes(&base, draw, Image::ext4_tree);
        // Nearly no room: what fails and is taken back is part of it.
        let base = Image::ext(MIB, &["-t", "ext4", "-O", "^has_journal", "-N", "48"]);
        replayed_gives_the_same_bytes(&base, draw, Image::ext4_tree);
    }

    #[test]
    fn fat_replayed_on_a_copy_is_the_same_bytes() {
        let base = Image::fat(MIB, &[]);
        let draw = Draw { names: 13, largest: 150_000, xattr: 9, wide_times: false };
        replayed_gives_the_same_bytes(&base, draw, |image| {
            let mut tree = UserTree::new(CLOCK);
            tree.mount_root(Fat::open(image.window(), CLOCK, FatOptions::default()).unwrap(), "vfat")
                .unwrap();
            tree
        });
    }

    #[test]
    fn a_journal_that_does_not_fit_is_refused_with_its_line() {
        let image = Image::ext(8 * MIB, &["-t", "ext4"]);
        let cases: [(&str, &str); 4] = [
            ("{\"call\":\"flush\"}\n{\"call\":\"remove-file\",\"path\":\"text:/x\"}\n", "line 2"),
            ("{\"call\":\"flush\",\"failed\":\"no space\"}\n", "line 1"),
            ("\n", "line 1 of the journal is no call"),
            ("{\"call\":\"remove-file\",\"path\":\"hex:0\"}", "is no call"),
        ];
        for (journal, expected) in cases {
            let error = replay(journal.as_bytes(), &mut image.ext4_tree()).unwrap_err();
            assert!(error.to_string().contains(expected), "{journal}: {error}");
        }
    }
}
