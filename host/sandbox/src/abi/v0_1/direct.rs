//! Calls that carry content into the image. They take it from where it lies in the component's memory: the bindings would
//! copy it first, which costs more than all the rest of such a call does.

use super::customizer::step::rootfs as wit;
use super::rootfs::{OpenFile, write_options_in};
use super::{Answer, Failure};
use crate::state::State;
use ::rootfs::{ImagePath, Tree};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, WasmList};

/// The interface that the calls belong to.
const INTERFACE: &str = "customizer:step/rootfs@0.1.0";

/// Puts the calls in the place of those that the bindings have linked.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut rootfs = linker.instance(INTERFACE)?;
    rootfs.func_wrap("write", |store, arguments| Ok((write(store, arguments)?,)))?;
    rootfs.func_wrap("[method]file.write-at", |store, arguments| Ok((write_at(store, arguments)?,)))?;
    linker.allow_shadowing(false);
    Ok(())
}

fn write(
    store: StoreContextMut<'_, State>,
    (path, data, options): (String, WasmList<u8>, wit::WriteOptions),
) -> Answer<()> {
    let options = write_options_in(&options);
    with_content(store, &data, |tree, data| tree.write(ImagePath::new(&path), data, &options))
}

fn write_at(
    store: StoreContextMut<'_, State>,
    (file, offset, data): (Resource<OpenFile>, u64, WasmList<u8>),
) -> Answer<()> {
    let file = store.data().table.get(&file)?.0;
    with_content(store, &data, |tree, data| tree.write_at(file, offset, data))
}

/// Calls the tree with bytes of the component's memory.
fn with_content(
    mut store: StoreContextMut<'_, State>,
    content: &WasmList<u8>,
    call: impl FnOnce(&mut dyn Tree, &[u8]) -> ::rootfs::Result<()>,
) -> Answer<()> {
    let state = store.data_mut();
    state.spend_written(content.len() as u64)?;
    let start = state.begin_call()?;
    let mut image = state.lend_image()?;
    let answer = image.with_tree(|tree| call(tree, content.as_le_slice(&store)));
    let state = store.data_mut();
    state.take_image_back(image);
    state.end_call(start);
    Ok(answer?.map_err(Failure::from))
}
