//! Extended attributes by inode number: in the inode where they fit, else in a block of their own.
//!
//! The engine changes them by path only, and its paths are UTF-8; names in an image need not be.

use super::inode::{self, BASE, EXTRA_SIZE};
use super::{Ext4, space};
use crate::error::ErrorKind;
use crate::filesystem::{Failure, Outcome};
use fs_ext4::xattr::{
    BlockRemoveOutcome, RemoveOutcome, get_resolved, list_names, plan_remove_from_external_block,
    plan_remove_in_inode_region, plan_set_in_external_block, plan_set_in_inode_region, split_qualified_name,
};
use fs_ext4::{Error, Filesystem, Result};

/// The content of small files, which is no attribute to anyone outside.
const INLINE_CONTENT: &str = "system.data";
/// Bytes of extra fields given to an inode that has none.
const USUAL_EXTRA_SIZE: u16 = 32;
const BLOCK_REFERENCES: usize = 4;
const BLOCK_COUNT: usize = 8;

impl Ext4 {
    pub(super) fn xattr_names(&mut self, ino: u32) -> Outcome<Vec<String>> {
        let mut names = self.call(|engine| {
            let (inode, raw) = engine.read_inode_verified(ino)?;
            list_names(engine, &inode, &raw)
        })?;
        names.retain(|name| name != INLINE_CONTENT);
        Ok(names)
    }

    pub(super) fn xattr_value(&mut self, ino: u32, name: &str) -> Outcome<Vec<u8>> {
        check_name(name)?;
        self.call(|engine| {
            let (inode, raw) = engine.read_inode_verified(ino)?;
            get_resolved(engine, &inode, &raw, name)
        })?
        .ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub(super) fn put_xattr(&mut self, ino: u32, name: &str, value: &[u8]) -> Outcome<()> {
        check_name(name)?;
        let seconds = self.time.seconds;
        let set = |engine: &Filesystem| Edit::open(engine, ino)?.set(name, value, seconds);
        let first = self.change(set);
        if !matches!(&first, Err(failure) if failure.kind() == ErrorKind::NoSpace) {
            return first;
        }
        if value.len() as u64 > u64::from(self.call(|engine| Ok(engine.sb.block_size()))?) {
            return first;
        }
        // The free blocks may all lie in groups that the engine has not woken yet; a file's first block does.
        self.wake_a_group()?;
        self.change(set)
    }

    pub(super) fn drop_xattr(&mut self, ino: u32, name: &str) -> Outcome<()> {
        check_name(name)?;
        let seconds = self.time.seconds;
        self.change(|engine| Edit::open(engine, ino)?.remove(name, seconds))
    }

    fn wake_a_group(&mut self) -> Outcome<()> {
        const SCRATCH: &[u8] = b".imagecustomizer-scratch";
        let root = super::ROOT;
        self.names.drop_directory(root);
        let made = self.change(|engine| engine.apply_create_at(root, SCRATCH, 0o600))?;
        let written = self.change(|engine| engine.apply_pwrite_ino(made, 0, &[0; 1024]));
        self.change(|engine| engine.apply_unlink_at(root, SCRATCH))?;
        written.map(|_| ())
    }
}

fn check_name(name: &str) -> Outcome<()> {
    if name.contains('\0') || name == INLINE_CONTENT || split_qualified_name(name).is_none() {
        let text = format!("`{}` is no name of an extended attribute", name.escape_debug());
        return Err(Failure::new(ErrorKind::InvalidArgument, text));
    }
    Ok(())
}

/// One inode whose attributes are being changed.
struct Edit<'a> {
    engine: &'a Filesystem,
    ino: u32,
    inode: fs_ext4::inode::Inode,
    raw: Vec<u8>,
}

impl<'a> Edit<'a> {
    fn open(engine: &'a Filesystem, ino: u32) -> Result<Self> {
        engine.stat_ino(ino)?;
        let (inode, raw) = engine.read_inode_verified(ino)?;
        Ok(Self { engine, ino, inode, raw })
    }

    fn set(mut self, name: &str, value: &[u8], seconds: i64) -> Result<()> {
        self.make_extra_fields();
        let inside = match self.region() {
            Some(region) => plan_set_in_inode_region(region, name, value).map(|_| ()),
            None => Err(Error::NoSpaceLeftOnDevice),
        };
        match inside {
            Ok(()) => {
                self.remove_from_block(name)?;
            }
            Err(Error::NoSpaceLeftOnDevice) => {
                self.set_in_block(name, value)?;
                if let Some(region) = self.region() {
                    plan_remove_in_inode_region(region, name)?;
                }
            }
            Err(error) => return Err(error),
        }
        self.store(seconds)
    }

