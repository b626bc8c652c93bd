//! Small disks for tests, made here so that every field can be wrong.

use units::Guid;

pub(crate) const DISK: Guid = Guid::from_bytes(*b"disk guid 123456");
pub(crate) const TYPE: Guid = Guid::from_bytes(*b"type guid 123456");

/// A GPT to be written. All addresses are in sectors.
#[derive(Clone)]
pub(crate) struct Gpt {
    pub(crate) sector: usize,
    pub(crate) sectors: u64,
    pub(crate) entry_size: u32,
    pub(crate) entry_count: u32,
    pub(crate) partitions: Vec<(u64, u64)>,
    pub(crate) first_usable: u64,
    pub(crate) last_usable: u64,
}

impl Gpt {
    /// Two partitions on 200 sectors.
    pub(crate) fn new(sector: usize) -> Self {
        Self {
            sector,
            sectors: 200,
            entry_size: 128,
            entry_count: 128,
            partitions: vec![(40, 59), (60, 99)],
            first_usable: 34,
            last_usable: 165,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut disk = vec![0; self.sector * self.sectors as usize];
        disk[450] = 0xee;
        disk[454] = 1;
        disk[458..462].copy_from_slice(&u32::MAX.to_le_bytes());
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        let entries = self.entries();
        let entry_sectors = (entries.len() as u64).div_ceil(self.sector as u64);
        let last = self.sectors - 1;
        for (own, other, at) in [(1, last, 2), (last, 1, last - entry_sectors)] {
            self.put(&mut disk, at, &entries);
            self.put(&mut disk, own, &self.header(own, other, at, &entries));
        }
        disk
    }

    pub(crate) fn put(&self, disk: &mut [u8], lba: u64, bytes: &[u8]) {
        let at = self.sector * lba as usize;
        disk[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn entries(&self) -> Vec<u8> {
        let mut entries = vec![0; (self.entry_size * self.entry_count) as usize];
        for (index, (first, last)) in self.partitions.iter().enumerate() {
            let entry = &mut entries[index * self.entry_size as usize..];
            entry[..16].copy_from_slice(&TYPE.mixed_endian());
            entry[16] = index as u8 + 1;
            entry[32..40].copy_from_slice(&first.to_le_bytes());
            entry[40..48].copy_from_slice(&last.to_le_bytes());
            entry[56..60].copy_from_slice(&[b'p', 0, b'0' + index as u8, 0]);
        }
        entries
    }

    fn header(&self, own: u64, other: u64, at: u64, entries: &[u8]) -> Vec<u8> {
        let mut header = vec![0; 92];
        header[..8].copy_from_slice(b"EFI PART");
        header[8..12].copy_from_slice(&0x10000_u32.to_le_bytes());
        header[12..16].copy_from_slice(&92_u32.to_le_bytes());
        for (field, value) in
            [(24, own), (32, other), (40, self.first_usable), (48, self.last_usable), (72, at)]
        {
            header[field..field + 8].copy_from_slice(&value.to_le_bytes());
        }
        header[56..72].copy_from_slice(&DISK.mixed_endian());
        header[80..84].copy_from_slice(&self.entry_count.to_le_bytes());
        header[84..88].copy_from_slice(&self.entry_size.to_le_bytes());
        header[88..92].copy_from_slice(&crc32fast::hash(entries).to_le_bytes());
        seal(&mut header);
        header
    }
}

/// Makes the checksum of a header of 92 bytes right again.
pub(crate) fn seal(header: &mut [u8]) {
    header[16..20].fill(0);
    let sum = crc32fast::hash(&header[..92]);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
}

/// A boot record with these entries: active, type, first sector, sectors.
pub(crate) fn boot_record(entries: &[(u8, u8, u32, u32)]) -> [u8; 512] {
    let mut sector = [0; 512];
    sector[440..444].copy_from_slice(&0x1234_5678_u32.to_le_bytes());
    for (index, (active, kind, first, len)) in entries.iter().enumerate() {
        let entry = &mut sector[446 + 16 * index..];
        entry[0] = *active;
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..16].copy_from_slice(&len.to_le_bytes());
    }
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

/// Bytes that look random and depend on the seed alone.
pub(crate) fn noise(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed >> 16
}
