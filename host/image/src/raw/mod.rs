//! Plain bytes: copies that keep holes, and make them where nothing but zeros stands; and packing in place.

mod copy;
mod in_place;
mod used;

pub(crate) use copy::{Copier, clone_whole};
pub(crate) use in_place::{Grains, pack, push};
pub(crate) use used::{Target, Used};
