//! Every name that dashboards, rules and Alertmanager's configuration use exists: families, labels, closed label values,
//! columns of tables, dashboards, variables, runbooks, alerts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::files::{self, Dashboard, Target, alerts, captures, dashboards, items, path, text, yaml};
use super::promql::{Known, Labels};

#[track_caller]
fn none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn rules_read_only_what_exists() {
    let known = Known::new();
    let judge = |rule: &files::Rule| {
        let found = known.judge(&rule.expr).1;
        found.into_iter().map(|why| format!("{}: {why}", rule.name())).collect::<Vec<_>>()
    };
    none(&files::rules().iter().flat_map(judge).collect::<Vec<_>>());
}

#[test]
fn recording_rules_are_called_level_metric_operations_and_none_is_recorded_twice() {
    let mut seen = BTreeSet::new();
    for rule in files::rules().iter().filter(|rule| rule.record.is_some()) {
        let parts: Vec<_> = rule.name().split(':').collect();
        assert!(
            matches!(parts[..], [level, metric, operations]
            if !level.is_empty() && metric.starts_with("d360_") && !operations.is_empty()),
            "{}",
            rule.name()
        );
        assert!(Known::new().has(parts[1]), "{} speaks of no family", rule.name());
        assert!(seen.insert((rule.name().to_owned(), rule.labels.clone())), "{} is recorded twice", rule.name());
    }
}

#[test]
fn dashboards_read_only_what_exists() {
    let known = Known::new();
    let judge = |target: &Target| {
        let found = known.judge(&target.expr).1;
        found.into_iter().map(|why| format!("{}: {why}", target.place)).collect::<Vec<_>>()
    };
    let targets: Vec<_> = dashboards().iter().flat_map(Dashboard::all_targets).collect();
    none(&targets.iter().flat_map(judge).collect::<Vec<_>>());
}

/// The expression and the label that a variable asks for. One that shows more than the label takes both from a pattern,
/// and the label is its own name.
pub(super) fn asked(query: &str) -> (String, Option<String>) {
    if let Some(expr) = captures(r"(?s)^query_result\((.+)\)$", query).pop() {
        return (expr, None);
    }
    let expr = captures(r"(?s)^label_values\((.+), \w+\)$", query).pop().unwrap_or_else(|| panic!("{query}"));
    (expr, captures(r"(?s)^label_values\(.+, (\w+)\)$", query).pop())
}

#[test]
fn variables_of_dashboards_ask_for_labels_that_exist() {
    let known = Known::new();
    let mut findings = Vec::new();
    for dashboard in dashboards() {
        for variable in dashboard.variables().iter().filter(|v| text(v, "type") == "query") {
            let query = text(variable, "query");
            let (expr, label) = asked(query);
            let (labels, found) = known.judge(&expr);
            findings.extend(found);
            let name = text(variable, "name").to_owned();
            if !labels.contains(&name) || label.is_some_and(|label| label != name) {
                findings.push(format!("{}: {query}: found only {labels:?}", dashboard.file));
            }
        }
    }
    none(&findings);
}

/// The columns that a panel's table has, or its series as Grafana calls them.
fn columns(known: &Known, targets: &[Target]) -> Labels {
    let mut columns = Labels::from(["Time".to_owned(), "Value".to_owned()]);
    for target in targets {
        columns.extend(known.judge(&target.expr).0);
        columns.insert(format!("Value #{}", target.ref_id));
    }
    columns
}

/// Names of columns that transformations, overrides and links of a panel use.
fn named_columns(panel: &Value) -> Vec<String> {
    let mut named = Vec::new();
    for transformation in items(panel, "transformations") {
        let options = &transformation["options"];
        for key in ["excludeByName", "indexByName", "renameByName"] {
            named.extend(options[key].as_object().into_iter().flat_map(|map| map.keys().cloned()));
        }
        named.extend(items(options, "conversions").iter().map(|c| text(c, "targetField").to_owned()));
        named.extend(items(options, "filters").iter().map(|f| text(f, "fieldName").to_owned()));
    }
    named.extend(captures(r"\$\{__data\.fields\.([^}]+)\}", &panel.to_string()));
    named
}

#[test]
fn tables_and_legends_name_only_columns_that_their_queries_return() {
    let known = Known::new();
    let mut findings = Vec::new();
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            let targets = dashboard.targets(panel);
            let mut columns = columns(&known, &targets);
            for target in &targets {
                let labels = known.judge(&target.expr).0;
                let named = captures(r"\{\{\s*(\w+)\s*\}\}", &target.legend);
                let missing = named.iter().filter(|label| !labels.contains(*label));
                findings.extend(missing.map(|label| format!("{}: legend {label}: {labels:?}", target.place)));
            }
            let missing = |name: &String| !columns.contains(name);
            let place = dashboard.place(panel);
            findings.extend(named_columns(panel).iter().filter(|n| missing(n)).map(|n| format!("{place}: column {n}")));

            // Overrides may name what a query returns, a plain legend, or a series by the value of its labels.
            columns.extend(targets.iter().map(|target| target.legend.clone()));
            let series = targets.iter().any(|target| target.legend.contains("{{"));
            for of in items(&panel["fieldConfig"], "overrides") {
                let name = text(&of["matcher"], "options");
                if text(&of["matcher"], "id") == "byName" && !series && !columns.contains(name) {
                    findings.push(format!("{place}: override of {name}"));
                }
            }
        }
    }
    none(&findings);
}

