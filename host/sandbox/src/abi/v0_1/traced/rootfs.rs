//! Interface `rootfs`.

use super::super::Answer;
use super::super::customizer::step::rootfs as wit;
use super::super::rootfs::OpenFile;
use super::values::{tree_options, write_options};
use crate::state::State;
use crate::trace::{Handle, Traceable, Traced, bytes, mode, text};
use ::rootfs::{Aim, FileId};
use serde_json::{Value, json};
use wasmtime::component::Resource;

impl wit::Host for Traced<'_> {
    fn resolve(&mut self, path: String) -> Answer<String> {
        self.fallible("rootfs.resolve", at(&path), |state| wit::Host::resolve(state, path))
    }

    fn stat(&mut self, path: String) -> Answer<wit::Metadata> {
        self.fallible("rootfs.stat", at(&path), |state| wit::Host::stat(state, path))
    }

    fn lstat(&mut self, path: String) -> Answer<wit::Metadata> {
        self.fallible("rootfs.lstat", at(&path), |state| wit::Host::lstat(state, path))
    }

    fn read_link(&mut self, path: String) -> Answer<String> {
        self.fallible("rootfs.read-link", at(&path), |state| wit::Host::read_link(state, path))
    }

    fn list_directory(&mut self, path: String) -> Answer<Vec<wit::Entry>> {
        self.fallible("rootfs.list-directory", at(&path), |state| wit::Host::list_directory(state, path))
    }

    fn read(&mut self, path: String) -> Answer<Vec<u8>> {
        let secrecy = self.secrecy_at(&path, Aim::Target);
        self.content("rootfs.read", at(&path), secrecy, |state| wit::Host::read(state, path))
    }

    fn write(&mut self, path: String, data: Vec<u8>, options: wit::WriteOptions) -> Answer<()> {
        let aim = if options.replace_symlink { Aim::Itself } else { Aim::Target };
        let data_shown = bytes(&data, self.secrecy_at(&path, aim));
        let arguments =
            json!({ "path": text(&path), "data": data_shown, "options": write_options(&options) });
        self.fallible("rootfs.write", arguments, |state| wit::Host::write(state, path, data, options))
    }

    fn open(&mut self, path: String) -> Answer<Resource<OpenFile>> {
        let (arguments, shown) = (at(&path), path.clone());
        self.opening("rootfs.open", arguments, &shown, |state| wit::Host::open(state, path))
    }

    fn create(&mut self, path: String, options: wit::WriteOptions) -> Answer<Resource<OpenFile>> {
        let arguments = json!({ "path": text(&path), "options": write_options(&options) });
        let shown = path.clone();
        self.opening("rootfs.create", arguments, &shown, |state| wit::Host::create(state, path, options))
    }

    fn make_directory(&mut self, path: String, bits: u32, parents: bool) -> Answer<()> {
        let arguments = json!({ "path": text(&path), "mode": mode(bits), "parents": parents });
        self.fallible("rootfs.make-directory", arguments, |state| {
            wit::Host::make_directory(state, path, bits, parents)
        })
    }

    fn make_symlink(&mut self, target: String, path: String) -> Answer<()> {
        let arguments = json!({ "target": text(&target), "path": text(&path) });
        self.fallible("rootfs.make-symlink", arguments, |state| wit::Host::make_symlink(state, target, path))
    }

    fn make_hard_link(&mut self, existing: String, path: String) -> Answer<()> {
        let arguments = json!({ "existing": text(&existing), "path": text(&path) });
        self.fallible("rootfs.make-hard-link", arguments, |state| {
            wit::Host::make_hard_link(state, existing, path)
        })
    }

    fn make_node(
        &mut self,
        path: String,
        kind: wit::Kind,
        bits: u32,
        device: Option<wit::Device>,
    ) -> Answer<()> {
        let arguments = json!({
            "path": text(&path),
            "kind": kind.to_json(),
            "mode": mode(bits),
            "device": device.to_json(),
        });
        self.fallible("rootfs.make-node", arguments, |state| {
            wit::Host::make_node(state, path, kind, bits, device)
        })
    }

    fn rename(&mut self, old: String, new: String) -> Answer<()> {
        let arguments = json!({ "old": text(&old), "new": text(&new) });
        self.fallible("rootfs.rename", arguments, |state| wit::Host::rename(state, old, new))
    }

    fn remove_file(&mut self, path: String) -> Answer<()> {
        self.fallible("rootfs.remove-file", at(&path), |state| wit::Host::remove_file(state, path))
    }

    fn remove_directory(&mut self, path: String) -> Answer<()> {
        self.fallible("rootfs.remove-directory", at(&path), |state| wit::Host::remove_directory(state, path))
    }

    fn remove_tree(&mut self, path: String) -> Answer<wit::TreeReport> {
        self.fallible("rootfs.remove-tree", at(&path), |state| wit::Host::remove_tree(state, path))
    }

    fn copy_tree(
        &mut self,
        source: String,
        destination: String,
        options: wit::TreeOptions,
    ) -> Answer<wit::TreeReport> {
        let arguments = json!({
            "source": text(&source),
            "destination": text(&destination),
            "options": tree_options(&options),
        });
        self.fallible("rootfs.copy-tree", arguments, |state| {
            wit::Host::copy_tree(state, source, destination, options)
        })
    }

    fn set_mode(&mut self, path: String, bits: u32) -> Answer<()> {
        let arguments = json!({ "path": text(&path), "mode": mode(bits) });
        self.fallible("rootfs.set-mode", arguments, |state| wit::Host::set_mode(state, path, bits))
    }

    fn set_owner(&mut self, path: String, owner: wit::Owner, follow: bool) -> Answer<()> {
        let arguments = json!({ "path": text(&path), "owner": owner.to_json(), "follow": follow });
        self.fallible("rootfs.set-owner", arguments, |state| wit::Host::set_owner(state, path, owner, follow))
    }

    fn set_modified(&mut self, path: String, time: wit::Timestamp, follow: bool) -> Answer<()> {
        let arguments = json!({ "path": text(&path), "time": time.to_json(), "follow": follow });
        self.fallible("rootfs.set-modified", arguments, |state| {
            wit::Host::set_modified(state, path, time, follow)
        })
    }

    fn list_xattrs(&mut self, path: String) -> Answer<Vec<String>> {
        self.fallible("rootfs.list-xattrs", at(&path), |state| wit::Host::list_xattrs(state, path))
    }

    fn get_xattr(&mut self, path: String, name: String) -> Answer<Vec<u8>> {
        let secrecy = self.secrecy_at(&path, Aim::Itself);
        self.content("rootfs.get-xattr", attribute(&path, &name), secrecy, |state| {
            wit::Host::get_xattr(state, path, name)
        })
    }

    fn set_xattr(&mut self, path: String, name: String, value: Vec<u8>) -> Answer<()> {
        let value_shown = bytes(&value, self.secrecy_at(&path, Aim::Itself));
        let arguments = json!({ "path": text(&path), "name": text(&name), "value": value_shown });
        self.fallible("rootfs.set-xattr", arguments, |state| wit::Host::set_xattr(state, path, name, value))
    }

    fn remove_xattr(&mut self, path: String, name: String) -> Answer<()> {
        self.fallible("rootfs.remove-xattr", attribute(&path, &name), |state| {
            wit::Host::remove_xattr(state, path, name)
        })
    }
}

