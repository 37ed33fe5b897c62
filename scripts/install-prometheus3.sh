#!/bin/sh
# Builds Prometheus 3 and its promtool with Go, once.
#
#   install-prometheus3.sh DIRECTORY
set -eu
version=v0.316.0 # the Go module's number for Prometheus 3.16.0

[ $# = 1 ] || { echo "usage: install-prometheus3.sh DIRECTORY" >&2; exit 2; }
[ "$(cat "$1/.installed" 2>/dev/null)" != "$version" ] || exit 0
command -v go >/dev/null 2>&1 || { echo "error: expected Go to build Prometheus 3 with, found none on PATH" >&2; exit 1; }
echo "building Prometheus 3 into $1"
mkdir -p "$1"
module=github.com/prometheus/prometheus/cmd
CGO_ENABLED=0 GOBIN=$1 go install -trimpath -ldflags=-s "$module/prometheus@$version" "$module/promtool@$version" >"$1/log" 2>&1 || {
    tail -n 3 "$1/log" >&2
    echo "error: cannot build Prometheus 3" >&2
    exit 1
}
rm -f "$1/log"
echo "$version" >"$1/.installed"
