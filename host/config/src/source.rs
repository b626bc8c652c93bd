//! Source texts and places in them: which file, which line, which column.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::diagnostic::printable;
use crate::encoding::Text;

/// A place in a source text. Lines and columns count from 1; a column is a character, not a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1; 0 when the place is unknown.
    pub line: u32,
    /// Column in characters, from 1; 0 when the place is unknown.
    pub column: u32,
}

/// A stretch of one source text: from `start` up to, not including, `end`.
///
/// The default span names no file: it belongs to values that no file holds (built-in defaults and
/// command-line values).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which of the loaded files; see [`Sources::file`].
    pub file: FileId,
    /// The first character.
    pub start: Position,
    /// The place behind the last character.
    pub end: Position,
}

impl Span {
    /// Whether the span names a place in a file.
    pub fn is_known(&self) -> bool {
        self.file != FileId::default()
    }
}

/// Names one of the files of a [`Sources`]; the default names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// The text of one configuration file. `Debug` shows its path alone: the text may hold secrets.
pub struct SourceFile {
    path: PathBuf,
    text: Text,
    /// Where every [`STRIDE`]th line starts, in bytes; found when a line is asked for.
    landmarks: OnceLock<Vec<usize>>,
}

/// So many lines lie between two places that are remembered.
const STRIDE: usize = 256;

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SourceFile {
    pub(crate) fn new(path: PathBuf, text: Text) -> Self {
        Self { path, text, landmarks: OnceLock::new() }
    }

    /// The path of the file as it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text, without its byte order mark.
    pub(crate) fn text(&self) -> &Text {
        &self.text
    }

    /// The text of `line` (from 1) without its line end; `None` when there is no such line.
    pub fn line(&self, line: u32) -> Option<&str> {
        self.find(line).map(|(_, line)| line)
    }

    /// The whole text up to the end of `line` (from 1), or to its own.
    pub(crate) fn through(&self, line: u32) -> &str {
        let end = self.find(line).map_or(usize::MAX, |(start, line)| start + line.len());
        let text = self.text.shown();
        text.get(..end).unwrap_or(text)
    }

    /// A line, and where it starts, in bytes.
    fn find(&self, line: u32) -> Option<(usize, &str)> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let text = self.text.shown();
        let landmarks = self
            .landmarks
            .get_or_init(|| Lines { text, start: Some(0) }.step_by(STRIDE).map(|(start, _)| start).collect());
        let start = Some(*landmarks.get(index / STRIDE)?);
        Lines { text, start }.nth(index % STRIDE)
    }
}

/// Splits a text into lines by the line ends of YAML 1.1: LF, CR, CRLF, NEL, LS and PS. Gives each
/// line's place in bytes, and the line without its end.
struct Lines<'a> {
    text: &'a str,
    start: Option<usize>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.start?;
        let rest = self.text.get(start..)?;
        let end = rest.find(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        let line = rest.get(..end.unwrap_or(rest.len()))?;
        self.start = end.map(|end| {
            let behind = rest.get(end..).unwrap_or_default();
            let width =
                if behind.starts_with("\r\n") { 2 } else { behind.chars().next().map_or(1, char::len_utf8) };
            start + end + width
        });
        Some((start, line))
    }
}

/// The files read so far, in the order in which they were opened. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Arc<SourceFile>>,
}

impl Sources {
    /// Adds a file and returns its id.
    pub(crate) fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(Arc::new(file));
        FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX))
    }

    /// The file that `id` names.
    pub fn file(&self, id: FileId) -> Option<&Arc<SourceFile>> {
        let index = usize::try_from(id.0).ok()?.checked_sub(1)?;
        self.files.get(index)
    }

    /// `path:line:column` of the start of `span`, or `None` for a value that no file holds.
    pub fn place(&self, span: Span) -> Option<Place> {
        let file = self.file(span.file)?;
        Some(Place { path: file.path().to_owned(), position: span.start })
    }
}

/// A place with the name of its file; prints as `path:line:column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Line and column.
    pub position: Position,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.path.to_string_lossy()))?;
        if self.position.line > 0 {
            write!(f, ":{}:{}", self.position.line, self.position.column)?;
        }
        Ok(())
    }
}

/// A value and the place it was read from. Behaves like the value (`Deref`), and compares by the
/// value alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands; unknown for defaults and command-line values.
    pub at: Span,
}

impl<T> Located<T> {
    /// A value with its place.
    pub fn new(value: T, at: Span) -> Self {
        Self { value, at }
    }

    /// A value that stands in no file.
    pub fn unplaced(value: T) -> Self {
        Self { value, at: Span::default() }
    }

    /// Changes the value and keeps the place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), at: self.at }
    }
}

impl<T> std::ops::Deref for Located<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Located<T> {}

impl<T: fmt::Display> fmt::Display for Located<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_of_yaml_1_1_starts_a_new_line() {
        let text = "a\nb\rc\r\nd\u{85}e\u{2028}f\u{2029}g";
        let file = SourceFile::new("x".into(), Text::decode(text.as_bytes()));
        let lines: Vec<_> = (1..9).filter_map(|line| file.line(line)).collect();
        assert_eq!(lines, ["a", "b", "c", "d", "e", "f", "g"]);
        assert_eq!(file.line(0), None);
    }

    #[test]
    fn lines_are_found_in_long_files_too() {
        let text: String = (1..=1000).map(|line| format!("{line}\n")).collect();
        let file = SourceFile::new("x".into(), Text::decode(text.as_bytes()));
        for line in [1, 255, 256, 257, 512, 513, 1000] {
            assert_eq!(file.line(line), Some(&*line.to_string()));
        }
        assert_eq!([file.line(1001), file.line(1002), file.line(5000)], [Some(""), None, None]);
    }
}
