//! One record of the log, and the three forms it is written in.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::escape::{escape_json, escape_line, quote};
use super::level::Level;
use super::time::rfc3339;

/// Columns the message of the short form is padded to, so that fields line up.
const MESSAGE_COLUMNS: usize = 44;
/// Bytes of a message or a field's value that are kept. Programs of an image can print lines of any length.
const MAX_TEXT_BYTES: usize = 32 * 1024;

/// A message with named values.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) level: Level,
    pub(crate) message: String,
    /// Replaces message and fields in the short form, where it may span several lines.
    pub(crate) for_people: Option<String>,
    pub(crate) fields: Vec<(String, Value)>,
    pub(crate) time: SystemTime,
    /// Since the program started.
    pub(crate) elapsed: Duration,
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `INFO[0012] message`, with or without colours.
    Short { color: bool },
    /// `time="…" level=info msg="…"`.
    Logfmt,
    /// One JSON object.
    Json,
}

impl Record {
    /// The record in the given form, with its line end. Nothing in it can look like another record.
    pub(super) fn to_line(&self, style: Style) -> String {
        match style {
            Style::Short { color } => self.short(color),
            Style::Logfmt => self.logfmt(),
            Style::Json => self.json(),
        }
    }

    fn short(&self, color: bool) -> String {
        let seconds = self.elapsed.as_secs();
        let level = paint(self.level.short_name(), self.level, color);
        if let Some(text) = &self.for_people {
            return format!("{level}[{seconds:04}] {}\n", indented(text));
        }
        let mut line = format!("{level}[{seconds:04}] {:<MESSAGE_COLUMNS$}", escape_line(cut(&self.message)));
        for (name, value) in &self.fields {
            let name = paint(&escape_line(name), self.level, color);
            line.push_str(&format!(" {name}={}", field_text(value)));
        }
        line.push('\n');
        line
    }

    fn logfmt(&self) -> String {
        let (time, level, message) = (rfc3339(self.time), self.level.name(), quote(cut(&self.message)));
        let mut line = format!("time=\"{time}\" level={level} msg={message}");
        for (name, value) in &self.fields {
            line.push_str(&format!(" {}={}", escape_line(name), field_text(value)));
        }
        line.push('\n');
        line
    }

    fn json(&self) -> String {
        let mut object = serde_json::Map::new();
        object.insert("level".into(), self.level.name().into());
        object.insert("msg".into(), cut(&self.message).into());
        object.insert("time".into(), rfc3339(self.time).into());
        for (name, value) in &self.fields {
            let name = if object.contains_key(name) { format!("fields.{name}") } else { name.clone() };
            object.insert(name, value.clone());
        }
        format!("{}\n", escape_json(&Value::Object(object).to_string()))
    }
}

fn paint(text: &str, level: Level, color: bool) -> String {
    if color { format!("\x1b[{}m{text}\x1b[0m", level.color()) } else { text.to_owned() }
}

/// Lines after the first are indented, so that none of them can be taken for a record.
fn indented(text: &str) -> String {
    let lines: Vec<String> = cut(text).trim_end().split('\n').map(escape_line).collect();
    lines.join("\n    ")
}

