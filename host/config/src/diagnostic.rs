//! What is wrong with a configuration: where, by which rule, and what the person can do.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use crate::rule::Rule;
use crate::source::{Place, SourceFile, Sources, Span};

/// The stage that found a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A file could not be read.
    Read,
    /// The text is not YAML.
    Syntax,
    /// The YAML does not have the shape of a configuration: unknown fields, wrong kinds of values.
    Structure,
    /// The configuration breaks a rule.
    Validation,
    /// A file that the configuration names is missing or of the wrong kind.
    Resource,
    /// Valid, but this program cannot do it yet.
    Unsupported,
}

impl Kind {
    /// A stable word for machines.
    pub fn id(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::Syntax => "syntax",
            Kind::Structure => "structure",
            Kind::Validation => "validation",
            Kind::Resource => "resource",
            Kind::Unsupported => "unsupported",
        }
    }
}

/// The outermost error name of every rule that a readable configuration breaks.
pub(crate) const INVALID: &str = "Validation:InvalidImageConfig";

/// One problem.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The rule that was broken.
    pub rule: Rule,
    /// The field, as `os.users[0].name`; empty when it concerns the whole file.
    pub field: String,
    /// Where it stands; unknown for command-line values.
    pub at: Span,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What the person can do.
    pub hint: Option<String>,
    /// The error name of what this happened in, as a base configuration.
    within: Option<&'static str>,
}

impl Diagnostic {
    /// A problem; texts lose what a terminal would act upon.
    pub fn new(rule: Rule, field: impl Into<String>, at: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            field: printable(&field.into()),
            at,
            message: printable(&message.into()),
            hint: None,
            within: None,
        }
    }

    /// Says what the person can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(printable(&hint.into()));
        self
    }

    /// The stable error names, outermost first.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = self.rule.names().to_vec();
        if let Some(within) = self.within {
            match names.is_empty() {
                true => names = vec![INVALID, within],
                false => names.insert(1, within),
            }
        }
        names
    }

    /// The stage that found it.
    pub fn kind(&self) -> Kind {
        self.rule.kind()
    }
}

/// All that was found wrong, in the order of the checks; never empty.
///
/// Prints every problem with the line it concerns; values that may be secret (passwords, script
/// bodies, environment values) are masked there.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    sources: Sources,
    secrets: Vec<Span>,
}

impl Diagnostics {
    pub(crate) fn new(list: Vec<Diagnostic>, sources: Sources, secrets: Vec<Span>) -> Self {
        Self { list, sources, secrets }
    }

    /// The same problems, in something that has an error name of its own.
    pub(crate) fn within(mut self, name: &'static str) -> Self {
        for diagnostic in &mut self.list {
            diagnostic.within.get_or_insert(name);
        }
        self
    }

    /// The problems in the order of the checks: the first is what the reference program reports.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// The stage that failed.
    pub fn kind(&self) -> Kind {
        self.list.first().map_or(Kind::Validation, Diagnostic::kind)
    }

    /// The stable error names, outermost first, as `Validation:InvalidImageConfig`; empty for a file
    /// that could not be read or parsed.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let stage = self.list.iter().filter(|diagnostic| diagnostic.kind() == self.kind());
        for name in stage.flat_map(Diagnostic::names) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The place of a problem, if a file holds it.
    pub fn place(&self, diagnostic: &Diagnostic) -> Option<Place> {
        self.sources.place(diagnostic.at)
    }

    /// The problems as JSON: a list of objects with `kind`, `rule`, `names`, `field`, `file`, `line`,
    /// `column`, `endLine`, `endColumn`, `message` and `hint`; what is not known is left out.
    pub fn to_json(&self) -> Value {
        Value::Array(self.list.iter().map(|diagnostic| self.one_to_json(diagnostic)).collect())
    }

    fn one_to_json(&self, diagnostic: &Diagnostic) -> Value {
        let mut object = json!({
            "kind": diagnostic.kind().id(),
            "rule": diagnostic.rule.id(),
            "names": diagnostic.names(),
        });
        let mut set = |key: &str, value: Value| {
            if let Some(object) = object.as_object_mut() {
                object.insert(key.to_owned(), value);
            }
        };
        if !diagnostic.field.is_empty() {
            set("field", json!(diagnostic.field));
        }
        if let Some(place) = self.place(diagnostic) {
            set("file", json!(place.path.to_string_lossy()));
            if place.position.line > 0 {
                set("line", json!(place.position.line));
                set("column", json!(place.position.column));
                set("endLine", json!(diagnostic.at.end.line));
                set("endColumn", json!(diagnostic.at.end.column));
            }
        }
        set("message", json!(diagnostic.message));
        if let Some(hint) = &diagnostic.hint {
            set("hint", json!(hint));
        }
        object
    }

