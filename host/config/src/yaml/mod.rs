//! Reads YAML into a tree of nodes, each with its place, by the rules of the reference program's
//! reader (see `docs/decisions/0002-yaml-reader.md`): characters ([`cursor`]) become words
//! ([`scanner`]), words become structure ([`parser`]), structure becomes a tree ([`build`]).

mod build;
mod cursor;
mod error;
mod node;
mod parser;
mod scalar;
mod scanner;
mod tags;
mod token;

pub(crate) use build::{Behind, parse};
pub(crate) use node::{Document, Kind, Node, NodeId, Style};
pub(crate) use scalar::{Scalar, days_in, resolve};
