#!/bin/sh
# Compiles the step to the WebAssembly module step.wasm; `imagecustomizer step build` makes a component of it.
# The compiler is that of CC, which has to know wasm32-wasi, else zig, else the zig of toolchain.txt from PyPI.
set -eu
cd "$(dirname "$0")"

if [ -z "${CC:-}" ]; then
    if command -v zig >/dev/null; then
        CC="zig cc"
    else
        # What pip installs knows its own path: a project that was moved gets it anew.
        if [ "$(cat .toolchain/ready 2>/dev/null)" != "$PWD" ]; then
            python3 -m venv --clear .toolchain
            .toolchain/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement toolchain.txt
            pwd > .toolchain/ready
        fi
        CC=".toolchain/bin/python -m ziglang cc"
    fi
fi

# $CC and $CFLAGS may be several words.
# shellcheck disable=SC2086
$CC --target=wasm32-wasi -mexec-model=reactor -std=c11 -Wall -Wextra -Oz ${CFLAGS:-} -Wl,--strip-all \
    -o step.wasm main.c kit/step.c kit/json.c
