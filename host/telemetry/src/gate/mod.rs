//! The check of the exact bytes that are about to be sent.
//!
//! A gate trusts nobody, the SDK and the rest of this crate included. It reads a body into the closed sets of the registry,
//! makes the body anew from what it read, out of constants, the hour and the ids, and compares: what differs in any bit is
//! refused. Only the times of metrics, which the SDK takes from the clock, and the order of attributes, which it leaves to
//! chance, are replaced instead. So the bytes that leave a gate hold nothing that came from outside.

mod azure;
mod items;
mod message;
mod otlp;
#[cfg(test)]
mod tests;

use crate::closed_set::Shape;
use crate::record::{Components, Report};
use crate::seeds::{Hour, Ids, Seeds};

pub(crate) use azure::MAX_JSON;

/// No body is anywhere near as long, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Checks bodies of one payload.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    hour: Hour,
    ids: Ids,
    shape: Shape,
}

impl Gate {
    /// The gate for a payload with these seeds; which components were loaded decides how much may be said.
    #[must_use]
    pub const fn new(seeds: &Seeds, components: Components) -> Self {
        let shape = match components {
            Components::BuiltIn => Shape::Full,
            Components::Foreign => Shape::Minimal,
        };
        Self { hour: seeds.hour, ids: seeds.ids, shape }
    }

    pub(crate) const fn of(seeds: &Seeds, report: &Report) -> Self {
        Self { hour: seeds.hour, ids: seeds.ids, shape: report.shape() }
    }
}
