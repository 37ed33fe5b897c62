//! `check --live`.

use serde_json::json;

use super::{end, program, run};
use crate::harness::{Api, fleet};

/// At the pace of a real exporter: the estimates depend on it.
async fn check(api: &Api, flags: &[&str]) -> super::Ran {
    let mut command = program(api);
    command.env_remove("D360_API_MIN_RATE").env_remove("D360_API_MAX_RATE");
    command.args(["check", "--live"]).args(flags);
    end(command).await
}

#[tokio::test]
async fn a_working_key_is_reported_with_costs_strategy_and_a_sample() {
    let api = Api::start(fleet(6, 2)).await;
    insta::assert_snapshot!(check(&api, &[]).await.shown(&api));
}

#[tokio::test]
async fn a_fleet_that_does_not_fit_into_the_interval_is_read_in_bulk() {
    let api = Api::start(fleet(30, 2)).await;
    let checked = check(&api, &["--poll.interval", "10s"]).await;
    let strategy = checked.stdout.lines().find(|line| line.trim_start().starts_with("strategy")).unwrap().to_owned();
    assert_eq!(
        strategy,
        "  strategy          `auto` chooses bulk: --poll.interval (10s) has room for only 20 requests"
    );
    assert_eq!(checked.code, Some(0));
}

#[tokio::test]
async fn a_refused_key_fails_with_what_to_do() {
    let api = Api::start(fleet(2, 1)).await;
    api.faults(json!([{"kind": "unauthorized"}])).await;
    insta::assert_snapshot!(check(&api, &[]).await.shown(&api));
    assert_eq!(api.responses("partner_channels").await, 0);
}

#[tokio::test]
async fn auto_does_without_the_partners_list_and_bulk_does_not() {
    let api = Api::start(fleet(2, 1)).await;
    api.faults(json!([{"kind": "forbidden", "operation": "partner_channels"}])).await;
    insta::assert_snapshot!("auto", check(&api, &[]).await.shown(&api));
    insta::assert_snapshot!("bulk", check(&api, &["--poll.strategy", "bulk"]).await.shown(&api));
}

#[tokio::test]
async fn what_the_api_carries_is_counted_and_a_balance_that_is_refused_is_no_failure() {
    let api = Api::start(fleet(2, 2)).await;
    api.faults(json!([{"kind": "forbidden", "operation": "partner_balance"}])).await;
    let checked = check(&api, &[]).await;
    let lines: Vec<_> =
        checked.stdout.lines().filter(|l| l.contains("  fields of") || l.contains("  balance")).collect();
    assert_eq!(checked.code, Some(0));
    let fields = |n| {
        format!(
            "availability_status in {n} of {n}, quality_rating in {n} of {n}, messaging_limit in {n} of {n}, status in {n} of {n}"
        )
    };
    assert_eq!(
        lines[..2],
        [format!("  fields of one's   {}", fields(2)), format!("  fields of all     {}", fields(4))]
    );
    assert!(lines[2].starts_with("  balance           not readable: ") && lines.len() == 3, "{lines:?}");
}

#[tokio::test]
async fn check_passes_for_a_partner_without_clients() {
    let api = Api::start(fleet(0, 0)).await;
    insta::assert_snapshot!(check(&api, &[]).await.shown(&api));
}

#[tokio::test]
async fn without_live_the_api_is_not_asked() {
    let api = Api::start(fleet(2, 1)).await;
    assert_eq!(run(&api, &["check"]).await.code, Some(0));
    assert_eq!(api.responses("clients").await, 0);
}
