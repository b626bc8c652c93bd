//! Any bytes as an ext4 image. The engine below may panic, and the boundary catches that; a hang, an overflow of the
//! stack or an allocation without bounds is what this looks for..
#![no_main]

include!("image.rs");

libfuzzer_sys::fuzz_target!(init: {
    // The fuzzer's own hook ends the process at any panic, caught or not.
    std::panic::set_hook(Box::new(|_| {}));
}, |bytes: &[u8]| use_image(bytes, rootfs::Ext4::open));
