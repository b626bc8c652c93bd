//! `storage`: disk layout, file systems and verity.

use super::scalars::{DiskSize, PartitionSize};
use crate::decode::{Decoder, Shorthand, choice, record};
use crate::source::Located;

record! {
    /// Disk layout, file systems and verity.
    pub struct Storage {
        /// Whether all partitions get new unique ids.
        "resetPartitionsUuidsType" reset_partitions_uuids_type: Option<Located<ResetPartitionsUuids>>,
        /// How the machine starts.
        "bootType" boot_type: Option<Located<BootType>>,
        /// The disk to lay out anew; at most one.
        "disks" disks: Vec<Disk>,
        /// The file systems to make.
        "filesystems" filesystems: Vec<FileSystem>,
        /// Partitions protected by hashes.
        "verity" verity: Vec<Verity>,
        /// Which verity partitions of the base image are renewed.
        "reinitializeVerity" reinitialize_verity: Option<Located<ReinitializeVerity>>,
        /// Set by the reference program.
        "veritypartitionstype" [unadvertised] verity_partitions_type: Option<Located<i64>>,
    }
}

choice! {
    /// Whether all partitions get new unique ids.
    pub enum ResetPartitionsUuids ("value of `resetPartitionsUuidsType`", unset) {
        /// They do.
        "reset-all" => ResetAll,
    }
}

choice! {
    /// How the machine starts.
    pub enum BootType ("boot type", unset) {
        /// By UEFI firmware.
        "efi" => Efi,
        /// By a BIOS.
        "legacy" => Legacy,
    }
}

choice! {
    /// Which verity partitions of the base image are renewed.
    pub enum ReinitializeVerity ("value of `reinitializeVerity`", unset) {
        /// None.
        "none" => None,
        /// All.
        "all" => All,
    }
}

record! {
    /// A disk.
    pub struct Disk {
        /// The kind of partition table.
        "partitionTableType" [required] partition_table_type: Option<Located<PartitionTableType>>,
        /// The size of the disk; from the partitions unless given.
        "maxSize" max_size: Option<Located<DiskSize>>,
        /// The partitions in disk order.
        "partitions" partitions: Vec<Partition>,
    }
}

choice! {
    /// The kind of partition table.
    pub enum PartitionTableType ("partition table type", unset) {
        /// GUID partition table.
        "gpt" => Gpt,
    }
}

record! {
    /// A partition.
    pub struct Partition {
        /// Name by which other parts of the configuration refer to it.
        "id" id: Option<Located<String>>,
        /// Name in the partition table, at most 35 ASCII characters.
        "label" label: Option<Located<String>>,
        /// First byte; right behind the partition before unless given.
        "start" start: Option<Located<DiskSize>>,
        /// The byte behind the last one.
        "end" end: Option<Located<DiskSize>>,
        /// Size, instead of `end`.
        "size" [nullable] size: Option<Located<PartitionSize>>,
        /// What the partition is for: a name or a type id.
        "type" kind: Option<Located<String>>,
    }
}

record! {
    /// A file system on a partition or a verity device.
    pub struct FileSystem {
        /// The id of the partition or verity device.
        "deviceId" [required] device_id: Option<Located<String>>,
        /// The type of file system.
        "type" kind: Option<Located<FileSystemType>>,
        /// Where it is mounted.
        "mountPoint" mount_point: Option<MountPoint>,
        /// Settings of btrfs.
        "btrfs" btrfs: Option<Btrfs>,
        /// Set by the reference program.
        "partitionid" [unadvertised] partition_id: Option<Located<String>>,
        /// Set by the reference program.
        "size" [unadvertised] size: Option<Located<u64>>,
    }
}

choice! {
    /// The type of a file system.
    pub enum FileSystemType ("file system type", unset) {
        /// Btrfs.
        "btrfs" => Btrfs,
        /// Fourth extended file system.
        "ext4" => Ext4,
        /// XFS.
        "xfs" => Xfs,
        /// FAT with 32-bit entries.
        "fat32" => Fat32,
        /// The same as `fat32`.
        "vfat" => Vfat,
    }
}

impl FileSystemType {
    /// Whether it is FAT, by either name.
    pub fn is_fat(self) -> bool {
        matches!(self, Self::Fat32 | Self::Vfat)
    }
}