/// A value as it stands behind `name=`; quoted where it holds more than a word.
fn field_text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => cut(text).to_owned(),
        other => other.to_string(),
    };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/@^+".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_word) { text } else { quote(&text) }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn record(level: Level, message: &str) -> Record {
        Record {
            level,
            message: message.into(),
            for_people: None,
            fields: Vec::new(),
            time: UNIX_EPOCH + Duration::from_secs(1_795_338_441),
            elapsed: Duration::from_millis(12_900),
        }
    }

    #[test]
    fn every_form_has_its_shape() {
        let plain = record(Level::Info, "importing the image");
        let mut with_fields = record(Level::Warning, "odd");
        with_fields.fields = vec![("path".into(), "/a b".into()), ("line".into(), 3.into())];
        let color = Style::Short { color: true };
        let bare = Style::Short { color: false };
        let cases = [
            (&plain, bare, "INFO[0012] importing the image                         \n"),
            (&plain, color, "\x1b[36mINFO\x1b[0m[0012] importing the image                         \n"),
            (&plain, Style::Logfmt, "time=\"2026-11-22T09:07:21Z\" level=info msg=\"importing the image\"\n"),
            (
                &plain,
                Style::Json,
                "{\"level\":\"info\",\"msg\":\"importing the image\",\"time\":\"2026-11-22T09:07:21Z\"}\n",
            ),
            (
                &with_fields,
                bare,
                "WARN[0012] odd                                          path=\"/a b\" line=3\n",
            ),
            (
                &with_fields,
                Style::Logfmt,
                "time=\"2026-11-22T09:07:21Z\" level=warning msg=\"odd\" path=\"/a b\" line=3\n",
            ),
            (
                &with_fields,
                Style::Json,
                "{\"level\":\"warning\",\"msg\":\"odd\",\"time\":\"2026-11-22T09:07:21Z\",\"path\":\"/a b\",\"line\":3}\n",
            ),
        ];
        for (record, style, expected) in cases {
            assert_eq!(record.to_line(style), expected, "{style:?}");
        }
    }

    #[test]
    fn every_level_has_its_words_and_colour() {
        let cases = [
            (Level::Panic, "\x1b[31mPANI\x1b[0m", "level=panic"),
            (Level::Fatal, "\x1b[31mFATA\x1b[0m", "level=fatal"),
            (Level::Error, "\x1b[31mERRO\x1b[0m", "level=error"),
            (Level::Warning, "\x1b[33mWARN\x1b[0m", "level=warning"),
            (Level::Info, "\x1b[36mINFO\x1b[0m", "level=info"),
            (Level::Debug, "\x1b[37mDEBU\x1b[0m", "level=debug"),
            (Level::Trace, "\x1b[37mTRAC\x1b[0m", "level=trace"),
        ];
        for (level, short, long) in cases {
            assert!(record(level, "m").to_line(Style::Short { color: true }).starts_with(short), "{short}");
            assert!(record(level, "m").to_line(Style::Logfmt).contains(long), "{long}");
        }
    }

    #[test]
    fn no_text_from_outside_makes_a_second_record() {
        let hostile =
            "x\ntime=\"…\" level=fatal msg=\"forged\"\r\n\u{1b}[2J\u{9b}K\u{85}\u{2028}INFO[0000] forged";
        let mut record = record(Level::Info, hostile);
        record.fields = vec![("na\nme".into(), hostile.into())];
        for style in [Style::Short { color: false }, Style::Logfmt, Style::Json] {
            let line = record.to_line(style);
            let inner = line.strip_suffix('\n').unwrap();
            assert!(!inner.chars().any(char::is_control), "{style:?}: {line:?}");
            assert!(!inner.contains('\u{2028}'), "{style:?}: {line:?}");
        }
    }

    #[test]
    fn lines_for_people_are_indented_and_escaped() {
        let mut record = record(Level::Fatal, "unused");
        record.for_people = Some("failed:\nINFO[0000] forged\u{1b}[2J\rx\nhint: look\n".into());
        let expected = "FATA[0012] failed:\n    INFO[0000] forged\\x1b[2J\\rx\n    hint: look\n";
        assert_eq!(record.to_line(Style::Short { color: false }), expected);
    }

    #[test]
    fn a_field_cannot_replace_the_level() {
        let mut record = record(Level::Info, "m");
        record.fields = vec![("level".into(), "fatal".into())];
        let line = record.to_line(Style::Json);
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (object["level"].as_str(), object["fields.level"].as_str()),
            (Some("info"), Some("fatal"))
        );
    }

    #[test]
    fn a_message_without_end_is_cut() {
        let line = record(Level::Info, &"ä".repeat(1 << 20)).to_line(Style::Logfmt);
        assert!(line.len() < MAX_TEXT_BYTES + 100);
    }
}
