#!/bin/sh
# Makes the component step.wasm: the program, and CPython to run it.
set -eu
cd "$(dirname "$0")"

if [ ! -e .toolchain/ready ]; then
    python3 -m venv .toolchain
    .toolchain/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement toolchain.txt
    touch .toolchain/ready
fi
.toolchain/bin/componentize-py --wit-path wit --world base-step componentize app --stub-wasi --output step.wasm
