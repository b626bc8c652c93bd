#!/bin/sh
# setup.sh: installs requirements.txt below `target`, where that has not been done yet, and prints the directory. Needs
# python3 with venv and its shared library, and the network the first time. The end-to-end tests call it, several at once.
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$(dirname "$here")")
venv=$root/target/telemetry-venv
mkdir -p "$root/target"
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
        --requirement "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$venv/installed"
fi
echo "$venv"
