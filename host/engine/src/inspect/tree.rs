//! The image's tree: finds the root file system, reads its fstab and mounts in user space what that names.

use super::disk::{Content, Disk};
use super::system::tree_error;
use crate::error::{Error, ErrorKind, Result};
use partition::superblock::Kind;
use plan::FileSystemFact;
use rootfs::{
    Ext4, Fat, FatOptions, FileSystem, Follow, FstabEntry, FstabSource, ImagePath, Timestamp, Tree, UserTree,
    operations, parse_fstab,
};

/// Longest fstab that is read, in bytes.
const MAX_FSTAB: u64 = 1 << 20;

/// Most mounts that an fstab may ask for: each costs memory, and time in every look-up of a path.
const MAX_MOUNTS: usize = 256;

/// Mode of mount points that the image lacks: they are made, as mounting for real would need them.
const MOUNT_POINT_MODE: u32 = 0o755;

/// Opens the tree. The list says what is mounted where, the root first; what cannot be served is left out.
///
/// Nothing is changed, except that a journal is replayed and missing mount points are made, as mounting would.
pub(crate) fn open(disk: &Disk, clock: Timestamp) -> Result<(UserTree, Vec<FileSystemFact>)> {
    find(disk, clock)?.mount(disk, clock)
}

/// An image's tree before it is mounted: the root alone, and what is still to be mounted.
struct Found<'a> {
    tree: UserTree,
    root: &'a Content,
    mounts: Vec<Mount<'a>>,
}

/// One line of fstab that names a partition of the image.
struct Mount<'a> {
    entry: FstabEntry,
    /// `None`: a data disk that is not part of the image.
    content: Option<&'a Content>,
}

/// Finds the root file system and reads its fstab.
fn find(disk: &Disk, clock: Timestamp) -> Result<Found<'_>> {
    let (root, mut tree) = find_root(disk, clock)?;
    let text =
        operations::read_file(&mut tree, ImagePath::new("/etc/fstab"), MAX_FSTAB).map_err(tree_error)?;
    let (entries, errors) = parse_fstab(&String::from_utf8_lossy(&text));
    for error in errors {
        tracing::warn!("the image's `/etc/fstab`, {error}: the line is passed over");
    }
    let mut has_root = false;
    let mut mounts = Vec::new();
    for entry in entries {
        if entry.is_overlay() || entry.is_bind() || entry.is_network() {
            tracing::warn!("the image's `/etc/fstab`, line {}: `{}` is left alone", entry.line, entry.target);
            continue;
        }
        if entry.is_pseudo() {
            continue;
        }
        let content = resolve(disk, &entry)?;
        if entry.target == "/" {
            check_is_root(root, content)?;
            has_root = true;
        } else {
            mounts.push(Mount { entry, content });
        }
        if mounts.len() > MAX_MOUNTS {
            let message = format!("the image's `/etc/fstab` asks for more than {MAX_MOUNTS} mounts");
            return Err(Error::saying(ErrorKind::ImageLayout, message));
        }
    }
    if !has_root {
        return Err(Error::saying(ErrorKind::ImageLayout, "the image's `/etc/fstab` has no line for `/`"));
    }
    Ok(Found { tree, root, mounts })
}

impl Found<'_> {
    fn mount(mut self, disk: &Disk, clock: Timestamp) -> Result<(UserTree, Vec<FileSystemFact>)> {
        let mut facts = vec![fact(self.root, "/")];
        for Mount { entry, content } in &self.mounts {
            let path = ImagePath::new(&entry.target);
            operations::make_directories(&mut self.tree, path, MOUNT_POINT_MODE).map_err(tree_error)?;
            // Two engines on one partition would not know of each other's changes.
            let number = content.map(Content::number);
            if let Some(first) = facts.iter().find(|fact| Some(fact.partition) == number) {
                let reason = format!("partition {} is mounted at `{}`", first.partition, first.mount_point);
                tracing::warn!("`{}` is left alone: {reason}", entry.target);
                self.tree.seal(path, &entry.filesystem, &reason).map_err(tree_error)?;
                continue;
            }
            facts.extend(mount_one(&mut self.tree, disk, entry, *content, clock)?);
        }
        Ok((self.tree, facts))
    }
}

