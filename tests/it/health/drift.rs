//! Fields that the API no longer sends, and values that nobody knows.

use serde_json::json;

use crate::harness::{Api, Exporter, Exposition, fleet};

const ITEMS: &str = "d360_api_items";
const WITHOUT: &str = "d360_api_items_without_field";

/// A strategy, the operation that it reads channels by, and the `endpoint` label of that.
const WAYS: [(&str, &str); 2] =
    [("--poll.strategy=per-client", "client_channels"), ("--poll.strategy=bulk", "partner_channels")];

/// Items of an endpoint, and those without the limit.
fn limits(shown: &Exposition, endpoint: &str) -> (Option<f64>, Option<f64>) {
    let without = shown.value(WITHOUT, &[("endpoint", endpoint), ("field", "messaging_limit")]);
    (shown.value(ITEMS, &[("endpoint", endpoint)]), without)
}

#[tokio::test]
async fn items_are_counted_per_endpoint_and_absent_until_it_was_read() {
    for (strategy, endpoint) in WAYS {
        let api = Api::start(fleet(4, 3)).await;
        api.faults(json!([{"kind": "hang"}])).await;
        let exporter = Exporter::start(&api, &[strategy, "--api.timeout=1s"]).await;
        let before = exporter.scrape().await;
        assert_eq!([ITEMS, WITHOUT].map(|family| before.matching(family, &[]).len()), [0, 0], "{endpoint}");
        api.heal().await;
        exporter.ready().await;
        let shown = exporter.cycles(1).await;
        assert_eq!(shown.value(ITEMS, &[("endpoint", "clients")]), Some(4.0));
        assert_eq!(limits(&shown, endpoint), (Some(12.0), Some(0.0)), "{endpoint}");
        assert_eq!(shown.matching(ITEMS, &[]).len(), 2, "only what was read: {endpoint}");
        assert_eq!(shown.matching(WITHOUT, &[]).len(), 4, "every watched field: {endpoint}");
        exporter.stop().await;
    }
}

#[tokio::test]
async fn a_key_that_vanishes_is_counted_logged_once_and_no_change_for_the_worse() {
    for (strategy, endpoint) in WAYS {
        let api = Api::start(fleet(4, 3)).await;
        let exporter = Exporter::start(&api, &[strategy]).await;
        exporter.ready().await;
        api.faults(json!([{"kind": "missing_field", "field": "current_limit"}])).await;
        let gone = |e: &Exposition| limits(e, endpoint) == (Some(12.0), Some(12.0));
        exporter.until("channels without a limit", gone).await;
        let shown = exporter.cycles(3).await;
        assert_eq!(shown.matching("d360_channel_messaging_limit", &[]).len(), 0, "{endpoint}");
        let worse = [("field", "messaging_limit"), ("direction", "worse")];
        assert_eq!(shown.matching("d360_channel_last_change_timestamp_seconds", &worse).len(), 0, "{endpoint}");
        for other in ["availability_status", "quality_rating", "status"] {
            assert_eq!(shown.sum(WITHOUT, &[("field", other)]), 0.0, "{endpoint} {other}");
        }
        api.heal().await;
        exporter.until("limits again", |e| limits(e, endpoint) == (Some(12.0), Some(0.0))).await;
        let output = exporter.stop().await;
        let lines =
            output.lines().filter(|line| line.contains("field=messaging_limit") && line.contains("come without"));
        assert_eq!(lines.count(), 1, "{endpoint}:\n{output}");
    }
}

#[tokio::test]
async fn null_is_not_absent_and_a_key_that_fewer_than_half_lack_is_counted_and_not_logged() {
    let api = Api::start(fleet(4, 3)).await;
    let (_, channels) = api.ids().await.remove(0);
    api.patch_channel(&channels[0], json!({ "current_limit": null })).await;
    api.faults(json!([{"kind": "missing_field", "field": "current_quality_rating", "every": 3}])).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=bulk"]).await;
    exporter.ready().await;
    let shown = exporter.cycles(2).await;
    let without = |field| shown.value(WITHOUT, &[("field", field)]);
    assert_eq!(["quality_rating", "messaging_limit"].map(without), [Some(4.0), Some(0.0)]);
    let output = exporter.stop().await;
    assert!(!output.contains("come without"), "{output}");
}

#[tokio::test]
async fn an_enum_of_which_most_values_are_unknown_is_logged_once() {
    let api = Api::start(fleet(4, 3)).await;
    api.faults(json!([{"kind": "unknown_values"}])).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=bulk"]).await;
    exporter.ready().await;
    exporter.cycles(3).await;
    let output = exporter.stop().await;
    for field in ["availability_status", "quality_rating", "messaging_limit", "status", "hub_status"] {
        let named = format!("field={field}");
        let lines = output.lines().filter(|line| line.contains("most values") && line.contains(&named));
        let exact = lines.filter(|line| line.split(' ').any(|word| word == named)).count();
        assert_eq!(exact, 1, "{field}:\n{output}");
    }
}

#[tokio::test]
async fn channels_of_a_client_that_is_gone_are_items_no_longer() {
    let api = Api::start(fleet(4, 3)).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=per-client"]).await;
    exporter.ready().await;
    api.delete_client(&api.ids().await[0].0).await;
    exporter.until("nine channels", |e| limits(e, "client_channels").0 == Some(9.0)).await;
    exporter.stop().await;
}
