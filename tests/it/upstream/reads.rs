//! Reads that fail: of one client, of the client list, with a refused key.

use serde_json::{Value, json};

use super::{Rig, failures, of_client, up};
use crate::harness::{Api, Exporter, Exposition, fleet, metrics_of};

/// One client's read fails: that client is down for this reason and keeps its
/// series; the others go on.
async fn concerns_one_client_alone(mut fault: Value, reason: &str) {
    let timeout = if reason == "timeout" { "--api.timeout=1s" } else { "--api.timeout=20s" };
    let rig = Rig::start(4, &[timeout, "--api.max-response-size=1MiB"]).await;
    let before = rig.exporter.scrape().await;
    fault["operation"] = json!("client_channels");
    fault["client_id"] = json!(rig.client(0));
    rig.api.faults(json!([fault])).await;
    let failed = |e: &Exposition| up(e, rig.client(0)) == Some(0.0);
    let shown = rig.exporter.until("d360_client_up 0", failed).await;
    assert!(failures(&shown, "client_channels", reason) > 0.0, "{reason}");
    let all_failures = shown.sum("d360_api_request_failures_total", &[("endpoint", "client_channels")]);
    assert_eq!(failures(&shown, "client_channels", reason), all_failures, "only {reason}");
    assert_eq!(metrics_of(&shown), metrics_of(&before));
    assert_eq!(shown.value("d360_partner_up", &[]), Some(1.0));
    let shown = rig.sees_a_drop(1).await;
    assert_eq!(of_client(&shown, rig.client(0)), of_client(&before, rig.client(0)));
    for other in 1..4 {
        assert_eq!(up(&shown, rig.client(other)), Some(1.0));
    }
    rig.api.heal().await;
    rig.exporter.until("d360_client_up 1 again", |e| up(e, rig.client(0)) == Some(1.0)).await;
    rig.exporter.stop().await;
}

macro_rules! concerns_one_client_alone {
    ($($name:ident: $fault:tt => $reason:literal;)+) => { $(
        #[tokio::test]
        async fn $name() {
            concerns_one_client_alone(json!($fault), $reason).await;
        }
    )+ };
}

concerns_one_client_alone! {
    a_403_concerns_that_client_alone: {"kind": "forbidden"} => "forbidden";
    a_404_concerns_that_client_alone: {"kind": "not_found"} => "not_found";
    a_503_concerns_that_client_alone: {"kind": "server_error", "status": 503} => "server_error";
    a_response_that_hangs_is_a_timeout: {"kind": "hang"} => "timeout";
    a_drip_fed_body_is_a_timeout: {"kind": "drip", "chunk": 1, "every_ms": 50} => "timeout";
    a_truncated_body_is_a_broken_connection: {"kind": "truncated"} => "connect";
    html_with_200_is_a_decode_failure: {"kind": "html"} => "decode";
    a_truncated_json_body_counts_as_decode_failure: {"kind": "not_json"} => "decode";
    an_empty_body_is_a_decode_failure: {"kind": "empty_body"} => "decode";
    json_of_no_known_shape_is_a_decode_failure: {"kind": "wrong_shape"} => "decode";
    a_body_that_is_not_in_its_encoding_is_a_decode_failure: {"kind": "wrong_encoding"} => "decode";
    a_body_over_the_limit_is_too_large: {"kind": "huge_body", "mib": 64} => "too_large";
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let elsewhere = Api::start(fleet(4, 2)).await;
    let location = format!("{}/partners/examplePA/clients", elsewhere.base_url());
    concerns_one_client_alone(json!({"kind": "redirect", "location": location}), "redirect").await;
    assert_eq!(elsewhere.responses("clients").await, 0);
}

#[tokio::test]
async fn what_cannot_be_read_for_too_long_leaves_all_but_name_up_and_age() {
    let rig = Rig::start(3, &["--poll.max-staleness=2s"]).await;
    let before = rig.exporter.scrape().await;
    rig.api.faults(json!([{"kind": "forbidden", "client_id": rig.client(0)}])).await;
    let label = [("client_id", rig.client(0))];
    let gone = |e: &Exposition| e.value("d360_client_channels", &label).is_none();
    let shown = rig.exporter.until("the client's series to leave", gone).await;
    let left: Vec<_> = of_client(&shown, rig.client(0)).into_keys().map(|(name, _)| name).collect();
    assert_eq!(left, ["d360_client_info"]);
    assert_eq!(up(&shown, rig.client(0)), Some(0.0));
    let refreshed = |e: &Exposition, nth: usize| {
        e.value("d360_client_last_refresh_timestamp_seconds", &[("client_id", rig.client(nth))]).unwrap()
    };
    assert!(refreshed(&shown, 0) < refreshed(&shown, 1), "the age stays visible");
    for other in 1..3 {
        assert_eq!(of_client(&shown, rig.client(other)), of_client(&before, rig.client(other)));
    }
    rig.api.heal().await;
    let truth = rig.truth().await;
    rig.exporter.until("all series again", |e| metrics_of(e) == truth).await;
    rig.exporter.stop().await;
}

