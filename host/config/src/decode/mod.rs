//! The strict decoder: node tree → typed model. Every mistake is collected; nothing is guessed.

mod any;
mod budget;
mod choice;
#[cfg(test)]
mod conformance;
mod declare;
mod form;
mod merge;
mod numbers;
mod record;
mod text_map;
mod values;

pub use any::{AnyMapping, AnyValue, PlaceOf};
pub(crate) use choice::{Choice, choice, empty_rule};
pub(crate) use declare::record;
pub(crate) use form::{history_record, schema_record, used_record};
pub(crate) use record::{Field, Flags, Record, Shorthand, clip, decode_record};
pub use text_map::TextMap;
pub(crate) use values::{Item, printed_value, value_of_item};

use budget::Budget;
use serde_json::Value as Json;

use crate::diagnostic::{Diagnostic, Kind};
use crate::history::HistoryWriter;
use crate::rule::Rule;
use crate::schema::Definitions;
use crate::source::{Located, Span};
use crate::yaml::{Document, Kind as NodeKind, Node, NodeId, Scalar, Style, resolve};

/// A field of the configuration that is set, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedField {
    /// The path of the field, as `os.users[0].name`.
    pub field: String,
    /// Where its value stands.
    pub at: Span,
}

/// What every type of the model can do. Implemented by the macros and for the basic types.
pub(crate) trait Value {
    /// Reads a node that is not null; `false` when nothing was set (an error was reported, or the
    /// value means "unset").
    fn decode(&mut self, id: NodeId, decoder: &mut Decoder<'_>) -> bool;

    /// Lists the set fields at and below `path`.
    fn used(&self, path: &str, out: &mut Vec<UsedField>);

    /// The value in the image history; `None` leaves the key out.
    fn history(&self, flags: Flags, writer: &mut HistoryWriter<'_>) -> Option<Json>;

    /// The JSON Schema of the type.
    fn schema(definitions: &mut Definitions) -> Json
    where
        Self: Sized;
}

/// So many problems are reported; more would help nobody.
const MAX_PROBLEMS: usize = 100;

/// Decodes one document; see [`Decoder::finish`] for what it found.
pub(crate) struct Decoder<'a> {
    document: &'a Document,
    problems: Vec<Diagnostic>,
    path: String,
    budget: Budget,
    /// The key of the field that is being read, until its value takes it.
    key_at: Option<Span>,
    /// Takes what is reported beyond [`MAX_PROBLEMS`].
    overflow: Diagnostic,
    /// What was found besides problems.
    findings: Findings,
}

/// What a decoder found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<Diagnostic>,
    /// Places of values whose keys are not known; one may be a secret under a misspelt key.
    pub(crate) unknown_values: Vec<Span>,
    /// What is valid, but cannot be carried out.
    pub(crate) unsupported: Vec<Diagnostic>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        Self {
            document,
            problems: Vec::new(),
            path: String::new(),
            budget: Budget::default(),
            findings: Findings::default(),
            key_at: None,
            overflow: Diagnostic::new(Rule::FieldUnknown, "", Span::default(), ""),
        }
    }

    /// Decodes the whole document.
    pub(crate) fn root<T: Value + Default>(&mut self) -> T {
        let mut value = T::default();
        let root = self.document.root();
        // The reference program counts the document as a node of its own.
        self.budget.visit();
        if !self.is_null(root) {
            value.decode(root, self);
        }
        value
    }

    /// What was wrong, and what else is to be known.
    pub(crate) fn finish(mut self) -> Findings {
        if self.budget.exceeded {
            let at = self.document.raw(self.document.root()).map(|node| node.at).unwrap_or_default();
            let message = "the file repeats itself too often through aliases";
            self.problems = vec![Diagnostic::new(Rule::AliasExpansion, "", at, message)];
        }
        // The reference program decodes everything before it looks at any word's meaning.
        self.problems.sort_by_key(|problem| problem.kind() != Kind::Structure);
        Findings { problems: self.problems, ..self.findings }
    }

    /// Notes a text that is given as bytes and is not UTF-8: no step takes such a text.
    fn report_binary(&mut self, at: Span) {
        if self.findings.unsupported.len() < MAX_PROBLEMS {
            let message = "binary data that is not UTF-8 text is not supported yet";
            let problem = Diagnostic::new(Rule::Unsupported, self.path.clone(), at, message);
            self.findings.unsupported.push(problem);
        }
    }

    /// Adds a problem at the current field, and gives it for a hint to be set.
    pub(crate) fn report(&mut self, rule: Rule, at: Span, message: impl Into<String>) -> &mut Diagnostic {
        let problem = Diagnostic::new(rule, self.path.clone(), at, message);
        if self.is_full() {
            self.overflow = problem;
            return &mut self.overflow;
        }
        self.problems.push(problem);
        self.problems.last_mut().unwrap_or(&mut self.overflow)
    }

    /// Whether enough was reported.
    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// Runs `read` with the field path extended by `.key`.
    pub(crate) fn in_field<R>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        let result = read(self);
        self.path.truncate(length);
        result
    }

    /// Runs `read` with the field path extended by `[index]`.
    pub(crate) fn in_item<R>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> R) -> R {
        self.key_at = None;
        let length = self.path.len();
        self.path.push_str(&format!("[{index}]"));
        let result = read(self);
        self.path.truncate(length);
        result
    }

    /// Runs `read` on the node that `id` names or stands for; `None` when there is none to read.
    pub(crate) fn visit<R>(&mut self, id: NodeId, read: impl FnOnce(&mut Self, &'a Node) -> R) -> Option<R> {
        if !self.budget.visit() {
            return None;
        }
        let node = self.document.raw(id)?;
        match &node.kind {
            NodeKind::Alias { target: Some(target), .. } => {
                let target = self.document.raw(*target)?;
                self.at_alias_depth(self.alias_depth() + 1, |decoder| {
                    decoder.budget.visit().then(|| read(decoder, target))
                })
            }
            NodeKind::Alias { name, target: None } => {
                let message = format!("the value of `&{name}` contains itself");
                self.report(Rule::AliasInsideItself, node.at, message);
                None
            }
            _ => Some(read(self, node)),
        }
    }

    /// Counts a node that is not read.
    pub(crate) fn pass_over(&mut self, id: NodeId) {
        self.visit(id, |_, _| ());
    }

    /// Through how many aliases the node was reached that is being read.
    fn alias_depth(&self) -> u32 {
        self.budget.alias_depth
    }

    /// Runs `read` as if through so many aliases.
    fn at_alias_depth<R>(&mut self, depth: u32, read: impl FnOnce(&mut Self) -> R) -> R {
        let before = std::mem::replace(&mut self.budget.alias_depth, depth);
        let result = read(self);
        self.budget.alias_depth = before;
        result
    }

    /// Whether the node stands here itself, not an alias for it.
    fn is_written_at(&self, id: NodeId) -> bool {
        self.raw(id).is_some_and(|node| !matches!(node.kind, NodeKind::Alias { .. }))
    }

    /// Whether the node is text, and not a scalar of another kind that is read as text.
    fn is_text(&self, id: NodeId) -> bool {
        self.follow(id).is_some_and(|node| match &node.kind {
            NodeKind::Scalar { text, style } => {
                let meaning = resolve(text, *style == Style::Quoted, node.tag.as_deref());
                matches!(meaning, Some(Scalar::Text | Scalar::Binary(_)))
            }
            _ => false,
        })
    }

    /// The node that `id` names or stands for.
    fn follow(&self, id: NodeId) -> Option<&'a Node> {
        let node = self.document.raw(id)?;
        match &node.kind {
            NodeKind::Alias { target, .. } => self.document.raw((*target)?),
            _ => Some(node),
        }
    }

    pub(crate) fn raw(&self, id: NodeId) -> Option<&'a Node> {
        self.document.raw(id)
    }

    /// Whether the node means "nothing", so that the field keeps its default.
    pub(crate) fn is_null(&self, id: NodeId) -> bool {
        self.follow(id).is_some_and(|node| match &node.kind {
            NodeKind::Scalar { text, style } => {
                resolve(text, *style == Style::Quoted, node.tag.as_deref()) == Some(Scalar::Null)
            }
            _ => false,
        })
    }

    /// Reports a list or a mapping that is tagged `!!null`.
    fn is_null_collection(&mut self, id: NodeId) -> bool {
        let Some(node) = self.follow(id) else { return false };
        let contradicts =
            node.tag.as_deref() == Some("!!null") && !matches!(node.kind, NodeKind::Scalar { .. });
        if contradicts {
            self.report(Rule::ValueTag, node.at, "the value does not fit its tag `!!null`").hint =
                Some("remove the tag".to_owned());
        }
        contradicts
    }

    /// Reports that a node is of the wrong kind.
    pub(crate) fn wrong_kind(&mut self, node: &Node, wanted: &str) {
        let found = match &node.kind {
            NodeKind::Scalar { text, style } => resolve(text, *style == Style::Quoted, node.tag.as_deref())
                .map_or("a value", |scalar| scalar.name()),
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Alias { .. } => "an alias",
        };
        self.report(Rule::ValueKind, node.at, format!("expected {wanted}, found {found}"));
    }

    /// A scalar with its raw text; anything else is reported as not being `wanted`.
    pub(crate) fn scalar(&mut self, node: &'a Node, wanted: &str) -> Option<(Scalar, &'a str)> {
        let NodeKind::Scalar { text, style } = &node.kind else {
            self.wrong_kind(node, wanted);
            return None;
        };
        let meaning = resolve(text, *style == Style::Quoted, node.tag.as_deref());
        if meaning.is_none() {
            let tag = node.tag.as_deref().unwrap_or_default();
            self.report(Rule::ValueTag, node.at, format!("the value does not fit its tag `{tag}`")).hint =
                Some("remove the tag".to_owned());
        }
        Some((meaning?, text))
    }

    /// A text field: the raw text of any scalar.
    pub(crate) fn text(&mut self, id: NodeId) -> Option<Located<String>> {
        self.visit(id, |decoder, node| {
            let (meaning, text) = decoder.scalar(node, "text")?;
            let text = match meaning {
                Scalar::Null => return None,
                Scalar::Binary(bytes) => match String::from_utf8(bytes) {
                    Ok(text) => text,
                    Err(error) => {
                        decoder.report_binary(node.at);
                        String::from_utf8_lossy(error.as_bytes()).into_owned()
                    }
                },
                _ => text.to_owned(),
            };
            Some(Located::new(text, node.at))
        })
        .flatten()
    }
}
