//! The 17 rules of Grafana's dashboard-linter, strictly and without exclusions: a rule that it applies to some types of
//! panels holds for all of them here.

use promql_parser::parser::parse;
use serde_json::{Value, json};

use super::files::{self, Dashboard, RATE_INTERVAL_SECONDS, Target, captures, dashboards, expand, items, text};
use super::promql::selectors;

/// Asserts that a rule finds nothing in any dashboard.
#[track_caller]
fn holds(rule: impl Fn(&Dashboard) -> Vec<String>) {
    let findings: Vec<_> = dashboards().iter().flat_map(rule).collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

/// Applies a rule to every panel.
fn each_panel(dashboard: &Dashboard, rule: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    let found = |panel| rule(panel).map(|why| format!("{}: {why}", dashboard.place(panel)));
    dashboard.panels().into_iter().filter_map(found).collect()
}

/// Applies a rule to every query.
fn each_target(dashboard: &Dashboard, rule: impl Fn(&Target) -> Vec<String>) -> Vec<String> {
    let targets = dashboard.all_targets();
    targets.iter().flat_map(|t| rule(t).into_iter().map(|why| format!("{}: {why}", t.place))).collect()
}

fn variable<'a>(dashboard: &'a Dashboard, name: &str) -> &'a Value {
    dashboard.variables().iter().find(|variable| text(variable, "name") == name).unwrap_or(&Value::Null)
}

fn query_variables(dashboard: &Dashboard) -> impl Iterator<Item = &Value> {
    dashboard.variables().iter().filter(|variable| text(variable, "type") == "query")
}

#[test]
fn template_datasource_rule() {
    holds(|dashboard| {
        let sources: Vec<_> = dashboard.variables().iter().filter(|v| text(v, "type") == "datasource").collect();
        let found: Vec<_> = sources.iter().map(|v| (text(v, "name"), text(v, "label"), text(v, "query"))).collect();
        let expected = [("datasource", "Data source", "prometheus")];
        if found == expected { vec![] } else { vec![format!("{}: {found:?}", dashboard.file)] }
    });
}

/// What the rules for `job` and `instance` ask.
fn target_variable(dashboard: &Dashboard, name: &str, label: &str) -> Vec<String> {
    let variable = variable(dashboard, name);
    let found = json!([
        variable["type"],
        variable["datasource"]["uid"],
        variable["label"],
        variable["multi"],
        variable["allValue"]
    ]);
    let expected = json!(["query", "${datasource}", label, true, ".+"]);
    if found == expected { vec![] } else { vec![format!("{}: {name}: {found}", dashboard.file)] }
}

#[test]
fn template_job_rule() {
    holds(|dashboard| target_variable(dashboard, "job", "Job"));
}

#[test]
fn template_instance_rule() {
    holds(|dashboard| target_variable(dashboard, "instance", "Instance"));
}

#[test]
fn template_label_promql_rule() {
    holds(|dashboard| {
        let bad = |variable: &Value| {
            let query = text(variable, "query");
            let inner = captures(r"(?s)^(?:label_values|label_names|metrics|query_result)\((.+?)(?:, *\w+)?\)$", query);
            let parsed = inner.first().ok_or("no query function".to_owned()).and_then(|expr| parse(expr));
            parsed.err().map(|why| format!("{}: {query}: {why}", dashboard.file))
        };
        query_variables(dashboard).filter_map(bad).collect()
    });
}

#[test]
fn template_on_time_change_reload_rule() {
    holds(|dashboard| {
        let stale = query_variables(dashboard).filter(|variable| variable["refresh"] != 2);
        stale.map(|variable| format!("{}: {}", dashboard.file, text(variable, "name"))).collect()
    });
}

#[test]
fn panel_datasource_rule() {
    holds(|dashboard| {
        each_panel(dashboard, |panel| {
            let of_targets = items(panel, "targets").iter().map(|target| &target["datasource"]);
            let expected = json!({"type": "prometheus", "uid": "${datasource}"});
            let other = std::iter::once(&panel["datasource"]).chain(of_targets).find(|found| **found != expected);
            other.map(ToString::to_string)
        })
    });
}

#[test]
fn panel_title_description_rule() {
    holds(|dashboard| {
        each_panel(dashboard, |panel| {
            let empty = text(panel, "title").is_empty() || text(panel, "description").is_empty();
            empty.then(|| "expected a title and a description".to_owned())
        })
    });
}

/// Grafana's identifiers of the units that suit these metrics.
const UNITS: &[&str] = &[
    "none",
    "string",
    "short",
    "locale",
    "percentunit",
    "s",
    "ms",
    "bytes",
    "reqps",
    "m",
    "dateTimeAsIso",
    "dateTimeFromNow",
    "dtdurations",
];

