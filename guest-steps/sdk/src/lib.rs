//! The kit for authors of customization steps: the trait [`Step`], the [`Root`] that a step works on, and
//! [`export_step!`], which makes a component of a step.
//!
//! Settings are a type that serde reads; [`settings_schema!`] makes the JSON Schema of a type with `#[derive(Schema)]`.
//!
//! A step is tested natively, without WebAssembly, on an image tree in memory: see `testing::MemoryHost`.
//! `imagecustomizer step new` makes a whole step with its tests.

// What `#[derive(Schema)]` writes names this crate from outside.
extern crate self as step_sdk;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod component;
mod failure;
mod host;
pub mod json;
mod octal_mode;
pub mod path;
mod root;
#[doc(hidden)]
pub mod schema;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use failure::{Failure, FailureCode, Result};
pub use host::{
    Device, Entry, Existing, Host, Kind, Level, Metadata, OpenFile, Owner, ROOT, Timestamp, TreeOptions,
    TreeReport, WriteOptions,
};
pub use octal_mode::OctalMode;
pub use root::{Outcome, Root};
pub use schema::Schema;
pub use settings::parse_settings;
pub use step_sdk_derive::Schema;

/// A customization step.
pub trait Step {
    /// What the image definition says to the step; deny unknown fields.
    type Settings: serde::de::DeserializeOwned;
    /// Lower-case words joined by `-`.
    const NAME: &'static str;
    /// One line for `step inspect`.
    const SUMMARY: &'static str;
    /// JSON Schema (2020-12) of [`Step::Settings`]: [`settings_schema!`], or text.
    const SETTINGS_SCHEMA: &'static str;

    /// Changes the image. May be run twice; finds the image only through `host`.
    ///
    /// # Errors
    /// Any [`Failure`] ends the whole customization; its message names what is wrong.
    fn run(settings: &Self::Settings, host: &dyn Host) -> Result<()>;
}

/// Makes the crate a component that carries out the given [`Step`]; its version is that of the crate.
///
/// To be called once in a crate of type `cdylib`. In a native build it only checks that the type is a step.
#[macro_export]
macro_rules! export_step {
    ($step:ty) => {
        const _: fn() = || {
            fn is_step<S: $crate::Step>() {}
            is_step::<$step>();
        };

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the exports of a component have fixed symbol names")]
        const _: () = {
            struct Component;

            impl $crate::component::Guest for Component {
                fn describe() -> $crate::component::Description {
                    $crate::component::describe::<$step>(env!("CARGO_PKG_VERSION"))
                }
                fn run(settings: String) -> Result<(), $crate::component::WitFailure> {
                    $crate::component::run::<$step>(&settings)
                }
            }

    $crate::component::bindings::export!(Component with_types_in $crate::component::bindings);
        };
    };
}
