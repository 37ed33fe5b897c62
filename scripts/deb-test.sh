#!/bin/bash
# Installs the Debian package in a clean Debian, upgrades it, removes and purges it, and looks at what is there after each
# step. `make deb-test` builds the package first. Needs root, cargo-deb and the Debian package debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
root=$work/root
cleanup() {
    umount "$root/proc" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "deb-test.sh: $*" >&2
    exit 1
}

# holds FILE: whether the root has it; gone FILE: whether it has not.
holds() { [ -e "$root/$1" ] || fail "expected /$1 after the $step, found none"; }
gone() { [ ! -e "$root/$1" ] || fail "expected no /$1 after the $step, found it"; }
inside() { DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
# Everything but what dpkg writes about itself.
files() { (cd "$root" && find . -path ./proc -prune -o -path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -path ./var/cache -prune -o -print | sort); }

new=$work/$(basename "$(ls -t target/debian/*.deb | head -n 1)")
# Put aside, because the next line cleans up there.
cp "target/debian/$(basename "$new")" "$new"
# The same program as a version of long ago.
cargo deb --quiet --locked --no-build --fast --deb-version 0.0.1-1 --output "$work/old.deb"
SECONDS=0
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
# deb-systemd-helper comes with init-system-helpers, which is in every Debian; systemd itself need not be there.
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/log" 2>&1 || { tail "$work/log" >&2; exit 1; }
mount -t proc proc "$root/proc"
cp "$work/old.deb" "$root/old.deb"
cp "$new" "$root/new.deb"
files >"$work/before"

step=installation
inside dpkg --install /old.deb >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "expected the package to install on a minimal Debian, found the errors above"; }
inside d360_exporter --version
for file in usr/lib/systemd/system/d360_exporter.service etc/d360_exporter/d360_exporter.env \
    usr/share/man/man1/d360_exporter.1.gz usr/share/bash-completion/completions/d360_exporter; do
    holds "$file"
done
[ "$(stat -c '%a %u' "$root/etc/d360_exporter/d360_exporter.env")" = '644 0' ] || fail "expected the settings to be root's, mode 644"
gone etc/systemd/system/multi-user.target.wants/d360_exporter.service
status=0
inside env D360_PARTNER_ID=examplePA d360_exporter check >"$work/log" 2>&1 || status=$?
[ "$status" = 2 ] || { cat "$work/log" >&2; fail "expected check to ask for a key with exit code 2, found $status"; }

step=upgrade
echo 'D360_POLL_INTERVAL=7m' >>"$root/etc/d360_exporter/d360_exporter.env"
echo secret >"$root/etc/d360_exporter/api_key"
inside dpkg --install /new.deb >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "expected the package to upgrade, found the errors above"; }
[ "$(inside dpkg-query --show --showformat '${Status} ${Version}' d360-exporter)" = "install ok installed $(dpkg-deb --field "$new" Version)" ] ||
    fail "expected the new version to be installed"
grep -q '^D360_POLL_INTERVAL=7m$' "$root/etc/d360_exporter/d360_exporter.env" || fail "expected changed settings to survive the upgrade"
inside d360_exporter --version

step=removal
inside dpkg --remove d360-exporter >"$work/log" 2>&1
gone usr/bin/d360_exporter
holds etc/d360_exporter/d360_exporter.env

step=purge
inside dpkg --purge d360-exporter >"$work/log" 2>&1
gone etc/d360_exporter/d360_exporter.env
# The key is the administrator's, not the package's.
holds etc/d360_exporter/api_key
rm -r "${root:?}/etc/d360_exporter"
files >"$work/after"
diff "$work/before" "$work/after" || fail "expected the purge to leave nothing, found what stands above"
echo "$(basename "$new") ($(stat -c %s "$new" | numfmt --to=iec)): installed, upgraded, removed and purged in a clean Debian in $SECONDS s"
