//! Any text as the value of `WWW-Authenticate`: neither a crash nor more than is allowed.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    for challenge in oci::parse_challenges(text) {
        assert!(challenge.parameters.len() <= 16);
        let _ = challenge.parameter("realm");
    }
});
