//! Sizes and addresses.

use std::fmt;

/// A number of bytes. Prints in the largest binary unit that divides it: `4 GiB`, `1536 KiB`, `513 bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// 1024 bytes.
    pub const KIB: Self = Self(1 << 10);
    /// 1024 KiB.
    pub const MIB: Self = Self(1 << 20);
    /// 1024 MiB.
    pub const GIB: Self = Self(1 << 30);
    /// 1024 GiB.
    pub const TIB: Self = Self(1 << 40);

    /// A size of `bytes` bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The sum; `None` when it does not fit 64 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The size times `factor`; `None` when it does not fit 64 bits.
    #[must_use]
    pub const fn checked_mul(self, factor: u64) -> Option<Self> {
        match self.0.checked_mul(factor) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }

    /// The smallest multiple of `unit` that is not below the size; `None` when it does not fit 64 bits or
    /// `unit` is zero.
    #[must_use]
    pub const fn checked_round_up(self, unit: Self) -> Option<Self> {
        match self.0.checked_next_multiple_of(unit.0) {
            Some(rounded) => Some(Self(rounded)),
            None => None,
        }
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(Self::TIB, "TiB"), (Self::GIB, "GiB"), (Self::MIB, "MiB"), (Self::KIB, "KiB")];
        for (unit, name) in units {
            if self.0 != 0 && self.0.is_multiple_of(unit.0) {
                return write!(f, "{} {name}", self.0 / unit.0);
            }
        }
        write!(f, "{} {}", self.0, if self.0 == 1 { "byte" } else { "bytes" })
    }
}

/// The bytes in one logical block of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectorSize {
    /// 512 bytes: nearly every image.
    #[default]
    B512,
    /// 4096 bytes: "4K native" disks.
    B4096,
}

impl SectorSize {
    /// All sector sizes, smallest first.
    pub const ALL: [Self; 2] = [Self::B512, Self::B4096];

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::B512 => 512,
            Self::B4096 => 4096,
        }
    }
}

impl fmt::Display for SectorSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes())
    }
}

/// A logical block address: the number of a sector, the first being zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lba(pub u64);

impl Lba {
    /// The byte at which the sector starts; `None` when it does not fit 64 bits.
    #[must_use]
    pub const fn checked_bytes(self, sector: SectorSize) -> Option<u64> {
        self.0.checked_mul(sector.bytes())
    }
}

impl fmt::Display for Lba {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_prints_in_the_largest_unit_that_divides_it() {
        let cases = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (513, "513 bytes"),
            (1536, "1536 bytes"),
            (2048, "2 KiB"),
            (1 << 30, "1 GiB"),
            (3 << 39, "1536 GiB"),
            (u64::MAX, "18446744073709551615 bytes"),
        ];
        for (bytes, text) in cases {
            assert_eq!(ByteSize::new(bytes).to_string(), text);
        }
    }

    #[test]
    fn arithmetic_reports_overflow() {
        let max = ByteSize::new(u64::MAX);
        assert_eq!(max.checked_add(ByteSize::new(1)), None);
        assert_eq!(max.checked_mul(2), None);
        assert_eq!(max.checked_round_up(ByteSize::MIB), None);
        assert_eq!(ByteSize::new(1).checked_round_up(ByteSize::new(0)), None);
        assert_eq!(ByteSize::new(1).checked_round_up(ByteSize::MIB), Some(ByteSize::MIB));
        assert_eq!(ByteSize::MIB.checked_round_up(ByteSize::MIB), Some(ByteSize::MIB));
        assert_eq!(Lba(u64::MAX).checked_bytes(SectorSize::B512), None);
        assert_eq!(Lba(3).checked_bytes(SectorSize::B4096), Some(12288));
    }
}
