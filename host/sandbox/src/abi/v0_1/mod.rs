//! Version 0.1 of the step contract: bindings made from `wit/step`, and one file per interface.

mod artifacts;
mod context;
mod failures;
mod log;
mod rootfs;

use crate::state::State;
use wasmtime::component::{HasSelf, Linker};

wasmtime::component::bindgen!({
    path: "../../wit/step",
    world: "base-step",
    imports: { default: trappable },
    with: { "customizer:step/rootfs.file": rootfs::OpenFile },
    require_store_data_send: true,
});

pub(crate) use customizer::step::failures::{Failure, FailureCode};

/// What a call of the contract gives: the outer result is a trap that ends the step, the inner one is for the step.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, Failure>>;

/// Links the interfaces that every step gets.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    customizer::step::failures::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    customizer::step::context::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    customizer::step::log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    customizer::step::rootfs::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    customizer::step::artifacts::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}
