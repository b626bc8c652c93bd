//! Events → the node tree of the first document, with anchors resolved.

use std::collections::HashMap;

use super::libyaml::{Event, EventKind, Parser, ScalarStyle, SyntaxError, TokenKind};
use super::node::{Document, Kind, Node, NodeId, Style};
use crate::source::{FileId, Position, SourceFile, Span};

/// Deeper nesting is refused. No valid configuration is nested deeper than ten.
const MAX_DEPTH: usize = 200;

/// Why a text was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) at: Span,
}

/// Reads the first document of a file. `None`: there is no document, only comments or nothing.
///
/// What follows the first document is not looked at, but for the two tokens behind its end: the
/// reference program's reader looks ahead so far.
pub(crate) fn parse(source: &SourceFile, file: FileId) -> Result<Option<Document>, Refusal> {
    let builder = Builder {
        file,
        source,
        nodes: Vec::new(),
        anchors: HashMap::new(),
        open: Vec::new(),
        pending: Vec::new(),
        flow_depth: 0,
        slash_escapes: slash_escapes(source),
    };
    builder.run()
}

struct Builder<'a> {
    file: FileId,
    source: &'a SourceFile,
    nodes: Vec<Node>,
    /// The node of each anchor, and whether it is complete.
    anchors: HashMap<String, NodeId>,
    /// The collections around the current place.
    open: Vec<NodeId>,
    /// A key that waits for its value, one entry for each open collection.
    pending: Vec<Option<NodeId>>,
    /// How many of the open collections are written in brackets, or lie in one that is.
    flow_depth: usize,
    slash_escapes: Vec<Position>,
}