#[test]
fn panel_units_rule() {
    holds(|dashboard| {
        each_panel(dashboard, |panel| {
            let config = &panel["fieldConfig"];
            let overridden = items(config, "overrides").iter().flat_map(|of| items(of, "properties"));
            let units = overridden.filter(|p| text(p, "id") == "unit").map(|p| &p["value"]);
            let mut units = std::iter::once(&config["defaults"]["unit"]).chain(units);
            let unknown = units.find(|unit| !unit.as_str().is_some_and(|unit| UNITS.contains(&unit)));
            unknown.map(|unit| format!("unit {unit}"))
        })
    });
}

#[test]
fn panel_no_targets_rule() {
    holds(|dashboard| {
        each_panel(dashboard, |panel| {
            let without = dashboard.targets(panel).iter().all(|target| target.expr.is_empty());
            without.then(|| "expected queries".to_owned())
        })
    });
}

#[test]
fn target_promql_rule() {
    holds(|dashboard| each_target(dashboard, |target| parse(&expand(&target.expr)).err().into_iter().collect()));
}

/// What `judge` says of each selector of a query: its name, the function around it, its range.
fn each_selector(
    target: &Target,
    judge: impl Fn(&promql_parser::parser::VectorSelector, Option<&str>, Option<u64>) -> Option<String>,
) -> Vec<String> {
    let mut findings = Vec::new();
    let expr = parse(&expand(&target.expr)).unwrap_or_else(|why| panic!("{}: {why}", target.place));
    selectors(&expr, &mut |selector, inside, range| findings.extend(judge(selector, inside, range)));
    findings
}

#[test]
fn target_rate_interval_rule() {
    holds(|dashboard| {
        each_target(dashboard, |target| {
            each_selector(target, |selector, inside, range| {
                let rate = matches!(inside, Some("rate" | "irate"));
                (rate && range != Some(RATE_INTERVAL_SECONDS)).then(|| format!("expected $__rate_interval: {selector}"))
            })
        })
    });
}

/// What rules record, and what Prometheus says of alerts, has no target.
fn has_target(name: &str) -> bool {
    !name.contains(':') && !name.starts_with("ALERTS")
}

/// What the rules for `job` and `instance` ask of every selector.
fn target_matcher(dashboard: &Dashboard, label: &str) -> Vec<String> {
    let expected = format!("{label}=~\"${label}\"");
    each_target(dashboard, |target| {
        each_selector(target, |selector, _, _| {
            let has = selector.matchers.matchers.iter().any(|matcher| matcher.to_string() == expected);
            let needed = selector.name.as_deref().is_some_and(has_target);
            (needed && !has).then(|| format!("expected {expected}: {selector}"))
        })
    })
}

#[test]
fn target_job_rule() {
    holds(|dashboard| target_matcher(dashboard, "job"));
}

#[test]
fn target_instance_rule() {
    holds(|dashboard| target_matcher(dashboard, "instance"));
}

#[test]
fn target_counter_agg_rule() {
    holds(|dashboard| {
        each_target(dashboard, |target| {
            each_selector(target, |selector, inside, _| {
                let counter = selector.name.as_deref().is_some_and(|name| name.ends_with("_total"));
                let counted = matches!(inside, Some("rate" | "irate" | "increase"));
                (counter && !counted).then(|| format!("expected a rate: {selector}"))
            })
        })
    });
}

/// There is nothing to judge for the two rules about `LogQL`, and this holds it so.
#[test]
fn target_logql_rule_and_target_logql_auto_rule_have_no_loki_to_speak_of() {
    for dashboard in dashboards() {
        assert_eq!(files::read(&dashboard.file).to_lowercase().matches("loki").count(), 0, "{}", dashboard.file);
    }
}

#[test]
fn uneditable_dashboard() {
    holds(|dashboard| {
        let found = &dashboard.json["editable"];
        if *found == false { vec![] } else { vec![format!("{}: editable {found}", dashboard.file)] }
    });
}

#[test]
fn queries_come_in_the_form_that_their_panel_shows() {
    holds(|dashboard| {
        let judge = |panel| {
            let form = |target: Target| {
                let fits = match text(panel, "type") {
                    "table" => target.instant && target.format == "table",
                    "bargauge" => target.instant && target.format == "time_series",
                    "timeseries" | "state-timeline" => !target.instant && target.format == "time_series",
                    "stat" => target.format == "time_series",
                    _ => false,
                };
                (!fits).then(|| format!("{}: instant {}, format {}", target.place, target.instant, target.format))
            };
            dashboard.targets(panel).into_iter().filter_map(form).collect::<Vec<_>>()
        };
        dashboard.panels().into_iter().flat_map(judge).collect()
    });
}