fn mount_one(
    tree: &mut UserTree,
    disk: &Disk,
    entry: &FstabEntry,
    content: Option<&Content>,
    clock: Timestamp,
) -> Result<Option<FileSystemFact>> {
    let path = ImagePath::new(&entry.target);
    let Some((content, kind)) =
        content.and_then(|content| Some((content, content.superblock.as_ref()?.kind)))
    else {
        let reason = "it is not part of the image";
        return tree.seal(path, &entry.filesystem, reason).map_err(tree_error).map(|()| None);
    };
    let Some(file_system) = open_content(disk, content, &entry.options, clock)? else {
        let reason = "this build reads and writes ext4 and FAT";
        tracing::warn!("`{}` ({kind}) cannot be opened, and is left as it is: {reason}", entry.target);
        return tree.seal(path, kind.name(), reason).map_err(tree_error).map(|()| None);
    };
    tree.attach(path, file_system, kind.name(), None).map_err(tree_error)?;
    Ok(Some(fact(content, &entry.target)))
}

/// Opens a partition's file system; `None` when there is no engine for it.
fn open_content(
    disk: &Disk,
    content: &Content,
    options: &[String],
    clock: Timestamp,
) -> Result<Option<Box<dyn FileSystem>>> {
    let Some(kind) = content.superblock.as_ref().map(|superblock| superblock.kind) else { return Ok(None) };
    let opened = match kind {
        Kind::Ext2 | Kind::Ext3 | Kind::Ext4 => Ext4::open(disk.window(content)?, clock),
        Kind::Vfat => {
            let options = FatOptions::from_mount_options(options.iter().map(String::as_str));
            Fat::open(disk.window(content)?, clock, options)
        }
        _ => return Ok(None),
    };
    opened.map(Some).map_err(|error| {
        Error::new(
            ErrorKind::ImageLayout,
            format!("open the {kind} file system of partition {}", content.number()),
        )
        .caused_by(error)
    })
}

/// The one partition whose file system holds `/etc/fstab`, and its tree.
fn find_root(disk: &Disk, clock: Timestamp) -> Result<(&Content, UserTree)> {
    let mut found: Option<(&Content, UserTree)> = None;
    let kind_of = |content: &Content| content.superblock.as_ref().map(|superblock| superblock.kind);
    for content in disk.partitions.iter().filter(|content| kind_of(content).is_some_and(Kind::is_ext)) {
        let Some(file_system) = open_content(disk, content, &[], clock)? else { continue };
        let mut tree = UserTree::new(clock);
        tree.mount_root(file_system, "ext4").map_err(tree_error)?;
        let is_file = match tree.metadata(ImagePath::new("/etc/fstab"), Follow::Yes) {
            Ok(metadata) => metadata.kind == rootfs::Kind::Regular,
            Err(_) => false,
        };
        if !is_file {
            continue;
        }
        if let Some((first, _)) = &found {
            let (first, second) = (first.number(), content.number());
            let message = format!(
                "two root file systems were found: partitions {first} and {second} hold `/etc/fstab`"
            );
            return Err(Error::saying(ErrorKind::ImageLayout, message));
        }
        found = Some((content, tree));
    }
    found.ok_or_else(|| no_root(disk))
}

