//! Text → words. Keys and indentation, which have no words of their own in YAML, become words here.
//!
//! A word is read when it or one of the two words before it is asked for, no earlier: what follows the
//! first document is looked at just so far, as in the reference program.

mod blanks;
mod block_text;
mod layout;
mod names;
mod plain;
mod quoted;

use std::collections::VecDeque;

use super::cursor::{Cursor, END, Mark, is_blank_or_end};
use super::error::{Result, SyntaxError};
use super::token::{Token, TokenKind};
use crate::encoding::Text;
use layout::{FlowLevel, SimpleKey};

/// So many words are read before the first of them is given away.
const LOOK_AHEAD: usize = 3;

/// Gives the words of a text one by one.
pub(super) struct Scanner<'a> {
    cursor: Cursor<'a>,
    /// Words that were read and not yet taken.
    tokens: VecDeque<Token>,
    /// How many words were taken.
    taken: usize,
    /// The column of the innermost collection that is written with indentation; -1 outside.
    indent: i64,
    /// The columns of the collections around it.
    outer_indents: Vec<i64>,
    /// The open brackets and braces.
    flow: Vec<FlowLevel>,
    /// Words that turn out to be keys if a `:` follows: at most one a flow level, outermost first.
    keys: VecDeque<SimpleKey>,
    /// Whether a key may begin here.
    key_allowed: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a Text) -> Self {
        Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            indent: -1,
            outer_indents: Vec::new(),
            flow: Vec::new(),
            keys: VecDeque::new(),
            key_allowed: true,
        }
    }

    /// The next word.
    ///
    /// # Errors
    /// The text is not YAML.
    pub(super) fn peek(&mut self) -> Result<&Token> {
        self.fill()?;
        let end = self.cursor.mark();
        self.tokens.front().ok_or_else(|| SyntaxError::new("the text ends too early", end))
    }

    /// Takes the next word.
    ///
    /// # Errors
    /// The text is not YAML.
    pub(super) fn take(&mut self) -> Result<Token> {
        self.fill()?;
        self.taken += 1;
        let end = self.cursor.mark();
        self.tokens.pop_front().ok_or_else(|| SyntaxError::new("the text ends too early", end))
    }

    fn fill(&mut self) -> Result<()> {
        while self.tokens.len() < LOOK_AHEAD || self.first_may_be_key()? {
            self.read_token()?;
            if self.tokens.back().is_some_and(|token| token.kind.takes_line_comment()) {
                self.skip_line_comment()?;
            }
        }
        Ok(())
    }

    fn push(&mut self, kind: TokenKind, start: Mark) {
        self.tokens.push_back(Token { kind, start, end: self.cursor.mark() });
    }

    fn read_token(&mut self) -> Result<()> {
        let before = self.cursor.mark();
        self.skip_to_token()?;
        self.leave_blocks(self.cursor.mark().column, before)?;
        self.cursor.need(4)?;
        let start = self.cursor.mark();
        let (c, next) = (self.cursor.peek(0)?, self.cursor.peek(1)?);
        let in_block = self.flow.is_empty();
        match c {
            END => self.end_of_stream(),
            '%' if start.column == 0 => self.directive(),
            '-' | '.' if self.cursor.at_document_mark()? => self.document_mark(c),
            '[' => self.open_flow(TokenKind::FlowSequenceStart),
            '{' => self.open_flow(TokenKind::FlowMappingStart),
            ']' => self.close_flow(TokenKind::FlowSequenceEnd),
            '}' => self.close_flow(TokenKind::FlowMappingEnd),
            ',' => self.flow_entry(),
            '-' if is_blank_or_end(next) => self.block_entry(),
            '?' if !in_block || is_blank_or_end(next) => self.explicit_key(),
            ':' if !in_block || is_blank_or_end(next) => self.value(),
            '*' => self.reference(TokenKind::Alias),
            '&' => self.reference(TokenKind::Anchor),
            '!' => self.tag(),
            '|' | '>' if in_block => self.block_text(c == '|'),
            '\'' | '"' => self.quoted_text(c),
            '-' | '?' | ':' => self.plain_text(),
            '#' | '|' | '>' | '%' | '@' | '`' => Err(self.no_token(c)),
            c if is_blank_or_end(c) => Err(self.no_token(c)),
            _ => self.plain_text(),
        }
    }

    fn no_token(&self, c: char) -> SyntaxError {
        let at = self.cursor.mark();
        match c {
            '\t' => SyntaxError::new("a line cannot be indented with a tab", at)
                .hint("indent with blanks: YAML allows no tabs there"),
            '|' | '>' => SyntaxError::new(format!("no block of text (`{c}`) can begin inside brackets"), at)
                .hint("write the text in double quotes, with `\\n` for line ends"),
            _ => SyntaxError::new(format!("no value can begin with `{c}`"), at)
                .hint("put quotes around text that begins with a special character"),
        }
    }

    fn end_of_stream(&mut self) -> Result<()> {
        let mark = self.cursor.mark();
        self.leave_blocks(-1, mark)?;
        self.forget_key()?;
        self.key_allowed = false;
        self.push(TokenKind::StreamEnd, mark);
        // No word can become a key any more.
        self.cursor.end_last_line();
        Ok(())
    }

    fn document_mark(&mut self, c: char) -> Result<()> {
        let start = self.cursor.mark();
        self.leave_blocks(-1, start)?;
        self.forget_key()?;
        self.key_allowed = false;
        (0..3).for_each(|_| self.cursor.skip());
        let kind = if c == '-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
        self.push(kind, start);
        Ok(())
    }
}
