//! Sending, within a deadline.
//!
//! What is sent are the bytes that passed the gate; nothing here looks into them or adds to them. There is no retry and
//! no spool: what cannot be delivered at once is gone.

pub(crate) mod certificates;
mod deadline;
#[cfg(feature = "grpc")]
mod grpc;
mod http;
pub(crate) mod proxy;

pub use deadline::{LAST_WORDS, budget, send};

use std::time::Duration;

/// The name we give ourselves: no version, no system.
const USER_AGENT: &str = "imagecustomizer";

/// How long a connection may take, TLS included. An endpoint that is there answers sooner from anywhere on earth.
const CONNECT: Duration = Duration::from_millis(700);

/// How sending ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Sent {
    /// The endpoint took everything.
    Delivered,
    /// The destination has no place for any part of the payload.
    Nothing,
    /// The endpoint answered, but did not take it.
    Refused,
    /// The endpoint was not reached.
    Failed,
    /// The endpoint was too slow.
    TimedOut,
}

impl Sent {
    /// All of them, the best first.
    pub const ALL: [Self; 5] = [Self::Delivered, Self::Nothing, Self::Refused, Self::Failed, Self::TimedOut];

    /// One word, of small letters and underscores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Nothing => "nothing",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }

    /// How several parts ended, taken together: as the worst did.
    fn worst(self, other: Self) -> Self {
        let rank = |sent| Self::ALL.iter().position(|own| *own == sent);
        if rank(self) < rank(other) { other } else { self }
    }
}

impl std::fmt::Display for Sent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
