#!/bin/sh
# Makes the component step.wasm: the script, and QuickJS to run it.
set -eu
cd "$(dirname "$0")"

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --no-audit --no-fund
fi
node_modules/.bin/componentize-qjs --wit wit --world base-step --js step.js \
    --sync --opt-size --minify --stub-wasi --output step.wasm