/// Says why there is no root: perhaps it is of a kind that cannot be opened here.
fn no_root(disk: &Disk) -> Error {
    let other = disk.partitions.iter().find_map(|content| {
        let kind = content.superblock.as_ref()?.kind;
        matches!(kind, Kind::Xfs | Kind::Btrfs).then_some((content.number(), kind))
    });
    match other {
        Some((number, kind)) => {
            let message = format!(
                "the root file system seems to be on partition {number} ({kind}), which is not supported yet: \
                 the user-space back end reads and writes ext4 and FAT"
            );
            Error::saying(ErrorKind::NotSupportedYet, message)
        }
        None => {
            let kinds: Vec<String> = disk
                .partitions
                .iter()
                .map(|content| {
                    let kind =
                        content.superblock.as_ref().map_or("unknown", |superblock| superblock.kind.name());
                    format!("{} ({kind})", content.number())
                })
                .collect();
            let message = "no root file system was found: no partition holds `/etc/fstab`";
            Error::saying(ErrorKind::ImageLayout, message)
                .hint_at(format!("the partitions of the image: {}", kinds.join(", ")))
        }
    }
}

/// The partition that an entry's source names; `None` for a data disk of the cloud, which an image does not hold.
fn resolve<'a>(disk: &'a Disk, entry: &FstabEntry) -> Result<Option<&'a Content>> {
    let fails = |message: String| {
        Error::saying(
            ErrorKind::ImageLayout,
            format!("the image's `/etc/fstab`, line {}: {message}", entry.line),
        )
    };
    let source = &entry.source;
    let matches: Vec<&Content> = match source {
        FstabSource::Device(path) if path == "/dev/mapper/root" || path == "/dev/mapper/usr" => {
            let message = format!("`{}` is protected by dm-verity, which is not supported yet", entry.target);
            return Err(Error::saying(ErrorKind::NotSupportedYet, message));
        }
        FstabSource::Device(path)
            if path.starts_with("/dev/disk/azure/") || path.starts_with("/dev/disk/cloud/azure_") =>
        {
            return Ok(None);
        }
        FstabSource::Device(_) | FstabSource::Other(_) => {
            return Err(fails(format!("the source `{source}` does not tell which partition is meant"))
                .hint_at("UUID=, LABEL=, PARTUUID= and PARTLABEL= do"));
        }
        _ => disk.partitions.iter().filter(|content| is_named_by(content, source)).collect(),
    };
    match matches.as_slice() {
        [content] => Ok(Some(content)),
        [] => Err(fails(format!("no partition of the image is `{source}`"))),
        _ => Err(fails(format!("more than one partition of the image is `{source}`"))),
    }
}

fn is_named_by(content: &Content, source: &FstabSource) -> bool {
    let superblock = content.superblock.as_ref();
    match source {
        FstabSource::Uuid(value) => superblock
            .and_then(|found| found.uuid.as_ref())
            .is_some_and(|uuid| uuid.eq_ignore_ascii_case(value)),
        FstabSource::Label(value) => superblock.and_then(|found| found.label.as_ref()) == Some(value),
        FstabSource::PartUuid(value) => content.partition.id.to_string().eq_ignore_ascii_case(value),
        FstabSource::PartLabel(value) => content.partition.name == *value,
        FstabSource::Device(_) | FstabSource::Other(_) => false,
    }
}

/// The partition that holds fstab must be the one that fstab names for `/`.
fn check_is_root(root: &Content, named: Option<&Content>) -> Result<()> {
    match named {
        Some(named) if named.number() == root.number() => Ok(()),
        _ => {
            let message = format!(
                "the image's `/etc/fstab` lies on partition {}, but names another one for `/`",
                root.number()
            );
            Err(Error::saying(ErrorKind::ImageLayout, message))
        }
    }
}

fn fact(content: &Content, mount_point: &str) -> FileSystemFact {
    let superblock = content.superblock.as_ref();
    FileSystemFact {
        partition: content.number(),
        mount_point: mount_point.to_owned(),
        kind: superblock.map_or("unknown", |found| found.kind.name()).to_owned(),
        uuid: superblock.and_then(|found| found.uuid.clone()),
    }
}
