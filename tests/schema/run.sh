#!/bin/sh
# run.sh PROGRAM: checks the schema that the program prints with Python's `jsonschema`; see check.py. Needs python3 with
# venv, and the network for the first run. `cargo xtask test` runs it.
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$(dirname "$here")")
venv=$root/target/schema-venv
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/installed"
fi
"$venv/bin/python" "$here/check.py" "$1"
