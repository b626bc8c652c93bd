//! Interface `artifacts`.

use super::super::customizer::step::artifacts as wit;
use super::super::{Answer, Failure};
use super::values::tree_options;
use crate::trace::{Content, Secrecy, Traced, text};
use serde_json::{Value, json};

impl wit::Host for Traced<'_> {
    fn names(&mut self) -> wasmtime::Result<Vec<String>> {
        self.call("artifacts.names", json!({}), wit::Host::names)
    }

    fn stat(&mut self, name: String, path: String) -> Answer<wit::Metadata> {
        let arguments = place(&name, &path);
        self.fallible("artifacts.stat", arguments, |state| wit::Host::stat(state, name, path))
    }

    fn list_directory(&mut self, name: String, path: String) -> Answer<Vec<wit::Entry>> {
        let arguments = place(&name, &path);
        self.fallible("artifacts.list-directory", arguments, |state| {
            wit::Host::list_directory(state, name, path)
        })
    }

    fn read_at(&mut self, name: String, path: String, offset: u64, max: u32) -> Answer<Vec<u8>> {
        let arguments = json!({ "name": text(&name), "path": text(&path), "offset": offset, "max": max });
        // An artifact may be a password or a key. Whoever replays the run has to have it.
        let answer: Result<Content, Failure> = self.call_unheld("artifacts.read-at", arguments, |state| {
            let read = wit::Host::read_at(state, name, path, offset, max)?;
            Ok(read.map(|bytes| Content { bytes, secrecy: Secrecy::Unspeakable }))
        })?;
        Ok(answer.map(|content| content.bytes))
    }

    fn install(
        &mut self,
        name: String,
        path: String,
        destination: String,
        options: wit::TreeOptions,
    ) -> Answer<wit::TreeReport> {
        let arguments = json!({
            "name": text(&name),
            "path": text(&path),
            "destination": text(&destination),
            "options": tree_options(&options),
        });
        self.fallible("artifacts.install", arguments, |state| {
            wit::Host::install(state, name, path, destination, options)
        })
    }
}

fn place(name: &str, path: &str) -> Value {
    json!({ "name": text(name), "path": text(path) })
}
