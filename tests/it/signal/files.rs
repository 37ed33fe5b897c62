//! The files under test: where they lie, and their contents as values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex_lite::Regex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A path in the repository.
pub(super) fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// The text of a file of the repository.
pub(super) fn read(relative: &str) -> String {
    std::fs::read_to_string(path(relative)).unwrap_or_else(|e| panic!("cannot read {relative}: {e}"))
}

/// A YAML file of the repository.
pub(super) fn yaml<T: DeserializeOwned>(relative: &str) -> T {
    serde_saphyr::from_str(&read(relative)).unwrap_or_else(|e| panic!("{relative}: {e}"))
}

/// The files of a directory with an extension, relative to the repository, in order.
pub(super) fn list(directory: &str, extension: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path(directory)).unwrap_or_else(|e| panic!("cannot list {directory}: {e}"));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = names.filter(|n| n.ends_with(extension)).map(|n| format!("{directory}/{n}")).collect();
    files.sort();
    assert!(!files.is_empty(), "expected *{extension} in {directory}, found none");
    files
}

/// The text of every first group that a pattern finds.
pub(super) fn captures(pattern: &str, text: &str) -> Vec<String> {
    let regex = Regex::new(pattern).unwrap();
    regex.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The alerts as shipped, and what they are built on.
pub(super) const RULES: &str = "rules/d360.rules.yml";

/// What the dashboards read of the whole fleet.
pub(super) const DASHBOARD_RULES: &str = "rules/d360.dashboards.rules.yml";

/// A rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub(super) groups: Vec<RuleGroup>,
}

/// A group of a rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleGroup {
    #[serde(rename = "name")]
    _name: String,
    /// Minutes between two evaluations, where the group does not take those of Prometheus.
    pub(super) interval: Option<String>,
    pub(super) rules: Vec<Rule>,
}

/// A rule: a recording rule or an alert.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) record: Option<String>,
    pub(super) alert: Option<String>,
    pub(super) expr: String,
    #[serde(rename = "for")]
    pub(super) hold: Option<String>,
    #[serde(rename = "keep_firing_for")]
    pub(super) keep: Option<String>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Rule {
    /// The name under which the rule is known.
    pub(super) fn name(&self) -> &str {
        self.record.as_deref().or(self.alert.as_deref()).unwrap_or_default()
    }
}

/// The intervals of the groups that have one.
pub(super) fn intervals() -> Vec<String> {
    let files = list("rules", ".rules.yml").into_iter().map(|file| yaml::<RuleFile>(&file));
    files.flat_map(|file| file.groups).filter_map(|group| group.interval).collect()
}

/// Every rule as shipped.
pub(super) fn rules() -> Vec<Rule> {
    let files = list("rules", ".rules.yml").into_iter().map(|file| yaml::<RuleFile>(&file));
    files.flat_map(|file| file.groups).flat_map(|group| group.rules).collect()
}

/// Every alert as shipped.
pub(super) fn alerts() -> Vec<Rule> {
    rules().into_iter().filter(|rule| rule.alert.is_some()).collect()
}

/// A dashboard: the file it stands in and its JSON.
#[derive(Debug)]
pub(super) struct Dashboard {
    pub(super) file: String,
    pub(super) json: Value,
}

/// A query of a panel.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Dashboard, panel and query, for messages.
    pub(super) place: String,
    pub(super) expr: String,
    pub(super) ref_id: String,
    pub(super) instant: bool,
    pub(super) format: String,
    pub(super) legend: String,
}

/// Every dashboard as shipped.
pub(super) fn dashboards() -> Vec<Dashboard> {
    let load = |file: String| {
        let json = serde_json::from_str(&read(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        Dashboard { file, json }
    };
    list("dashboards", ".json").into_iter().map(load).collect()
}

/// The items of a list, none if it is not there.
pub(super) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// A text, empty if it is not there.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

impl Dashboard {
    /// Every panel, also those that a closed row holds, without the rows.
    pub(super) fn panels(&self) -> Vec<&Value> {
        let nested = |panel| std::iter::once(panel).chain(items(panel, "panels"));
        items(&self.json, "panels").iter().flat_map(nested).filter(|panel| text(panel, "type") != "row").collect()
    }

    /// The variables.
    pub(super) fn variables(&self) -> &[Value] {
        items(&self.json["templating"], "list")
    }

    /// A panel with its dashboard, for messages.
    pub(super) fn place(&self, panel: &Value) -> String {
        format!("{}: {} ({})", self.file, text(panel, "title"), text(panel, "type"))
    }

    /// The queries of a panel.
    pub(super) fn targets(&self, panel: &Value) -> Vec<Target> {
        let target = |target: &Value| Target {
            place: format!("{} query {}", self.place(panel), text(target, "refId")),
            expr: text(target, "expr").to_owned(),
            ref_id: text(target, "refId").to_owned(),
            instant: target["instant"] == true,
            format: text(target, "format").to_owned(),
            legend: text(target, "legendFormat").to_owned(),
        };
        items(panel, "targets").iter().map(target).collect()
    }

    /// The queries of all panels.
    pub(super) fn all_targets(&self) -> Vec<Target> {
        self.panels().into_iter().flat_map(|panel| self.targets(panel)).collect()
    }
}

/// Ranges that nobody would write, so that a parsed expression shows which one stood for which variable.
pub(super) const RATE_INTERVAL_SECONDS: u64 = 4321;

/// An expression as Grafana would send it, as far as a parser needs it: variables in label values stay.
pub(super) fn expand(expr: &str) -> String {
    expr.replace("$__rate_interval", &format!("{RATE_INTERVAL_SECONDS}s"))
        .replace("$__interval", "1234s")
        .replace("$__range_s", "2345")
        .replace("$__range", "2345s")
        .replace("${__from:date:seconds}", "1700000000")
}
