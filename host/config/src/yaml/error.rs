//! Why a text is not YAML.

use std::borrow::Cow;

use super::cursor::Mark;
use crate::encoding::DamageKind;
use crate::rule::Rule;
use crate::source::Position;

pub(super) type Result<T> = std::result::Result<T, SyntaxError>;

/// What is wrong, and where it was noticed.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) rule: Rule,
    pub(super) message: Cow<'static, str>,
    pub(super) hint: Option<&'static str>,
    pub(super) at: Position,
    /// What was being read, and the line (from 1) where it begins.
    pub(super) within: Option<(&'static str, u32)>,
}

impl SyntaxError {
    pub(super) fn new(message: impl Into<Cow<'static, str>>, at: Mark) -> Self {
        let (message, at) = (message.into(), at.position());
        Self { rule: Rule::Yaml, message, hint: None, at, within: None }
    }

    pub(super) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Adds what was being read, as `the list`, and where it begins.
    pub(super) fn within(mut self, what: &'static str, since: Mark) -> Self {
        self.within = Some((what, since.position().line));
        self
    }

    pub(super) fn unreadable(damage: DamageKind, at: Position) -> Self {
        let (rule, hint) = match damage {
            DamageKind::Utf8 | DamageKind::Utf16 => (Rule::Encoding, "save the file as UTF-8"),
            DamageKind::Forbidden(_) => {
                (Rule::Yaml, "remove it; in double quotes, it can be written as an escape like `\\x1b`")
            }
        };
        Self { rule, message: damage.to_string().into(), hint: Some(hint), at, within: None }
    }
}
