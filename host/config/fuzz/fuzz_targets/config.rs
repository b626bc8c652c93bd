//! Any bytes as a configuration file: reading, checking and explaining must neither crash nor hang.
#![no_main]

use std::path::Path;

use imagecustomizer_config::{PasswordPolicy, check_text};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(problems) = check_text(bytes, Path::new("fuzz.yaml"), PasswordPolicy::Any) {
        let _ = problems.to_string();
        let _ = problems.to_json();
    }
});
