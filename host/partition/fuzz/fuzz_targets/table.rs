//! Any bytes as a disk: a table, or an error, and the table keeps its promises.
#![no_main]

use imagecustomizer_partition::read_table;

libfuzzer_sys::fuzz_target!(|disk: &[u8]| {
    let size = disk.len() as u64;
    if let Ok(table) = read_table(&disk, size) {
        for partition in &table.partitions {
            assert!(partition.len > 0 && partition.end() <= size);
        }
    }
});
