#!/bin/sh
# Makes a certificate for `localhost` that nobody signed but itself, and its key, which guards nothing but tests.
set -eu
here=$(dirname "$(readlink -f "$0")")
cd "$(mktemp -d)"
mkdir signed
: >index.txt
cat >configuration <<'END'
[ca]
default_ca = self
[self]
database = index.txt
new_certs_dir = signed
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = server
# Machines whose clock is wrong run tests too.
default_startdate = 20200101000000Z
default_enddate = 21200101000000Z
[any]
commonName = supplied
[server]
subjectAltName = DNS:localhost
basicConstraints = critical,CA:FALSE
[req]
distinguished_name = name
[name]
END
openssl req -config configuration -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
    -keyout "$here/localhost.key.pem" -out request
openssl ca -config configuration -batch -selfsign -notext -keyfile "$here/localhost.key.pem" -in request \
    -out "$here/localhost.pem"
