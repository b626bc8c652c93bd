//! Interfaces `failures`, `context` and `log`: nothing of them reaches the image.

use super::super::customizer::step::{context, failures, log};
use crate::trace::{Traceable, Traced, digest, text};
use serde_json::{Value, json};

impl failures::Host for Traced<'_> {}

impl context::Host for Traced<'_> {
    fn step_name(&mut self) -> wasmtime::Result<String> {
        self.call("context.step-name", json!({}), context::Host::step_name)
    }

    fn architecture(&mut self) -> wasmtime::Result<String> {
        self.call_within("context.architecture", json!({}), context::Host::architecture)
    }

    fn source_date_epoch(&mut self) -> wasmtime::Result<u64> {
        self.call_within("context.source-date-epoch", json!({}), context::Host::source_date_epoch)
    }
}

impl log::Host for Traced<'_> {
    fn write(
        &mut self,
        level: log::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let fields_shown = shown(&fields);
        let arguments =
            json!({ "level": level.to_json(), "message": text(&message), "fields": fields_shown });
        self.call_within("log.write", arguments, |state| log::Host::write(state, level, message, fields))
    }
}

/// The fields of a message; their digest when there are so many that they make no line.
fn shown(fields: &[(String, String)]) -> Value {
    const MOST: usize = 1 << 20;
    let shown: Value = fields.iter().map(|(name, value)| json!([text(name), text(value)])).collect();
    let bytes: usize = fields.iter().map(|(name, value)| name.len().saturating_add(value.len())).sum();
    // An empty field takes room in a line, too.
    if bytes <= MOST && fields.len() <= MOST / 16 { shown } else { digest(shown.to_string().as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_make_no_line_stand_as_their_digest() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(shown(&[field("a", "b")]), json!([["a", "b"]]));
        for many in [vec![field("", &"\0".repeat(16_000)); 100], vec![field("", ""); 100_000]] {
            assert!(shown(&many)["sha256"].is_string() && shown(&many).to_string().len() < 200);
        }
    }
}
