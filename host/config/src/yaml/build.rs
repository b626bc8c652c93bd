//! Steps → the node tree of the first document, with anchors resolved.

use std::collections::HashMap;

use super::error::SyntaxError;
use super::node::{Document, Kind, Node, NodeId, Style};
use super::parser::{Event, EventKind, Parser, Properties};
use super::tags::short_tag;
use crate::rule::Rule;
use crate::source::{FileId, Position, SourceFile, Span};

/// A document of more values is refused, so that memory is bounded: a value can be one byte of text.
const MAX_NODES: usize = 2_000_000;

/// Why a text was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) rule: Rule,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) at: Span,
}

/// What may stand behind the first document of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Whatever there is; it is not read, as in the reference program.
    #[default]
    Anything,
    /// No second document: what a policy says is not to be lost.
    Nothing,
}

/// Reads the first document of a file. `None`: there is no document, only comments or nothing.
pub(crate) fn parse(source: &SourceFile, file: FileId, behind: Behind) -> Result<Option<Document>, Refusal> {
    let builder = Builder {
        file,
        source,
        nodes: Vec::new(),
        anchors: HashMap::new(),
        open: Vec::new(),
        pending: Vec::new(),
    };
    builder.run(behind)
}

struct Builder<'a> {
    file: FileId,
    source: &'a SourceFile,
    nodes: Vec<Node>,
    anchors: HashMap<String, NodeId>,
    /// The collections around the current place; the inner ones have the higher numbers.
    open: Vec<NodeId>,
    /// A key that waits for its value, one entry for each open collection.
    pending: Vec<Option<NodeId>>,
}

impl Builder<'_> {
    fn run(mut self, behind: Behind) -> Result<Option<Document>, Refusal> {
        let mut parser = Parser::new(self.source.text());
        let mut root = None;
        loop {
            let event = parser.next().map_err(|error| self.syntax(error))?;
            match event.kind {
                EventKind::NoDocument => return Ok(None),
                EventKind::DocumentEnd => {
                    if behind == Behind::Nothing {
                        self.refuse_second(&mut parser)?;
                    }
                    return Ok(root.map(|root| Document { nodes: self.nodes, root }));
                }
                EventKind::CollectionEnd => self.close(event.end),
                _ => {
                    let id = self.node(event)?;
                    root = root.or(Some(id));
                }
            }
        }
    }

    fn refuse_second(&self, parser: &mut Parser<'_>) -> Result<(), Refusal> {
        let Some(at) = parser.second_document().map_err(|error| self.syntax(error))? else { return Ok(()) };
        let at = Span { file: self.file, start: at, end: at };
        let hint = "write all of it into one document, or remove the second one".to_owned();
        let message = "a second document, which would not be followed".to_owned();
        Err(Refusal { rule: Rule::PolicyForm, message, hint: Some(hint), at })
    }

    fn node(&mut self, event: Event) -> Result<NodeId, Refusal> {
        let at = Span { file: self.file, start: event.start, end: event.end };
        let (properties, kind) = match event.kind {
            EventKind::Alias(name) => (Properties::default(), self.alias(name, at)?),
            EventKind::Scalar { properties, text, plain } => {
                let style = if plain { Style::Plain } else { Style::Quoted };
                (properties, Kind::Scalar { text, style })
            }
            EventKind::SequenceStart(properties) => (properties, Kind::Sequence(Vec::new())),
            EventKind::MappingStart(properties) => (properties, Kind::Mapping(Vec::new())),
            EventKind::CollectionEnd | EventKind::DocumentEnd | EventKind::NoDocument => {
                return Err(self.refuse("unexpected structure".to_owned(), None, at));
            }
        };
        let opens = matches!(kind, Kind::Sequence(_) | Kind::Mapping(_));
        let id = NodeId(self.nodes.len());
        if id.0 >= MAX_NODES {
            return Err(self.refuse(format!("the file holds more than {MAX_NODES} values"), None, at));
        }
        self.nodes.push(Node { at, tag: properties.tag.and_then(short_tag), kind });
        self.attach(id);
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor, id);
        }
        if opens {
            self.open.push(id);
            self.pending.push(None);
        }
        Ok(id)
    }

    fn alias(&self, name: String, at: Span) -> Result<Kind, Refusal> {
        match self.anchors.get(&name) {
            None => {
                let hint = format!("write `&{name}` in front of the value that `*{name}` repeats");
                let message = format!("there is no anchor `&{name}` before `*{name}`");
                Err(self.refuse(message, Some(hint), at))
            }
            Some(target) => {
                let complete = self.open.binary_search(target).is_err();
                Ok(Kind::Alias { name, target: complete.then_some(*target) })
            }
        }
    }

    /// Puts a finished or just opened node into the collection around it.
    fn attach(&mut self, id: NodeId) {
        let (Some(parent), Some(pending)) = (self.open.last(), self.pending.last_mut()) else { return };
        let Some(parent) = self.nodes.get_mut(parent.0) else { return };
        match &mut parent.kind {
            Kind::Sequence(items) => items.push(id),
            Kind::Mapping(pairs) => match pending.take() {
                Some(key) => pairs.push((key, id)),
                None => *pending = Some(id),
            },
            Kind::Scalar { .. } | Kind::Alias { .. } => {}
        }
    }

    fn close(&mut self, end: Position) {
        self.pending.pop();
        let Some(id) = self.open.pop() else { return };
        if let Some(node) = self.nodes.get_mut(id.0) {
            node.at.end = end;
        }
    }

    fn refuse(&self, message: String, hint: Option<String>, at: Span) -> Refusal {
        Refusal { rule: Rule::Yaml, message, hint, at }
    }

    fn syntax(&self, error: SyntaxError) -> Refusal {
        let SyntaxError { rule, message, hint, at, within } = error;
        let message = match within {
            Some((what, line)) if line < at.line => format!("{message} ({what} begins in line {line})"),
            _ => message.into_owned(),
        };
        let hint = hint.or_else(|| hint_for(self.source, at)).map(str::to_owned);
        Refusal { rule, message, hint, at: Span { file: self.file, start: at, end: at } }
    }
}

