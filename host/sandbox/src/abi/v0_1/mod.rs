//! Version 0.1 of the step contract: bindings made from `wit/step`, and one file per interface.

mod artifacts;
mod context;
mod direct;
mod failures;
mod log;
mod rootfs;
mod traced;

use super::{Bound, Contract, WrongShape};
use crate::state::State;
use crate::step::Description;
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

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

/// This version.
pub(crate) const CONTRACT: Contract = Contract {
    version: "0.1.0",
    interfaces: &["failures", "context", "log", "rootfs", "artifacts"],
    link: add_to_linker,
    link_traced: traced::add_to_linker,
    bind: |pre| Ok(Box::new(BaseStepPre::new(pre)?)),
};

fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    customizer::step::failures::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    customizer::step::context::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    customizer::step::log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    customizer::step::rootfs::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    direct::add_to_linker(linker)?;
    customizer::step::artifacts::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl Bound for BaseStepPre<State> {
    fn pre(&self) -> &InstancePre<State> {
        self.instance_pre()
    }

    fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<Description> {
        let described = instantiate(self, store)?.customizer_step_step().call_describe(store)?;
        Ok(Description {
            name: described.name,
            version: described.version,
            summary: described.summary,
            settings_schema: described.settings_schema,
        })
    }

    fn run(&self, store: &mut Store<State>, settings: &str) -> wasmtime::Result<Result<(), String>> {
        let result = instantiate(self, store)?.customizer_step_step().call_run(store, settings)?;
        Ok(result.map_err(|failure| failure.message))
    }
}

/// Makes the component's instance; what it may not do while it starts is limited as everything else.
fn instantiate(pre: &BaseStepPre<State>, store: &mut Store<State>) -> wasmtime::Result<BaseStep> {
    let instance = pre.instance_pre().instantiate(&mut *store)?;
    BaseStep::new(store, &instance).map_err(WrongShape::explain)
}
