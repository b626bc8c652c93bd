//! Any text as fstab.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (entries, errors) = rootfs::parse_fstab(text);
    assert!(entries.len() + errors.len() <= text.lines().count());
});
