//! Collections in brackets and braces.

use super::{Event, EventKind, LIST, MAPPING, Parser, Place, Properties, State};
use crate::yaml::error::Result;
use crate::yaml::token::TokenKind as T;

impl Parser<'_> {
    pub(super) fn flow_sequence(&mut self, first: bool) -> Result<Event> {
        if !first && !matches!(self.scanner.peek()?.kind, T::FlowSequenceEnd) {
            self.comma("here `,` or `]` has to follow", LIST)?;
        }
        let next = State::FlowSequence { first: false };
        let token = self.scanner.peek()?;
        match token.kind {
            T::FlowSequenceEnd => self.end(true),
            T::Key => {
                self.state = State::PairKey;
                let (start, end) = (token.start, token.end.position());
                self.scanner.take()?;
                self.begins.push(start);
                let kind = EventKind::MappingStart(Properties::default());
                Ok(Event { kind, start: start.position(), end })
            }
            _ => self.node_then(Place::Flow, next),
        }
    }

    pub(super) fn pair_key(&mut self) -> Result<Event> {
        match self.scanner.peek()?.kind {
            T::Value | T::FlowEntry | T::FlowSequenceEnd => {
                // As in the reference program's reader, which loses this word.
                self.scanner.take()?;
                self.empty(State::PairValue)
            }
            _ => self.node_then(Place::Flow, State::PairValue),
        }
    }

    pub(super) fn pair_value(&mut self) -> Result<Event> {
        if !matches!(self.scanner.peek()?.kind, T::Value) {
            return self.empty(State::PairEnd);
        }
        let behind = self.scanner.take()?.end;
        match self.scanner.peek()?.kind {
            T::FlowEntry | T::FlowSequenceEnd => Ok(self.empty_at(behind, State::PairEnd)),
            _ => self.node_then(Place::Flow, State::PairEnd),
        }
    }

    pub(super) fn pair_end(&mut self) -> Result<Event> {
        self.begins.pop();
        self.state = State::FlowSequence { first: false };
        self.at_next(EventKind::CollectionEnd)
    }

    pub(super) fn flow_key(&mut self, first: bool) -> Result<Event> {
        if !first && !matches!(self.scanner.peek()?.kind, T::FlowMappingEnd) {
            self.comma("here `,` or `}` has to follow", MAPPING)?;
        }
        match self.scanner.peek()?.kind {
            T::FlowMappingEnd => self.end(true),
            T::Key => {
                let behind = self.scanner.take()?.end;
                match self.scanner.peek()?.kind {
                    T::Value | T::FlowEntry | T::FlowMappingEnd => {
                        Ok(self.empty_at(behind, State::FlowValue))
                    }
                    _ => self.node_then(Place::Flow, State::FlowValue),
                }
            }
            _ => self.node_then(Place::Flow, State::FlowNoValue),
        }
    }

    pub(super) fn flow_value(&mut self) -> Result<Event> {
        let next = State::FlowKey { first: false };
        if !matches!(self.scanner.peek()?.kind, T::Value) {
            return self.empty(next);
        }
        let behind = self.scanner.take()?.end;
        match self.scanner.peek()?.kind {
            T::FlowEntry | T::FlowMappingEnd => Ok(self.empty_at(behind, next)),
            _ => self.node_then(Place::Flow, next),
        }
    }

    fn comma(&mut self, message: &'static str, what: &'static str) -> Result<()> {
        match self.scanner.peek()?.kind {
            T::FlowEntry => self.scanner.take().map(drop),
            _ => self.refuse(message, what),
        }
    }
}
