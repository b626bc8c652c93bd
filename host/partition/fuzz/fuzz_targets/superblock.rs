//! Any bytes as a partition.
#![no_main]

use imagecustomizer_partition::superblock::probe;

libfuzzer_sys::fuzz_target!(|partition: &[u8]| {
    // The bytes are there, so there is no error.
    let _found = probe(&partition, partition.len() as u64).unwrap();
});
