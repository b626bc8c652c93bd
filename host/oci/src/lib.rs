//! OCI registries: artifacts by reference, fetched and stored by the distribution specification 1.1.
//!
//! What a registry says is hostile: every answer has a bounded size and time, every digest is computed here, and no text
//! of its reaches a terminal as it is. Credentials go to the registry they are for, or to the token server that it names,
//! and nowhere else.

mod blob_cache;
mod challenge;
mod client;
mod component;
mod credentials;
mod digest;
mod error;
mod http;
mod manifest;
mod nullable;
mod reference;
mod repository;
mod shown;

pub use blob_cache::BlobCache;
pub use challenge::{Challenge, parse_challenges};
pub use client::{Client, Pulled};
pub use component::{Component, component_layer};
pub use credentials::parse_credential_file;
pub use digest::Digest;
pub use error::{Error, ErrorKind, Result};
pub use http::Environment;
pub use manifest::{Descriptor, Manifest, media_type};
pub use reference::{Reference, Registry};
pub use repository::{Access, FoundManifest, Repository};
