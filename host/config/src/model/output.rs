//! `output`: the image to write and what goes beside it.

use crate::decode::{choice, record};
use crate::source::Located;

record! {
    /// The output image.
    pub struct Output {
        /// The image file.
        "image" image: OutputImage,
        /// Boot artifacts to write beside the image.
        "artifacts" artifacts: Option<Artifacts>,
        /// Folder to write the SELinux policy to.
        "selinuxPolicyPath" selinux_policy_path: Option<Located<String>>,
    }
}

record! {
    /// The image file.
    pub struct OutputImage {
        /// Path of the image to write.
        "path" path: Option<Located<String>>,
        /// Format of the image to write.
        "format" format: Option<Located<ImageFormat>>,
        /// Settings of the COSI format.
        "cosi" cosi: Cosi,
    }
}

record! {
    /// Settings of the COSI format.
    pub struct Cosi {
        /// How partitions are compressed.
        "compression" compression: CosiCompression,
    }
}

record! {
    /// How the partitions of a COSI image are compressed.
    pub struct CosiCompression {
        /// Zstandard level, 1 to 22.
        "level" level: Option<Located<i64>>,
    }
}

choice! {
    /// The format of an output image.
    pub enum ImageFormat ("image format", unset) {
        /// Virtual hard disk that grows.
        "vhd" => Vhd,
        /// Virtual hard disk of fixed size.
        "vhd-fixed" => VhdFixed,
        /// Hyper-V virtual hard disk, version 2.
        "vhdx" => Vhdx,
        /// QEMU copy-on-write image.
        "qcow2" => Qcow2,
        /// The bytes of the disk.
        "raw" => Raw,
        /// Bootable live medium.
        "iso" => Iso,
        /// Folder of network boot files.
        "pxe-dir" => PxeDir,
        /// Archive of network boot files.
        "pxe-tar" => PxeTar,
        /// Composable operating system image.
        "cosi" => Cosi,
        /// COSI with a footer, for bare metal.
        "baremetal-image" => BaremetalImage,
    }
}

record! {
    /// Boot artifacts to write beside the image.
    pub struct Artifacts {
        /// Which artifacts.
        "items" [required] items: Vec<Located<ArtifactItem>>,
        /// Folder to write them to.
        "path" [required] path: Option<Located<String>>,
    }
}

choice! {
    /// A kind of boot artifact.
    pub enum ArtifactItem ("output artifact", refused) {
        /// Unified kernel images, with their addons.
        "ukis" => Ukis,
        /// The first stage boot loader.
        "shim" => Shim,
        /// The boot loader.
        "bootloader" => Bootloader,
        /// Verity root hashes.
        "verity-hash" => VerityHash,
        /// Nothing; accepted for compatibility.
        "" => Nothing,
    }
}
