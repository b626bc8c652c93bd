//! `#[derive(Schema)]`: the JSON Schema of a settings type, from the type and its serde attributes.
//!
//! Re-exported by `step_sdk`, whose documentation shows how it is used.

mod attributes;
mod case;
mod expand;
mod json;

use proc_macro::TokenStream;

/// Derives `step_sdk::Schema`: for structs with named fields, for structs around one value, and for enums whose variants
/// hold nothing.
///
/// Doc comments become descriptions. Of serde's attributes, `rename`, `rename_all`, `default`, `deny_unknown_fields` and
/// `transparent` are understood; any other is an error, since the schema could say something else than serde does.
///
/// `#[schema(…)]` on a field, or on a struct around one value, adds what a type cannot say: `min_length`, `max_length`,
/// `pattern`, `minimum`, `maximum`, `min_items`, `max_items`. The host refuses settings that break such a rule before the
/// step runs.
#[proc_macro_derive(Schema, attributes(schema, serde))]
pub fn derive_schema(input: TokenStream) -> TokenStream {
    syn::parse(input)
        .and_then(|input| expand::schema(&input))
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
