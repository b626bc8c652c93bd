//! The interfaces of this version with the tracer in front: each function says what of its call a trace holds, and leaves
//! the rest to the state's own.

mod artifacts;
mod facts;
mod rootfs;
mod values;

use super::customizer::step;
use super::{Answer, Failure};
use crate::state::State;
use crate::trace::{Content, Recorded, Secrecy, Traced, Tracing, traced};
use serde_json::Value;
use wasmtime::component::Linker;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    step::failures::add_to_linker::<State, Tracing>(linker, traced)?;
    step::context::add_to_linker::<State, Tracing>(linker, traced)?;
    step::log::add_to_linker::<State, Tracing>(linker, traced)?;
    step::rootfs::add_to_linker::<State, Tracing>(linker, traced)?;
    step::artifacts::add_to_linker::<State, Tracing>(linker, traced)
}

impl Traced<'_> {
    /// A call that can fail.
    fn fallible<T>(
        &mut self,
        function: &'static str,
        arguments: Value,
        live: impl FnOnce(&mut State) -> Answer<T>,
    ) -> Answer<T>
    where
        Result<T, Failure>: Recorded,
    {
        self.call(function, arguments, live)
    }

    /// A call that gives the content of something, of which the trace may hold as much as `secrecy` lets it.
    fn content(
        &mut self,
        function: &'static str,
        arguments: Value,
        secrecy: Secrecy,
        live: impl FnOnce(&mut State) -> Answer<Vec<u8>>,
    ) -> Answer<Vec<u8>> {
        let answer = self.fallible(function, arguments, |state| {
            Ok(live(state)?.map(|bytes| Content { bytes, secrecy }))
        })?;
        Ok(answer.map(|content| content.bytes))
    }
}
