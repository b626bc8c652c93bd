//! The configuration language: reading, checking, merging.
//!
//! [`load`] reads a file with its base configurations into a [`ResolvedConfig`], or says all that is
//! wrong with them ([`Diagnostics`]). Nothing here changes anything, and nothing but the named files
//! is read.

pub mod model;

mod decode;
mod diagnostic;
mod encoding;
mod history;
mod inject;
mod load;
mod options;
mod partition_type;
mod path;
mod policy;
mod resolved;
mod resources;
mod rule;
mod schema;
mod source;
mod validate;
mod yaml;

pub use decode::{AnyMapping, AnyValue, PlaceOf, TextMap, UsedField};
pub use diagnostic::{Diagnostic, Diagnostics, Kind};
pub use history::{Digests, HashRequest, history_text};
pub use inject::{
    InjectConfig, InjectFile, InjectPartition, PackageList, ResolvedInjectConfig, load_inject_config,
};
pub use load::{check_text, load};
pub use model::{Config, bounds, os, output, scalars, scripts, steps, storage};
pub use options::{LoadOptions, Mode, Overrides};
pub use partition_type::{Architecture, partition_type_id};
pub use policy::{MaximumGrants, Policy, ResolvedPolicy, load_policy};
pub use resolved::{
    ComponentPlace, ConfigFile, CustomStep, DirToPlace, EffectivePackages, FileSource, FileToPlace,
    InputFile, LiveOs, OciComponent, PasswordSource, ResolvedArtifacts, ResolvedConfig, ResolvedInput,
    ScriptToRun, StepField,
};
pub use resources::Resources;
pub use rule::Rule;
pub use schema::schema;
pub use source::{FileId, Located, Place, Position, SourceFile, Sources, Span};
pub use validate::{DiskLayout, PartitionExtent, PasswordPolicy};

impl storage::Disk {
    /// Where the partitions lie and how large the disk is; `None` only before validation.
    pub fn layout(&self) -> Option<DiskLayout> {
        validate::layout(self).ok()
    }
}
