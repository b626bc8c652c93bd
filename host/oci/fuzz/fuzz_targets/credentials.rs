//! Any bytes as a file of credentials.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(reference) = "a.example/b/c:1".parse() {
        let _ = oci::parse_credential_file(bytes, &reference);
    }
});
