#!/bin/sh
# Writes the manual pages and the completions of an exporter.
#
#   dist-docs.sh EXPORTER DIRECTORY      DIRECTORY/man/*.1 and DIRECTORY/completions/*; what was there goes
set -eu

[ $# = 2 ] && [ -x "$1" ] || {
    echo "usage: dist-docs.sh EXPORTER DIRECTORY" >&2
    exit 2
}
rm -rf "$2"
mkdir -p "$2/completions"
"$1" man "$2/man"
"$1" completions bash >"$2/completions/d360_exporter.bash"
"$1" completions zsh >"$2/completions/_d360_exporter"
"$1" completions fish >"$2/completions/d360_exporter.fish"
