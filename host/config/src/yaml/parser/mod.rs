//! Words → the structure of the first document, as a sequence of steps.

mod block;
mod flow;

use super::cursor::Mark;
use super::error::{Result, SyntaxError};
use super::scanner::Scanner;
use super::tags::Tags;
use super::token::TokenKind as T;
use crate::encoding::Text;
use crate::source::Position;

/// One step: a value, or the beginning or end of a collection.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    pub(super) start: Position,
    pub(super) end: Position,
}

#[derive(Debug)]
pub(super) enum EventKind {
    /// `*name`
    Alias(String),
    Scalar {
        properties: Properties,
        text: String,
        plain: bool,
    },
    SequenceStart(Properties),
    MappingStart(Properties),
    /// The innermost collection ends.
    CollectionEnd,
    /// The first document ends.
    DocumentEnd,
    /// There is no document.
    NoDocument,
}

/// What may stand in front of a value.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) anchor: Option<String>,
    /// Written out in full.
    pub(super) tag: Option<String>,
}

/// What comes next, or is next once an inner collection has ended.
#[derive(Clone, Copy, Debug)]
enum State {
    Document,
    /// Behind `---`.
    Content,
    DocumentEnd,
    /// In a list with `-`, whose first item it is or not.
    BlockSequence,
    /// In a list with `-` that is a value and not indented deeper than its key.
    FlatSequence,
    BlockKey,
    BlockValue,
    FlowSequence {
        first: bool,
    },
    /// In `[a: b]`, which holds a mapping without braces.
    PairKey,
    PairValue,
    PairEnd,
    FlowKey {
        first: bool,
    },
    FlowValue,
    /// Behind a key in braces that was not begun as one: it has no value.
    FlowNoValue,
}

/// Where a value stands: what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In brackets or braces: no indented collection.
    Flow,
    /// A document or a list item.
    Block,
    /// A key or value in an indented mapping: also a flat list.
    BlockPair,
}

/// What errors speak of.
const LIST: &str = "the list";
const MAPPING: &str = "the mapping";

