//! Plain bytes: copies that keep holes, and make them where nothing but zeros stands.

mod copy;

pub(crate) use copy::{Copier, clone_whole};
