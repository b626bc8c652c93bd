//! Tags, and the lines with `%` that give them meaning.

use super::cursor::Mark;
use super::error::{Result, SyntaxError};

/// What `!!` stands for.
const STANDARD: &str = "tag:yaml.org,2002:";

/// The lines with `%` of a document.
#[derive(Default)]
pub(super) struct Tags {
    has_version: bool,
    /// Handles with what they stand for.
    given: Vec<(String, String)>,
}

impl Tags {
    /// Notes a `%YAML` line.
    ///
    /// # Errors
    /// It is the second one, or of another version than 1.1, the only one that the reference program's
    /// reader takes.
    pub(super) fn version(&mut self, major: u32, minor: u32, at: Mark) -> Result<()> {
        if (major, minor) != (1, 1) {
            let message = format!("`%YAML {major}.{minor}` is not supported");
            return Err(SyntaxError::new(message, at).hint("remove the `%YAML` line"));
        }
        if std::mem::replace(&mut self.has_version, true) {
            return Err(SyntaxError::new("there are two `%YAML` lines", at).hint("remove one of them"));
        }
        Ok(())
    }

    /// Notes a `%TAG` line.
    ///
    /// # Errors
    /// The handle has one already.
    pub(super) fn add(&mut self, handle: String, prefix: String, at: Mark) -> Result<()> {
        if self.prefix(&handle).is_some() {
            let message = format!("there are two `%TAG` lines for `{handle}`");
            return Err(SyntaxError::new(message, at).hint("remove one of them"));
        }
        self.given.push((handle, prefix));
        Ok(())
    }

    fn prefix(&self, handle: &str) -> Option<&str> {
        self.given.iter().find(|(given, _)| given == handle).map(|(_, prefix)| prefix.as_str())
    }

    /// Writes a tag out in full.
    ///
    /// # Errors
    /// Nothing says what the handle stands for.
    pub(super) fn resolve(&self, handle: &str, suffix: String, at: Mark) -> Result<String> {
        let prefix = match (self.prefix(handle), handle) {
            (Some(prefix), _) => prefix,
            (None, "") => return Ok(suffix),
            (None, "!") => "!",
            (None, "!!") => STANDARD,
            (None, _) => {
                let message = format!("no `%TAG` line says what `{handle}` stands for");
                return Err(SyntaxError::new(message, at).hint("remove the tag"));
            }
        };
        Ok(format!("{prefix}{suffix}"))
    }
}

/// The form `!!name` of a standard tag, other tags as written; `!` alone is none.
pub(super) fn short_tag(tag: String) -> Option<String> {
    match tag.strip_prefix(STANDARD) {
        Some(name) => Some(format!("!!{name}")),
        None => (tag != "!" && !tag.is_empty()).then_some(tag),
    }
}
