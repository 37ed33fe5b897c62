//! Every query of every dashboard, as Grafana would send it, on a real Prometheus that scrapes a real exporter: without
//! error, and with data of the type that its panel shows.

use reqwest::Method;
use serde_json::{Value, json};

use super::files::{Dashboard, Target, dashboards, items, text};
use super::names::asked;
use super::stack::Stack;

/// Panels that show what this fleet does not have.
const MAY_BE_EMPTY: [&str; 3] = ["WABA accounts in trouble", "Gone channels", "Connections"];

/// What stands for a dashboard's variables: nothing chosen, a time range, and the moment at which it begins.
pub(super) fn substituted(target: &Target, client: &str, range: u64, begin: f64) -> String {
    let mut expr = target.expr.replace("$__rate_interval", "15s").replace("${__from:date:seconds}", &begin.to_string());
    expr = expr.replace("$__range_s", &range.to_string()).replace("$__range", &format!("{range}s"));
    // The dashboard for channels has no choice of all clients.
    let client = if target.place.contains("channel.json") { client } else { ".*" };
    for (variable, value) in
        [("job", ".+"), ("instance", ".+"), ("partner_id", ".+"), ("client_id", client), ("channel_id", ".*")]
    {
        expr = expr.replace(&format!("\"${variable}\""), &format!("\"{value}\""));
        expr = expr.replace(&format!("\"${variable}|\""), &format!("\"{value}|\""));
    }
    expr = expr.replace("${search:regex}", "");
    assert!(!expr.contains('$'), "{}: a variable is left in {expr}", target.place);
    expr
}

/// How far the panels look back. This Prometheus is young.
const RANGE: u64 = 60;

/// Runs a query as its panel does: an instant, or the time range.
async fn run(stack: &Stack, target: &Target) -> Result<Value, String> {
    let now = stack.ask("query", &[("query", "time()")]).await?["result"][0].as_f64().unwrap_or_default();
    let begin = now - RANGE as f64;
    let expr = substituted(target, ".*", RANGE, begin);
    if target.instant {
        return stack.ask("query", &[("query", &expr)]).await;
    }
    let (start, end) = (begin.to_string(), now.to_string());
    stack.ask("query_range", &[("query", &expr), ("start", &start), ("end", &end), ("step", "5")]).await
}

/// What is wrong with a response.
fn judge(target: &Target, data: &Value) -> Option<String> {
    let expected = if target.instant { "vector" } else { "matrix" };
    let found = text(data, "resultType");
    if found != expected {
        return Some(format!("expected a {expected}, found a {found}"));
    }
    if items(data, "result").is_empty() {
        return Some("found no data".to_owned());
    }
    // A panel shows NaN as if it were a value.
    let number = |sample: &Value| sample[1].as_str().is_some_and(|value| value.parse().is_ok_and(|v: f64| !v.is_nan()));
    let samples = items(data, "result").iter().map(|series| match expected {
        "vector" => number(&series["value"]),
        _ => items(series, "values").iter().any(number),
    });
    let numbers = samples.filter(|is_number| *is_number).count();
    (numbers == 0).then(|| format!("found no number in {data}"))
}

/// A fleet in which everything happened that some panel shows.
async fn eventful() -> Stack {
    let stack = Stack::start(6, 4).await;
    let channel = |client: usize, channel: usize| stack.clients[client].channels[channel].clone();
    for (id, fields) in [
        (channel(0, 0), json!({"current_quality_rating": "Low", "current_quality_update_event": "flagged"})),
        (channel(0, 1), json!({"current_quality_rating": "Medium", "current_limit": "TIER_250"})),
        (channel(1, 0), json!({"availability_status": "error", "status": "error"})),
        (channel(1, 1), json!({"availability_status": "setting_up"})),
        (channel(2, 0), json!({"terminated_at": "2099-01-01T00:00:00Z", "cancelled_at": "2025-01-01T00:00:00Z"})),
        (channel(2, 1), json!({"terminated_at": within_a_week()})),
    ] {
        stack.patch_channel(&id, &fields).await;
    }
    let refused = &stack.clients[5].id;
    let faults = json!({"faults": [{"kind": "forbidden", "operation": "client_channels", "client_id": refused}]});
    stack.control(Method::PUT, "faults", Some(&faults)).await;
    stack.until_it_holds("d360_client_up == 0 and on () d360_channel_quality_score == 1").await;
    stack.until_it_holds(r#"d360_channel_availability_status{status="error"} == 1"#).await;
    stack.until_it_holds("channel:d360_channel_last_change_timestamp_seconds:recent").await;
    stack.until_it_holds(r#"ALERTS{alertstate="firing", channel_id!=""}"#).await;
    stack.until_it_holds("count(d360_channel_termination_timestamp_seconds) == 2").await;
    stack
}

fn within_a_week() -> String {
    let now = d360_exporter::clock::Clock::system().now();
    now.saturating_add(jiff::SignedDuration::from_hours(72)).to_string()
}

#[tokio::test]
async fn every_query_of_a_dashboard_returns_data_of_the_type_that_its_panel_shows() {
    let stack = eventful().await;
    let mut findings = Vec::new();
    for target in dashboards().iter().flat_map(Dashboard::all_targets) {
        let finding = match run(&stack, &target).await {
            Ok(data) => judge(&target, &data),
            Err(why) => Some(why),
        };
        let expected = MAY_BE_EMPTY.iter().any(|title| target.place.contains(title));
        let finding = finding.filter(|why| !(expected && why == "found no data"));
        findings.extend(finding.map(|why| format!("{}: {why}", target.place)));
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[tokio::test]
async fn every_variable_of_a_dashboard_has_values_to_choose_from() {
    let stack = Stack::start(2, 2).await;
    for dashboard in dashboards() {
        for variable in dashboard.variables().iter().filter(|v| text(v, "type") == "query") {
            let query = text(variable, "query");
            let (expr, label) = asked(query);
            let expr = ["job", "instance", "partner_id", "client_id"]
                .iter()
                .fold(expr, |expr, name| expr.replace(&format!("\"${name}\""), "\".+\""))
                .replace("${search:regex}", "");
            let label = label.unwrap_or_else(|| text(variable, "name").to_owned());
            let data = stack.query(&format!("count by ({label}) ({expr})")).await.unwrap();
            assert!(
                data.iter().all(|series| !text(&series["metric"], &label).is_empty()),
                "{}: {query}",
                dashboard.file
            );
            assert!(!data.is_empty(), "{}: {query}: found no value", dashboard.file);
        }
    }
}