impl Builder<'_> {
    fn run(mut self) -> Result<Option<Document>, Refusal> {
        let text = self.source.text();
        let mut parser = Parser::new(text.as_bytes()).map_err(|error| self.syntax(error))?;
        let mut root = None;
        loop {
            let event = parser.next().map_err(|error| self.syntax(error))?;
            match event.kind {
                EventKind::StreamStart => {}
                EventKind::StreamEnd => return Ok(None),
                EventKind::DocumentStart(version) => self.check_version(version, event.start)?,
                EventKind::DocumentEnd => {
                    self.look_ahead(event.start)?;
                    return Ok(root.map(|root| Document { nodes: self.nodes, root }));
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => self.close(event.end),
                _ => {
                    let id = self.node(event)?;
                    root = root.or(Some(id));
                }
            }
        }
    }

    /// Checks the two tokens behind the end of the document.
    fn look_ahead(&self, end: Position) -> Result<(), Refusal> {
        let mut parser = Parser::new(self.source.text().as_bytes()).map_err(|error| self.syntax(error))?;
        let mut left = None;
        while left != Some(0) {
            let (start, kind) = parser.token().map_err(|error| self.syntax(error))?;
            left = match (left, kind) {
                (_, TokenKind::StreamEnd) => return Ok(()),
                (None, TokenKind::Other) if start >= end => Some(2),
                (None, _) => None,
                (Some(left), _) => Some(left - 1),
            };
        }
        Ok(())
    }

    /// The reference program's reader knows YAML 1.1 alone and refuses other version lines.
    fn check_version(&self, version: Option<(i32, i32)>, at: Position) -> Result<(), Refusal> {
        match version {
            None | Some((1, 1)) => Ok(()),
            Some((major, minor)) => Err(Refusal {
                message: format!("`%YAML {major}.{minor}` is not supported"),
                hint: Some("remove the `%YAML` line".to_owned()),
                at: Span { file: self.file, start: at, end: at },
            }),
        }
    }

    fn node(&mut self, event: Event) -> Result<NodeId, Refusal> {
        let at = Span { file: self.file, start: event.start, end: event.end };
        let (anchor, tag, kind) = match event.kind {
            EventKind::Alias(name) => (None, None, self.alias(name, at)?),
            EventKind::Scalar { anchor, tag, text, style } => {
                self.check_scalar(&text, style, at)?;
                let style = if style == ScalarStyle::Plain { Style::Plain } else { Style::Quoted };
                (anchor, tag, Kind::Scalar { text, style })
            }
            EventKind::SequenceStart { anchor, tag, flow } => {
                self.flow_depth += usize::from(flow || self.flow_depth > 0);
                (anchor, tag, Kind::Sequence(Vec::new()))
            }
            EventKind::MappingStart { anchor, tag, flow } => {
                self.flow_depth += usize::from(flow || self.flow_depth > 0);
                (anchor, tag, Kind::Mapping(Vec::new()))
            }
            _ => return Err(self.refuse("unexpected structure", at)),
        };
        let opens = matches!(kind, Kind::Sequence(_) | Kind::Mapping(_));
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node { at, tag: tag.and_then(short_tag), kind });
        self.attach(id);
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        if opens {
            if self.open.len() >= MAX_DEPTH {
                return Err(self.refuse("the document is nested too deeply", at));
            }
            self.open.push(id);
            self.pending.push(None);
        }
        Ok(id)
    }

    /// What libyaml takes and the reference program's reader does not.
    fn check_scalar(&self, text: &str, style: ScalarStyle, at: Span) -> Result<(), Refusal> {
        if style == ScalarStyle::Plain && self.flow_depth > 0 && text.contains('?') {
            let hint = "put quotes around it".to_owned();
            let message = "text in brackets cannot contain `?`".to_owned();
            return Err(Refusal { message, hint: Some(hint), at });
        }
        if style == ScalarStyle::DoubleQuoted && self.has_slash_escape(at) {
            let hint = "write `/` without the backslash".to_owned();
            return Err(Refusal { message: "unknown escape `\\/`".to_owned(), hint: Some(hint), at });
        }
        Ok(())
    }

    fn has_slash_escape(&self, at: Span) -> bool {
        let first = self.slash_escapes.partition_point(|place| *place < at.start);
        self.slash_escapes.get(first).is_some_and(|place| *place < at.end)
    }

    fn alias(&self, name: String, at: Span) -> Result<Kind, Refusal> {
        match self.anchors.get(&name) {
            None => Err(Refusal {
                message: format!("there is no anchor `&{name}` before `*{name}`"),
                hint: Some(format!("write `&{name}` in front of the value that `*{name}` repeats")),
                at,
            }),
            Some(target) => {
                Ok(Kind::Alias { name, target: (!self.open.contains(target)).then_some(*target) })
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
        self.flow_depth = self.flow_depth.saturating_sub(1);
        let Some(id) = self.open.pop() else { return };
        if let Some(node) = self.nodes.get_mut(id.0) {
            node.at.end = end;
        }
    }

    fn refuse(&self, message: &str, at: Span) -> Refusal {
        Refusal { message: message.to_owned(), hint: None, at }
    }

    fn syntax(&self, error: SyntaxError) -> Refusal {
        let text = self.source.text();
        let start = error.offset.map_or(error.at, |offset| position_of(text, offset));
        let mut message = error.problem;
        if let Some((context, since)) = error.context {
            message = format!("{message} ({context} from line {})", since.line);
        }
        let hint = hint_for(self.source, start);
        Refusal { message, hint, at: Span { file: self.file, start, end: start } }
    }
}

/// The places of all `\/` whose backslash is not itself escaped, in order. Inside double quotes that
/// is an escape; elsewhere it is of no interest.
fn slash_escapes(source: &SourceFile) -> Vec<Position> {
    let mut places = Vec::new();
    if !source.text().contains("\\/") {
        return places;
    }
    let lines = (1_u32..).map_while(|number| Some((number, source.line(number)?)));
    for (line, text) in lines {
        let mut escaped = false;
        for (column, c) in (1_u32..).zip(text.chars()) {
            if escaped && c == '/' {
                places.push(Position { line, column });
            }
            escaped = c == '\\' && !escaped;
        }
    }
    places
}

/// A tag in the form `!!name` for the standard ones, as written otherwise; `!` alone is no tag.
fn short_tag(tag: String) -> Option<String> {
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => Some(format!("!!{name}")),
        None => (tag != "!" && !tag.is_empty()).then_some(tag),
    }
}

/// The line and column of a byte offset.
fn position_of(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: small(line), column: small(column) }
}

/// Looks for the usual reasons of a syntax error in the line where it was noticed.
fn hint_for(source: &SourceFile, at: Position) -> Option<String> {
    let line = source.line(at.line)?;
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    if indent.contains('\t') {
        return Some("indent with blanks: YAML allows no tabs there".to_owned());
    }
    if line.trim_start().starts_with(['@', '`', '%']) || line.contains(": @") || line.contains(": %") {
        return Some("put quotes around text that begins with a special character".to_owned());
    }
    if line.matches(": ").count() > 1 && !line.contains(['{', '"', '\'']) {
        return Some("put quotes around text that contains `: `".to_owned());
    }
    None
}
