//! Collections that are written with indentation.

use super::{Event, LIST, MAPPING, Parser, Place, State};
use crate::yaml::error::Result;
use crate::yaml::token::TokenKind as T;

impl Parser<'_> {
    pub(super) fn block_sequence(&mut self) -> Result<Event> {
        match self.scanner.peek()?.kind {
            T::BlockEntry => {}
            T::BlockEnd => return self.end(true),
            _ => return self.refuse("here an item with `-` has to follow, or less indentation", LIST),
        }
        let behind = self.scanner.take()?.end;
        match self.scanner.peek()?.kind {
            T::BlockEntry | T::BlockEnd => Ok(self.empty_at(behind, State::BlockSequence)),
            _ => self.node_then(Place::Block, State::BlockSequence),
        }
    }

    pub(super) fn flat_sequence(&mut self) -> Result<Event> {
        if !matches!(self.scanner.peek()?.kind, T::BlockEntry) {
            return self.end(false);
        }
        let behind = self.scanner.take()?.end;
        match self.scanner.peek()?.kind {
            T::BlockEntry | T::Key | T::Value | T::BlockEnd => Ok(self.empty_at(behind, State::FlatSequence)),
            _ => self.node_then(Place::Block, State::FlatSequence),
        }
    }

    pub(super) fn block_key(&mut self) -> Result<Event> {
        match self.scanner.peek()?.kind {
            T::Key => {}
            T::BlockEnd => return self.end(true),
            _ => return self.refuse("here a key has to follow, or less indentation", MAPPING),
        }
        let behind = self.scanner.take()?.end;
        match self.scanner.peek()?.kind {
            T::Key | T::Value | T::BlockEnd => Ok(self.empty_at(behind, State::BlockValue)),
            _ => self.node_then(Place::BlockPair, State::BlockValue),
        }
    }

    pub(super) fn block_value(&mut self) -> Result<Event> {
        if !matches!(self.scanner.peek()?.kind, T::Value) {
            return self.empty(State::BlockKey);
        }
        let behind = self.scanner.take()?.end;
        match self.scanner.peek()?.kind {
            T::Key | T::Value | T::BlockEnd => Ok(self.empty_at(behind, State::BlockKey)),
            _ => self.node_then(Place::BlockPair, State::BlockKey),
        }
    }
}
