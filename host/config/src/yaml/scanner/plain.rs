//! Text without quotes.

use super::Scanner;
use super::quoted::Fold;
use crate::yaml::cursor::{Mark, is_blank, is_blank_or_end, is_break};
use crate::yaml::error::{Result, SyntaxError};
use crate::yaml::token::{Token, TokenKind};

impl Scanner<'_> {
    /// Text without quotes: up to `: `, ` #`, a smaller indentation or, in brackets, one of `,?[]{}`.
    pub(super) fn plain_text(&mut self) -> Result<()> {
        self.note_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark();
        let (mut text, mut end, mut fold) = (String::new(), start, Fold::default());
        loop {
            self.cursor.need(4)?;
            if self.cursor.at_document_mark()? || self.cursor.peek(0)? == '#' {
                break;
            }
            while !self.plain_text_ends()? {
                fold.join(&mut text);
                self.cursor.take(&mut text);
                end = self.cursor.mark();
                self.cursor.need(2)?;
            }
            let next = self.cursor.peek(0)?;
            if !is_blank(next) && !is_break(next) {
                break;
            }
            fold.read_plain(&mut self.cursor, self.indent + 1, start)?;
            if self.flow.is_empty() && self.cursor.mark().column <= self.indent {
                break;
            }
        }
        if fold.has_break() {
            self.key_allowed = true;
        }
        self.tokens.push_back(Token { kind: TokenKind::Scalar { text, plain: true }, start, end });
        Ok(())
    }

    /// Whether plain text cannot go on with the next character.
    fn plain_text_ends(&mut self) -> Result<bool> {
        Ok(match self.cursor.peek(0)? {
            ':' => is_blank_or_end(self.cursor.peek(1)?),
            ',' | '?' | '[' | ']' | '{' | '}' => !self.flow.is_empty(),
            c => is_blank_or_end(c),
        })
    }
}

/// Refuses a tab where the indentation of plain text is.
pub(super) fn tab_in_indentation(at: Mark, start: Mark) -> SyntaxError {
    SyntaxError::new("a line cannot be indented with a tab", at)
        .within("the text", start)
        .hint("indent with blanks: YAML allows no tabs there")
}
