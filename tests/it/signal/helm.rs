//! The Helm chart. What is checked in as its renderings is judged on every machine; what helm itself has to say, where
//! `make test-tools` could build it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::deploy::check;
use super::files::{dashboards, items, list, path, read, text, yaml};
use super::programs::{exporter, said, succeeds};

/// The program, where Go could build it.
fn helm() -> Option<PathBuf> {
    let helm = path("target/go-tools/helm");
    helm.exists().then_some(helm)
}

/// Every resource that the chart gives with values, none without helm.
fn rendered(values: &str) -> Vec<Value> {
    if helm().is_none() {
        return Vec::new();
    }
    let whole = succeeds(Command::new(path("deploy/helm/render.sh")).args(["--print", values]));
    resources(&whole)
}

/// The documents of a YAML stream.
fn resources(stream: &str) -> Vec<Value> {
    let documents = stream.split("\n---\n").filter(|document| document.contains("\nkind:"));
    documents.map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

/// The resources of one kind.
fn of_kind<'a>(resources: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    resources.iter().filter(move |resource| text(resource, "kind") == kind)
}

#[test]
fn the_chart_is_linted_rendered_as_checked_in_and_every_rendering_fits_its_schemas() {
    assert_eq!(succeeds(&mut check("helm")), "ok: helm\n");
}

#[test]
fn without_helm_a_chart_that_was_changed_and_not_rendered_is_refused() {
    let copy = TempDir::new().unwrap();
    succeeds(Command::new("cp").arg("-r").arg(path("deploy/helm")).arg(copy.path()));
    let judged = || {
        let script = copy.path().join("helm/render.sh");
        Command::new("sh").arg(script).arg("--check").env("HELM", "").env("PATH", "/usr/bin:/bin").output().unwrap()
    };
    assert_eq!(said(&judged()), "");
    let template = copy.path().join("helm/d360-exporter/templates/service.yaml");
    std::fs::write(&template, read("deploy/helm/d360-exporter/templates/service.yaml") + "# changed\n").unwrap();
    assert_eq!(
        said(&judged()),
        "render.sh: expected rendered/ to be made from this chart, found another checksum; \
         install helm, run deploy/helm/render.sh\n"
    );
}

#[test]
fn with_default_values_the_chart_holds_rules_and_dashboards_as_shipped() {
    let resources = rendered("default");
    if resources.is_empty() {
        return;
    }
    let rule = of_kind(&resources, "PrometheusRule").next().unwrap();
    let shipped = list("rules", ".rules.yml").into_iter().flat_map(|file| {
        let file: Value = yaml(&file);
        items(&file, "groups").to_vec()
    });
    assert_eq!(items(&rule["spec"], "groups"), shipped.collect::<Vec<_>>());

    let mut boards: Vec<(String, Value)> = of_kind(&resources, "ConfigMap")
        .filter(|map| map["metadata"]["labels"]["grafana_dashboard"] == "1")
        .flat_map(|map| map["data"].as_object().unwrap())
        .map(|(name, json)| (format!("dashboards/{name}"), serde_json::from_str(json.as_str().unwrap()).unwrap()))
        .collect();
    boards.sort_by(|a, b| a.0.cmp(&b.0));
    let shipped: Vec<_> = dashboards().into_iter().map(|dashboard| (dashboard.file, dashboard.json)).collect();
    assert_eq!(boards, shipped);
}

/// By the alert's name, as `prometheusRule.alerts` in deploy/helm/examples/everything.yaml says.
#[test]
fn values_change_thresholds_severities_waiting_times_and_links_of_alerts() {
    let resources = rendered("everything");
    let Some(rule) = of_kind(&resources, "PrometheusRule").find(|rule| rule["metadata"]["name"] == "numbers") else {
        return;
    };
    let rules: Vec<_> = items(&rule["spec"], "groups").iter().flat_map(|group| items(group, "rules")).collect();
    let alert = |name: &str| rules.iter().find(|rule| text(rule, "alert") == name);
    let changed = alert("D360FleetUnreadable").unwrap();
    assert!(text(changed, "expr").contains(">= 0.3") && !text(changed, "expr").contains(">= 0.2"), "{changed}");
    assert_eq!(
        json!([
            changed["for"],
            changed["labels"]["severity"],
            changed["labels"]["team"],
            changed["annotations"]["summary"]
        ]),
        json!(["20m", "warning", "messaging", "Many clients cannot be read."])
    );
    assert!(alert("D360ConfigReloadFailed").is_none());
    let all = rule.to_string();
    assert!(
        all.contains("https://runbooks.example/d360/D360FleetUnreadable")
            && all.contains("https://dashboards.example/d/")
    );
    assert!(!all.contains("d360-exporter.example") && !all.contains("grafana.example"), "a shipped link is left");
}

