//! The step contract's versions, side by side. Each converts its types into those of [`crate::state`]; none has logic of
//! its own.

pub(crate) mod v0_1;
