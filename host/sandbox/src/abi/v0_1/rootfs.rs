//! Interface `rootfs`: the image's file tree.

use super::customizer::step::rootfs as wit;
use super::{Answer, Failure, FailureCode};
use crate::state::State;
use ::rootfs::{Device, WriteOptions};
use ::rootfs::{Existing, FileId, Follow, ImagePath, Kind, Metadata, Owner, Timestamp, Tree};
use ::rootfs::{TreeOptions, TreeReport, operations};
use wasmtime::component::Resource;

/// A file that a step holds open.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct OpenFile(pub(super) FileId);

/// Bytes that `read` gives at most, and `read-at` in one call.
const READ_LIMIT: usize = 16 << 20;

/// Bytes of names that one `list-directory` gives at most.
const LIST_LIMIT: usize = 16 << 20;

impl State {
    /// Calls the tree; its error goes to the step.
    fn on_tree<T>(&mut self, call: impl FnOnce(&mut dyn Tree) -> ::rootfs::Result<T>) -> Answer<T> {
        self.host_call(|state| state.with_tree(|tree, _| call(tree).map_err(Failure::from)))
    }
}

impl wit::Host for State {
    fn resolve(&mut self, path: String) -> Answer<String> {
        let resolved = self.on_tree(|tree| tree.resolve(ImagePath::new(&path)))?;
        Ok(resolved.and_then(|resolved| text(resolved.as_bytes().to_vec())))
    }

    fn stat(&mut self, path: String) -> Answer<wit::Metadata> {
        let metadata = self.on_tree(|tree| tree.metadata(ImagePath::new(&path), Follow::Yes))?;
        Ok(metadata.map(metadata_out))
    }

    fn lstat(&mut self, path: String) -> Answer<wit::Metadata> {
        let metadata = self.on_tree(|tree| tree.metadata(ImagePath::new(&path), Follow::No))?;
        Ok(metadata.map(metadata_out))
    }

    fn read_link(&mut self, path: String) -> Answer<String> {
        Ok(self.on_tree(|tree| tree.read_link(ImagePath::new(&path)))?.and_then(text))
    }

    fn list_directory(&mut self, path: String) -> Answer<Vec<wit::Entry>> {
        let entries = self.on_tree(|tree| tree.list_directory(ImagePath::new(&path)))?;
        Ok(entries.and_then(entries_out))
    }

    fn read(&mut self, path: String) -> Answer<Vec<u8>> {
        self.on_tree(|tree| operations::read_file(tree, ImagePath::new(&path), READ_LIMIT as u64))
    }

    fn write(&mut self, path: String, data: Vec<u8>, options: wit::WriteOptions) -> Answer<()> {
        self.spend_written(data.len() as u64)?;
        self.on_tree(|tree| tree.write(ImagePath::new(&path), &data, &write_options_in(&options)))
    }

    fn open(&mut self, path: String) -> Answer<Resource<OpenFile>> {
        self.open_files.check_room(&self.limits)?;
        let file = self.on_tree(|tree| tree.open(ImagePath::new(&path)))?;
        self.hand_out(file)
    }

    fn create(&mut self, path: String, options: wit::WriteOptions) -> Answer<Resource<OpenFile>> {
        self.open_files.check_room(&self.limits)?;
        let file = self.on_tree(|tree| tree.create(ImagePath::new(&path), &write_options_in(&options)))?;
        self.hand_out(file)
    }

    fn make_directory(&mut self, path: String, mode: u32, parents: bool) -> Answer<()> {
        self.on_tree(|tree| {
            let path = ImagePath::new(&path);
            if parents {
                operations::make_directories(tree, path, mode)
            } else {
                tree.make_directory(path, mode)
            }
        })
    }

    fn make_symlink(&mut self, target: String, path: String) -> Answer<()> {
        self.on_tree(|tree| tree.make_symlink(target.as_bytes(), ImagePath::new(&path)))
    }

    fn make_hard_link(&mut self, existing: String, path: String) -> Answer<()> {
        self.on_tree(|tree| tree.make_hard_link(ImagePath::new(&existing), ImagePath::new(&path)))
    }

    fn make_node(
        &mut self,
        path: String,
        kind: wit::Kind,
        mode: u32,
        device: Option<wit::Device>,
    ) -> Answer<()> {
        let device = device.map(|device| Device { major: device.major, minor: device.minor });
        self.on_tree(|tree| tree.make_node(ImagePath::new(&path), kind_in(kind), mode, device))
    }

