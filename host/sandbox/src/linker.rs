//! The closed linker: every interface that a component may import is named here (invariant I-2).

use crate::abi::CONTRACTS;
use crate::clock::Clocks;
use crate::state::State;
use crate::trace;
use wasmtime::Engine;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::{cli, clocks, random, sync};

/// Names the resource table to the linker, for the interfaces that need nothing else.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// The linker of ordinary runs.
pub(crate) fn make(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    for contract in CONTRACTS {
        (contract.link)(&mut linker)?;
    }
    add_wasi(&mut linker)?;
    add_clocks_and_random(&mut linker)?;
    Ok(linker)
}

/// The linker of runs with a tracer. It links the same names.
pub(crate) fn make_traced(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    for contract in CONTRACTS {
        (contract.link_traced)(&mut linker)?;
    }
    add_wasi(&mut linker)?;
    trace::add_wasi(&mut linker)?;
    Ok(linker)
}

/// The harmless part of WASI 0.2. Left out on purpose: filesystem, sockets, http.
fn add_wasi(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let l = linker;
    sync::io::error::add_to_linker::<State, Table>(l, |state| state.ctx().table)?;
    sync::io::poll::add_to_linker::<State, Table>(l, |state| state.ctx().table)?;
    sync::io::streams::add_to_linker::<State, Table>(l, |state| state.ctx().table)?;

    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)
}

fn add_clocks_and_random(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let l = linker;
    clocks::wall_clock::add_to_linker::<State, Clocks>(l, State::clock_view)?;
    clocks::monotonic_clock::add_to_linker::<State, Clocks>(l, State::clock_view)?;

    random::random::add_to_linker::<State, HasSelf<_>>(l, |state| &mut state.random)?;
    random::insecure::add_to_linker::<State, HasSelf<_>>(l, |state| &mut state.random)?;
    random::insecure_seed::add_to_linker::<State, HasSelf<_>>(l, |state| &mut state.random)
}
