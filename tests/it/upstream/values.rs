//! Items and values that nobody has seen.

use serde_json::json;

use super::{Rig, up};
use crate::harness::{Api, Exporter, Exposition, expected, fleet, metrics_of};

#[tokio::test]
async fn an_item_that_cannot_be_read_is_counted_and_the_rest_counts() {
    let api = Api::start(fleet(7, 2)).await;
    // The first, fourth and seventh client can't be read.
    api.faults(json!([{"kind": "broken_item", "operation": "clients"}])).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=per-client"]).await;
    exporter.ready().await;
    let ids = api.ids().await;
    let broken: Vec<&str> = [0, 3, 6].map(|nth: usize| ids[nth].0.as_str()).to_vec();
    let mut truth = expected(&api.truth().await);
    truth.retain(|(_, labels), _| !broken.contains(&labels[1].1.as_str()));
    let shown = exporter.until("the clients that can be read", |e| metrics_of(e) == truth).await;
    assert!(shown.sum("d360_api_rejected_items_total", &[("endpoint", "clients")]) >= 3.0);
    assert_eq!(shown.value("d360_partner_up", &[]), Some(1.0));
    exporter.stop().await;
}

#[tokio::test]
async fn a_channel_that_cannot_be_read_any_more_is_not_taken_for_gone() {
    for (operation, strategy) in [("client_channels", "per-client"), ("partner_channels", "bulk")] {
        let strategy = format!("--poll.strategy={strategy}");
        let rig = Rig::start(3, &[&strategy]).await;
        let truth = rig.truth().await;
        rig.api.faults(json!([{"kind": "broken_item", "operation": operation}])).await;
        let counted = |e: &Exposition| e.sum("d360_api_rejected_items_total", &[("endpoint", operation)]) >= 9.0;
        let shown = rig.exporter.until("rejected channels", counted).await;
        assert_eq!(metrics_of(&shown), truth, "{operation}");
        rig.exporter.stop().await;
    }
}

/// What HTTP allows beyond what the API does today, and what proxies on the way make of it.
#[tokio::test]
async fn gzip_under_any_name_a_byte_order_mark_and_256_more_header_lines_are_read() {
    for fault in [
        json!({"kind": "gzip", "encoding": "gzip"}),
        json!({"kind": "gzip", "encoding": "x-gzip"}),
        json!({"kind": "gzip", "encoding": "GZIP"}),
        json!({"kind": "gzip", "encoding": "gzip", "members": 3}),
        json!({"kind": "gzip", "encoding": "X-GZIP", "members": 3}),
        json!({"kind": "byte_order_mark"}),
        json!({"kind": "many_headers", "count": 256}),
    ] {
        let api = Api::start(fleet(3, 2)).await;
        api.faults(json!([fault])).await;
        let exporter = Exporter::start(&api, &[]).await;
        exporter.ready().await;
        let truth = expected(&api.truth().await);
        exporter.until(&format!("all of it with {fault}"), |e| metrics_of(e) == truth).await;
        exporter.stop().await;
    }
}

#[tokio::test]
async fn an_unknown_value_is_state_unknown_counted_and_logged_once() {
    let api = Api::start(fleet(3, 2)).await;
    api.faults(json!([{"kind": "unknown_values", "operation": "client_channels"}])).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=per-client"]).await;
    exporter.ready().await;
    let shown = exporter.cycles(3).await;
    let channels = 6;
    for (family, label) in [
        ("d360_channel_availability_status", "status"),
        ("d360_channel_quality_rating", "rating"),
        ("d360_channel_status", "status"),
        ("d360_channel_hub_status", "status"),
    ] {
        let unknown = shown.matching(family, &[(label, "unknown")]);
        assert_eq!((unknown.len(), shown.sum(family, &[(label, "unknown")])), (channels, 6.0), "{family}");
        assert_eq!(shown.sum(family, &[]), 6.0, "{family}: no other state");
    }
    assert_eq!(shown.matching("d360_channel_messaging_limit", &[]).len(), 0);
    assert_eq!(shown.matching("d360_channel_quality_score", &[]).len(), 0);
    let fields = ["availability_status", "quality_rating", "messaging_limit", "status", "hub_status"];
    for field in fields {
        let counted = shown.value("d360_api_unknown_values_total", &[("field", field)]).unwrap();
        assert!(counted >= 18.0, "{field}: {counted}");
    }
    let output = exporter.stop().await;
    for field in fields {
        let lines =
            output.lines().filter(|l| l.contains("NEVER_SEEN_BEFORE") && l.contains(&format!("field={field} ")));
        assert_eq!(lines.count(), 1, "{field} in:\n{output}");
    }
}

#[tokio::test]
async fn nulls_are_missing_series_and_the_channel_stays() {
    let api = Api::start(fleet(3, 2)).await;
    api.faults(json!([{"kind": "nulls"}])).await;
    let exporter = Exporter::start(&api, &["--poll.strategy=per-client"]).await;
    exporter.ready().await;
    let shown = exporter.scrape().await;
    let count = |family: &str| shown.matching(family, &[]).len();
    for (family, series) in [
        ("d360_channel_info", 6),
        ("d360_channel_availability_status", 24),
        ("d360_channel_quality_rating", 30),
        ("d360_channel_status", 6),
        ("d360_channel_quality_score", 0),
        ("d360_channel_messaging_limit", 0),
        ("d360_channel_hub_status", 0),
        ("d360_channel_last_quality_event", 0),
        ("d360_channel_official_business_account", 0),
        ("d360_channel_created_timestamp_seconds", 0),
        ("d360_client_info", 3),
        ("d360_client_channels", 3),
        ("d360_client_status", 0),
        ("d360_client_max_channels", 0),
        ("d360_client_created_timestamp_seconds", 0),
    ] {
        assert_eq!(count(family), series, "{family}");
    }
    for (client, _) in api.ids().await {
        assert_eq!(up(&shown, &client), Some(1.0));
    }
    exporter.stop().await;
}

#[tokio::test]
async fn channels_of_another_client_in_a_clients_list_are_counted_and_not_shown_there() {
    let rig = Rig::start(4, &["--poll.strategy=per-client"]).await;
    let truth = rig.truth().await;
    rig.api.faults(json!([{"kind": "foreign_items", "operation": "client_channels"}])).await;
    let labels = [("endpoint", "client_channels"), ("reason", "foreign")];
    let counted = |e: &Exposition| e.sum("d360_api_rejected_items_total", &labels) >= 16.0;
    let shown = rig.exporter.until("foreign channels", counted).await;
    assert_eq!(metrics_of(&shown), truth);
    rig.exporter.stop().await;
}

/// Some name their client in one place only, some nowhere; nothing is known from before.
#[tokio::test]
async fn a_cold_start_with_channels_that_name_no_client_shows_all_of_them() {
    for owner in ["waba_account", "none"] {
        let api = Api::start(fleet(60, 2)).await;
        api.faults(json!([{"kind": "ownerless_items", "operation": "partner_channels", "owner": owner}])).await;
        let exporter = Exporter::start(&api, &["--poll.strategy=auto", "--poll.interval=2s"]).await;
        exporter.ready().await;
        let truth = expected(&api.truth().await);
        exporter.until(&format!("every channel, with the client in {owner}"), |e| metrics_of(e) == truth).await;
        exporter.stop().await;
    }
}
