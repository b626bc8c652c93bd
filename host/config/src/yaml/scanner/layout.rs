//! Where collections begin and end, and which words are keys.

use super::Scanner;
use crate::yaml::cursor::Mark;
use crate::yaml::error::{Result, SyntaxError};
use crate::yaml::token::{Token, TokenKind};

/// Collections nested deeper than this are refused, counted for brackets and indentation apart.
const MAX_DEPTH: usize = 10_000;
/// A key ends at most so many characters behind its beginning.
const MAX_KEY: usize = 1024;

/// A word that is a key if a `:` follows in the same line.
#[derive(Clone, Copy)]
pub(super) struct SimpleKey {
    /// The word's number, counted from the beginning of the text.
    token: usize,
    flow_level: usize,
    /// Whether it stands where a mapping has to go on, so that it can be nothing but a key.
    required: bool,
    /// Whether the word is kept back until it is known whether it is a key.
    kept_back: bool,
    mark: Mark,
}

/// An open bracket or brace.
pub(super) struct FlowLevel {
    /// Its number as a word.
    token: usize,
    /// Whether a word inside could be a key.
    has_noted: bool,
}

impl Scanner<'_> {
    /// Notes that the next word may be a key.
    pub(super) fn note_key(&mut self) -> Result<()> {
        if !self.key_allowed {
            return Ok(());
        }
        self.forget_key()?;
        let mark = self.cursor.mark();
        self.keys.push_back(SimpleKey {
            token: self.taken + self.tokens.len(),
            flow_level: self.flow.len(),
            required: self.flow.is_empty() && self.indent == mark.column,
            kept_back: true,
            mark,
        });
        if let Some(level) = self.flow.last_mut() {
            level.has_noted = true;
        }
        Ok(())
    }

    /// The word of this flow level that may be a key is none.
    pub(super) fn forget_key(&mut self) -> Result<()> {
        match self.keys.pop_back_if(|key| key.flow_level == self.flow.len()) {
            Some(key) if key.required => Err(key_without_value(key, self.cursor.mark())),
            _ => Ok(()),
        }
    }

    /// Whether the first of the waiting words may still turn out to be a key.
    pub(super) fn first_may_be_key(&mut self) -> Result<bool> {
        let Some(&key) = self.keys.front().filter(|key| key.kept_back && key.token == self.taken) else {
            return Ok(false);
        };
        let may_be = self.is_near(key)?;
        if !may_be {
            self.keys.pop_front();
        }
        Ok(may_be)
    }

    /// Whether a `:` here would make it a key.
    fn is_near(&self, key: SimpleKey) -> Result<bool> {
        let here = self.cursor.mark();
        if key.mark.line == here.line && key.mark.index + MAX_KEY >= here.index {
            return Ok(true);
        }
        if key.required { Err(key_without_value(key, here)) } else { Ok(false) }
    }

    /// `:` makes the word before it a key, or stands for a value whose key is explicit or empty.
    pub(super) fn value(&mut self) -> Result<()> {
        let start = self.cursor.mark();
        let noted = self.keys.pop_back_if(|key| key.flow_level == self.flow.len());
        let key = match noted {
            Some(key) => self.is_near(key)?.then_some(key),
            None => None,
        };
        if let Some(key) = key {
            let waiting = key.token.checked_sub(self.taken).filter(|place| *place < self.tokens.len());
            let place = waiting.unwrap_or(self.tokens.len());
            self.tokens.insert(place, Token { kind: TokenKind::Key, start: key.mark, end: key.mark });
            self.enter_block(TokenKind::BlockMappingStart, key.mark, waiting)?;
            self.key_allowed = false;
        } else {
            self.begin_mapping("unexpected `:`: what stands before it cannot be a key")?;
        }
        self.cursor.skip();
        self.push(TokenKind::Value, start);
        Ok(())
    }

    /// `?`
    pub(super) fn explicit_key(&mut self) -> Result<()> {
        let start = self.cursor.mark();
        self.begin_mapping("unexpected `?`: no key can begin here")?;
        self.forget_key()?;
        self.cursor.skip();
        self.push(TokenKind::Key, start);
        Ok(())
    }

    /// Begins a mapping before a `?` or `:` that has no key in front of it.
    fn begin_mapping(&mut self, problem: &'static str) -> Result<()> {
        let in_block = self.flow.is_empty();
        if in_block {
            if !self.key_allowed {
                return Err(SyntaxError::new(problem, self.cursor.mark()));
            }
            self.enter_block(TokenKind::BlockMappingStart, self.cursor.mark(), None)?;
        }
        self.key_allowed = in_block;
        Ok(())
    }

    /// `-`
    pub(super) fn block_entry(&mut self) -> Result<()> {
        let start = self.cursor.mark();
        if self.flow.is_empty() {
            if !self.key_allowed {
                return Err(SyntaxError::new("no list item can begin here", start)
                    .hint("begin the list on a line of its own"));
            }
            self.enter_block(TokenKind::BlockSequenceStart, start, None)?;
        }
        self.forget_key()?;
        self.key_allowed = true;
        self.cursor.skip();
        self.push(TokenKind::BlockEntry, start);
        Ok(())
    }

    /// `,`
    pub(super) fn flow_entry(&mut self) -> Result<()> {
        let start = self.cursor.mark();
        self.forget_key()?;
        self.key_allowed = true;
        self.cursor.skip();
        self.push(TokenKind::FlowEntry, start);
        Ok(())
    }

    /// `[` or `{`
    pub(super) fn open_flow(&mut self, kind: TokenKind) -> Result<()> {
        let start = self.cursor.mark();
        self.note_key()?;
        self.flow.push(FlowLevel { token: self.taken + self.tokens.len(), has_noted: false });
        if self.flow.len() > MAX_DEPTH {
            return Err(too_deep(start));
        }
        self.key_allowed = true;
        self.cursor.skip();
        self.push(kind, start);
        Ok(())
    }

    /// `]` or `}`
    pub(super) fn close_flow(&mut self, kind: TokenKind) -> Result<()> {
        let start = self.cursor.mark();
        self.forget_key()?;
        if let Some(level) = self.flow.pop().filter(|level| !level.has_noted)
            && let Some(key) = self.keys.back_mut().filter(|key| key.token == level.token)
        {
            // As in the reference program's reader: it loses sight of an empty collection.
            key.kept_back = false;
        }
        self.key_allowed = false;
        self.cursor.skip();
        self.push(kind, start);
        Ok(())
    }

    /// Begins a collection at a deeper indentation than the one around it. Its first word stands before
    /// the waiting word `place`, or behind all of them.
    fn enter_block(&mut self, kind: TokenKind, at: Mark, place: Option<usize>) -> Result<()> {
        if !self.flow.is_empty() || self.indent >= at.column {
            return Ok(());
        }
        self.outer_indents.push(self.indent);
        self.indent = at.column;
        if self.outer_indents.len() > MAX_DEPTH {
            return Err(too_deep(at));
        }
        let place = place.unwrap_or(self.tokens.len());
        self.tokens.insert(place, Token { kind, start: at, end: at });
        Ok(())
    }

    /// Ends the collections that are indented deeper than `column`; they reach up to `end`.
    pub(super) fn leave_blocks(&mut self, column: i64, end: Mark) -> Result<()> {
        if !self.flow.is_empty() {
            return Ok(());
        }
        while self.indent > column {
            let kind = TokenKind::BlockEnd;
            self.tokens.push_back(Token { kind, start: end, end });
            self.indent = self.outer_indents.pop().unwrap_or(-1);
        }
        Ok(())
    }
}

fn key_without_value(key: SimpleKey, at: Mark) -> SyntaxError {
    SyntaxError::new("a key needs a `:` behind it", at).within("the key", key.mark)
}

fn too_deep(at: Mark) -> SyntaxError {
    SyntaxError::new(format!("collections are nested deeper than {MAX_DEPTH}"), at)
}
