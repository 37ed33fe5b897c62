//! What fired, and what Alertmanager would have sent of it: Prometheus' own rule engine over a recording, and the
//! inhibitions as shipped.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Value, json};

use super::super::files::{RULES, RuleFile, items, path, text, yaml};
use super::super::programs::{command, said};
use super::recording::Recording;

/// The labels of an alert.
pub(super) type Labels = BTreeMap<String, String>;

/// An alert from its first to its last minute.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Firing {
    pub(super) labels: Labels,
    /// Minutes since the start of the recording.
    pub(super) begin: usize,
    /// The first minute in which it no longer fires; none if it fires at the end of the recording.
    pub(super) end: Option<usize>,
}

impl Firing {
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    fn at(&self, minute: usize) -> bool {
        self.begin <= minute && self.end.is_none_or(|end| minute < end)
    }
}

/// Begins and ends of alerts in each minute: a query for each that finds something only then.
const EDGES: &str = r#"label_replace(ALERTS{alertstate="firing", severity!="none"} unless ALERTS offset 1m, "edge", "begin", "", "") or label_replace(ALERTS{alertstate="firing", severity!="none"} offset 1m unless ALERTS, "edge", "end", "", "")"#;

/// Evaluates the rules over a recording, once a minute.
pub(super) fn firings(recording: Recording) -> Vec<Firing> {
    let minutes = recording.minutes();
    let groups: Value = yaml(RULES);
    let groups: Vec<_> = items(&groups, "groups").iter().map(|group| text(group, "name").to_owned()).collect();
    let queries = (0..minutes).map(|m| json!({ "expr": EDGES, "eval_time": format!("{m}m"), "exp_samples": [] }));
    let series = recording.into_series().map(|(series, values)| json!({ "series": series, "values": values }));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("simulation.yml");
    let document = json!({
        "rule_files": [path(RULES)],
        "evaluation_interval": "1m",
        "group_eval_order": groups,
        "tests": [{
            "interval": "1m",
            "input_series": series.collect::<Vec<_>>(),
            "promql_expr_test": queries.collect::<Vec<_>>(),
        }],
    });
    std::fs::write(&file, document.to_string()).unwrap();
    let output = command("promtool", "prometheus").args(["test", "rules"]).arg(&file).output().unwrap();
    parse(&said(&output))
}

/// The edges in what `promtool` says.
fn parse(said: &str) -> Vec<Firing> {
    let time = Regex::new(r#"(?m)time: ([0-9dhms]+),[^\n]*\n\s*exp: ?nil,?\s*\n?\s*got: ?(.*)$"#).unwrap();
    let sample = Regex::new(r#"\{(__name__="ALERTS"(?:[^"{}]|"(?:[^"\\]|\\.)*")*)\}"#).unwrap();
    let label = Regex::new(r#"(\w+)="((?:[^"\\]|\\.)*)""#).unwrap();
    let mut found: Vec<Firing> = Vec::new();
    for at in time.captures_iter(said) {
        let minute = minutes(&at[1]);
        for series in sample.captures_iter(&at[2]) {
            let mut labels: Labels =
                label.captures_iter(&series[1]).map(|pair| (pair[1].to_owned(), pair[2].to_owned())).collect();
            labels.retain(|name, _| name != "__name__" && name != "alertstate");
            if labels.remove("edge").as_deref() == Some("begin") {
                found.push(Firing { labels, begin: minute, end: None });
            } else {
                let open = found.iter_mut().rfind(|firing| firing.end.is_none() && firing.labels == labels);
                open.unwrap_or_else(|| panic!("{labels:?} ends and never began")).end = Some(minute);
            }
        }
    }
    assert!(!said.contains("FAILED") || !found.is_empty(), "{}", said.chars().take(4000).collect::<String>());
    found
}

/// Minutes of a duration as Prometheus writes it.
fn minutes(text: &str) -> usize {
    let parts = Regex::new(r"(\d+)(ms|[dhms])").unwrap();
    let of = |part: &str| match part {
        "d" => 1440,
        "h" => 60,
        "m" => 1,
        _ => 0,
    };
    parts.captures_iter(text).map(|part| part[1].parse::<usize>().unwrap() * of(&part[2])).sum()
}

/// The firings of which Alertmanager would have notified somebody: those that no inhibition covers in every minute.
pub(super) fn notified(all: &[Firing]) -> Vec<Firing> {
    let config: Value = yaml("rules/alertmanager.yml");
    let rules: Vec<_> = items(&config, "inhibit_rules").iter().map(Inhibition::new).collect();
    let sent = |firing: &&Firing| {
        let until = firing.end.unwrap_or(firing.begin + 1);
        (firing.begin..until).any(|minute| !rules.iter().any(|rule| rule.covers(firing, all, minute)))
    };
    all.iter().filter(sent).cloned().collect()
}

/// An inhibition rule of Alertmanager.
struct Inhibition {
    source: Vec<Matcher>,
    target: Vec<Matcher>,
    equal: Vec<String>,
}

/// A matcher: label, whether it is negated, and the pattern.
type Matcher = (String, bool, Regex);

impl Inhibition {
    fn new(rule: &Value) -> Self {
        let list = |key| items(rule, key).iter().map(|item| matcher(item.as_str().unwrap())).collect();
        let equal = items(rule, "equal").iter().map(|item| item.as_str().unwrap().to_owned()).collect();
        Self { source: list("source_matchers"), target: list("target_matchers"), equal }
    }

    fn covers(&self, target: &Firing, all: &[Firing], minute: usize) -> bool {
        let fits = |matchers: &[Matcher], firing: &Firing| {
            matchers.iter().all(|(name, negated, pattern)| pattern.is_match(firing.label(name)) != *negated)
        };
        fits(&self.target, target)
            && all.iter().any(|source| {
                source.at(minute)
                    && fits(&self.source, source)
                    && self.equal.iter().all(|name| source.label(name) == target.label(name))
            })
    }
}

fn matcher(text: &str) -> Matcher {
    let parts = Regex::new(r#"^(\w+)(=~|!~|!=|=)"(.*)"$"#).unwrap();
    let parts = parts.captures(text).unwrap_or_else(|| panic!("expected a matcher, found {text}"));
    let pattern = if parts[2].ends_with('~') { parts[3].to_owned() } else { parts[3].replace('.', "\\.") };
    (parts[1].to_owned(), parts[2].starts_with('!'), Regex::new(&format!("^(?:{pattern})$")).unwrap())
}

#[test]
fn every_inhibition_and_group_is_understood() {
    let rules: RuleFile = yaml(RULES);
    assert!(!rules.groups.is_empty());
    let config: Value = yaml("rules/alertmanager.yml");
    assert!(items(&config, "inhibit_rules").iter().map(Inhibition::new).all(|rule| !rule.source.is_empty()));
}