/// Looks for the usual reasons of a syntax error in the line where it was noticed.
fn hint_for(source: &SourceFile, at: Position) -> Option<&'static str> {
    let line = source.line(at.line)?;
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    if indent.contains('\t') {
        return Some("indent with blanks: YAML allows no tabs there");
    }
    if line.trim_start().starts_with(['@', '`', '%']) || line.contains(": @") || line.contains(": %") {
        return Some("put quotes around text that begins with a special character");
    }
    if line.matches(": ").count() > 1 && !line.contains(['{', '"', '\'']) {
        return Some("put quotes around text that contains `: `");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Text;
    use crate::source::Sources;

    fn refusal(text: &str) -> (u32, u32, String) {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::new("case".into(), Text::decode(text.as_bytes())));
        let refusal = parse(sources.file(id).unwrap(), id, Behind::Anything).expect_err(text);
        (refusal.at.start.line, refusal.at.start.column, refusal.message)
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let cases = [
            ("a: b: c", 1, 5, "unexpected `:`: what stands before it cannot be a key"),
            ("a:\n\tb: c", 2, 1, "a line cannot be indented with a tab"),
            ("a: [b\nc: d", 2, 2, "here `,` or `]` has to follow (the list begins in line 1)"),
            ("a: {b: c\n", 2, 1, "here `,` or `}` has to follow (the mapping begins in line 1)"),
            ("a: \"b\n", 2, 1, "the closing quote is missing (the quoted text begins in line 1)"),
            ("a: [b] c", 1, 8, "here a key has to follow, or less indentation"),
            ("a: @b", 1, 4, "no value can begin with `@`"),
            ("a: *b", 1, 4, "there is no anchor `&b` before `*b`"),
            ("a: \"\\q\"", 1, 5, "unknown escape `\\q`"),
            ("a: b\nc\n", 3, 1, "a key needs a `:` behind it (the key begins in line 2)"),
            (
                "- a\nb: c",
                2,
                1,
                "here an item with `-` has to follow, or less indentation (the list begins in line 1)",
            ),
            ("a: - b", 1, 4, "no list item can begin here"),
            ("a: b\u{1}", 1, 5, "the character U+0001 is not allowed in YAML"),
            ("%YAML 1.2\n---\n", 1, 1, "`%YAML 1.2` is not supported"),
            ("a: !x!y b", 1, 4, "no `%TAG` line says what `!x!` stands for"),
            (
                "a: |\n \tb\n",
                2,
                2,
                "a block of text cannot be indented with a tab (the block of text begins in line 1)",
            ),
            ("a: |b", 1, 5, "a block of text begins in the line below `|` or `>`"),
        ];
        for (text, line, column, message) in cases {
            assert_eq!(refusal(text), (line, column, message.to_owned()), "{text:?}");
        }
    }
}