impl wit::HostFile for Traced<'_> {
    fn metadata(&mut self, file: Resource<OpenFile>) -> Answer<wit::Metadata> {
        let arguments = open_file(self.0, &file)?.to_json();
        self.fallible("rootfs.file.metadata", arguments, |state| wit::HostFile::metadata(state, file))
    }

    fn read_at(&mut self, file: Resource<OpenFile>, offset: u64, max: u32) -> Answer<Vec<u8>> {
        let Handle(number) = open_file(self.0, &file)?;
        let arguments = json!({ "file": number, "offset": offset, "max": max });
        let secrecy = self.secrecy_of_open(FileId(number));
        self.content("rootfs.file.read-at", arguments, secrecy, |state| {
            wit::HostFile::read_at(state, file, offset, max)
        })
    }

    fn write_at(&mut self, file: Resource<OpenFile>, offset: u64, data: Vec<u8>) -> Answer<()> {
        let Handle(number) = open_file(self.0, &file)?;
        let data_shown = bytes(&data, self.secrecy_of_open(FileId(number)));
        let arguments = json!({ "file": number, "offset": offset, "data": data_shown });
        self.fallible("rootfs.file.write-at", arguments, |state| {
            wit::HostFile::write_at(state, file, offset, data)
        })
    }

    fn set_size(&mut self, file: Resource<OpenFile>, size: u64) -> Answer<()> {
        let Handle(number) = open_file(self.0, &file)?;
        let arguments = json!({ "file": number, "size": size });
        self.fallible("rootfs.file.set-size", arguments, |state| wit::HostFile::set_size(state, file, size))
    }

    fn drop(&mut self, file: Resource<OpenFile>) -> wasmtime::Result<()> {
        let arguments = open_file(self.0, &file)?.to_json();
        if self.is_live() {
            return self.call("rootfs.file.drop", arguments, |state| wit::HostFile::drop(state, file));
        }
        self.0.table.delete(file)?;
        self.call("rootfs.file.drop", arguments, |_| Ok(()))
    }
}

impl Traced<'_> {
    /// A call that gives a handle. In a trace it is the number by which the tree knows the file.
    fn opening(
        &mut self,
        function: &'static str,
        arguments: Value,
        path: &str,
        live: impl FnOnce(&mut State) -> Answer<Resource<OpenFile>>,
    ) -> Answer<Resource<OpenFile>> {
        let secrecy = self.secrecy_at(path, Aim::Target);
        let mut opened = None;
        let handle = self.fallible(function, arguments, |state| match live(state)? {
            Ok(file) => {
                let handle = open_file(state, &file)?;
                opened = Some(file);
                Ok(Ok(handle))
            }
            Err(failure) => Ok(Err(failure)),
        })?;
        match (handle, opened) {
            (Err(failure), _) => Ok(Err(failure)),
            (Ok(Handle(number)), Some(file)) => {
                self.opened(FileId(number), secrecy);
                Ok(Ok(file))
            }
            (Ok(Handle(number)), None) => Ok(Ok(self.0.table.push(OpenFile(FileId(number)))?)),
        }
    }
}

/// The number of an open file.
fn open_file(state: &State, file: &Resource<OpenFile>) -> wasmtime::Result<Handle> {
    let OpenFile(FileId(number)) = state.table.get(file)?;
    Ok(Handle(*number))
}

fn at(path: &str) -> Value {
    json!({ "path": text(path) })
}

fn attribute(path: &str, name: &str) -> Value {
    json!({ "path": text(path), "name": text(name) })
}