/// Reads the first document.
pub(super) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    /// What goes on behind the collections that are open.
    outer: Vec<State>,
    /// Where the open collections begin.
    begins: Vec<Mark>,
    tags: Tags,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a Text) -> Self {
        Self {
            scanner: Scanner::new(text),
            state: State::Document,
            outer: Vec::new(),
            begins: Vec::new(),
            tags: Tags::default(),
        }
    }

    /// The next step; after the document's end, or an error, there is none.
    ///
    /// # Errors
    /// The text is not YAML.
    pub(super) fn next(&mut self) -> Result<Event> {
        match self.state {
            State::Document => self.document(),
            State::Content => self.content(),
            State::DocumentEnd => self.document_end(),
            State::BlockSequence => self.block_sequence(),
            State::FlatSequence => self.flat_sequence(),
            State::BlockKey => self.block_key(),
            State::BlockValue => self.block_value(),
            State::FlowSequence { first } => self.flow_sequence(first),
            State::PairKey => self.pair_key(),
            State::PairValue => self.pair_value(),
            State::PairEnd => self.pair_end(),
            State::FlowKey { first } => self.flow_key(first),
            State::FlowValue => self.flow_value(),
            State::FlowNoValue => self.empty(State::FlowKey { first: false }),
        }
    }

    /// Where the text behind the first document goes on with another one.
    ///
    /// # Errors
    /// The text is not YAML.
    pub(super) fn second_document(&mut self) -> Result<Option<Position>> {
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                T::StreamEnd => return Ok(None),
                T::DocumentEnd => drop(self.scanner.take()?),
                _ => return Ok(Some(token.start.position())),
            }
        }
    }

    fn document(&mut self) -> Result<Event> {
        match self.scanner.peek()?.kind {
            T::StreamEnd => return self.at_next(EventKind::NoDocument),
            T::Version { .. } | T::TagShorthand { .. } | T::DocumentStart => {}
            _ => {
                self.outer.push(State::DocumentEnd);
                return self.node(Place::Block);
            }
        }
        loop {
            let token = self.scanner.take()?;
            match token.kind {
                T::Version { major, minor } => self.tags.version(major, minor, token.start)?,
                T::TagShorthand { handle, prefix } => self.tags.add(handle, prefix, token.start)?,
                T::DocumentStart => break,
                _ => {
                    return Err(SyntaxError::new("`---` is missing behind the `%` lines", token.start));
                }
            }
        }
        self.outer.push(State::DocumentEnd);
        self.state = State::Content;
        self.content()
    }

    fn content(&mut self) -> Result<Event> {
        match self.scanner.peek()?.kind {
            T::Version { .. } | T::TagShorthand { .. } | T::DocumentStart | T::DocumentEnd | T::StreamEnd => {
                let outer = self.leave();
                self.empty(outer)
            }
            _ => self.node(Place::Block),
        }
    }

    fn document_end(&mut self) -> Result<Event> {
        self.at_next(EventKind::DocumentEnd)
    }

    /// A step without text of its own, at the next word.
    fn at_next(&mut self, kind: EventKind) -> Result<Event> {
        let at = self.scanner.peek()?.start.position();
        Ok(Event { kind, start: at, end: at })
    }

    /// A value that is not written, at the next word.
    fn empty(&mut self, next: State) -> Result<Event> {
        let at = self.scanner.peek()?.start;
        Ok(self.empty_at(at, next))
    }

    /// A value that is not written.
    fn empty_at(&mut self, at: Mark, next: State) -> Event {
        self.state = next;
        let kind = EventKind::Scalar { properties: Properties::default(), text: String::new(), plain: true };
        Event { kind, start: at.position(), end: at.position() }
    }

    /// What goes on behind the value that ends here.
    fn leave(&mut self) -> State {
        self.outer.pop().unwrap_or(State::DocumentEnd)
    }

    /// A value; behind it comes `next`.
    fn node_then(&mut self, place: Place, next: State) -> Result<Event> {
        self.outer.push(next);
        self.node(place)
    }

    fn node(&mut self, place: Place) -> Result<Event> {
        let token = self.scanner.peek()?;
        let start = token.start;
        if matches!(token.kind, T::Alias(_)) {
            self.state = self.leave();
            let token = self.scanner.take()?;
            let T::Alias(name) = token.kind else { return Err(SyntaxError::new("no alias", start)) };
            let kind = EventKind::Alias(name);
            return Ok(Event { kind, start: start.position(), end: token.end.position() });
        }
        let properties = self.properties()?;
        let token = self.scanner.peek()?;
        let (at, begin) = (token.start, start.position());
        let block = place != Place::Flow;
        let (kind, state) = match token.kind {
            T::BlockEntry if place == Place::BlockPair => {
                let end = token.end.position();
                self.state = State::FlatSequence;
                self.begins.push(start);
                return Ok(Event { kind: EventKind::SequenceStart(properties), start: begin, end });
            }
            T::Scalar { .. } => return self.scalar(properties, start),
            T::FlowSequenceStart => {
                (EventKind::SequenceStart(properties), State::FlowSequence { first: true })
            }
            T::FlowMappingStart => (EventKind::MappingStart(properties), State::FlowKey { first: true }),
            T::BlockSequenceStart if block => (EventKind::SequenceStart(properties), State::BlockSequence),
            T::BlockMappingStart if block => (EventKind::MappingStart(properties), State::BlockKey),
            _ if properties.anchor.is_some() || properties.tag.is_some() => {
                self.state = self.leave();
                let (text, plain) = (String::new(), true);
                let kind = EventKind::Scalar { properties, text, plain };
                return Ok(Event { kind, start: begin, end: at.position() });
            }
            _ => return Err(SyntaxError::new("a value is missing", at)),
        };
        self.state = state;
        self.begins.push(start);
        let end = self.scanner.take()?.end.position();
        Ok(Event { kind, start: begin, end })
    }

    fn scalar(&mut self, properties: Properties, start: Mark) -> Result<Event> {
        self.state = self.leave();
        let token = self.scanner.take()?;
        let T::Scalar { text, plain } = token.kind else { return Err(SyntaxError::new("no text", start)) };
        let kind = EventKind::Scalar { properties, text, plain };
        Ok(Event { kind, start: start.position(), end: token.end.position() })
    }

    /// An anchor and a tag, in either order, each at most once.
    fn properties(&mut self) -> Result<Properties> {
        let mut properties = Properties::default();
        loop {
            match self.scanner.peek()?.kind {
                T::Anchor(_) if properties.anchor.is_none() => {}
                T::Tag { .. } if properties.tag.is_none() => {}
                _ => return Ok(properties),
            }
            let token = self.scanner.take()?;
            match token.kind {
                T::Anchor(name) => properties.anchor = Some(name),
                T::Tag { handle, suffix } => {
                    properties.tag = Some(self.tags.resolve(&handle, suffix, token.start)?);
                }
                _ => {}
            }
        }
    }

    /// Ends the innermost collection with the next word, which is taken or left.
    fn end(&mut self, take: bool) -> Result<Event> {
        self.state = self.leave();
        self.begins.pop();
        let token = self.scanner.peek()?;
        let (start, end) = (token.start.position(), token.end.position());
        if take {
            self.scanner.take()?;
        }
        Ok(Event { kind: EventKind::CollectionEnd, start, end })
    }

    fn refuse<R>(&mut self, message: &'static str, what: &'static str) -> Result<R> {
        let at = self.scanner.peek()?.start;
        let begin = self.begins.last().copied().unwrap_or(at);
        Err(SyntaxError::new(message, at).within(what, begin))
    }
}
