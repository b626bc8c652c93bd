#!/bin/sh
# Makes the component step.wasm. `cargo test` runs the tests, without WebAssembly.
set -eu
cd "$(dirname "$0")"

# Where there is no rustup, the Rust that is there has to know the target.
if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx wasm32-wasip2; then
    rustup target add wasm32-wasip2
fi
# --target-dir: a CARGO_TARGET_DIR of the caller's does not move the result.
cargo build --quiet --release --target wasm32-wasip2 --target-dir target
cp target/wasm32-wasip2/release/step.wasm step.wasm
