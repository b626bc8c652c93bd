# The program with everything it starts, for `docker run IMAGE --image-file … --config-file …`.
#
#   docker build -t imagecustomizer .
#
# takes Rust from its official image. To take a program that is already built, as CI does:
#
#   cargo xtask dist
#   docker build -t imagecustomizer --build-arg BINARY_FROM=context --build-arg BINARY=target/dist/imagecustomizer .

ARG BASE=debian:bookworm-slim
ARG BUILDER=rust:1.95.0-slim-bookworm
ARG BINARY_FROM=build

FROM ${BUILDER} AS build
WORKDIR /source
COPY . .
# With native code of the built-in steps inside: a container keeps no cache of compiled code.
RUN cargo xtask dist && cp target/dist/imagecustomizer /imagecustomizer

FROM scratch AS context
ARG BINARY=target/dist/imagecustomizer
COPY ${BINARY} /imagecustomizer

FROM ${BINARY_FROM} AS binary

FROM ${BASE}
# What `program::Program` names; tests/e2e/tests/architecture.rs compares the two.
ARG PACKAGES="dosfstools e2fsprogs"
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ${PACKAGES} \
    && rm -rf /var/lib/apt/lists/*
COPY --from=binary /imagecustomizer /usr/local/bin/imagecustomizer
# A container keeps nothing between runs, so each run tells that usage data is sent; see docs/telemetry.md.
ENV IMAGECUSTOMIZER_CONTAINER=1
# Nothing has to be privileged: no loop device is attached and nothing is mounted.
ENTRYPOINT ["/usr/local/bin/imagecustomizer"]