#[test]
fn links_of_dashboards_lead_to_dashboards_variables_and_runbooks_that_exist() {
    let all = dashboards();
    let uids: BTreeSet<_> = all.iter().map(|dashboard| text(&dashboard.json, "uid")).collect();
    assert_eq!(uids, BTreeSet::from(["d360-channel", "d360-exporter", "d360-fleet"]));
    let variables_of = |uid: &str| {
        let of = all.iter().find(|dashboard| text(&dashboard.json, "uid") == uid);
        of.map(|dashboard| dashboard.variables().iter().map(|v| text(v, "name").to_owned()).collect::<BTreeSet<_>>())
    };
    let mut findings = Vec::new();
    for dashboard in &all {
        let raw = dashboard.json.to_string();
        let own = variables_of(text(&dashboard.json, "uid")).unwrap();
        for link in captures(r#"(/d/[^"\s]+)"#, &raw) {
            let uid = captures(r"^/d/([\w-]+)", &link).pop().unwrap_or_default();
            let Some(theirs) = variables_of(&uid) else {
                findings.push(format!("{}: {link}: no such dashboard", dashboard.file));
                continue;
            };
            for name in captures(r"\$\{(\w+):queryparam\}", &link) {
                if !(own.contains(&name) && theirs.contains(&name)) {
                    findings.push(format!("{}: {link}: variable {name}", dashboard.file));
                }
            }
            let set = captures(r"var-(\w+)=", &link).into_iter().filter(|name| !theirs.contains(name));
            findings.extend(set.map(|name| format!("{}: {link}: variable {name}", dashboard.file)));
        }
        for page in captures(r#"d360-exporter\.example/runbooks/(\w[^"\s]*)"#, &raw) {
            if !path(&format!("docs/runbooks/{page}")).is_file() {
                findings.push(format!("{}: runbook {page}", dashboard.file));
            }
        }
    }
    none(&findings);
}

/// The labels of a notification: what the expression returns and what the rule adds, without the emptied ones.
fn alert_labels(known: &Known, alert: &files::Rule) -> Labels {
    let mut labels = known.judge(&alert.expr).0;
    for (name, value) in &alert.labels {
        if value.is_empty() {
            labels.remove(name);
        } else {
            labels.insert(name.clone());
        }
    }
    labels
}

#[test]
fn every_alert_has_a_severity_and_texts_that_name_only_what_its_expression_returns() {
    let known = Known::new();
    let mut findings = Vec::new();
    for alert in alerts() {
        let name = alert.name();
        if !captures(r"^(D360[A-Z][A-Za-z]+)$", name).iter().any(|found| found == name) {
            findings.push(format!("{name}: expected CamelCase after D360"));
        }
        let severity = alert.labels.get("severity").map_or("", String::as_str);
        if !["critical", "warning", "info", "none"].contains(&severity) {
            findings.push(format!("{name}: severity {severity:?}"));
        }
        let times = std::iter::once(alert.hold.as_ref()).chain(alert.keep.as_ref().map(Some));
        for time in times.filter(|time| time.is_none_or(|time| captures(r"^(\d+)m$", time).len() != 1)) {
            findings.push(format!("{name}: expected whole minutes, found {time:?}"));
        }
        let annotations: Vec<_> = alert.annotations.keys().map(String::as_str).collect();
        if annotations != ["dashboard_url", "description", "runbook_url", "summary"] {
            findings.push(format!("{name}: annotations {annotations:?}"));
        }
        let summary = alert.annotations.get("summary").map_or("", String::as_str);
        if !summary.ends_with('.') || !summary.contains("$labels.") {
            findings.push(format!("{name}: expected a sentence that says who, found {summary:?}"));
        }
        let labels = alert_labels(&known, &alert);
        let about = match () {
            () if name.starts_with("D360Channel") => vec!["partner_id", "client_id", "channel_id"],
            () if name.starts_with("D360Waba") => vec!["partner_id", "client_id", "waba_account_id", "business_id"],
            () if name.starts_with("D360Client") => vec!["partner_id", "client_id"],
            () => vec!["partner_id"],
        };
        let missing = about.into_iter().filter(|label| !labels.contains(*label));
        findings.extend(missing.map(|label| format!("{name}: expected the label {label}, found {labels:?}")));
        let returned = known.judge(&alert.expr).0;
        for (annotation, template) in &alert.annotations {
            let named = captures(r"\$labels\.(\w+)", template).into_iter().filter(|label| !returned.contains(label));
            findings.extend(named.map(|label| format!("{name}: {annotation} names {label}, found {returned:?}")));
        }
        // Names may change while an alert fires: they are for texts, never for identity.
        for label in ["client_name", "phone_number", "display_name", "waba_account_name", "from", "to"] {
            if labels.contains(label) {
                findings.push(format!("{name}: {label} is part of its identity"));
            }
        }
    }
    none(&findings);
}

