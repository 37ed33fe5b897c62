#!/bin/sh
# Runs simulator, exporter, Prometheus and Alertmanager on loopback, until
# interrupted, with the shipped rules made quick: minutes become seconds, so that
# an alert stands in Alertmanager half a minute after its cause.
#
#   demo-stack.sh [EXPORTER]       the binary; default target/release/d360_exporter
#
# SIMULATOR_PORT, EXPORTER_PORT, PROMETHEUS_PORT and ALERTMANAGER_PORT name other
# ports. Data goes into a temporary folder that is removed at the end.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
exporter=${1:-$root/target/release/d360_exporter}
simulator_port=${SIMULATOR_PORT:-10361}
exporter_port=${EXPORTER_PORT:-10360}
prometheus_port=${PROMETHEUS_PORT:-9090}
alertmanager_port=${ALERTMANAGER_PORT:-9093}
simulator=http://127.0.0.1:$simulator_port
alertmanager=http://127.0.0.1:$alertmanager_port

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
need prometheus-alertmanager prometheus-alertmanager
need curl curl

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

# start NAME COMMAND...: in the background, its words into a log.
start() {
    name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 &
    started="$started $!"
}

# answers NAME URL: waits until a program that was started answers.
answers() {
    for _ in $(seq 300); do
        if curl --silent --fail --output /dev/null --max-time 2 "$2"; then
            return
        fi
        # shellcheck disable=SC2086 # a list of ids
        kill -0 $started 2>/dev/null || break
        sleep 0.2
    done
    tail -n 5 "$work/$1.log" >&2
    fail "expected $1 at $2, found no answer; is its port taken? SIMULATOR_PORT, EXPORTER_PORT, PROMETHEUS_PORT and ALERTMANAGER_PORT name others"
}

# The transformation that rules/README.md explains.
sed -E -e 's/^( +(keep_firing_)?for: [0-9]+)m$/\1s/' -e 's/\[([0-9]+)m\]/[\1s]/g' \
    "$root/rules/d360.rules.yml" >"$work/quick.rules.yml"
sed -E -e 's/(group_wait|group_interval): [0-9]+[sm]$/\1: 5s/' "$root/rules/alertmanager.yml" >"$work/alertmanager.yml"
cat >"$work/prometheus.yml" <<CONFIG
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [quick.rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{targets: ['127.0.0.1:$alertmanager_port']}]
scrape_configs:
  - job_name: d360_exporter
    static_configs: [{targets: ['127.0.0.1:$exporter_port']}]
CONFIG

start simulator "$exporter" simulate --listen "127.0.0.1:$simulator_port"
answers simulator "$simulator/"
D360_API_KEY=demo-key start exporter "$exporter" serve --partner.id=examplePA --api.base-url="$simulator/api/v2" \
    --api.min-rate=10/s --api.max-rate=1000/s --poll.interval=5s --web.listen-address="127.0.0.1:$exporter_port"
answers exporter "http://127.0.0.1:$exporter_port/-/ready"
start alertmanager prometheus-alertmanager --config.file="$work/alertmanager.yml" --storage.path="$work/alertmanager" \
    --web.listen-address="127.0.0.1:$alertmanager_port" --cluster.listen-address=
answers alertmanager "$alertmanager/-/ready"
start prometheus prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/prometheus" \
    --web.listen-address="127.0.0.1:$prometheus_port"
answers prometheus "http://127.0.0.1:$prometheus_port/-/ready"

# Any channel that is ready and rated high.
channel=$(curl --silent --fail "http://127.0.0.1:$exporter_port/metrics" |
    sed -nE 's/^d360_channel_quality_rating\{.*channel_id="([^"]+)".*rating="high"\} 1$/\1/p' | head -n 1)
[ -n "$channel" ] || fail "expected a channel that is rated high, found none"

cat <<TEXT
Exporter:      http://127.0.0.1:$exporter_port/
Prometheus:    http://127.0.0.1:$prometheus_port/alerts
Alertmanager:  $alertmanager/
Drop a rating: curl -X PATCH $simulator/_simulator/channels/$channel -d '{"current_quality_rating":"Low"}'
Then look:     amtool alert query --alertmanager.url=$alertmanager channel_id=$channel
Ctrl-C stops all of it.
TEXT
# A signal ends this wait; so does the end of all programs.
wait