choice! {
    /// How a mounted device is named.
    pub enum MountIdType ("mount id type", unset) {
        /// By the id of the file system.
        "uuid" => Uuid,
        /// By the id of the partition.
        "part-uuid" => PartUuid,
        /// By the label of the partition.
        "part-label" => PartLabel,
    }
}

record! {
    /// Where a file system is mounted; short form: the path as text.
    pub struct MountPoint {
        /// How `/etc/fstab` names the device; `part-uuid` unless given.
        "idType" id_type: Option<Located<MountIdType>>,
        /// Mount options, separated by commas.
        "options" options: Option<Located<String>>,
        /// Absolute path.
        "path" [required] path: Option<Located<String>>,
    }

    fn has_shorthand(&self) -> bool {
        true
    }

    fn set_shorthand(&mut self, text: Located<String>, _decoder: &mut Decoder<'_>) -> Shorthand {
        self.path = Some(text);
        Shorthand::Taken
    }
}

record! {
    /// Settings of btrfs.
    pub struct Btrfs {
        /// Subvolumes to make.
        "subvolumes" subvolumes: Vec<Subvolume>,
    }
}

record! {
    /// A subvolume of a btrfs file system.
    pub struct Subvolume {
        /// Path in the file system, without a slash in front.
        "path" [required] path: Option<Located<String>>,
        /// Where it is mounted.
        "mountPoint" mount_point: Option<MountPoint>,
        /// Limits.
        "quota" quota: Option<Quota>,
    }
}

record! {
    /// Limits of a subvolume.
    pub struct Quota {
        /// Of all data it refers to.
        "referencedLimit" referenced_limit: Option<Located<DiskSize>>,
        /// Of the data that it alone refers to.
        "exclusiveLimit" exclusive_limit: Option<Located<DiskSize>>,
    }
}

record! {
    /// A device protected by a tree of hashes.
    pub struct Verity {
        /// Name by which file systems refer to it.
        "id" [required] id: Option<Located<String>>,
        /// `root` or `usr`.
        "name" [required] name: Option<Located<String>>,
        /// Partition of this configuration that holds the data.
        "dataDeviceId" data_device_id: Option<Located<String>>,
        /// Partition of this configuration that holds the hashes; the data's own for both in one.
        "hashDeviceId" hash_device_id: Option<Located<String>>,
        /// Partition of the base image that holds the data.
        "dataDevice" data_device: Option<ExistingPartition>,
        /// Partition of the base image that holds the hashes.
        "hashDevice" hash_device: Option<ExistingPartition>,
        /// How the data partition is named on the kernel's command line.
        "dataDeviceMountIdType" data_device_mount_id_type: Option<Located<String>>,
        /// How the hash partition is named on the kernel's command line.
        "hashDeviceMountIdType" hash_device_mount_id_type: Option<Located<String>>,
        /// What happens when data does not fit its hash.
        "corruptionOption" corruption_option: Option<Located<CorruptionOption>>,
        /// Path of the root hash's signature in the image.
        "hashSignaturePath" hash_signature_path: Option<Located<String>>,
        /// Set by the reference program.
        "mount" [unadvertised] mount: VerityMount,
    }
}

choice! {
    /// What happens when data does not fit its hash.
    pub enum CorruptionOption ("corruption option", unset) {
        /// The read fails.
        "io-error" => IoError,
        /// Nothing.
        "ignore" => Ignore,
        /// The system stops.
        "panic" => Panic,
        /// The system restarts.
        "restart" => Restart,
    }
}

record! {
    /// A partition of the base image.
    pub struct ExistingPartition {
        /// How it is named: `part-label`.
        "idType" id_type: Option<Located<String>>,
        /// The label.
        "id" id: Option<Located<String>>,
    }
}

record! {
    /// Accepted for compatibility; without effect.
    pub struct VerityMount {
        /// Without effect.
        "mountpath" mount_path: Option<Located<String>>,
        /// Without effect.
        "mountoptions" mount_options: Option<Located<String>>,
        /// Without effect.
        "subvolumepath" subvolume_path: Option<Located<String>>,
        /// Without effect.
        "datasize" data_size: Option<Located<u64>>,
    }
}
