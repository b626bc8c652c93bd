//! Blanks, line ends and comments between words.

use super::Scanner;
use crate::yaml::cursor::{is_blank, is_break};
use crate::yaml::error::Result;

/// The reference program's reader looks so many characters ahead for a comment.
const COMMENT_REACH: usize = 512;

impl Scanner<'_> {
    /// Moves to the next word. In lines written with indentation, a new line may begin with a key.
    pub(super) fn skip_to_token(&mut self) -> Result<()> {
        loop {
            self.cursor.skip_bom()?;
            // A tab cannot indent: it may only stand where no key can begin, or in brackets.
            let tabs = !self.flow.is_empty() || !self.key_allowed;
            while matches!(self.cursor.peek(0)?, ' ') || (tabs && self.cursor.peek(0)? == '\t') {
                self.cursor.skip();
            }
            if self.cursor.peek(0)? == '#' {
                self.skip_comments()?;
            }
            if !is_break(self.cursor.peek(0)?) {
                return Ok(());
            }
            self.cursor.need(2)?;
            self.cursor.skip_break();
            if self.flow.is_empty() {
                self.key_allowed = true;
            }
        }
    }

    /// Moves over a comment and those that follow it, up to the end of the last one's line. Before a
    /// comment that follows another one, tabs do not matter; line ends beyond ASCII do.
    fn skip_comments(&mut self) -> Result<()> {
        self.cursor.skip_line_rest()?;
        while let Some(blanks) = self.blanks_before_comment(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            let comment = self.cursor.mark().index + blanks;
            while self.cursor.mark().index < comment {
                match self.cursor.peek(0)? {
                    c if is_break(c) => self.cursor.skip_break(),
                    _ => self.cursor.skip(),
                }
            }
            self.cursor.skip_line_rest()?;
        }
        Ok(())
    }

    /// Moves over a comment in the line of the word that was just read.
    pub(super) fn skip_line_comment(&mut self) -> Result<()> {
        if self.cursor.line_ends() > 0 {
            return Ok(());
        }
        let Some(blanks) = self.blanks_before_comment(is_blank) else { return Ok(()) };
        (0..blanks).for_each(|_| self.cursor.skip());
        self.cursor.skip_line_rest()
    }

    /// How many characters that count as `blank` stand before a near `#`.
    fn blanks_before_comment(&mut self, blank: fn(char) -> bool) -> Option<usize> {
        let ahead = self.cursor.rest().chars().take(COMMENT_REACH);
        let count = ahead.take_while(|&c| blank(c)).count();
        let found = self.cursor.rest().chars().nth(count) == Some('#');
        // All that was looked at counts as read, also when no comment is there.
        let readable = self.cursor.need(COMMENT_REACH.min(count + 1)).is_ok();
        (found && readable && count < COMMENT_REACH).then_some(count)
    }
}
