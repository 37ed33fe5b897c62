#!/bin/sh
# Checks that the oldest Rust that Cargo.toml promises (`rust-version`) builds the
# program: with that toolchain if rustup has it, else with the one that is
# installed if it is that version. Fails, and says why, if there is neither.
set -eu
cd "$(dirname "$0")/.."
promised=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
installed=$(rustc --version | cut -d' ' -f2)
case $installed in
    "$promised" | "$promised".*)
        exec cargo check --locked --all-targets
        ;;
esac
if command -v rustup >/dev/null && rustup toolchain list | grep -q "^$promised"; then
    exec cargo "+$promised" check --locked --all-targets
fi
echo "error: expected Rust $promised (rust-version in Cargo.toml) to be installed, found $installed; \
install it with \`rustup toolchain install $promised\`, or raise rust-version" >&2
exit 1