#[test]
fn every_alert_leads_to_its_runbook_and_to_a_dashboard_with_the_variables_it_sets() {
    let all = dashboards();
    for alert in alerts() {
        let runbook = &alert.annotations["runbook_url"];
        assert_eq!(*runbook, format!("https://d360-exporter.example/runbooks/{}.md", alert.name()));
        assert!(path(&format!("docs/runbooks/{}.md", alert.name())).is_file(), "{} has no runbook", alert.name());

        let link = &alert.annotations["dashboard_url"];
        let uid = captures(r"^https://grafana\.example/d/([\w-]+)(?:\?|$)", link).pop().unwrap_or_default();
        let dashboard = all.iter().find(|dashboard| text(&dashboard.json, "uid") == uid);
        let dashboard = dashboard.unwrap_or_else(|| panic!("{}: {link}: no dashboard {uid:?}", alert.name()));
        let names: BTreeSet<_> = dashboard.variables().iter().map(|v| text(v, "name").to_owned()).collect();
        for (variable, label) in captures(r"var-(\w+)=", link).into_iter().zip(captures(r"\$labels\.(\w+)", link)) {
            assert_eq!(variable, label, "{}: {link}", alert.name());
            assert!(names.contains(&variable), "{}: {link}: {variable}", alert.name());
        }
    }
}

/// Labels that Prometheus adds to its alerts (`external_labels`), if it is configured to.
const EXTERNAL: [&str; 2] = ["cluster", "environment"];

/// The alerts that matchers choose by their name.
fn chosen<'a>(matchers: &[Value], names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let parsed: Vec<_> = matchers
        .iter()
        .filter(|matcher| matcher.as_str().is_some_and(|matcher| matcher.starts_with("alertname")))
        .map(|matcher| {
            let parts = regex_lite::Regex::new(r#"^alertname(=~|!~|=|!=)"(.*)"$"#).unwrap();
            let text = matcher.as_str().unwrap_or_default();
            let parts = parts.captures(text).unwrap_or_else(|| panic!("expected a matcher of alertname, found {text}"));
            (parts[1].to_owned(), regex_lite::Regex::new(&format!("^(?:{})$", &parts[2])).unwrap())
        })
        .collect();
    names.filter(|name| parsed.iter().all(|(op, regex)| regex.is_match(name) != op.starts_with('!'))).collect()
}

#[test]
fn alertmanagers_configuration_names_alerts_that_exist_and_labels_that_they_have() {
    let known = Known::new();
    let labels: BTreeMap<_, _> =
        alerts().iter().map(|alert| (alert.name().to_owned(), alert_labels(&known, alert))).collect();
    let config: Value = yaml("rules/alertmanager.yml");
    for rule in items(&config, "inhibit_rules") {
        let [sources, targets] =
            ["source_matchers", "target_matchers"].map(|key| chosen(items(rule, key), labels.keys()));
        assert!(!sources.is_empty() && !targets.is_empty(), "chooses nothing: {rule}");
        let equal: Vec<_> = items(rule, "equal").iter().map(|label| label.as_str().unwrap()).collect();
        assert_eq!(equal[..3], ["cluster", "environment", "partner_id"], "one partner mutes another: {rule}");
        for label in equal.iter().filter(|label| !EXTERNAL.contains(label)) {
            for name in sources.iter().chain(&targets) {
                assert!(labels[*name].contains(*label), "{name} has no label {label}: {rule}");
            }
        }
        // Each name of a list must be an alert, or it inhibits nothing.
        for name in captures(r#"(D360\w+)(?:[|")]|$)"#, &rule.to_string()) {
            let name = &name;
            assert!(labels.contains_key(name), "no alert is called {name}: {rule}");
        }
    }
    let all: Labels = labels.values().flatten().cloned().collect();
    for route in items(&config["route"], "routes") {
        for label in items(route, "group_by").iter().map(|label| label.as_str().unwrap()) {
            assert!(all.contains(label) || EXTERNAL.contains(&label), "no alert has the label {label}");
        }
        let chosen = chosen(items(route, "matchers"), labels.keys());
        assert_eq!(chosen.len(), labels.len(), "the route takes only {chosen:?}");
    }
}
