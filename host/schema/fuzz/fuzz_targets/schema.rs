//! Any text as a schema and as a value, parted by the first zero byte: neither a crash nor a hang.
#![no_main]

use schema::Schema;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut halves = bytes.splitn(2, |byte| *byte == 0);
    let mut text = || std::str::from_utf8(halves.next().unwrap_or_default()).unwrap_or_default();
    let (schema, value) = (text(), text());
    if let Ok(schema) = Schema::parse(schema)
        && let Ok(value) = serde_json::from_str(value)
    {
        let _ = schema.check(&value);
    }
});
