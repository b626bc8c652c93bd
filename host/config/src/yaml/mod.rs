//! Reads YAML into a tree of nodes, each with its place, by the rules of the reference program's
//! reader (see `docs/decisions/0002-yaml-reader.md`).

mod build;
mod libyaml;
mod node;
mod scalar;

pub(crate) use build::parse;
pub(crate) use node::{Document, Kind, Node, NodeId, Style};
pub(crate) use scalar::{Scalar, days_in, resolve};
