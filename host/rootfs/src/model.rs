//! A file system in memory: what the engines are compared with.

use crate::error::ErrorKind;
use crate::filesystem::{Attributes, Failure, FileSystem, Inode, Item, Outcome, TrimReport};
use crate::tree::{Device, Kind, Owner, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// What the model does as the engine it is compared with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// As FAT: names are the same whatever their case, and there are no owners, modes, links, nodes, attributes.
    pub(crate) fat: bool,
}

#[derive(Clone, Debug)]
struct Object {
    attributes: Attributes,
    content: Vec<u8>,
    names: BTreeMap<Vec<u8>, Inode>,
    xattrs: BTreeMap<String, Vec<u8>>,
}

pub(crate) struct Model {
    objects: HashMap<Inode, Object>,
    next: Inode,
    clock: Timestamp,
    habits: Habits,
}

impl Model {
    pub(crate) fn new(clock: Timestamp, habits: Habits) -> Self {
        let mut model = Self { objects: HashMap::new(), next: 1, clock, habits };
        let root = model.object(Kind::Directory, 0o755, None);
        model.object_mut(root).unwrap().attributes.links = 2;
        if !habits.fat {
            let found = model.make(root, b"lost+found", Kind::Directory, 0o700, None).unwrap();
            model.object_mut(found).unwrap().attributes.links = 2;
        }
        model
    }

    fn object(&mut self, kind: Kind, mode: u32, device: Option<Device>) -> Inode {
        let inode = self.next;
        self.next += 1;
        let mode = if self.habits.fat { 0o755 } else { mode };
        let attributes = Attributes {
            inode,
            kind,
            mode,
            owner: Owner::default(),
            size: 0,
            links: 1,
            modified: self.clock,
            device,
        };
        let object = Object { attributes, content: vec![], names: BTreeMap::new(), xattrs: BTreeMap::new() };
        self.objects.insert(inode, object);
        inode
    }

    fn object_mut(&mut self, inode: Inode) -> Outcome<&mut Object> {
        self.objects.get_mut(&inode).ok_or_else(|| Failure::from(ErrorKind::NotFound))
    }

    fn changed(&mut self, directory: Inode) {
        let clock = self.clock;
        if !self.habits.fat {
            self.object_mut(directory).unwrap().attributes.modified = clock;
        }
    }

    fn key(&self, directory: Inode, name: &[u8]) -> Option<Vec<u8>> {
        let names = &self.objects[&directory].names;
        if names.contains_key(name) {
            return Some(name.to_vec());
        }
        let lower = |name: &[u8]| String::from_utf8_lossy(name).to_lowercase();
        names.keys().find(|other| self.habits.fat && lower(other) == lower(name)).cloned()
    }

    fn make(
        &mut self,
        directory: Inode,
        name: &[u8],
        kind: Kind,
        mode: u32,
        device: Option<Device>,
    ) -> Outcome<Inode> {
        let inode = self.object(kind, mode, device);
        self.object_mut(directory)?.names.insert(name.to_vec(), inode);
        self.changed(directory);
        Ok(inode)
    }

    fn lacks(&self) -> Outcome<()> {
        if self.habits.fat { Err(ErrorKind::Unsupported.into()) } else { Ok(()) }
    }

    fn drop_name(&mut self, directory: Inode, name: &[u8]) {
        let key = self.key(directory, name).unwrap();
        let inode = self.object_mut(directory).unwrap().names.remove(&key).unwrap();
        let object = self.object_mut(inode).unwrap();
        object.attributes.links -= 1;
        if object.attributes.links == 0 || object.attributes.kind == Kind::Directory {
            self.objects.remove(&inode);
        }
        self.changed(directory);
    }
}

