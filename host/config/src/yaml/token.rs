//! The words of YAML.

use super::cursor::Mark;

/// A word with its place.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

#[derive(Debug)]
pub(super) enum TokenKind {
    StreamEnd,
    /// A `%YAML` line.
    Version {
        major: u32,
        minor: u32,
    },
    /// A `%TAG` line.
    TagShorthand {
        handle: String,
        prefix: String,
    },
    /// `---`
    DocumentStart,
    /// `...`
    DocumentEnd,
    /// Before the first `-` of a list that is written with indentation.
    BlockSequenceStart,
    /// Before the first key of a mapping that is written with indentation.
    BlockMappingStart,
    /// Where the indentation ends.
    BlockEnd,
    /// `[`
    FlowSequenceStart,
    /// `]`
    FlowSequenceEnd,
    /// `{`
    FlowMappingStart,
    /// `}`
    FlowMappingEnd,
    /// `-`
    BlockEntry,
    /// `,`
    FlowEntry,
    /// Before a key; `?` or nothing.
    Key,
    /// `:`
    Value,
    Alias(String),
    Anchor(String),
    /// `!!int` has the handle `!!`; the verbatim form `!<…>` has none.
    Tag {
        handle: String,
        suffix: String,
    },
    Scalar {
        text: String,
        plain: bool,
    },
}

impl TokenKind {
    /// Whether a comment in the same line belongs to the word. Others belong to what follows.
    pub(super) fn takes_line_comment(&self) -> bool {
        !matches!(
            self,
            Self::StreamEnd
                | Self::Version { .. }
                | Self::TagShorthand { .. }
                | Self::DocumentStart
                | Self::DocumentEnd
                | Self::BlockEntry
        )
    }
}
