//! Rules and Alertmanager's configuration under the programs that will read them: `promtool` and `amtool`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files::{alerts, captures, intervals, items, list, path, read, text, yaml};
use super::programs::{command, succeeds};

#[test]
fn promtool_finds_nothing_wrong_with_the_rules_not_even_a_matter_of_taste() {
    for file in list("rules", ".rules.yml") {
        let mut promtool = command("promtool", "prometheus");
        succeeds(promtool.args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(path(&file)));
    }
}

/// Runs the unit tests of one file.
#[track_caller]
fn unit_tests(file: &str) {
    succeeds(command("promtool", "prometheus").args(["test", "rules"]).arg(path(&format!("rules/tests/{file}"))));
}

/// One test a file, so that they run beside each other.
macro_rules! unit_tests {
    ($($name:ident $file:literal;)+) => {
        $(#[test]
        fn $name() {
            unit_tests($file);
        })+

        const UNIT_TESTS: &[&str] = &[$($file),+];
    };
}

unit_tests! {
    alerts_about_balances_over_days_pass_their_unit_tests "balance-days.yml";
    alerts_about_balances_pass_their_unit_tests "balance.yml";
    alerts_about_a_channel_over_days_pass_their_unit_tests "channel-days.yml";
    alerts_about_a_channel_pass_their_unit_tests "channel.yml";
    alerts_about_a_client_over_days_pass_their_unit_tests "client-days.yml";
    alerts_about_a_client_pass_their_unit_tests "client.yml";
    alerts_about_the_exporter_pass_their_unit_tests "exporter.yml";
    alerts_about_the_fleet_over_days_pass_their_unit_tests "fleet-days.yml";
    alerts_about_the_fleet_pass_their_unit_tests "fleet.yml";
    alerts_hold_through_days_without_data "hold-days.yml";
    alerts_hold_while_data_is_missing "hold.yml";
    quiet_times_pass_their_unit_tests "quiet.yml";
    alerts_about_reading_the_api_pass_their_unit_tests "reading.yml";
    several_exporters_of_one_fleet_give_each_alert_once "twins.yml";
}

#[test]
fn every_file_of_unit_tests_is_run() {
    let files: Vec<_> = UNIT_TESTS.iter().map(|file| format!("rules/tests/{file}")).collect();
    assert_eq!(list("rules/tests", ".yml"), files);
}

#[test]
fn every_alert_has_a_unit_test_in_which_it_fires_and_one_in_which_it_does_not() {
    let (mut fires, mut rests) = (BTreeSet::new(), BTreeSet::new());
    for file in list("rules/tests", ".yml") {
        let tests: Value = yaml(&file);
        for case in items(&tests, "tests").iter().flat_map(|test| items(test, "alert_rule_test")) {
            let expected = items(case, "exp_alerts");
            let side = if expected.is_empty() { &mut rests } else { &mut fires };
            side.insert(text(case, "alertname").to_owned());
            for alert in expected {
                let said: Vec<_> = alert["exp_annotations"].as_object().unwrap().keys().collect();
                assert_eq!(said, ["dashboard_url", "description", "runbook_url", "summary"], "{file}: {alert}");
            }
        }
    }
    let all: BTreeSet<_> = alerts().iter().map(|alert| alert.name().to_owned()).collect();
    assert_eq!(fires, all);
    assert_eq!(rests, all);
}

#[test]
fn intervals_of_groups_are_whole_minutes_below_the_lookback_of_prometheus() {
    for interval in intervals() {
        let minutes = captures(r"^(\d)m$", &interval).pop().unwrap_or_else(|| panic!("found the interval {interval}"));
        assert!((1..5).contains(&minutes.parse::<u8>().unwrap()), "found the interval {interval}");
    }
}

#[test]
fn amtool_accepts_the_configuration() {
    succeeds(command("amtool", "prometheus-alertmanager").arg("check-config").arg(path("rules/alertmanager.yml")));
}

#[test]
fn alerts_are_routed_as_the_routing_tests_say() {
    let routes = read("rules/tests/routes.txt");
    let cases: Vec<_> = routes.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).collect();
    let config = path("rules/alertmanager.yml");
    for case in &cases {
        let (labels, receiver) = case.split_once(" -> ").unwrap_or_else(|| panic!("expected an arrow, found {case}"));
        succeeds(
            command("amtool", "prometheus-alertmanager")
                .args(["config", "routes", "test"])
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--verify.receivers={receiver}"))
                .args(labels.split(' ')),
        );
    }
    // A routing test of an alert that no longer exists would prove nothing.
    let all: BTreeSet<_> = alerts().iter().map(|alert| alert.name().to_owned()).collect();
    let named = captures(r"(?m)^alertname=(D360\w+)", &routes);
    assert!(!named.is_empty() && named.iter().all(|name| all.contains(name)), "{named:?}");
}

#[test]
fn the_table_of_alerts_in_the_readme_says_what_the_rules_say() {
    let listed = captures(r"(?m)^\| (\[D360\w+\]\([^)]*\) \| \w+ \| \w+) \|", &read("rules/README.md"));
    let expected = |alert: &super::files::Rule| {
        let (name, hold) = (alert.name(), alert.hold.as_deref().unwrap_or_default());
        format!("[{name}](../docs/runbooks/{name}.md) | {} | {hold}", alert.labels["severity"])
    };
    assert_eq!(listed, alerts().iter().map(expected).collect::<Vec<_>>());
}
