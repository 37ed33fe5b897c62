#!/bin/sh
# Runs simulator, exporter, Prometheus and Alertmanager on loopback, until interrupted, with the shipped rules made quick:
# minutes become seconds, so that an alert stands in Alertmanager half a minute after its cause.
#
#   demo-stack.sh [EXPORTER]       the binary; default target/release/d360_exporter
#
# Each program gets its usual port, or the next free one; SIMULATOR_PORT, EXPORTER_PORT, PROMETHEUS_PORT and
# ALERTMANAGER_PORT name others. Before a program is spoken to, the kernel has to say that its port belongs to the process
# that was started here: a Prometheus or Alertmanager that already runs on this machine is never asked and never told
# anything. No notification is sent. Data goes into a temporary directory that is removed at the end.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
exporter=${1:-$root/target/release/d360_exporter}

fail() {
    echo "demo-stack.sh: $*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 ||
        fail "expected the program $1, found none on PATH; install Debian's package $2"
}

[ -x "$exporter" ] || fail "expected the exporter at $exporter, found none; build it with cargo build --release"
need prometheus prometheus
need curl curl
# Debian has another name for it than its makers.
alertmanager_program=alertmanager
command -v alertmanager >/dev/null 2>&1 || alertmanager_program=prometheus-alertmanager
need "$alertmanager_program" prometheus-alertmanager

# Settings of a real exporter, and proxies, are none of the demo's business.
for name in $(env | sed -nE 's/^(D360_[A-Z0-9_]+|[a-z]+_proxy|[A-Z]+_PROXY)=.*/\1/p'); do
    unset "$name"
done

work=$(mktemp -d)
started=
stop() {
    trap '' INT TERM HUP
    # shellcheck disable=SC2086 # a list of ids
    [ -z "$started" ] || kill $started 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 0' INT TERM HUP

# listening PORT: the inodes of the sockets that listen on a port, on any address.
listening() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v "port=$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }'
}

