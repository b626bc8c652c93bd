//! Text in quotes, and how lines are joined.

use super::Scanner;
use super::plain::tab_in_indentation;
use crate::yaml::cursor::{Cursor, END, Mark, is_blank, is_blank_or_end, is_break};
use crate::yaml::error::{Result, SyntaxError};
use crate::yaml::token::TokenKind;

/// What the text is that errors speak of.
const QUOTED: &str = "the quoted text";

impl Scanner<'_> {
    pub(super) fn quoted_text(&mut self, quote: char) -> Result<()> {
        self.note_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark();
        self.cursor.skip();
        let mut text = String::new();
        loop {
            self.cursor.need(4)?;
            if self.cursor.at_document_mark()? {
                let message = "a new document begins inside quoted text";
                return Err(SyntaxError::new(message, self.cursor.mark()).within(QUOTED, start));
            }
            if self.cursor.peek(0)? == END {
                let message = "the closing quote is missing";
                return Err(SyntaxError::new(message, self.cursor.mark()).within(QUOTED, start));
            }
            let continued = self.quoted_word(quote, start, &mut text)?;
            if self.cursor.peek(0)? == quote {
                break;
            }
            let mut fold = Fold { after_break: continued, ..Fold::default() };
            fold.read(&mut self.cursor)?;
            fold.join(&mut text);
        }
        self.cursor.skip();
        self.push(TokenKind::Scalar { text, plain: false }, start);
        Ok(())
    }

    /// Reads up to a blank, a line end or the closing quote; tells whether it ends in an escaped line end.
    fn quoted_word(&mut self, quote: char, start: Mark, text: &mut String) -> Result<bool> {
        loop {
            let c = self.cursor.peek(0)?;
            if is_blank_or_end(c) {
                return Ok(false);
            }
            if c == quote {
                if quote == '"' || self.cursor.peek(1)? != '\'' {
                    return Ok(false);
                }
                self.cursor.skip();
                self.cursor.take(text);
            } else if quote == '"' && c == '\\' {
                if is_break(self.cursor.peek(1)?) {
                    self.cursor.skip();
                    self.cursor.need(2)?;
                    self.cursor.skip_break();
                    return Ok(true);
                }
                self.escape(start, text)?;
            } else {
                self.cursor.take(text);
            }
            self.cursor.need(2)?;
        }
    }

    /// Reads what a backslash begins.
    fn escape(&mut self, start: Mark, text: &mut String) -> Result<()> {
        let at = self.cursor.mark();
        let c = self.cursor.peek(1)?;
        let (meaning, digits) = match c {
            '0' => ('\0', 0),
            'a' => ('\u{7}', 0),
            'b' => ('\u{8}', 0),
            't' | '\t' => ('\t', 0),
            'n' => ('\n', 0),
            'v' => ('\u{b}', 0),
            'f' => ('\u{c}', 0),
            'r' => ('\r', 0),
            'e' => ('\u{1b}', 0),
            ' ' | '"' | '\'' | '\\' => (c, 0),
            'N' => ('\u{85}', 0),
            '_' => ('\u{a0}', 0),
            'L' => ('\u{2028}', 0),
            'P' => ('\u{2029}', 0),
            'x' => (END, 2),
            'u' => (END, 4),
            'U' => (END, 8),
            '/' => {
                return Err(SyntaxError::new("unknown escape `\\/`", at)
                    .within(QUOTED, start)
                    .hint("write `/` without the backslash"));
            }
            _ => {
                let message = match c.is_control() {
                    true => "a backslash stands before nothing".to_owned(),
                    false => format!("unknown escape `\\{c}`"),
                };
                let hint = "write `\\\\` for a backslash, or use single quotes";
                return Err(SyntaxError::new(message, at).within(QUOTED, start).hint(hint));
            }
        };
        self.cursor.skip();
        self.cursor.skip();
        text.push(if digits == 0 { meaning } else { self.hex_character(digits, start)? });
        Ok(())
    }

    fn hex_character(&mut self, digits: usize, start: Mark) -> Result<char> {
        let at = self.cursor.mark();
        let mut code = 0_u32;
        for ahead in 0..digits {
            let digit = self.cursor.peek(ahead)?.to_digit(16).ok_or_else(|| {
                let message = format!("the escape needs {digits} hex digits");
                SyntaxError::new(message, at).within(QUOTED, start)
            })?;
            code = code << 4 | digit;
        }
        let character = char::from_u32(code).ok_or_else(|| {
            SyntaxError::new("the escape names no Unicode character", at).within(QUOTED, start)
        })?;
        (0..digits).for_each(|_| self.cursor.skip());
        Ok(character)
    }
}

/// The blanks and line ends between two words of a text: a single line end becomes a blank, further
/// ones stay, blanks at line ends and beginnings go.
#[derive(Default)]
pub(super) struct Fold {
    blanks: String,
    first_break: String,
    further_breaks: String,
    /// Whether a line end was passed.
    pub(super) after_break: bool,
}

impl Fold {
    pub(super) fn has_break(&self) -> bool {
        self.after_break
    }

    /// Reads blanks and line ends.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        self.read_checked(cursor, |_| Ok(()))
    }

    /// Reads blanks and line ends; tabs left of column `indent` are refused.
    pub(super) fn read_plain(&mut self, cursor: &mut Cursor<'_>, indent: i64, start: Mark) -> Result<()> {
        self.read_checked(cursor, |at| match at.column < indent {
            true => Err(tab_in_indentation(at, start)),
            false => Ok(()),
        })
    }

    fn read_checked(
        &mut self,
        cursor: &mut Cursor<'_>,
        check_tab: impl Fn(Mark) -> Result<()>,
    ) -> Result<()> {
        loop {
            let c = cursor.peek(0)?;
            if is_blank(c) {
                if !self.after_break {
                    cursor.take(&mut self.blanks);
                } else {
                    if c == '\t' {
                        check_tab(cursor.mark())?;
                    }
                    cursor.skip();
                }
            } else if is_break(c) {
                cursor.need(2)?;
                if self.after_break {
                    cursor.take_break(&mut self.further_breaks);
                } else {
                    self.blanks.clear();
                    cursor.take_break(&mut self.first_break);
                    self.after_break = true;
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Appends what the read blanks and line ends mean, and forgets them.
    pub(super) fn join(&mut self, text: &mut String) {
        if !self.after_break {
            text.push_str(&self.blanks);
        } else if self.first_break == "\n" && self.further_breaks.is_empty() {
            text.push(' ');
        } else {
            if self.first_break != "\n" {
                text.push_str(&self.first_break);
            }
            text.push_str(&self.further_breaks);
        }
        self.blanks.clear();
        self.first_break.clear();
        self.further_breaks.clear();
        self.after_break = false;
    }
}