impl FileSystem for Model {
    fn name(&self) -> &'static str {
        "model"
    }
    fn read_only(&self) -> Option<String> {
        None
    }
    fn ignores_case(&self) -> bool {
        self.habits.fat
    }
    fn root(&self) -> Inode {
        1
    }

    fn attributes(&mut self, inode: Inode) -> Outcome<Attributes> {
        let object = self.object_mut(inode)?;
        let size = object.content.len() as u64;
        Ok(Attributes { size, ..object.attributes.clone() })
    }

    fn lookup(&mut self, directory: Inode, name: &[u8]) -> Outcome<Inode> {
        let key = self.key(directory, name).ok_or(ErrorKind::NotFound)?;
        Ok(self.objects[&directory].names[&key])
    }

    fn list(&mut self, directory: Inode) -> Outcome<Vec<Item>> {
        let names = self.object_mut(directory)?.names.clone();
        let item = |(name, inode)| Item { name, inode, kind: self.objects[&inode].attributes.kind };
        Ok(names.into_iter().map(item).collect())
    }

    fn read_link(&mut self, inode: Inode) -> Outcome<Vec<u8>> {
        Ok(self.object_mut(inode)?.content.clone())
    }

    fn read(&mut self, inode: Inode, offset: u64, buffer: &mut [u8]) -> Outcome<usize> {
        let content = &self.object_mut(inode)?.content;
        let start = (offset as usize).min(content.len());
        let len = buffer.len().min(content.len() - start);
        buffer[..len].copy_from_slice(&content[start..start + len]);
        Ok(len)
    }

    fn write(&mut self, inode: Inode, offset: u64, data: &[u8]) -> Outcome<()> {
        if data.is_empty() {
            return Ok(());
        }
        let clock = self.clock;
        let object = self.object_mut(inode)?;
        let end = offset as usize + data.len();
        if object.content.len() < end {
            object.content.resize(end, 0);
        }
        object.content[offset as usize..end].copy_from_slice(data);
        object.attributes.modified = clock;
        Ok(())
    }

    fn replace(&mut self, inode: Inode, data: &[u8]) -> Outcome<()> {
        self.set_size(inode, 0)?;
        self.write(inode, 0, data)
    }

    fn set_size(&mut self, inode: Inode, size: u64) -> Outcome<()> {
        let clock = self.clock;
        let object = self.object_mut(inode)?;
        object.content.resize(size as usize, 0);
        object.attributes.modified = clock;
        Ok(())
    }

    fn has_room(&mut self, _: u64) -> Outcome<()> {
        Ok(())
    }

    fn make_file(&mut self, directory: Inode, name: &[u8], mode: u32) -> Outcome<Inode> {
        self.make(directory, name, Kind::Regular, mode, None)
    }

    fn make_directory(&mut self, directory: Inode, name: &[u8], mode: u32) -> Outcome<Inode> {
        self.make(directory, name, Kind::Directory, mode, None)
    }

    fn make_symlink(&mut self, directory: Inode, name: &[u8], target: &[u8]) -> Outcome<Inode> {
        self.lacks()?;
        let inode = self.make(directory, name, Kind::Symlink, 0o777, None)?;
        self.object_mut(inode)?.content = target.to_vec();
        Ok(inode)
    }

    fn make_node(
        &mut self,
        directory: Inode,
        name: &[u8],
        kind: Kind,
        mode: u32,
        device: Option<Device>,
    ) -> Outcome<Inode> {
        self.lacks()?;
        self.make(directory, name, kind, mode, device)
    }

    fn link(&mut self, inode: Inode, directory: Inode, name: &[u8]) -> Outcome<()> {
        self.lacks()?;
        self.object_mut(inode)?.attributes.links += 1;
        self.object_mut(directory)?.names.insert(name.to_vec(), inode);
        self.changed(directory);
        Ok(())
    }

    fn rename(&mut self, from: (Inode, &[u8]), to: (Inode, &[u8])) -> Outcome<()> {
        let key = self.key(from.0, from.1).unwrap();
        let inode = self.objects[&from.0].names[&key];
        if let Some(target) = self.key(to.0, to.1)
            && self.objects[&to.0].names[&target] != inode
        {
            self.drop_name(to.0, to.1);
        }
        self.object_mut(from.0)?.names.remove(&key);
        self.object_mut(to.0)?.names.insert(to.1.to_vec(), inode);
        self.changed(from.0);
        self.changed(to.0);
        Ok(())
    }

    fn unlink(&mut self, directory: Inode, name: &[u8]) -> Outcome<()> {
        self.drop_name(directory, name);
        Ok(())
    }

    fn remove_directory(&mut self, directory: Inode, name: &[u8]) -> Outcome<()> {
        self.drop_name(directory, name);
        Ok(())
    }

    fn set_mode(&mut self, inode: Inode, mode: u32) -> Outcome<()> {
        if !self.habits.fat {
            self.object_mut(inode)?.attributes.mode = mode;
        }
        Ok(())
    }

    fn set_owner(&mut self, inode: Inode, owner: Owner) -> Outcome<()> {
        if owner != Owner::default() {
            self.lacks()?;
        }
        self.object_mut(inode)?.attributes.owner = owner;
        Ok(())
    }

    fn set_modified(&mut self, inode: Inode, time: Timestamp) -> Outcome<()> {
        let fat = self.habits.fat;
        let attributes = &mut self.object_mut(inode)?.attributes;
        attributes.modified = time;
        if fat {
            attributes.modified = Timestamp { seconds: time.seconds & !1, nanoseconds: 0 };
        }
        Ok(())
    }

    fn list_xattrs(&mut self, inode: Inode) -> Outcome<Vec<String>> {
        Ok(self.object_mut(inode)?.xattrs.keys().cloned().collect())
    }

    fn xattr(&mut self, inode: Inode, name: &str) -> Outcome<Vec<u8>> {
        self.object_mut(inode)?.xattrs.get(name).cloned().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn set_xattr(&mut self, inode: Inode, name: &str, value: &[u8]) -> Outcome<()> {
        self.lacks()?;
        self.object_mut(inode)?.xattrs.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn remove_xattr(&mut self, inode: Inode, name: &str) -> Outcome<()> {
        self.object_mut(inode)?.xattrs.remove(name).map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn flush(&mut self) -> Outcome<()> {
        Ok(())
    }

    fn trim(&mut self) -> Outcome<TrimReport> {
        Ok(TrimReport::default())
    }
}