# owns PID PORT: whether the process listens on the port.
owns() {
    for inode in $(listening "$2"); do
        for descriptor in "/proc/$1/fd"/*; do
            [ "$(readlink "$descriptor" 2>/dev/null)" != "socket:[$inode]" ] || return 0
        done
    done
    return 1
}

# opens NAME PID PORT: waits until the process listens on the port. 1: the process ended because somebody else does.
opens() {
    for _ in $(seq 300); do
        ! owns "$2" "$3" || return 0
        if ! kill -0 "$2" 2>/dev/null; then
            ! grep -qi 'address already in use' "$work/$1.log" || return 1
            break
        fi
        sleep 0.1
    done
    tail -n 5 "$work/$1.log" >&2
    fail "expected $1 to listen on port $3, found that it does not; its last words stand above"
}

# start NAME CHOSEN USUAL READY COMMAND...: starts a program in the background, on the port that was chosen or from the usual
# one up, with PORT in its arguments replaced; waits until it answers at the path READY. The port is left in $port.
start() {
    name=$1 chosen=$2 usual=$3 ready=$4
    shift 4
    port=${chosen:-$usual}
    while :; do
        if [ -n "$(listening "$port")" ]; then
            [ -z "$chosen" ] || fail "expected port $chosen to be free for $name, found that it is taken"
        else
            others=$started
            run "$name" "$port" "$@"
            started="$others $pid"
            if opens "$name" "$pid" "$port"; then
                break
            fi
            started=$others
            [ -z "$chosen" ] || fail "expected port $chosen to be free for $name, found that it is taken"
        fi
        port=$((port + 1))
        [ "$port" -lt $((usual + 100)) ] || fail "expected a free port for $name from $usual up, found none in a hundred"
    done
    for _ in $(seq 300); do
        ! curl --silent --fail --output /dev/null --max-time 2 "http://127.0.0.1:$port$ready" || return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    tail -n 5 "$work/$name.log" >&2
    fail "expected $name to answer at http://127.0.0.1:$port$ready, found no answer; its last words stand above"
}

# run NAME PORT COMMAND...: the id of the process is left in $pid.
run() {
    log=$work/$1.log with=$2
    shift 2
    for argument in "$@"; do
        shift
        case $argument in
        *PORT*) set -- "$@" "${argument%%PORT*}$with${argument#*PORT}" ;;
        *) set -- "$@" "$argument" ;;
        esac
    done
    "$@" >"$log" 2>&1 &
    pid=$!
}

# The transformation that rules/README.md explains.
sed -E -e 's/^( +(interval|(keep_firing_)?for): [0-9]+)m$/\1s/' -e 's/\[([0-9]+)m\]/[\1s]/g' \
    "$root/rules/d360.rules.yml" >"$work/quick.rules.yml"
# The shipped routes and inhibitions; receivers keep their names alone, so that nobody is told.
awk '/^[a-z]/ { receivers = /^receivers:/; templates = /^templates:/ }
    templates || receivers && !/^receivers:/ && !/^  - name:/ { next }
    { print }' "$root/rules/alertmanager.yml" |
    sed -E -e 's/(group_wait|group_interval): [0-9]+[sm]$/\1: 5s/' >"$work/alertmanager.yml"

start simulator "${SIMULATOR_PORT:-}" 10361 / "$exporter" simulate --listen 127.0.0.1:PORT
simulator=http://127.0.0.1:$port
export D360_API_KEY=demo-key
start exporter "${EXPORTER_PORT:-}" 10360 /-/ready "$exporter" serve --partner.id=examplePA \
    --api.base-url="$simulator/api/v2" --api.min-rate=10/s --api.max-rate=1000/s --poll.interval=5s \
    --web.listen-address=127.0.0.1:PORT
exporter_address=127.0.0.1:$port
unset D360_API_KEY
start alertmanager "${ALERTMANAGER_PORT:-}" 9093 /-/ready "$alertmanager_program" \
    --config.file="$work/alertmanager.yml" --storage.path="$work/alertmanager" \
    --web.listen-address=127.0.0.1:PORT --web.external-url=http://127.0.0.1:PORT/ --cluster.listen-address=
alertmanager=127.0.0.1:$port
cat >"$work/prometheus.yml" <<CONFIG
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [quick.rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{targets: ['$alertmanager']}]
scrape_configs:
  - job_name: d360_exporter
    static_configs: [{targets: ['$exporter_address']}]
CONFIG
start prometheus "${PROMETHEUS_PORT:-}" 9090 /-/ready prometheus \
    --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/prometheus" \
    --web.listen-address=127.0.0.1:PORT --web.external-url=http://127.0.0.1:PORT/

# Any channel that is ready and rated high.
channel=$(curl --silent --fail "http://$exporter_address/metrics" |
    sed -nE 's/^d360_channel_quality_rating\{.*channel_id="([^"]+)".*rating="high"\} 1$/\1/p' | head -n 1)
[ -n "$channel" ] || fail "expected a channel that is rated high, found none"

cat <<TEXT
Exporter:      http://$exporter_address/
Prometheus:    http://127.0.0.1:$port/alerts
Alertmanager:  http://$alertmanager/
Drop a rating: curl -X PATCH $simulator/_simulator/channels/$channel -d '{"current_quality_rating":"Low"}'
Then look:     amtool alert query --alertmanager.url=http://$alertmanager channel_id=$channel
Ctrl-C stops all of it.
TEXT
# Until a signal, or one of the programs ends by itself.
while :; do
    for pid in $started; do
        kill -0 "$pid" 2>/dev/null || {
            tail -n 3 "$work"/*.log >&2
            fail "expected all programs to run, found that one has ended; their last words stand above"
        }
    done
    # In the background, because a signal interrupts a wait and not a program.
    sleep 1 &
    wait $!
done
