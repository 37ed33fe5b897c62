#!/bin/sh
# Renders the chart with its default values and with each file of examples/, into rendered/: what a change of the chart
# does is seen in its diff. Rules and dashboards are left out there, because they are what rules/ and dashboards/ hold.
#
#   render.sh                writes rendered/
#   render.sh --check        changes nothing; exit 1 if rendered/ is not what the chart gives
#   render.sh --print NAME   one rendering to standard output, with rules and dashboards; NAME is default or an example's
#
# HELM names the program (default: the one that `make test-tools` builds, or helm on PATH). Without one, --check compares the
# checksum of the chart with the one that rendered/ was made from; nothing else works.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
built=$here/../../target/go-tools/helm
if [ -z "${HELM:-}" ]; then
    if [ -x "$built" ]; then
        HELM=$built
    else
        HELM=$(command -v helm || true)
    fi
fi

fail() {
    echo "render.sh: $*" >&2
    exit 1
}

# Over what is the chart's own: names and contents.
checksum() {
    (cd "$here" && find d360-exporter examples -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1)
}

print() {
    set -- "$1" "$here/examples/$1.yaml"
    if [ "$1" = default ]; then
        "$HELM" template d360-exporter "$here/d360-exporter" --namespace d360-exporter
    else
        [ -f "$2" ] || fail "expected default or an example, found $1"
        "$HELM" template d360-exporter "$here/d360-exporter" --namespace d360-exporter --values "$2"
    fi 2>"$work/errors" || {
        grep -v 'symbolic link' "$work/errors" >&2
        fail "expected the chart to render, found the errors above"
    }
}

render() {
    mkdir -p "$1"
    for name in default $(cd "$here/examples" && ls ./*.yaml | sed 's#^\./\(.*\)\.yaml$#\1#'); do
        print "$name" >"$work/whole"
        # Documents begin with `---` and the template that they come from.
        awk '/^---$/ { held = $0; next }
            held && /^# Source: / { shown = !/(prometheusrule|dashboards)\.yaml$/ }
            held { if (shown) print held; held = "" }
            shown { print }' "$work/whole" >"$1/$name.yaml"
    done
    checksum >"$1/made-from.sha256"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case "${1:-} $#" in
"--check 1")
    if [ -n "$HELM" ]; then
        render "$work/rendered"
        diff -r "$here/rendered" "$work/rendered" >&2 ||
            fail "expected rendered/ to be what the chart gives, found the differences above; run deploy/helm/render.sh"
    elif [ "$(cat "$here/rendered/made-from.sha256")" != "$(checksum)" ]; then
        fail "expected rendered/ to be made from this chart, found another checksum; install helm, run deploy/helm/render.sh"
    fi
    ;;
"--print 2")
    [ -n "$HELM" ] || fail "expected the program helm, found none; make test-tools builds it where Go is installed"
    print "$2"
    ;;
" 0")
    [ -n "$HELM" ] || fail "expected the program helm, found none; make test-tools builds it where Go is installed"
    rm -rf "$here/rendered"
    render "$here/rendered"
    ;;
*) fail "expected no argument, --check, or --print and a name, found $*" ;;
esac
