#!/bin/sh
# Builds the Go programs that tests call, at fixed versions, into the build directory, where Go is installed:
#
#   helm         renders and lints deploy/helm; without it the renderings are compared by the checksum of what made them
#   actionlint   judges .github/workflows; without it they are judged as YAML of a known shape
#
# The first build takes some minutes. A machine without Go, or with one that can't build them, goes without.
set -eu
tools=$(dirname "$0")/../${CARGO_TARGET_DIR:-target}/go-tools
case ${CARGO_TARGET_DIR:-} in /*) tools=$CARGO_TARGET_DIR/go-tools ;; esac
wanted='helm.sh/helm/v4/cmd/helm@v4.3.1 github.com/rhysd/actionlint/cmd/actionlint@v1.7.12'

[ "$(cat "$tools/.installed" 2>/dev/null)" != "$wanted" ] || exit 0
command -v go >/dev/null 2>&1 || exit 0
echo "building helm and actionlint into $tools"
rm -rf "$tools"
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
for module in $wanted; do
    # Nothing that is linked in C: a compiler less to need, and the build is shorter.
    CGO_ENABLED=0 GOBIN=$tools GOFLAGS=-mod=mod go install -trimpath -ldflags=-s "$module" >"$tools/log" 2>&1 || {
        tail -n 3 "$tools/log" >&2
        echo "cannot build $module with $(go version); the tests go without it" >&2
        rm -rf "$tools"
        exit 0
    }
done
rm -f "$tools/log"
printf '%s\n' "$wanted" >"$tools/.installed"
