#!/bin/sh
# The steps of .github/workflows/release.yml that are worth trying elsewhere.
#
#   release.sh version TAG            fails unless tag, crate and chart agree on the version
#   release.sh archive EXPORTER ARCH DIRECTORY
#                                     writes DIRECTORY/d360_exporter-VERSION.linux-ARCH.tar.gz, named and laid out as Prometheus'
#                                     own exporters; the same input gives the same bytes (SOURCE_DATE_EPOCH)
#   release.sh notes                  prints what the changelog says about the version
#   release.sh images IMAGE DIRECTORY pushes the image archives of both architectures as one image, with REGISTRY_USER and
#                                     REGISTRY_PASSWORD
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "release.sh: $*" >&2
    exit 1
}

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)

check_version() {
    [ "$1" = "v$version" ] || fail "expected the tag v$version, which Cargo.toml names, found $1"
    chart=deploy/helm/d360-exporter/Chart.yaml
    for key in version appVersion; do
        found=$(sed -nE "s/^$key: \"?([^\"]*)\"?$/\\1/p" "$chart")
        [ "$found" = "$version" ] || fail "expected $key $version in $chart, found $found"
    done
    notes >/dev/null
}

archive() {
    name=d360_exporter-$version.linux-$2
    mkdir -p "$3"
    target=$(cd "$3" && pwd)/$name.tar.gz
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    scripts/dist-docs.sh "$1" "$work/$name"
    cp "$1" LICENSE README.md CHANGELOG.md "$work/$name/"
    cp -r deploy/systemd dashboards rules "$work/$name/"
    rm -rf "$work/$name/rules/tests"
    tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r-w \
        --mtime="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" --directory "$work" "$name" | gzip -9n >"$target"
    echo "$target"
}

notes() {
    found=$(awk -v heading="## $version" '$1 == "##" { inside = index($0, heading) == 1; next } inside' CHANGELOG.md)
    [ -n "$found" ] || fail "expected a section \"## $version\" in CHANGELOG.md, found none"
    printf '%s\n' "$found"
}

images() {
    printf '%s' "$REGISTRY_PASSWORD" | docker login --username "$REGISTRY_USER" --password-stdin "${1%%/*}"
    for arch in amd64 arm64; do
        loaded=$(docker load --quiet --input "$2/d360_exporter-image-$arch.tar" | sed 's/^Loaded image[^:]*: //')
        docker tag "$loaded" "$1:$version-$arch"
        docker push "$1:$version-$arch"
    done
    docker buildx imagetools create --tag "$1:$version" "$1:$version-amd64" "$1:$version-arm64"
}

command=${1:-}
[ $# = 0 ] || shift
case "$command $#" in
"version 1") check_version "$1" ;;
"archive 3") archive "$@" ;;
"notes 0") notes ;;
"images 2") images "$@" ;;
*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
