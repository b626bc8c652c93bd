//! Any bytes as a manifest: neither a crash nor a message that acts on a terminal.
#![no_main]

use oci::{Manifest, component_layer};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for content_type in [None, Some(oci::media_type::MANIFEST)] {
        let read = Manifest::parse(bytes, content_type);
        if let Err(error) = read.as_ref().map_err(Clone::clone).and_then(component_layer) {
            assert!(!error.to_string().contains(char::is_control));
        }
    }
});
