#!/bin/sh
# Makes the component step.wasm: the program, and CPython to run it.
set -eu
cd "$(dirname "$0")"

# What pip installs knows its own path: a project that was moved gets it anew.
if [ "$(cat .toolchain/ready 2>/dev/null)" != "$PWD" ]; then
    python3 -m venv --clear .toolchain
    .toolchain/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement toolchain.txt
    pwd > .toolchain/ready
fi
.toolchain/bin/componentize-py --wit-path wit --world base-step componentize app --stub-wasi --output step.wasm
