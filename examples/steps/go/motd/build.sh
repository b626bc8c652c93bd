#!/bin/sh
# Compiles the step to the WebAssembly module step.wasm; `imagecustomizer step build` makes a component of it.
# The compiler is the go of the machine where it is 1.24 or later, else that of toolchain.txt from PyPI.
set -eu
cd "$(dirname "$0")"

go=go
minor=$(go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
if [ "${minor:-0}" -lt 24 ]; then
    # What pip installs knows its own path: a project that was moved gets it anew.
    if [ "$(cat .toolchain/ready 2>/dev/null)" != "$PWD" ]; then
        python3 -m venv --clear .toolchain
        .toolchain/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement toolchain.txt
        pwd > .toolchain/ready
    fi
    go=.toolchain/bin/go
fi

GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=local "$go" build -buildmode=c-shared -trimpath -ldflags '-s -w' -o step.wasm .
