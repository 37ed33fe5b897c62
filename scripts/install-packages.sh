#!/bin/sh
# Installs the Debian packages named, those that are missing; with sudo only if
# not root. Ends with an error that says what is missing, never silently.
set -eu

missing=
for package in "$@"; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$'; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "error: expected Debian's packages$missing to be installed; found no apt-get to install them with" >&2
    exit 1
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "installing:$missing"
# The services of these packages are not wanted: tests start their own copies
# on free ports.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ "$(id -u)" = 0 ] && [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    made_policy=1
fi
status=0
{
    $sudo apt-get update -qq &&
        # shellcheck disable=SC2086 # a list of names
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
} || status=$?
[ -z "$made_policy" ] || rm -f "$policy"
if [ "$status" != 0 ]; then
    echo "error: cannot install$missing" >&2
    exit 1
fi