    fn remove(mut self, name: &str, seconds: i64) -> Result<()> {
        let mut found = self.remove_from_block(name)?;
        if let Some(region) = self.region() {
            found |= plan_remove_in_inode_region(region, name)? == RemoveOutcome::Removed;
        }
        if !found {
            return Err(Error::NotFound);
        }
        self.store(seconds)
    }

    fn store(mut self, seconds: i64) -> Result<()> {
        inode::put_change_time(&mut self.raw, seconds);
        inode::store(self.engine, self.ino, self.inode.generation, &mut self.raw)
    }

    /// The part of the inode behind its fields.
    fn region(&mut self) -> Option<&mut [u8]> {
        match inode::extra_size(&self.raw) {
            0 => None,
            extra => self.raw.get_mut(BASE.checked_add(extra)?..).filter(|region| region.len() >= 8),
        }
    }

    /// A large inode without extra fields has no place for attributes; it gets the fields, empty.
    fn make_extra_fields(&mut self) {
        let end = BASE + usize::from(USUAL_EXTRA_SIZE);
        if inode::extra_size(&self.raw) == 0
            && let Some(fields) = self.raw.get_mut(BASE..end)
        {
            fields.fill(0);
            inode::put(&mut self.raw, EXTRA_SIZE, &USUAL_EXTRA_SIZE.to_le_bytes());
        }
    }

    fn set_in_block(&mut self, name: &str, value: &[u8]) -> Result<()> {
        if self.inode.file_acl == 0 {
            let mut block = vec![0; self.block_size()];
            plan_set_in_external_block(&mut block, name, value, 1)?;
            self.put_new_block(block)?;
            return self.set_sectors(1);
        }
        let mut block = self.read_block()?;
        let references = inode::word(&block, BLOCK_REFERENCES);
        plan_set_in_external_block(&mut block, name, value, 1)?;
        self.replace_block(block, references)
    }

    /// Whether the name was there.
    fn remove_from_block(&mut self, name: &str) -> Result<bool> {
        if self.inode.file_acl == 0 {
            return Ok(false);
        }
        let mut block = self.read_block()?;
        let references = inode::word(&block, BLOCK_REFERENCES);
        match plan_remove_from_external_block(&mut block, name, 1)? {
            BlockRemoveOutcome::NotFound => return Ok(false),
            BlockRemoveOutcome::Removed => self.replace_block(block, references)?,
            BlockRemoveOutcome::RemovedNowEmpty => {
                self.release_block(references)?;
                inode::put_file_acl(&mut self.raw, 0);
                self.set_sectors(-1)?;
            }
        }
        Ok(true)
    }

    /// Writes the changed block over the old one, or elsewhere when other inodes use the old one too.
    fn replace_block(&mut self, block: Vec<u8>, references: u32) -> Result<()> {
        if references <= 1 {
            return self.write_block(self.inode.file_acl, block);
        }
        self.put_new_block(block)?;
        self.release_block(references)
    }

    fn put_new_block(&mut self, block: Vec<u8>) -> Result<()> {
        space::note_attributes(self.engine)?;
        let number = space::take_block(self.engine, self.ino)?;
        self.write_block(number, block)?;
        inode::put_file_acl(&mut self.raw, number);
        Ok(())
    }

    /// One inode fewer uses the old block.
    fn release_block(&self, references: u32) -> Result<()> {
        let number = self.inode.file_acl;
        if references <= 1 {
            return space::free_block(self.engine, number);
        }
        let mut block = self.engine.read_block(number)?;
        inode::put(&mut block, BLOCK_REFERENCES, &(references - 1).to_le_bytes());
        self.write_block(number, block)
    }

    fn read_block(&self) -> Result<Vec<u8>> {
        let number = self.inode.file_acl;
        let block = self.engine.read_block(number)?;
        if inode::word(&block, 0) != fs_ext4::xattr::EXT4_XATTR_MAGIC
            || inode::word(&block, BLOCK_COUNT) != 1
            || !self.engine.csum.verify_xattr_block(number, &block)
        {
            return Err(Error::Corrupt("a block of extended attributes is damaged"));
        }
        Ok(block)
    }

    fn write_block(&self, number: u64, mut block: Vec<u8>) -> Result<()> {
        self.engine.csum.patch_xattr_block(number, &mut block);
        space::write_block(self.engine, number, &block)
    }

    /// The block counts as the inode's own.
    fn set_sectors(&mut self, blocks: i64) -> Result<()> {
        let sectors = i64::from(self.engine.sb.block_size() / 512) * blocks;
        let sectors = self.inode.blocks.saturating_add_signed(sectors);
        Filesystem::patch_inode_size_and_blocks(&mut self.raw, self.inode.size, sectors)
    }

    fn block_size(&self) -> usize {
        usize::try_from(self.engine.sb.block_size()).unwrap_or(4096)
    }
}
