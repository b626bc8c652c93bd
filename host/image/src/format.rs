//! The formats by name.

use std::fmt;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputFormat {
    /// The bytes of the disk and nothing else. Whatever is not recognised counts as this.
    Raw,
    /// QEMU's format, version 2 or 3.
    Qcow2,
    /// Hyper-V's newer format.
    Vhdx,
    /// Hyper-V's older format, grown on demand.
    VhdDynamic,
    /// The bytes of the disk, and a footer.
    VhdFixed,
}

impl InputFormat {
    /// The name that `output.image.format` gives to it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhdx => "vhdx",
            Self::VhdDynamic => "vhd",
            Self::VhdFixed => "vhd-fixed",
        }
    }
}

impl fmt::Display for InputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A format that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputFormat {
    /// The bytes of the disk and nothing else; sparse.
    Raw,
    /// QEMU's format, version 3, clusters of 64 KiB, not compressed.
    Qcow2,
    /// Hyper-V's newer format, dynamic, blocks of 2 MiB.
    Vhdx,
    /// Hyper-V's older format, dynamic, blocks of 2 MiB.
    VhdDynamic,
    /// The bytes of the disk, and a footer; sparse.
    VhdFixed,
}

impl OutputFormat {
    /// Every format, in the order of the reference program's help.
    pub const ALL: [Self; 5] = [Self::VhdDynamic, Self::VhdFixed, Self::Vhdx, Self::Qcow2, Self::Raw];

    /// The name in `output.image.format`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhdx => "vhdx",
            Self::VhdDynamic => "vhd",
            Self::VhdFixed => "vhd-fixed",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_format_is_found_by_its_name() {
        for format in OutputFormat::ALL {
            assert_eq!(OutputFormat::from_name(format.name()), Some(format));
        }
        assert_eq!(OutputFormat::from_name("vpc"), None);
    }
}
