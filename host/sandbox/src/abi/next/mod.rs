//! A contract that was never published, `tests/contract/next/wit`, served in tests only: it shows what the next major
//! version will take, and that it takes nothing but a folder like this one and a line in [`super::CONTRACTS`].

mod host;
#[cfg(test)]
mod tests;

use super::{Bound, Contract, WrongShape};
use crate::state::State;
use crate::step::Description;
use crate::trace::{Tracing, traced};
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

wasmtime::component::bindgen!({
    path: "../../tests/contract/next/wit",
    world: "next-step",
    imports: { default: trappable },
    require_store_data_send: true,
});

use customizer::step::{log, rootfs};

/// This version.
pub(crate) const CONTRACT: Contract = Contract {
    version: "99.0.0",
    interfaces: &["log", "rootfs"],
    link,
    link_traced,
    bind: |pre| Ok(Box::new(NextStepPre::new(pre)?)),
};

fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    rootfs::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

fn link_traced(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    log::add_to_linker::<State, Tracing>(linker, traced)?;
    rootfs::add_to_linker::<State, Tracing>(linker, traced)
}

impl Bound for NextStepPre<State> {
    fn pre(&self) -> &InstancePre<State> {
        self.instance_pre()
    }

    fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<Description> {
        let described = instantiate(self, store)?.customizer_step_step().call_describe(store)?;
        Ok(Description {
            name: described.name,
            version: described.version,
            summary: String::new(),
            settings_schema: described.schema,
        })
    }

    fn run(&self, store: &mut Store<State>, settings: &str) -> wasmtime::Result<Result<(), String>> {
        let result = instantiate(self, store)?.customizer_step_step().call_run(store, settings.as_bytes())?;
        Ok(result.map(|_| ()))
    }
}

fn instantiate(pre: &NextStepPre<State>, store: &mut Store<State>) -> wasmtime::Result<NextStep> {
    let instance = pre.instance_pre().instantiate(&mut *store)?;
    NextStep::new(store, &instance).map_err(WrongShape::explain)
}
