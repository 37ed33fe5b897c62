#!/bin/sh
# Installs the Python packages that the checks and tests call, pinned, into the
# build directory: nothing of the machine changes.
set -eu
directory=${CARGO_TARGET_DIR:-target}/python
requirements=$(dirname "$0")/python-packages.txt

if cmp -s "$requirements" "$directory/.installed"; then
    exit 0
fi
python3 -m pip --version >/dev/null 2>&1 || "$(dirname "$0")/install-packages.sh" python3 python3-pip
echo "installing Python packages into $directory"
rm -rf "$directory"
if ! python3 -m pip install --quiet --root-user-action ignore --disable-pip-version-check --no-deps --target "$directory" -r "$requirements"; then
    echo "error: cannot install the packages of $requirements" >&2
    exit 1
fi
cp "$requirements" "$directory/.installed"
