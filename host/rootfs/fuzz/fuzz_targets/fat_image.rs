//! Any bytes as a FAT image.
#![no_main]

include!("image.rs");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    use_image(bytes, |window, clock| rootfs::Fat::open(window, clock, rootfs::FatOptions::default()));
});
