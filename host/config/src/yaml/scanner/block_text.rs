//! Text in blocks: `|` keeps the lines, `>` joins them.

use super::Scanner;
use crate::yaml::cursor::{END, Mark, is_blank, is_break, is_break_or_end};
use crate::yaml::error::{Result, SyntaxError};
use crate::yaml::token::{Token, TokenKind};

/// What the text is that errors speak of.
const BLOCK: &str = "the block of text";

/// What becomes of the line ends behind the last line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    /// `-`
    Strip,
    /// One is kept.
    Clip,
    /// `+`
    Keep,
}

/// What follows `|` or `>` in the same line.
struct Header {
    chomping: Chomping,
    /// How much deeper than what is around it the text is indented, if that is given.
    increment: Option<i64>,
}

impl Scanner<'_> {
    pub(super) fn block_text(&mut self, literal: bool) -> Result<()> {
        self.forget_key()?;
        self.key_allowed = true;
        let start = self.cursor.mark();
        self.cursor.skip();
        let header = self.block_header(start)?;
        let mut end = self.cursor.mark();
        let mut given = header.increment.map(|increment| self.indent.max(0) + increment);
        let (mut text, mut line_end, mut breaks) = (String::new(), String::new(), String::new());
        let indent = self.block_breaks(&mut given, start, &mut breaks, &mut end)?;
        let mut before_blank = false;
        while self.cursor.mark().column == indent && self.cursor.peek(0)? != END {
            let blank = is_blank(self.cursor.peek(0)?);
            if !literal && line_end == "\n" && !before_blank && !blank {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&line_end);
            }
            text.push_str(&breaks);
            before_blank = blank;
            while !is_break_or_end(self.cursor.peek(0)?) {
                self.cursor.take(&mut text);
            }
            self.cursor.need(2)?;
            line_end.clear();
            breaks.clear();
            self.cursor.take_break(&mut line_end);
            self.block_breaks(&mut given, start, &mut breaks, &mut end)?;
        }
        if header.chomping != Chomping::Strip {
            text.push_str(&line_end);
        }
        if header.chomping == Chomping::Keep {
            text.push_str(&breaks);
        }
        self.tokens.push_back(Token { kind: TokenKind::Scalar { text, plain: false }, start, end });
        Ok(())
    }

    /// Reads the rest of the first line.
    fn block_header(&mut self, start: Mark) -> Result<Header> {
        let mut header = Header { chomping: Chomping::Clip, increment: None };
        header.increment = self.block_increment(start)?;
        match self.cursor.peek(0)? {
            '-' => header.chomping = Chomping::Strip,
            '+' => header.chomping = Chomping::Keep,
            _ => {}
        }
        if header.chomping != Chomping::Clip {
            self.cursor.skip();
            if header.increment.is_none() {
                header.increment = self.block_increment(start)?;
            }
        }
        self.cursor.skip_blanks()?;
        if self.cursor.peek(0)? == '#' {
            self.cursor.skip_line_rest()?;
        }
        if !is_break_or_end(self.cursor.peek(0)?) {
            let message = "a block of text begins in the line below `|` or `>`";
            return Err(SyntaxError::new(message, self.cursor.mark()).within(BLOCK, start));
        }
        self.cursor.need(2)?;
        self.cursor.skip_break();
        Ok(header)
    }

    fn block_increment(&mut self, start: Mark) -> Result<Option<i64>> {
        let at = self.cursor.mark();
        let Some(digit) = self.cursor.peek(0)?.to_digit(10) else { return Ok(None) };
        if digit == 0 {
            let message = "the indentation of a block of text is at least 1";
            return Err(SyntaxError::new(message, at).within(BLOCK, start));
        }
        self.cursor.skip();
        Ok(Some(digit.into()))
    }

    /// Reads indentation and empty lines. Gives the column of the text: the one that is `given`, or
    /// else, for the first time, the one that is found.
    fn block_breaks(
        &mut self,
        given: &mut Option<i64>,
        start: Mark,
        breaks: &mut String,
        end: &mut Mark,
    ) -> Result<i64> {
        *end = self.cursor.mark();
        let mut deepest = 0;
        loop {
            let inside = |column: i64| given.is_none_or(|indent| column < indent);
            while inside(self.cursor.mark().column) && self.cursor.peek(0)? == ' ' {
                self.cursor.skip();
            }
            let column = self.cursor.mark().column;
            deepest = deepest.max(column);
            let c = self.cursor.peek(0)?;
            if inside(column) && c == '\t' {
                let message = "a block of text cannot be indented with a tab";
                return Err(SyntaxError::new(message, self.cursor.mark())
                    .within(BLOCK, start)
                    .hint("indent with blanks: YAML allows no tabs there"));
            }
            if !is_break(c) {
                break;
            }
            self.cursor.need(2)?;
            self.cursor.take_break(breaks);
            *end = self.cursor.mark();
        }
        Ok(*given.get_or_insert(deepest.max(self.indent + 1).max(1)))
    }
}
