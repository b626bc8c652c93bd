//! [`Value`] to text.

use super::Value;

/// The value without blanks.
#[must_use]
pub fn to_text(value: &Value) -> String {
    let mut writer = Writer { text: String::new(), indented: false, escape: |_| false };
    writer.value(value, 0);
    writer.text
}

/// The value as Go's `json.MarshalIndent(value, "", " ")` writes it: one blank per level, no line end, and `<`, `>`, `&`,
/// U+2028 and U+2029 escaped.
#[must_use]
pub fn to_go_indented(value: &Value) -> String {
    let escape = |character| matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    let mut writer = Writer { text: String::new(), indented: true, escape };
    writer.value(value, 0);
    writer.text
}

struct Writer {
    text: String,
    indented: bool,
    /// What is written as `\uXXXX` besides the control characters.
    escape: fn(char) -> bool,
}

impl Writer {
    /// The reader and the steps bound the depth of what comes here.
    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Null => self.text.push_str("null"),
            Value::Bool(true) => self.text.push_str("true"),
            Value::Bool(false) => self.text.push_str("false"),
            Value::Number(number) => self.text.push_str(number),
            Value::String(string) => self.string(string),
            Value::Array(items) => {
                self.list(b"[]", depth, items, |writer, item| writer.value(item, depth + 1))
            }
            Value::Object(members) => self.list(b"{}", depth, members, |writer, (key, value)| {
                writer.string(key);
                writer.text.push_str(if writer.indented { ": " } else { ":" });
                writer.value(value, depth + 1);
            }),
        }
    }

    fn list<T>(&mut self, [open, close]: &[u8; 2], depth: usize, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.text.push(char::from(*open));
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.line(depth + 1);
            each(self, item);
        }
        if !items.is_empty() {
            self.line(depth);
        }
        self.text.push(char::from(*close));
    }

    fn line(&mut self, depth: usize) {
        if self.indented {
            self.text.push('\n');
            (0..depth).for_each(|_| self.text.push(' '));
        }
    }

    fn string(&mut self, string: &str) {
        self.text.push('"');
        for character in string.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                _ if character < ' ' || (self.escape)(character) => self.escaped(u32::from(character)),
                _ => self.text.push(character),
            }
        }
        self.text.push('"');
    }

    fn escaped(&mut self, code: u32) {
        self.text.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            self.text.push(char::from_digit((code >> shift) & 0xf, 16).unwrap_or('0'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn indented_text_is_that_of_go() {
        let value = parse(r#"[{"a":{},"b":[],"c":[1,{"d":null}]}]"#).unwrap();
        let expected =
            "[\n {\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n   1,\n   {\n    \"d\": null\n   }\n  ]\n }\n]";
        assert_eq!(to_go_indented(&value), expected);
    }

    #[test]
    fn strings_are_escaped_as_go_does() {
        let value = Value::String("<a> & \u{2028}\u{2029}\"\\\u{8}\u{c}\n\r\t\u{1}\u{7f}é/".into());
        let expected = r#""\u003ca\u003e \u0026 \u2028\u2029\"\\\b\f\n\r\t\u0001"#.to_owned() + "\u{7f}é/\"";
        assert_eq!(to_go_indented(&value), expected);
        assert_eq!(parse(&to_text(&value)), Ok(value));
    }
}
