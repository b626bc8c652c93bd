//! Interfaces `failures`, `context` and `log`: nothing of them reaches the image.

use super::super::customizer::step::{context, failures, log};
use crate::trace::{Traceable, Traced, text};
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
        let shown: Vec<Value> = fields.iter().map(|(name, value)| json!([text(name), text(value)])).collect();
        let arguments = json!({ "level": level.to_json(), "message": text(&message), "fields": shown });
        self.call_within("log.write", arguments, |state| log::Host::write(state, level, message, fields))
    }
}
