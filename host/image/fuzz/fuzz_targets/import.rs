//! Any bytes as an image: a disk of the size that was told, or an error and nothing left.
#![no_main]

use imagecustomizer_image::import;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let (image, work) = (dir.path().join("image"), dir.path().join("work"));
    std::fs::write(&image, bytes).unwrap();
    match import(&image, &work, &|_, _| {}) {
        Ok(found) => assert_eq!(work.metadata().unwrap().len(), found.virtual_size.bytes()),
        Err(_) => assert!(!work.exists()),
    }
});
