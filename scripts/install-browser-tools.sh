#!/bin/sh
# Installs what looks at the status page in a browser, as tests/browser/package-lock.json
# pins it, into target/browser.
set -eu
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null; then
    echo "error: expected the program npm, found none; install the Debian package npm" >&2
    exit 1
fi
tools="${CARGO_TARGET_DIR:-target}/browser"
lock=package-lock.json
[ -d "$tools/node_modules" ] && cmp -s "tests/browser/$lock" "$tools/$lock" && exit 0
mkdir -p "$tools"
cp tests/browser/package.json "$tools/"
echo "installing what tests/browser/$lock pins"
cp "tests/browser/$lock" "$tools/$lock"
# An installation that broke off must not look like one that is there.
npm ci --prefix "$tools" --ignore-scripts --no-audit --no-fund --silent || {
    rm -rf "$tools/node_modules"
    echo "error: cannot install what tests/browser/$lock pins" >&2
    exit 1
}