#[test]
fn a_value_that_changes_nothing_is_refused_with_what_there_is() {
    let Some(helm) = helm() else { return };
    for (setting, expected) in [
        ("sharts=3", "additional properties 'sharts' not allowed"),
        ("shards=0", "at '/shards'"),
        ("settings.D360_API_KEY=secret", "invalid propertyName 'D360_API_KEY'"),
        (
            "prometheusRule.alerts.D360Nonsense.enabled=false",
            "expected names of alerts that the rules have, found D360Nonsense",
        ),
        (
            "prometheusRule.alerts.D360FleetUnreadable.replace[0].from=>= 7,prometheusRule.alerts.D360FleetUnreadable.replace[0].to=>= 8",
            "replace: expected \">= 7\" in the expression, found",
        ),
    ] {
        let mut template = Command::new(&helm);
        template.args(["template", "x"]).arg(path("deploy/helm/d360-exporter")).args(["--set", setting]);
        let output = template.output().unwrap();
        assert!(!output.status.success(), "{setting} was taken");
        assert!(said(&output).contains(expected), "{setting}: {}", said(&output));
    }
}

/// With the keys at a place of the test's.
#[test]
fn the_exporter_takes_the_configuration_that_the_chart_writes() {
    for values in ["default", "everything"] {
        let resources = resources(&read(&format!("deploy/helm/rendered/{values}.yaml")));
        let config = of_kind(&resources, "ConfigMap").find_map(|map| map["data"]["config.yml"].as_str()).unwrap();
        let dir = TempDir::new().unwrap();
        let keys = dir.path().join("keys");
        for partner in ["0", "1"] {
            std::fs::create_dir_all(keys.join(partner)).unwrap();
            std::fs::write(keys.join(partner).join("api-key"), "canary").unwrap();
        }
        let file = dir.path().join("config.yml");
        let config = config.replace("/etc/d360_exporter/keys", keys.to_str().unwrap());
        std::fs::write(&file, config).unwrap();

        let workload = of_kind(&resources, "StatefulSet").next().unwrap();
        let container = &workload["spec"]["template"]["spec"]["containers"][0];
        let mut check = exporter();
        check.arg("check").arg(format!("--config.file={}", file.display()));
        for variable in items(container, "env") {
            let name = text(variable, "name");
            let value = if name == "D360_SHARD" { "2" } else { text(variable, "value") };
            if !["D360_CONFIG_FILE", "D360_STATE_FILE"].contains(&name) {
                check.env(name, value);
            }
        }
        succeeds(&mut check);
    }
}

/// An address changes with every restart, and an alert must not begin anew with each.
#[test]
fn the_label_instance_is_stable_in_every_manifest_that_scrapes() {
    let mut seen = Vec::new();
    let mut judge = |resource: &Value, place: &str| {
        let endpoints = ["endpoints", "podMetricsEndpoints"].map(|key| items(&resource["spec"], key)).concat();
        for endpoint in endpoints {
            let stable = items(&endpoint, "relabelings").iter().find(|rule| text(rule, "targetLabel") == "instance");
            let source = stable.map(|rule| rule["sourceLabels"][0].clone()).unwrap_or_default();
            seen.push((place.to_owned(), text(resource, "kind").to_owned(), source));
        }
    };
    judge(&yaml("deploy/kubernetes/base/servicemonitor.yaml"), "base");
    for values in ["default", "everything"] {
        for resource in resources(&read(&format!("deploy/helm/rendered/{values}.yaml"))) {
            judge(&resource, values);
        }
    }
    let expected = [
        ("base", "ServiceMonitor", "__meta_kubernetes_service_name"),
        ("default", "ServiceMonitor", "__meta_kubernetes_pod_name"),
        ("everything", "PodMonitor", "__meta_kubernetes_pod_name"),
    ];
    let expected = expected.map(|(place, kind, source)| (place.to_owned(), kind.to_owned(), json!(source)));
    assert_eq!(seen, expected);
}
