# weir-operator and weir-launcher, with the shared libraries that the operator needs and nothing else: no shell, no
# package manager, no root. Builds with `docker build .` and `buildah bud .`

# Where the build starts, pinned (hack/base renews it). Packages are those of the day, for the sake of security fixes: the
# upgrade brings the base up to them, and the image's SBOM says which versions they were.
ARG BASE=debian:trixie-slim@sha256:93b9a6764e5d7a53b6b3682cc370cbb85ace510ffe5f60b6a03821655a4b3e52
FROM ${BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get -qq update \
 && apt-get -qq upgrade -y --no-install-recommends \
 && apt-get -qq install -y --no-install-recommends \
      gcc libc6-dev cmake ninja-build pkg-config libcurl4-openssl-dev libssl-dev libc-ares-dev libyaml-dev libwebsockets-dev \
      libwebsockets-evlib-uv libuv1-dev libexpat1-dev uthash-dev zlib1g-dev libzstd-dev dpkg-dev xz-utils python3
WORKDIR /src
COPY hack/lib.sh hack/deps hack/
RUN hack/deps
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY operator operator
# the linker's maps say what it took from archives
RUN mkdir -p build/release/maps \
 && LDFLAGS=-Wl,-Map=/src/build/release/maps cmake --preset release \
 && cmake --build --preset release --target weir-operator weir-launcher

# Files go where the loader looks without a cache: the same directories as on Debian. libwebsockets opens its libuv
# plugin by that path at run time, so ldd does not know of it.
RUN set -eu; \
    mkdir -p /image/etc; \
    strip -o /image/weir-operator build/release/operator/cmd/weir-operator; \
    strip -o /image/weir-launcher build/release/operator/cmd/weir-launcher; \
    plugin=$(find /usr/lib -name libwebsockets-evlib_uv.so); \
    { echo "$plugin"; ldd build/release/operator/cmd/weir-operator "$plugin" | grep -o '/[^ :]*\.so[^ :]*'; } \
      | sort -u | while read -r file; do cp -L --parents "$file" /image; done; \
    echo 'hosts: files dns' >/image/etc/nsswitch.conf; \
    if ldd build/release/operator/cmd/weir-launcher 2>/dev/null; then echo "weir-launcher is not static" >&2; exit 1; fi; \
    chroot /image /weir-operator --version; chroot /image /weir-launcher --version

# the terms of everything that was copied or linked in, and /usr/share/doc/weir/sbom.spdx.json
COPY LICENSE ./
COPY hack/sbom hack/
ARG BASE
RUN BASE="$BASE" hack/sbom /image build/release

FROM scratch
LABEL org.opencontainers.image.title="weir" \
      org.opencontainers.image.description="Kubernetes operator for pipelines of Spark and Hadoop jobs" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image /
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/weir-operator"]
