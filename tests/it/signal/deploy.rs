//! `deploy/`: its own check passes, and refuses what is wrong.

use std::process::Command;

use tempfile::TempDir;

use super::files::path;
use super::programs::{command, said, succeeds};

/// Where `make test` installs the Python packages of the check.
const CACHE: &str = "target/deploy-check";

/// The check, one part of it.
pub(super) fn check(part: &str) -> Command {
    let python = path(CACHE).join("venv/bin/python");
    assert!(python.exists(), "expected {}, found none: run make test-tools", python.display());
    let mut check = Command::new(path("deploy/check.sh"));
    check.arg(part).env("CACHE_DIR", path(CACHE)).env_remove("PYTHON");
    check
}

#[test]
fn every_file_is_yaml_with_no_key_twice() {
    assert_eq!(succeeds(&mut check("yaml")), "ok: yaml\n");
}

#[test]
fn the_compose_file_fits_its_specification_and_is_hardened() {
    assert_eq!(succeeds(&mut check("compose")), "ok: compose\n");
}

#[test]
fn prometheus_and_alertmanager_accept_what_the_compose_file_provisions() {
    command("promtool", "prometheus");
    command("amtool", "prometheus-alertmanager");
    assert_eq!(succeeds(&mut check("prometheus")), "ok: prometheus\n");
}

/// `kustomize` is not run: Debian's kubectl is older than the manifests need. They are judged as they stand.
#[test]
fn manifests_fit_their_schemas_are_hardened_and_hold_the_rules_as_shipped() {
    assert_eq!(succeeds(&mut check("kubernetes")), "ok: kubernetes\n");
}

#[test]
fn the_unit_has_no_warning_and_an_exposure_below_2() {
    command("systemd-analyze", "systemd");
    assert_eq!(succeeds(&mut check("systemd")), "ok: systemd\n");
}

/// A core file would hold the API key, which no redaction reaches.
#[test]
fn the_unit_leaves_no_core_file() {
    let unit = std::fs::read_to_string(path("deploy/systemd/d360_exporter.service")).unwrap();
    let limits: Vec<&str> = unit.lines().filter(|line| line.starts_with("LimitCORE")).collect();
    assert_eq!(limits, ["LimitCORE=0"]);
}

/// What the check says of a copy of the manifests in which one text stands for another.
fn refused(file: &str, from: &str, to: &str) -> String {
    let copy = TempDir::new().unwrap();
    let kubernetes = copy.path().join("kubernetes");
    succeeds(Command::new("cp").arg("-r").arg(path("deploy/kubernetes")).arg(&kubernetes));
    let changed = kubernetes.join(file);
    let text = std::fs::read_to_string(&changed).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    std::fs::write(&changed, text.replacen(from, to, 1)).unwrap();
    let mut validate = Command::new(path(CACHE).join("venv/bin/python"));
    validate.arg(path("deploy/schemas/validate.py")).arg("kubernetes").arg(&changed);
    let output = validate.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    said(&output).replace(&format!("{}/", kubernetes.display()), "").trim_end().to_owned()
}

#[test]
fn a_field_that_the_operator_does_not_know_is_refused() {
    assert_eq!(
        refused("base/servicemonitor.yaml", "sampleLimit", "sampleLimits"),
        "base/servicemonitor.yaml: ServiceMonitor d360-exporter: at $.spec: \
         Additional properties are not allowed ('sampleLimits' was unexpected)"
    );
    let finding = refused("base/prometheusrule.yaml", "keep_firing_for", "keep_firing");
    assert!(
        finding.starts_with("base/prometheusrule.yaml: PrometheusRule d360-exporter: at $.spec.groups["),
        "{finding}"
    );
    assert!(finding.ends_with("Additional properties are not allowed ('keep_firing' was unexpected)"), "{finding}");
}

#[test]
fn a_duration_that_the_operator_can_not_read_is_refused() {
    let finding = refused("base/servicemonitor.yaml", "interval: 30s", "interval: 30sec");
    let expected = "base/servicemonitor.yaml: ServiceMonitor d360-exporter: at $.spec.endpoints[0].interval: '30sec' does not match";
    assert!(finding.starts_with(expected), "{finding}");
}

#[test]
fn a_misspelt_hardening_is_refused_as_an_unknown_field_and_as_missing() {
    let finding = refused("deployment.yaml", "readOnlyRootFilesystem", "readOnlyRootFileSystem");
    assert!(finding.contains("against Kubernetes 1.28: at "), "{finding}");
    assert!(
        finding.contains("expected container securityContext readOnlyRootFilesystem True, found None"),
        "{finding}"
    );
}

#[test]
fn a_patch_that_does_not_apply_is_refused() {
    let finding = refused("shards/kustomization.yaml", "/spec/endpoints/0/", "/spec/endpoints/3/");
    let expected = "shards/kustomization.yaml: expected a patch that applies to ('ServiceMonitor', 'd360-exporter')";
    assert!(finding.starts_with(expected), "{finding}");
}