    fn render(&self, diagnostic: &Diagnostic, out: &mut String) -> fmt::Result {
        write!(out, "{}", diagnostic.message)?;
        if let Some(place) = self.place(diagnostic) {
            write!(out, "\n  --> {place}")?;
        }
        if let Some(file) = self.sources.file(diagnostic.at.file) {
            self.excerpt(diagnostic, file, out)?;
        }
        if let Some(hint) = &diagnostic.hint {
            write!(out, "\n  hint: {hint}")?;
        }
        Ok(())
    }

    /// The line the problem starts in, and a caret under it.
    fn excerpt(&self, diagnostic: &Diagnostic, file: &SourceFile, out: &mut String) -> fmt::Result {
        let Span { start, end, .. } = diagnostic.at;
        let Some(text) = file.line(start.line) else { return Ok(()) };
        let mut line = MaskedLine::new(text, start.column, end.column.max(start.column + 1));
        if start.line != end.line {
            line.caret_end = u32::MAX;
        }
        if diagnostic.kind() == Kind::Syntax {
            line.masked.extend(syntax_mask(file, start.line, text));
        }
        line.masked.extend(self.secrets.iter().filter_map(|secret| columns_on(secret, diagnostic.at)));
        let (shown, from, width) = line.draw();
        let number = start.line.to_string();
        let margin = " ".repeat(number.len());
        write!(out, "\n{margin} |\n{number} | {shown}\n{margin} | {}{}", " ".repeat(from), "^".repeat(width))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (index, diagnostic) in self.list.iter().take(MAX_PRINTED).enumerate() {
            if index > 0 {
                text.push('\n');
            }
            self.render(diagnostic, &mut text)?;
        }
        if self.list.len() > MAX_PRINTED {
            write!(text, "\nand {} more", self.list.len() - MAX_PRINTED)?;
        }
        f.write_str(&text)
    }
}

impl std::error::Error for Diagnostics {}

/// The columns of `secret` on the first line of `shown`.
fn columns_on(secret: &Span, shown: Span) -> Option<Mask> {
    let line = shown.start.line;
    if secret.file != shown.file || line < secret.start.line || line > secret.end.line {
        return None;
    }
    let from = if line == secret.start.line { secret.start.column } else { 1 };
    let to = if line == secret.end.line { secret.end.column } else { u32::MAX };
    (from < to).then_some(Mask { from, to, blanks_too: false })
}

/// A text that does not parse tells not which of its values are secret: once a key that holds
/// secrets was seen, values are masked, and so are lines without a key.
fn syntax_mask(file: &SourceFile, line: u32, text: &str) -> Option<Mask> {
    const SECRET_KEYS: [&str; 4] = ["password", "value", "content", "environmentVariables"];
    let before = file.through(line);
    if !SECRET_KEYS.iter().any(|key| before.contains(key)) {
        return None;
    }
    let column = |byte: usize| {
        let chars = text.get(..byte).map_or(0, |before| before.chars().count());
        u32::try_from(chars).unwrap_or(u32::MAX - 1).saturating_add(1)
    };
    let from = match text.find(": ") {
        Some(colon) => column(colon + 2),
        None => column(text.len() - text.trim_start().len()),
    };
    Some(Mask { from, to: u32::MAX, blanks_too: true })
}

/// Columns of a line that must not be shown.
#[derive(Clone, Copy, Debug)]
struct Mask {
    from: u32,
    /// Not included.
    to: u32,
    /// Whether it holds where there are blanks alone, too. Those of a secret are none: a block ends where the next key
    /// begins.
    blanks_too: bool,
}

/// A source line with parts that must not be shown.
struct MaskedLine<'a> {
    text: &'a str,
    caret_start: u32,
    caret_end: u32,
    masked: Vec<Mask>,
}

/// So many problems are printed.
const MAX_PRINTED: usize = 50;
/// What stands where a secret stood.
const MASK: &str = "[redacted]";
/// Longer lines are cut here, in characters.
const MAX_SHOWN: usize = 160;

impl<'a> MaskedLine<'a> {
    fn new(text: &'a str, caret_start: u32, caret_end: u32) -> Self {
        Self { text, caret_start, caret_end, masked: Vec::new() }
    }

    /// Tells of one column after the other whether it is masked; goes through the line and its masks once, as there may be
    /// as many as the line has room for.
    fn masks(&self) -> impl FnMut(u32) -> bool {
        let mut masks = self.masked.clone();
        masks.sort_by_key(|mask| mask.from);
        let mut masks = masks.into_iter().peekable();
        let mut words =
            columns(self.text).filter(|(_, c)| !c.is_whitespace()).map(|(column, _)| column).peekable();
        let mut masked_up_to = 0;
        move |column| {
            while let Some(mask) = masks.next_if(|mask| mask.from <= column) {
                while words.next_if(|word| *word < mask.from).is_some() {}
                if mask.blanks_too || words.peek().is_some_and(|word| *word < mask.to) {
                    masked_up_to = mask.to.max(masked_up_to);
                }
            }
            column < masked_up_to
        }
    }