    fn rename(&mut self, old: String, new: String) -> Answer<()> {
        self.on_tree(|tree| tree.rename(ImagePath::new(&old), ImagePath::new(&new)))
    }

    fn remove_file(&mut self, path: String) -> Answer<()> {
        self.on_tree(|tree| tree.remove_file(ImagePath::new(&path)))
    }

    fn remove_directory(&mut self, path: String) -> Answer<()> {
        self.on_tree(|tree| tree.remove_directory(ImagePath::new(&path)))
    }

    fn remove_tree(&mut self, path: String) -> Answer<wit::TreeReport> {
        let report = self.on_tree(|tree| operations::remove_tree(tree, ImagePath::new(&path)))?;
        Ok(report.map(report_out))
    }

    fn copy_tree(
        &mut self,
        source: String,
        destination: String,
        options: wit::TreeOptions,
    ) -> Answer<wit::TreeReport> {
        let report = self.host_call(|state| {
            state.fill_tree(|tree, _| {
                let (source, destination) = (ImagePath::new(&source), ImagePath::new(&destination));
                operations::copy_tree(tree, source, destination, &tree_options_in(&options))
            })
        })?;
        Ok(report.map(report_out).map_err(Failure::from))
    }

    fn set_mode(&mut self, path: String, mode: u32) -> Answer<()> {
        self.on_tree(|tree| tree.set_mode(ImagePath::new(&path), mode))
    }

    fn set_owner(&mut self, path: String, owner: wit::Owner, follow: bool) -> Answer<()> {
        self.on_tree(|tree| tree.set_owner(ImagePath::new(&path), owner_in(owner), follow_in(follow)))
    }

    fn set_modified(&mut self, path: String, time: wit::Timestamp, follow: bool) -> Answer<()> {
        let time = Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds };
        self.on_tree(|tree| tree.set_modified(ImagePath::new(&path), time, follow_in(follow)))
    }

    fn list_xattrs(&mut self, path: String) -> Answer<Vec<String>> {
        self.on_tree(|tree| tree.list_xattrs(ImagePath::new(&path)))
    }

    fn get_xattr(&mut self, path: String, name: String) -> Answer<Vec<u8>> {
        self.on_tree(|tree| tree.xattr(ImagePath::new(&path), &name))
    }

    fn set_xattr(&mut self, path: String, name: String, value: Vec<u8>) -> Answer<()> {
        self.spend_written(value.len() as u64)?;
        self.on_tree(|tree| tree.set_xattr(ImagePath::new(&path), &name, &value))
    }

    fn remove_xattr(&mut self, path: String, name: String) -> Answer<()> {
        self.on_tree(|tree| tree.remove_xattr(ImagePath::new(&path), &name))
    }
}

impl wit::HostFile for State {
    fn metadata(&mut self, file: Resource<OpenFile>) -> Answer<wit::Metadata> {
        let file = self.table.get(&file)?.0;
        Ok(self.on_tree(|tree| tree.file_metadata(file))?.map(metadata_out))
    }

    fn read_at(&mut self, file: Resource<OpenFile>, offset: u64, max: u32) -> Answer<Vec<u8>> {
        let file = self.table.get(&file)?.0;
        self.on_tree(|tree| {
            let size = tree.file_metadata(file)?.size;
            let wanted = u64::from(max).min(READ_LIMIT as u64).min(size.saturating_sub(offset));
            let mut data = vec![0; wanted as usize];
            let read = tree.read_at(file, offset, &mut data)?;
            data.truncate(read);
            Ok(data)
        })
    }

    fn write_at(&mut self, file: Resource<OpenFile>, offset: u64, data: Vec<u8>) -> Answer<()> {
        let file = self.table.get(&file)?.0;
        self.spend_written(data.len() as u64)?;
        self.on_tree(|tree| tree.write_at(file, offset, &data))
    }

    fn set_size(&mut self, file: Resource<OpenFile>, size: u64) -> Answer<()> {
        let file = self.table.get(&file)?.0;
        self.on_tree(|tree| tree.set_size(file, size))
    }

