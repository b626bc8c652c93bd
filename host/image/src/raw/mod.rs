//! Plain bytes: copies that keep holes, and make them where nothing but zeros stands.

mod copy;
mod used;

pub(crate) use copy::{Copier, clone_whole};
pub(crate) use used::Used;
