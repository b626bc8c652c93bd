//! Anchors, aliases, tags and directives.

use super::Scanner;
use crate::yaml::cursor::{Mark, is_blank, is_blank_or_end, is_break_or_end, is_name};
use crate::yaml::error::{Result, SyntaxError};
use crate::yaml::token::TokenKind;

/// What errors speak of.
const TAG: &str = "the tag";
const DIRECTIVE: &str = "the `%` line";
/// The numbers of a version have at most so many digits.
const MAX_DIGITS: usize = 2;

impl Scanner<'_> {
    /// `&name` or `*name`
    pub(super) fn reference(&mut self, kind: fn(String) -> TokenKind) -> Result<()> {
        self.note_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark();
        self.cursor.skip();
        let mut name = String::new();
        while is_name(self.cursor.peek(0)?) {
            self.cursor.take(&mut name);
        }
        let next = self.cursor.peek(0)?;
        let ends = is_blank_or_end(next) || matches!(next, '?' | ':' | ',' | ']' | '}' | '%' | '@' | '`');
        if name.is_empty() || !ends {
            let message = "the name of an anchor or alias consists of letters, digits, `_` and `-`";
            return Err(SyntaxError::new(message, self.cursor.mark())
                .hint("put quotes around text that begins with `&` or `*`"));
        }
        self.push(kind(name), start);
        Ok(())
    }

    /// `!suffix`, `!!suffix`, `!name!suffix` or `!<uri>`
    pub(super) fn tag(&mut self) -> Result<()> {
        self.note_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark();
        let (handle, suffix) = match self.cursor.peek(1)? {
            '<' => (String::new(), self.verbatim_tag(start)?),
            _ => self.short_tag(start)?,
        };
        if !is_blank_or_end(self.cursor.peek(0)?) {
            return Err(SyntaxError::new("a blank is missing behind the tag", self.cursor.mark())
                .within(TAG, start)
                .hint("put quotes around text that begins with `!`"));
        }
        self.push(TokenKind::Tag { handle, suffix }, start);
        Ok(())
    }

    fn verbatim_tag(&mut self, start: Mark) -> Result<String> {
        self.cursor.skip();
        self.cursor.skip();
        let mut uri = String::new();
        self.uri(TAG, start, &mut uri)?;
        if uri.is_empty() || self.cursor.peek(0)? != '>' {
            return Err(SyntaxError::new("`!<` has no `>`", self.cursor.mark()).within(TAG, start));
        }
        self.cursor.skip();
        Ok(uri)
    }

    fn short_tag(&mut self, start: Mark) -> Result<(String, String)> {
        let handle = self.tag_handle()?;
        if handle.len() > 1 && handle.ends_with('!') {
            let mut suffix = String::new();
            self.uri(TAG, start, &mut suffix)?;
            if suffix.is_empty() {
                let message = "the tag has no name";
                return Err(SyntaxError::new(message, self.cursor.mark()).within(TAG, start));
            }
            return Ok((handle, suffix));
        }
        let mut suffix = handle.get(1..).unwrap_or_default().to_owned();
        self.uri(TAG, start, &mut suffix)?;
        // `!` alone has no handle.
        Ok(if suffix.is_empty() { (suffix, "!".to_owned()) } else { ("!".to_owned(), suffix) })
    }

    /// `!`, `!!`, `!name!`, or the `!name` that a local tag begins with.
    fn tag_handle(&mut self) -> Result<String> {
        let mut handle = String::new();
        self.cursor.take(&mut handle);
        while is_name(self.cursor.peek(0)?) {
            self.cursor.take(&mut handle);
        }
        if self.cursor.peek(0)? == '!' {
            self.cursor.take(&mut handle);
        }
        Ok(handle)
    }

    /// The characters of a URI; `%41` is an `A`.
    fn uri(&mut self, what: &'static str, start: Mark, uri: &mut String) -> Result<()> {
        loop {
            let c = self.cursor.peek(0)?;
            if c == '%' {
                self.uri_escape(what, start, uri)?;
            } else if is_name(c) || ";/?:@&=+$.,!~*'()[]".contains(c) {
                self.cursor.take(uri);
            } else {
                return Ok(());
            }
        }
    }

    /// The escaped bytes of one character. Whether there is such a character is not looked at.
    fn uri_escape(&mut self, what: &'static str, start: Mark, uri: &mut String) -> Result<()> {
        let at = self.cursor.mark();
        let wrong = |message| Err(SyntaxError::new(message, at).within(what, start));
        let (mut bytes, mut width) = (Vec::new(), 1);
        while bytes.len() < width {
            let digits = (self.cursor.peek(1)?.to_digit(16), self.cursor.peek(2)?.to_digit(16));
            let byte = match (self.cursor.peek(0)?, digits) {
                ('%', (Some(high), Some(low))) => u8::try_from(high << 4 | low).unwrap_or_default(),
                _ => return wrong("`%` is not followed by two hex digits"),
            };
            match byte {
                0x80..0xc0 if !bytes.is_empty() => {}
                _ if !bytes.is_empty() => return wrong("the bytes behind `%` are not valid UTF-8"),
                0x00..0x80 => {}
                0xc0..0xe0 => width = 2,
                0xe0..0xf0 => width = 3,
                0xf0..0xf8 => width = 4,
                _ => return wrong("the bytes behind `%` are not valid UTF-8"),
            }
            bytes.push(byte);
            (0..3).for_each(|_| self.cursor.skip());
        }
        uri.push_str(&String::from_utf8_lossy(&bytes));
        Ok(())
    }

    /// A line that begins with `%`.
    pub(super) fn directive(&mut self) -> Result<()> {
        let start = self.cursor.mark();
        self.leave_blocks(-1, start)?;
        self.forget_key()?;
        self.key_allowed = false;
        self.cursor.skip();
        let mut name = String::new();
        while is_name(self.cursor.peek(0)?) {
            self.cursor.take(&mut name);
        }
        let separated = is_blank_or_end(self.cursor.peek(0)?);
        let kind = match name.as_str() {
            "YAML" if separated => self.version(start)?,
            "TAG" if separated => self.tag_shorthand(start)?,
            _ => {
                let message = "unknown line with `%`: there are `%YAML` and `%TAG`";
                return Err(SyntaxError::new(message, start)
                    .hint("put quotes around text that begins with a special character"));
            }
        };
        self.push(kind, start);
        self.cursor.skip_blanks()?;
        if self.cursor.peek(0)? == '#' {
            self.cursor.skip_line_rest()?;
        }
        if !is_break_or_end(self.cursor.peek(0)?) {
            let message = "something stands behind the `%` line's end";
            return Err(SyntaxError::new(message, self.cursor.mark()).within(DIRECTIVE, start));
        }
        self.cursor.need(2)?;
        self.cursor.skip_break();
        Ok(())
    }

    fn version(&mut self, start: Mark) -> Result<TokenKind> {
        self.cursor.skip_blanks()?;
        let major = self.version_number(start)?;
        if self.cursor.peek(0)? != '.' {
            let message = "a version is two numbers with a dot between them";
            return Err(SyntaxError::new(message, self.cursor.mark()).within(DIRECTIVE, start));
        }
        self.cursor.skip();
        let minor = self.version_number(start)?;
        Ok(TokenKind::Version { major, minor })
    }

    fn version_number(&mut self, start: Mark) -> Result<u32> {
        let at = self.cursor.mark();
        let mut digits = String::new();
        while self.cursor.peek(0)?.is_ascii_digit() && digits.len() <= MAX_DIGITS {
            self.cursor.take(&mut digits);
        }
        match digits.parse() {
            Ok(number) if digits.len() <= MAX_DIGITS => Ok(number),
            _ => {
                let message = "a version is two numbers with a dot between them";
                Err(SyntaxError::new(message, at).within(DIRECTIVE, start))
            }
        }
    }

    fn tag_shorthand(&mut self, start: Mark) -> Result<TokenKind> {
        let wrong = |at: Mark| {
            let message = "`%TAG` needs a handle like `!name!` and what it stands for";
            SyntaxError::new(message, at).within(DIRECTIVE, start)
        };
        self.cursor.skip_blanks()?;
        if self.cursor.peek(0)? != '!' {
            return Err(wrong(self.cursor.mark()));
        }
        let handle = self.tag_handle()?;
        let complete = handle == "!" || (handle.len() > 1 && handle.ends_with('!'));
        if !complete || !is_blank(self.cursor.peek(0)?) {
            return Err(wrong(self.cursor.mark()));
        }
        self.cursor.skip_blanks()?;
        let mut prefix = String::new();
        self.uri(DIRECTIVE, start, &mut prefix)?;
        if prefix.is_empty() || !is_blank_or_end(self.cursor.peek(0)?) {
            return Err(wrong(self.cursor.mark()));
        }
        Ok(TokenKind::TagShorthand { handle, prefix })
    }
}