    fn drop(&mut self, file: Resource<OpenFile>) -> wasmtime::Result<()> {
        let file = self.table.delete(file)?.0;
        self.open_files.remove(file);
        self.host_call(|state| Ok(state.with_tree(|tree, _| tree.close(file))??))
    }
}

impl State {
    /// Makes a handle of an open file.
    fn hand_out(&mut self, file: Result<FileId, Failure>) -> Answer<Resource<OpenFile>> {
        match file {
            Ok(file) => {
                self.open_files.insert(file);
                Ok(Ok(self.table.push(OpenFile(file))?))
            }
            Err(failure) => Ok(Err(failure)),
        }
    }
}

/// Bytes of the image as text of the contract.
fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
        Failure::new(FailureCode::InvalidPath, format!("`{shown}` is not UTF-8"))
    })
}

pub(super) fn entries_out(entries: Vec<::rootfs::Entry>) -> Result<Vec<wit::Entry>, Failure> {
    let bytes: usize = entries.iter().map(|entry| entry.name.len()).sum();
    if bytes > LIST_LIMIT {
        return Err(Failure::new(
            FailureCode::TooLarge,
            format!("the names of the directory take {bytes} bytes"),
        ));
    }
    Ok(entries.into_iter().map(entry_out).collect())
}

fn entry_out(entry: ::rootfs::Entry) -> wit::Entry {
    let kind = kind_out(entry.kind);
    match String::from_utf8(entry.name) {
        Ok(name) => wit::Entry { name, kind, addressable: true },
        Err(error) => {
            let name = String::from_utf8_lossy(error.as_bytes()).into_owned();
            wit::Entry { name, kind, addressable: false }
        }
    }
}

pub(super) fn metadata_out(metadata: Metadata) -> wit::Metadata {
    wit::Metadata {
        kind: kind_out(metadata.kind),
        mode: metadata.mode,
        uid: metadata.owner.uid,
        gid: metadata.owner.gid,
        size: metadata.size,
        links: metadata.links,
        modified: wit::Timestamp {
            seconds: metadata.modified.seconds,
            nanoseconds: metadata.modified.nanoseconds,
        },
        device: metadata.device.map(|device| wit::Device { major: device.major, minor: device.minor }),
    }
}

fn kind_out(kind: Kind) -> wit::Kind {
    match kind {
        Kind::Regular => wit::Kind::Regular,
        Kind::Directory => wit::Kind::Directory,
        Kind::Symlink => wit::Kind::Symlink,
        Kind::CharDevice => wit::Kind::CharDevice,
        Kind::BlockDevice => wit::Kind::BlockDevice,
        Kind::Fifo => wit::Kind::Fifo,
        Kind::Socket => wit::Kind::Socket,
    }
}

fn kind_in(kind: wit::Kind) -> Kind {
    match kind {
        wit::Kind::Regular => Kind::Regular,
        wit::Kind::Directory => Kind::Directory,
        wit::Kind::Symlink => Kind::Symlink,
        wit::Kind::CharDevice => Kind::CharDevice,
        wit::Kind::BlockDevice => Kind::BlockDevice,
        wit::Kind::Fifo => Kind::Fifo,
        wit::Kind::Socket => Kind::Socket,
    }
}

fn owner_in(owner: wit::Owner) -> Owner {
    Owner { uid: owner.uid, gid: owner.gid }
}

fn follow_in(follow: bool) -> Follow {
    if follow { Follow::Yes } else { Follow::No }
}

pub(super) fn write_options_in(options: &wit::WriteOptions) -> WriteOptions {
    WriteOptions {
        existing: match options.existing {
            wit::Existing::Replace => Existing::Replace,
            wit::Existing::Keep => Existing::Keep,
            wit::Existing::Append => Existing::Append,
        },
        mode: options.mode,
        owner: options.owner.map(owner_in),
        replace_symlink: options.replace_symlink,
        parents: options.parents,
    }
}

pub(super) fn tree_options_in(options: &wit::TreeOptions) -> TreeOptions {
    TreeOptions {
        owner: options.owner.map(owner_in),
        file_mode: options.file_mode,
        directory_mode: options.directory_mode,
        overwrite: options.overwrite,
    }
}

pub(super) fn report_out(report: TreeReport) -> wit::TreeReport {
    wit::TreeReport {
        files: report.files,
        directories: report.directories,
        symlinks: report.symlinks,
        bytes: report.bytes,
    }
}
