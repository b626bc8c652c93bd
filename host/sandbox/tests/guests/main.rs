//! Components that misbehave, and a few that behave: each is run by the sandbox on a real ext4 image, and each must
//! be stopped or contained by an error that names the step and the limit or path. What each tries stands in
//! `tests/guests/README.md`; the test in `table.rs` compares that with what is tested here.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is tests; one that cannot be set up fails"
)]

extern crate imagecustomizer_sandbox as sandbox;

mod artifacts;
mod compiling;
mod concurrency;
mod contract;
mod cost;
mod files;
mod hostile;
mod inspection;
mod languages;
mod limits;
mod loading;
mod scene;
mod scopes;
mod surroundings;
mod table;
mod text;
mod traces;
mod wasm;
