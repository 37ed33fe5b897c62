#!/bin/sh
# Measures the memory that a fleet costs: runs simulator and exporter on loopback
# until one full cycle is done, scrapes, and prints what the process holds.
#
#   memory.sh EXPORTER CLIENTS CHANNELS_PER_CLIENT
#   memory.sh EXPORTER         writes the table of docs/sizing.md
set -eu

usage() {
    echo "usage: memory.sh EXPORTER [CLIENTS CHANNELS_PER_CLIENT]" >&2
    exit 2
}

[ $# -gt 0 ] && [ -x "$1" ] || usage
if [ $# = 1 ]; then
    page=$(dirname "$0")/../docs/sizing.md
    rows=$(mktemp)
    printf '\n| clients | channels | resident memory |\n|---|---|---|\n' >"$rows"
    for fleet in '40 3' '400 3' '2000 5' '20000 5'; do
        # shellcheck disable=SC2086 # two numbers
        "$0" "$1" $fleet | awk -v fleet="$fleet" '/^process_resident/ {
            split(fleet, n, " "); printf "| %d | %d | %d MiB |\n", n[1], n[1] * n[2], $2 / 1048576 + 0.5
        }' >>"$rows"
    done
    echo >>"$rows"
    sed -i -e "/^<!-- memory -->$/r $rows" -e '/^<!-- memory -->$/,/^<!-- \/memory -->$/ {/memory -->$/!d}' "$page"
    rm -f "$rows"
    exit
fi
[ $# = 3 ] || usage
work=$(mktemp -d)
started=
stop() {
    # shellcheck disable=SC2086 # a list of ids
    [ -z "$started" ] || kill $started 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

# address LOG WORD: the address in the first line of a log with that word.
address() {
    for _ in $(seq 600); do
        found=$(sed -nE "/$2/s/.*(127\.0\.0\.1:[0-9]+).*/\1/p" "$1" | head -n 1)
        [ -z "$found" ] || { echo "$found"; return; }
        sleep 0.1
    done
    cat "$1" >&2
    echo "memory.sh: expected an address, found none" >&2
    exit 1
}

"$1" simulate --listen=127.0.0.1:0 --clients="$2" --channels-per-client="$3" >"$work/simulator" 2>&1 &
started=$!
simulator=$(address "$work/simulator" 'Partner API')
D360_API_KEY=demo-key "$1" serve --partner.id=examplePA --api.base-url="http://$simulator/api/v2" \
    --api.min-rate=1000/s --api.max-rate=1000/s --poll.interval=1h --poll.max-staleness=2h \
    --web.listen-address=127.0.0.1:0 >"$work/exporter" 2>&1 &
started="$started $!"
exporter=$(address "$work/exporter" listening)
until curl --silent --fail --output /dev/null "http://$exporter/-/ready"; do
    sleep 0.2
done
# One scrape, because answers take memory, too.
curl --silent --fail --compressed --output /dev/null "http://$exporter/metrics"
curl --silent --fail "http://$exporter/metrics?name[]=d360_exporter_series&name[]=process_resident_memory_bytes" |
    grep -v '^#'
