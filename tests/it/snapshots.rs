//! Whole bodies of `/metrics`, kept as files. What depends on the machine or the
//! moment is replaced by its name.

use serde_json::json;

use crate::harness::{Api, Exporter, fleet};

/// What is replaced: a name, the lines it is about, and what stands instead.
const MOMENTARY: &[(&str, &str)] = &[
    // How busy the machine is.
    (r"(?m)^(process_\w+|d360_exporter_publish_duration_seconds) .*$", "$1 [process]"),
    (r"(?m)^(d360_partner_refresh_duration_seconds\{.*\}) .*$", "$1 [duration]"),
    (r"(?m)^(d360_api_request_duration_seconds_(?:bucket|sum)\{.*\}) .*$", "$1 [duration]"),
    (r"(?m)^(d360_api_throttled_seconds_total\{.*\}) .*$", "$1 [duration]"),
    // What time it is.
    (r"(?m)^(\w+_last_re(?:fresh|load_success)_timestamp_seconds(?:\{.*\})?) .*$", "$1 [now]"),
    // How often a test had to ask until the exporter was ready.
    (r#"(?m)^d360_exporter_http_requests_total\{handler="/-/ready".*\n"#, ""),
    // Which build it is.
    (r#"(d360_exporter_build_info)\{version="[^"]*",revision="[^"]*"\}"#, "$1{[build]}"),
];

async fn body(exporter: Exporter, name: &str) {
    let body = exporter.text("/metrics").await;
    insta::with_settings!({ filters => MOMENTARY.to_vec(), omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, body);
    });
    exporter.stop().await;
}

#[tokio::test]
async fn before_any_data() {
    let api = Api::start(fleet(3, 2)).await;
    api.faults(json!([{"kind": "hang"}])).await;
    let exporter = Exporter::start(&api, &["--api.timeout=10m"]).await;
    assert_eq!(exporter.get("/-/ready", &[]).await.status(), 503);
    body(exporter, "before_any_data").await;
}

#[tokio::test]
async fn a_small_fleet() {
    let api = Api::start(fleet(3, 2)).await;
    let exporter =
        Exporter::start(&api, &["--poll.interval=1h", "--poll.max-staleness=2h", "--poll.strategy=per-client"]).await;
    exporter.ready().await;
    body(exporter, "a_small_fleet").await;
}

#[tokio::test]
async fn a_small_fleet_without_phone_numbers_and_most_families() {
    let api = Api::start(fleet(3, 2)).await;
    let only_info = "--metrics.exclude=process_.*|d360_(api|exporter|partner)_.*|d360_client_.*|d360_channel_[^i].*";
    let exporter = Exporter::start(
        &api,
        &["--poll.interval=1h", "--poll.max-staleness=2h", "--metrics.phone-number=masked", only_info],
    )
    .await;
    exporter.ready().await;
    body(exporter, "only_channel_info_masked").await;
}