    /// The text to show, the caret's offset in it, and the caret's width (at least 1).
    fn draw(&self) -> (String, usize, usize) {
        let (mut shown, mut length) = (String::new(), 0_usize);
        let (mut from, mut to) = (None, None);
        let (mut in_mask, mut masks) = (false, self.masks());
        for (column, c) in columns(self.text) {
            if from.is_none() && column >= self.caret_start {
                from = Some(length);
            }
            if to.is_none() && column >= self.caret_end {
                to = Some(length);
            }
            let masked = masks(column);
            if masked && !in_mask {
                shown.push_str(MASK);
                length += MASK.len();
            } else if !masked {
                shown.push(if is_printable(c) { c } else { ' ' });
                length += 1;
            }
            in_mask = masked;
            if length > MAX_SHOWN {
                shown.push('…');
                break;
            }
        }
        let from = from.unwrap_or(length);
        let to = to.unwrap_or(length);
        (shown, from, to.saturating_sub(from).max(1))
    }
}

/// The characters of a line with their columns.
fn columns(text: &str) -> impl Iterator<Item = (u32, char)> {
    text.chars().enumerate().map(|(index, c)| (u32::try_from(index + 1).unwrap_or(u32::MAX), c))
}

/// Whether a character stands for itself on a terminal: control characters could work it, and marks
/// of the writing direction could show a text in another order.
fn is_printable(c: char) -> bool {
    let turns =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    !c.is_control() && !turns
}

/// The text with blanks in place of characters that are not printable.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { ' ' }).collect()
}

/// The allowed word nearest to `given`, if it is near enough to be meant: at most a third of the
/// letters differ.
pub(crate) fn nearest<'a>(given: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given_lower = given.to_lowercase();
    allowed
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(|word| (distance(&given_lower, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= (word.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The number of letters to insert, remove, replace or swap with a neighbour. Long words count as
/// far apart, so that a hostile key costs nothing.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 8 || a.len() > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &to) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = at(&previous, j) + usize::from(from != to);
            best = best.min(at(&previous, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(&to) && b.get(j - 1) == Some(&from);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["bootloader", "hostname", "packages"];
        assert_eq!(nearest("bootLoader", words), Some("bootloader"));
        assert_eq!(nearest("hostnmae", words), Some("hostname"));
        assert_eq!(nearest("package", words), Some("packages"));
        assert_eq!(nearest("kernel", words), None);
    }

    #[test]
    fn messages_cannot_work_the_terminal() {
        let message = "a\u{1b}[2J\u{202e}b\nc";
        let problem = Diagnostic::new(Rule::Yaml, "f\u{7}", Span::default(), message).hint("\r");
        assert_eq!((problem.message.as_str(), problem.field.as_str()), ("a [2J b c", "f "));
        assert_eq!(problem.hint.as_deref(), Some(" "));
    }

    /// All masks of up to two on a short line: what is masked is what any of them says.
    #[test]
    fn masks_may_overlap_and_those_of_blanks_alone_do_not_count() {
        let text = "a  b c";
        let mut all = Vec::new();
        for from in 1..=7 {
            for to in (from + 1..=8).chain([u32::MAX]) {
                all.extend([true, false].map(|blanks_too| Mask { from, to, blanks_too }));
            }
        }
        let holds = |mask: &Mask, column: u32| {
            let mut inside = columns(text).filter(|(column, _)| (mask.from..mask.to).contains(column));
            let counts = mask.blanks_too || inside.any(|(_, c)| !c.is_whitespace());
            counts && (mask.from..mask.to).contains(&column)
        };
        for first in &all {
            for second in &all {
                let mut line = MaskedLine::new(text, 1, 2);
                line.masked = vec![*second, *first];
                let mut masks = line.masks();
                for (column, _) in columns(text) {
                    let expected = holds(first, column) || holds(second, column);
                    assert_eq!(masks(column), expected, "{first:?} {second:?} {column}");
                }
            }
        }
    }

    #[test]
    fn a_masked_line_keeps_the_caret_in_place() {
        let mut line = MaskedLine::new("a: {value: secret, typ: x}", 20, 23);
        line.masked.push(Mask { from: 12, to: 18, blanks_too: false });
        let (shown, from, width) = line.draw();
        assert_eq!(shown, "a: {value: [redacted], typ: x}");
        assert_eq!((from, width), (23, 3));
    }
}
