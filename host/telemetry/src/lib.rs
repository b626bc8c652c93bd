//! What may leave the machine, and nothing else.
//!
//! One run of the program becomes one [`record::RunRecord`]: a `Copy` value of closed enums, with no place for a text
//! or a number. It is turned into the payload once, after the run; a gate reads the payload's exact bytes and refuses
//! what the registry does not list.

pub mod consent;
pub mod destination;
pub mod environment;
pub mod gate;
pub mod notice;
pub mod payload;
pub mod record;
pub mod registry;
pub mod schema;
pub mod seeds;
pub mod session;
pub mod standing;
pub mod state;
pub mod transport;

mod azure;
mod bound;
mod closed_set;
mod gzip;
mod kept;
mod otlp;
#[cfg(test)]
mod samples;
mod signals;
mod values;
