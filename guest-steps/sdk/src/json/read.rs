//! Text to [`Value`], strictly by RFC 8259.

use super::Value;
use std::fmt;

/// Deeper nesting is refused: the stack of a component is small.
const MAX_DEPTH: usize = 128;

/// Where the text stops being JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SyntaxError {
    /// What is wrong.
    pub problem: &'static str,
    /// Bytes from the start of the text.
    pub offset: usize,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not JSON at byte {}: {}", self.offset, self.problem)
    }
}

impl std::error::Error for SyntaxError {}

/// Reads one value that takes up the whole text.
///
/// # Errors
/// When the text is not JSON, or nested more than 128 deep.
pub fn parse(text: &str) -> Result<Value, SyntaxError> {
    let mut reader = Reader { text, position: 0 };
    let value = reader.value(0)?;
    reader.skip_blanks();
    match reader.peek() {
        None => Ok(value),
        Some(_) => reader.fail("something follows the value"),
    }
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Reader<'a> {
    fn fail<T>(&self, problem: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { problem, offset: self.position })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// Steps over `byte` if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.position += usize::from(taken);
        taken
    }

    fn skip_while(&mut self, what: impl Fn(u8) -> bool) -> usize {
        let start = self.position;
        while self.peek().is_some_and(&what) {
            self.position += 1;
        }
        self.position - start
    }

    fn skip_blanks(&mut self) {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// The text from `start` to here; both lie on borders of characters.
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.position).unwrap_or_default()
    }

    fn value(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        if depth > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
            None => self.fail("the text ends too early"),
        }
    }

    fn word(&mut self) -> Result<Value, SyntaxError> {
        let rest = self.text.get(self.position..).unwrap_or_default();
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if rest.starts_with(word) {
                self.position += word.len();
                return Ok(value);
            }
        }
        self.fail("a value should stand here")
    }

    fn array(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let mut items = Vec::new();
        self.position += 1;
        self.skip_blanks();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return self.fail("`,` or `]` should stand here");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let mut members = Vec::new();
        self.position += 1;
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return self.fail("a key should stand here");
            }
            let key = self.string()?;
            self.skip_blanks();
            if !self.take(b':') {
                return self.fail("`:` should stand here");
            }
            members.push((key, self.value(depth + 1)?));
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return self.fail("`,` or `}` should stand here");
            }
        }
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let start = self.position;
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            return self.fail("a number has no leading zeros");
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(Value::Number(self.since(start).to_owned()))
    }

    fn digits(&mut self) -> Result<usize, SyntaxError> {
        match self.skip_while(|byte| byte.is_ascii_digit()) {
            0 => self.fail("a digit should stand here"),
            count => Ok(count),
        }
    }

    /// A string, its opening quote being next.
    fn string(&mut self) -> Result<String, SyntaxError> {
        let mut string = String::new();
        self.position += 1;
        loop {
            let start = self.position;
            self.skip_while(|byte| byte != b'"' && byte != b'\\' && byte >= b' ');
            string.push_str(self.since(start));
            if self.take(b'"') {
                return Ok(string);
            }
            if !self.take(b'\\') {
                return self.fail("a string ends too early");
            }
            string.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let character = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.position += 1;
                return self.unicode_escape();
            }
            _ => return self.fail("no such escape"),
        };
        self.position += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, SyntaxError> {
        let unit = self.code_unit()?;
        let paired = (0xd800..0xdc00).contains(&unit) && self.take(b'\\') && self.take(b'u');
        let code = if paired {
            let low = self.code_unit()?;
            // Only a low surrogate makes this a character below; 0xd800 is none.
            let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400);
            low.map_or(0xd800, |low| 0x1_0000 + ((unit - 0xd800) << 10) + low)
        } else {
            unit
        };
        char::from_u32(code).map_or_else(|| self.fail("half of a surrogate pair"), Ok)
    }

    fn code_unit(&mut self) -> Result<u32, SyntaxError> {
        let digits = self.text.get(self.position..self.position + 4).unwrap_or_default();
        match u32::from_str_radix(digits, 16) {
            Ok(unit) if digits.len() == 4 && !digits.starts_with('+') => {
                self.position += 4;
                Ok(unit)
            }
            _ => self.fail("four hexadecimal digits should stand here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::to_text;

    #[test]
    fn order_of_keys_and_text_of_numbers_stay() {
        for text in [
            r#"{"b":1,"a":[1.50,-0,1e400,12345678901234567890123],"b":{}}"#,
            r#"[null,true,false,"",[],{}]"#,
            "-0.5E+3",
        ] {
            assert_eq!(to_text(&parse(text).unwrap()), text);
        }
        assert_eq!(to_text(&parse(" [ 1 ,\n{ \"a\" :\t2 } ]\r\n").unwrap()), r#"[1,{"a":2}]"#);
    }

    #[test]
    fn escapes_are_understood() {
        let value = parse(r#""\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00é""#).unwrap();
        assert_eq!(value, Value::String("\"\\/\u{8}\u{c}\n\r\tA\u{e9}\u{1f600}é".into()));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "nul",
            "nulll",
            "{",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "0x1",
            "NaN",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\n\"",
            "\"\\ud800\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\n\"",
            "'a'",
            "1 2",
            "[1}",
            "{\"a\":1]",
            "\u{feff}1",
            "\"\\u00é\"",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(129)).is_ok());
        assert_eq!(parse(&nested(130)).unwrap_err().problem, "nested too deep");
        assert!(parse(&"[".repeat(1_000_000)).is_err());
        assert!(parse(&"{\"a\":".repeat(1_000_000)).is_err());
    }
}
