//! What a step said in its log, taken from the trace of its run.

use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// How the line of such a call begins.
const CALL: &str = r#"{"call":"log.write""#;

/// `LEVEL MESSAGE NAME=VALUE…`, a line for each message. Other calls may hold long contents: their lines are passed over.
pub(super) fn lines(trace: &Path) -> io::Result<Vec<String>> {
    let mut reader = BufReader::new(File::open(trace)?);
    let mut found = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(found);
        }
        if line.starts_with(CALL.as_bytes())
            && let Ok(call) = serde_json::from_slice::<Value>(&line)
            && let Some(arguments) = call.get("arguments")
        {
            found.push(message(arguments));
        }
    }
}

fn message(arguments: &Value) -> String {
    let part = |name| arguments.get(name).map(text).unwrap_or_default();
    let mut line = format!("{} {}", part("level"), escaped(&part("message")));
    if let Some(bytes) = arguments.get("fields").and_then(|fields| fields.get("bytes")) {
        line.push_str(&format!(" ({bytes} bytes of fields)"));
    }
    for field in arguments.get("fields").and_then(Value::as_array).into_iter().flatten() {
        let of = |index| field.get(index).map(text).unwrap_or_default();
        line.push_str(&format!(" {}={}", escaped(&of(0)), value(&of(1))));
    }
    line
}

/// A long text stands in a trace as its digest.
fn text(value: &Value) -> String {
    match (value.as_str(), value.get("bytes")) {
        (Some(text), _) => text.to_owned(),
        (None, Some(bytes)) => format!("({bytes} bytes)"),
        (None, None) => value.to_string(),
    }
}

fn value(text: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"\"\\=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("{text:?}"),
    }
}

fn escaped(text: &str) -> String {
    super::diff::printable(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_is_one_line() {
        let cases = [
            (json!({ "level": "info", "message": "done", "fields": [] }), "info done"),
            (
                json!({ "level": "warn", "message": "a\nb", "fields": [["path", "/etc/motd"], ["n", "a b"], ["e", ""]] }),
                "warn a\\nb path=/etc/motd n=\"a b\" e=\"\"",
            ),
            (
                json!({ "level": "info", "message": { "bytes": 20000, "sha256": "00" }, "fields": [] }),
                "info (20000 bytes)",
            ),
            (
                json!({ "level": "info", "message": "a", "fields": { "bytes": 2000000, "sha256": "00" } }),
                "info a (2000000 bytes of fields)",
            ),
        ];
        for (arguments, line) in cases {
            assert_eq!(message(&arguments), line);
        }
    }
}
