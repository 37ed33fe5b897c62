#!/bin/sh
# Checks everything in deploy/ without starting any of it.
#
#   check.sh              all parts but kustomize
#   check.sh PART...      some of: yaml compose prometheus kubernetes helm kustomize systemd
#   check.sh install      only installs what the parts need in Python
#
# PYTHON   interpreter that has schemas/requirements.txt installed; without it a virtual environment is made in
#          CACHE_DIR (default: d360_exporter-deploy in the user's cache directory).
#
# `kustomize` renders the manifests first, with a kubectl of 1.22 or newer, which Debian does not have; `kubernetes`
# judges them as they stand.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/d360_exporter-deploy}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "check.sh: $*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || fail "expected the program $1, found none on PATH; install $2"
}

python() {
    if [ -z "${PYTHON:-}" ]; then
        need python3 python3
        if ! cmp -s "$here/schemas/requirements.txt" "$cache/requirements.txt"; then
            python3 -m venv "$cache/venv" >&2
            "$cache/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
                -r "$here/schemas/requirements.txt" >&2
            cp "$here/schemas/requirements.txt" "$cache/requirements.txt"
        fi
        PYTHON=$cache/venv/bin/python
    fi
    "$PYTHON" "$@"
}

check_yaml() {
    # shellcheck disable=SC2046  # no file of deploy/ has a blank in its name
    python "$here/schemas/validate.py" yaml $(find "$here" -path '*/templates' -prune -o \( -name '*.yaml' -o -name '*.yml' \) -print)
}

check_compose() {
    python -m check_jsonschema --builtin-schema vendor.compose-spec "$here/compose.yaml" >"$work/compose" 2>&1 || {
        cat "$work/compose" >&2
        fail "expected a compose file of the Compose Specification, found the errors above"
    }
    python "$here/schemas/validate.py" compose "$here/compose.yaml"
}

check_prometheus() {
    need promtool "Prometheus"
    need amtool "Alertmanager"
    promtool check config "$here/prometheus/prometheus.yml" >"$work/promtool" || {
        cat "$work/promtool" >&2
        fail "expected a valid prometheus.yml with valid rules, found the errors above"
    }
    grep -q 'rules found' "$work/promtool" || fail "expected prometheus.yml to find the files in rules/, found none"
    amtool check-config "$here/../rules/alertmanager.yml" >/dev/null
}

check_kubernetes() {
    "$here/kubernetes/prometheusrule.sh" --check
    # shellcheck disable=SC2046  # no file of deploy/ has a blank in its name
    python "$here/schemas/validate.py" kubernetes $(find "$here/kubernetes" -name '*.yaml')
}

# Without helm: that what is rendered was made from this chart, and fits. With it: that it still is, and that rules and
# dashboards fit, too.
check_helm() {
    "$here/helm/render.sh" --check
    # shellcheck disable=SC2046  # no file of deploy/ has a blank in its name
    python "$here/schemas/validate.py" kubernetes $(find "$here/helm/rendered" -name '*.yaml')
    helm=${HELM:-$here/../target/go-tools/helm}
    [ -x "$helm" ] || helm=$(command -v helm) || return 0
    for values in default $(cd "$here/helm/examples" && ls ./*.yaml | sed 's#^\./\(.*\)\.yaml$#\1#'); do
        "$here/helm/render.sh" --print "$values" >"$work/rendered.yaml"
        python "$here/schemas/validate.py" kubernetes "$work/rendered.yaml"
        set -- "$here/helm/d360-exporter"
        [ "$values" = default ] || set -- "$@" --values "$here/helm/examples/$values.yaml"
        "$helm" lint --strict --quiet "$@" >"$work/lint" 2>"$work/errors" || {
            cat "$work/lint" >&2
            fail "expected a chart that helm lint passes with the values $values, found what stands above"
        }
    done
}

check_kustomize() {
    need kubectl "kubectl, whose kustomize renders the manifests"
    kubectl kustomize "$here/kubernetes" >"$work/one.yaml"
    kubectl kustomize "$here/kubernetes/shards" >"$work/shards.yaml"
    kubectl kustomize --load-restrictor LoadRestrictionsNone "$here/kubernetes/dashboards" >"$work/dashboards.yaml"
    python "$here/schemas/validate.py" kubernetes "$work/one.yaml" "$work/shards.yaml" "$work/dashboards.yaml"
}

check_systemd() {
    need systemd-analyze "systemd"
    # verify wants the binary to exist; any executable will do.
    unit=$work/d360_exporter.service
    sed "s#^ExecStart=/usr/bin/d360_exporter#ExecStart=$(command -v true)#" \
        "$here/systemd/d360_exporter.service" >"$unit"
    # A misspelt setting is only a warning there, and the hardening it meant is gone.
    systemd-analyze verify --man=no "$unit" >"$work/verify" 2>&1 && [ ! -s "$work/verify" ] || {
        cat "$work/verify" >&2
        fail "expected a unit without warnings, found what stands above"
    }
    systemd-analyze security --offline=yes --threshold=20 "$here/systemd/d360_exporter.service" >"$work/security" || {
        cat "$work/security" >&2
        fail "expected an exposure below 2.0, found what stands above"
    }
}

check_install() {
    python -c ''
}

[ $# -gt 0 ] || set -- yaml compose prometheus kubernetes helm systemd
for part in "$@"; do
    case $part in
    yaml | compose | prometheus | kubernetes | helm | kustomize | systemd | install)
        "check_$part"
        echo "ok: $part"
        ;;
    *) fail "expected yaml, compose, prometheus, kubernetes, helm, kustomize, systemd or install, found $part" ;;
    esac
done
