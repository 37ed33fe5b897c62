#!/bin/bash
# Builds the image with buildah where no registry is at hand, and runs it.
#
# The base image of the first stage is made here, and handed over as the Dockerfile's argument RUST_IMAGE: Debian by
# debootstrap, and the Rust toolchain of this machine. Needs root. Packages: buildah, debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."

# Named by the toolchain, so that another one makes another image.
base=localhost/d360_exporter_build:$(rustc --version | cut -d ' ' -f 2)
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
work=$(mktemp -d)
container=
cleanup() {
    [ -z "$container" ] || buildah rm "$container" >/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
    # Where this machine gets its own packages from.
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
    debootstrap --variant=minbase --include=gcc,libc6-dev,ca-certificates,binutils bookworm "$work/root" "$mirror" >"$work/log" 2>&1 ||
        { tail "$work/log" >&2; exit 1; }
    toolchain=$(rustc --print sysroot)
    mkdir -p "$work/root/usr/local/rust"
    cp -a "$toolchain/." "$work/root/usr/local/rust/"
    rm -rf "$work/root/usr/local/rust/share/doc"
    container=$(buildah from scratch)
    mount=$(buildah mount "$container")
    cp -a "$work/root/." "$mount/"
    buildah umount "$container" >/dev/null
    buildah config --env PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit -q "$container" "$base" >/dev/null
    buildah rm "$container" >/dev/null
    container=
fi

# Cargo's settings of this machine come along, if it has any.
settings=()
[ ! -d "${CARGO_HOME:-$HOME/.cargo}/registry" ] || settings=(--volume "${CARGO_HOME:-$HOME/.cargo}/registry:/root/.cargo/registry")
buildah build --isolation chroot --network host "${settings[@]}" --build-arg RUST_IMAGE="$base" -t d360_exporter:test .

container=$(buildah from --pull-never d360_exporter:test)
mount=$(buildah mount "$container")
du -sh "$mount/d360_exporter"
test -s "$mount/etc/ssl/certs/ca-certificates.crt"
chroot --userspec=65534:65534 "$mount" /d360_exporter --version
chroot --userspec=65534:65534 "$mount" /d360_exporter demo --web.listen-address 127.0.0.1:10399 2>"$work/log" &
pid=$!
for _ in $(seq 100); do
    if chroot --userspec=65534:65534 "$mount" /d360_exporter check --healthy --web.listen-address 127.0.0.1:10399 2>/dev/null; then
        healthy=1
        break
    fi
    sleep 0.1
done
kill "$pid"
wait "$pid"
if [ -z "${healthy:-}" ]; then
    echo "error: the exporter in the image did not become healthy:" >&2
    cat "$work/log" >&2
    exit 1
fi
echo "the image builds, runs as nobody and is healthy"
