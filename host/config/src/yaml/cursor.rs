//! A place in the text that moves forward, and what counts as a blank or a line end there.

use super::error::{Result, SyntaxError};
use crate::encoding::Text;
use crate::source::Position;

/// What [`Cursor::peek`] gives behind the last character; no text holds it.
pub(super) const END: char = '\0';

/// A place in the text, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// In characters.
    pub(super) index: usize,
    pub(super) line: u32,
    /// In characters. Signed, as an indentation of -1 lies outside of everything.
    pub(super) column: i64,
}

impl Mark {
    pub(super) fn position(self) -> Position {
        let column = u32::try_from(self.column).unwrap_or(u32::MAX - 1);
        Position { line: self.line.saturating_add(1), column: column.saturating_add(1) }
    }
}

/// The byte order mark.
const BOM: char = '\u{feff}';

/// Moves over a text.
pub(super) struct Cursor<'a> {
    text: &'a Text,
    readable: &'a str,
    offset: usize,
    mark: Mark,
    line_ends: usize,
    /// The number of the block up to whose end the text was looked at.
    block: usize,
    /// Whether what was in sight when that block was looked at begins with a byte order mark.
    behind_bom: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a Text) -> Self {
        let readable = text.readable();
        let behind_bom = readable.starts_with(BOM);
        Self { text, readable, offset: 0, mark: Mark::default(), line_ends: 0, block: 0, behind_bom }
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// How many lines ended since the last character that is no blank.
    pub(super) fn line_ends(&self) -> usize {
        self.line_ends
    }

    /// The characters ahead, as far as they can be read.
    pub(super) fn rest(&self) -> &'a str {
        self.readable.get(self.offset..).unwrap_or_default()
    }

    /// The character so many places ahead, or [`END`].
    ///
    /// # Errors
    /// The characters up to there are not readable.
    pub(super) fn peek(&mut self, ahead: usize) -> Result<char> {
        self.need(ahead + 1)?;
        Ok(self.rest().chars().nth(ahead).unwrap_or(END))
    }

    /// Looks at the next characters, as far as there are any.
    ///
    /// # Errors
    /// They are not all readable.
    pub(super) fn need(&mut self, count: usize) -> Result<()> {
        let mut end = self.text.block_end(self.block);
        // No character has more bytes than four.
        if end.saturating_sub(self.offset) / 4 >= count {
            return Ok(());
        }
        while !self.holds(end, count) {
            self.behind_bom = self.rest().starts_with(BOM);
            if end == self.readable.len() {
                return match self.text.damage() {
                    Some(damage) => Err(SyntaxError::unreadable(damage.kind, self.position_of(damage.at))),
                    None => Ok(()),
                };
            }
            self.block += 1;
            end = self.text.block_end(self.block);
        }
        Ok(())
    }

    /// Whether so many characters lie ahead before the byte `end`.
    fn holds(&self, end: usize, count: usize) -> bool {
        let ahead = self.readable.get(self.offset..end).unwrap_or_default();
        ahead.chars().take(count).count() == count
    }

    /// The place of a byte of the text that lies ahead.
    fn position_of(&self, offset: usize) -> Position {
        let mut ahead = Self { readable: self.text.shown(), ..*self };
        while ahead.offset < offset {
            match ahead.current() {
                c if is_break(c) => ahead.skip_break(),
                _ => ahead.skip(),
            }
        }
        ahead.mark.position()
    }

    /// Moves over a byte order mark at the beginning of a line.
    ///
    /// In the reference program's reader this looks at the beginning of what it has in sight, not at the
    /// beginning of the line; so the mark is not passed over, or another character is.
    ///
    /// # Errors
    /// What lies ahead is not readable.
    pub(super) fn skip_bom(&mut self) -> Result<()> {
        self.need(1)?;
        if self.mark.column == 0 && self.behind_bom {
            self.skip();
        }
        Ok(())
    }

    /// The next character, readable or not looked at; [`END`] at the end of what can be read.
    fn current(&self) -> char {
        self.rest().chars().next().unwrap_or(END)
    }

    /// Moves over one character that is no line end.
    pub(super) fn skip(&mut self) {
        let Some(c) = self.rest().chars().next() else { return };
        self.offset += c.len_utf8();
        self.mark.index += 1;
        self.mark.column += 1;
        if !is_blank(c) {
            self.line_ends = 0;
        }
    }

    /// Moves over a line end, if there is one.
    pub(super) fn skip_break(&mut self) {
        let c = self.current();
        if !is_break(c) {
            return;
        }
        let pair = self.rest().starts_with("\r\n");
        self.offset += if pair { 2 } else { c.len_utf8() };
        self.mark.index += if pair { 2 } else { 1 };
        self.mark.line = self.mark.line.saturating_add(1);
        self.mark.column = 0;
        self.line_ends += 1;
    }

    /// Ends the last line, if the text does not.
    pub(super) fn end_last_line(&mut self) {
        if self.mark.column != 0 {
            self.mark.line = self.mark.line.saturating_add(1);
            self.mark.column = 0;
        }
    }

    /// Moves over one character that is no line end, into `text`.
    pub(super) fn take(&mut self, text: &mut String) {
        let c = self.current();
        if c != END {
            text.push(c);
            self.skip();
        }
    }

    /// Moves over a line end, if there is one; `text` gets it in its normal form.
    pub(super) fn take_break(&mut self, text: &mut String) {
        match self.current() {
            '\r' | '\n' | '\u{85}' => text.push('\n'),
            c if is_break(c) => text.push(c),
            _ => {}
        }
        self.skip_break();
    }

    /// Moves to the end of the line.
    ///
    /// # Errors
    /// A character on the way is not readable.
    pub(super) fn skip_line_rest(&mut self) -> Result<()> {
        while !is_break_or_end(self.peek(0)?) {
            self.skip();
        }
        Ok(())
    }

    /// Moves over blanks.
    ///
    /// # Errors
    /// A character on the way is not readable.
    pub(super) fn skip_blanks(&mut self) -> Result<()> {
        while is_blank(self.peek(0)?) {
            self.skip();
        }
        Ok(())
    }

    /// Whether `---` or `...` stands here, alone and at the beginning of a line.
    pub(super) fn at_document_mark(&mut self) -> Result<bool> {
        let marks = |text: &str| text.starts_with("---") || text.starts_with("...");
        Ok(self.mark.column == 0 && marks(self.rest()) && is_blank_or_end(self.peek(3)?))
    }
}

pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// The line ends of YAML 1.1.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(super) fn is_break_or_end(c: char) -> bool {
    c == END || is_break(c)
}

/// Whether it separates words: a blank, a line end, the end.
pub(super) fn is_blank_or_end(c: char) -> bool {
    is_blank(c) || is_break_or_end(c)
}

/// Whether it can be part of an anchor's or a directive's name.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}