#[tokio::test]
async fn a_client_whose_path_returns_404_is_gone_once_a_complete_list_lacks_it() {
    let rig = Rig::start(3, &[]).await;
    rig.api.faults(json!([{"kind": "not_found", "client_id": rig.client(0)}])).await;
    let shown = rig.exporter.until("d360_client_up 0", |e| up(e, rig.client(0)) == Some(0.0)).await;
    assert_eq!(metrics_of(&shown), rig.truth().await);
    rig.api.delete_client(rig.client(0)).await;
    let truth = rig.truth().await;
    let shown = rig.exporter.until("the client to leave", |e| metrics_of(e) == truth).await;
    assert_eq!(up(&shown, rig.client(0)), None);
    rig.exporter.stop().await;
}

#[tokio::test]
async fn while_the_client_list_fails_known_clients_go_on_being_read() {
    for (fault, reason) in [
        (json!({"kind": "server_error", "status": 500}), "server_error"),
        (json!({"kind": "forbidden"}), "forbidden"),
        (json!({"kind": "wrong_shape"}), "decode"),
    ] {
        let rig = Rig::start(3, &[]).await;
        let mut fault = fault;
        fault["operation"] = json!("clients");
        rig.api.faults(json!([fault])).await;
        let down = |e: &Exposition| e.value("d360_partner_up", &[]) == Some(0.0);
        let shown = rig.exporter.until("d360_partner_up 0", down).await;
        assert!(failures(&shown, "clients", reason) > 0.0, "{reason}");
        for client in 0..3 {
            let shown = rig.sees_a_drop(client).await;
            assert_eq!(shown.value("d360_partner_up", &[]), Some(0.0));
            assert_eq!(up(&shown, rig.client(client)), Some(1.0));
        }
        rig.exporter.stop().await;
    }
}

#[tokio::test]
async fn a_refused_key_is_said_and_a_new_one_in_the_file_is_used() {
    let api = Api::start(fleet(2, 2)).await;
    let exporter = Exporter::start_with(&api.base_url(), "wrong-key", &[], &[]).await;
    let refused =
        |e: &Exposition| failures(e, "clients", "unauthorized") > 0.0 && e.value("d360_partner_up", &[]) == Some(0.0);
    exporter.until("the refusal and d360_partner_up 0", refused).await;
    assert_eq!(api.responses("client_channels").await, 0);
    exporter.write_key("demo-key");
    exporter.until("d360_partner_up 1", |e| e.value("d360_partner_up", &[]) == Some(1.0)).await;
    exporter.ready().await;
    exporter.stop().await;
}

#[tokio::test]
async fn a_429_halves_the_pace_and_the_requests_wait_as_long_as_retry_after_says() {
    let rig = Rig::start(3, &["--api.min-rate=10/s"]).await;
    let before = rig.exporter.cycles(1).await;
    let budget = |e: &Exposition| e.value("d360_api_budget_requests_per_second", &[]).unwrap();
    rig.api.faults(json!([{"kind": "rate_limited", "retry_after": 1, "times": 1}])).await;
    let limited = |e: &Exposition| e.sum("d360_api_request_failures_total", &[("reason", "rate_limited")]) == 1.0;
    let shown = rig.exporter.until("the 429", limited).await;
    assert!(budget(&shown) < budget(&before) * 0.75, "{} after {}", budget(&shown), budget(&before));
    let retried = |e: &Exposition| e.sum("d360_api_retries_total", &[("reason", "rate_limited")]) == 1.0;
    rig.exporter.until("the retry", retried).await;
    let shown = rig.sees_a_drop(0).await;
    assert!(shown.value("d360_api_throttled_seconds_total", &[]).unwrap() > 0.5);
    assert_eq!(shown.value("d360_partner_up", &[]), Some(1.0));
    rig.exporter.stop().await;
}

#[tokio::test]
async fn an_error_status_counts_even_if_its_body_does_not_arrive() {
    for (status, reason) in [
        (json!({"kind": "rate_limited", "retry_after": 1}), "rate_limited"),
        (json!({"kind": "unauthorized"}), "unauthorized"),
        (json!({"kind": "forbidden"}), "forbidden"),
    ] {
        for body in ["truncated", "wrong_encoding"] {
            let rig = Rig::start(2, &[]).await;
            rig.api.faults(json!([status, { "kind": body }])).await;
            let counted = |e: &Exposition| failures(e, "clients", reason) > 0.0;
            let shown = rig.exporter.until(&format!("{reason} with {body}"), counted).await;
            assert_eq!((failures(&shown, "clients", "connect"), failures(&shown, "clients", "decode")), (0.0, 0.0));
            rig.exporter.stop().await;
        }
    }
}
