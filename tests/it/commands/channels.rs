//! `channels list`.

use serde_json::{Value, json};

use super::run;
use crate::harness::{Api, fleet};

#[tokio::test]
async fn channels_of_all_clients_are_a_table_with_the_clients_names() {
    let api = Api::start(fleet(8, 2)).await;
    insta::assert_snapshot!(run(&api, &["channels", "list", "--sort", "-quality_rating"]).await.shown(&api));
    assert_eq!(api.answers("client_channels").await, 0);
}

#[tokio::test]
async fn the_channels_of_one_client_cost_one_request() {
    let api = Api::start(fleet(8, 3)).await;
    let (client, mut channels) = api.ids().await.swap_remove(2);
    let listed = run(&api, &["channels", "list", "--client", &client, "-o", "json", "--sort", "id"]).await.column("id");
    channels.sort_by_key(|id| id.to_lowercase());
    assert_eq!(listed, channels);
    assert_eq!((api.answers("client_channels").await, api.answers("clients").await), (1, 0));
}

#[tokio::test]
async fn json_holds_what_the_api_tells_of_every_channel() {
    let api = Api::start(fleet(20, 3)).await;
    let listed = run(&api, &["channels", "list", "--output", "json", "--sort", "id"]).await.rows();
    let truth = api.truth().await;
    let mut expected = Vec::new();
    for client in truth["clients"].as_array().unwrap() {
        expected.extend(client["channels"].as_array().unwrap().iter().map(|told| channel(client, told)));
    }
    expected.sort_by_key(|channel| channel["id"].as_str().unwrap().to_lowercase());
    assert_eq!(listed, expected);
}

fn channel(client: &Value, told: &Value) -> Value {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    let state = |value: &Value| lower(value).unwrap_or_else(|| "unknown".to_owned());
    let mut channel = json!({
        "partner_id": "examplePA",
        "client_id": client["id"],
        "client_name": client["name"],
        "phone_number": told["setup_info"]["phone_number"],
        "display_name": told["setup_info"]["phone_name"],
        "availability_status": state(&told["availability_status"]),
        "quality_rating": state(&told["current_quality_rating"]),
        "messaging_limit": told["current_limit"].as_str().map_or(Value::Null, limit),
        "last_quality_event": told["current_quality_update_event"],
        "official_business_account": told["is_oba"],
    });
    for name in ["id", "status", "hub_status", "waba_account_id", "created_at", "cancelled_at", "terminated_at"] {
        channel[name] = told[name].clone();
    }
    channel
}

fn limit(tier: &str) -> Value {
    match tier {
        "NA" | "TIER_NOT_SET" => Value::Null,
        "TIER_UNLIMITED" => json!("unlimited"),
        tier => json!(tier.trim_start_matches("TIER_").replace('K', "000").parse::<u64>().unwrap()),
    }
}

#[tokio::test]
async fn filters_choose_what_the_truth_says_of_channels() {
    let api = Api::start(fleet(20, 3)).await;
    let truth = api.truth().await;
    let channels: Vec<&Value> =
        truth["clients"].as_array().unwrap().iter().flat_map(|c| c["channels"].as_array().unwrap()).collect();
    for (flags, field, value) in [
        (["--rating", "low"], "current_quality_rating", "Low"),
        (["--availability", "setting_up"], "availability_status", "setting_up"),
        (["--status", "new_name_requested"], "status", "new_name_requested"),
        (["--limit", "TIER_10K"], "current_limit", "TIER_10K"),
        (["--limit", "unlimited"], "current_limit", "TIER_UNLIMITED"),
    ] {
        let mut chosen = run(&api, &[&["channels", "list", "-o", "json"][..], &flags].concat()).await.column("id");
        chosen.sort();
        let meant = channels.iter().filter(|channel| channel[field] == value);
        let mut meant: Vec<_> = meant.map(|channel| channel["id"].as_str().unwrap().to_owned()).collect();
        meant.sort();
        assert!(!meant.is_empty(), "the fleet has no channel for {flags:?}");
        assert_eq!(chosen, meant, "{flags:?}");
    }
}

#[tokio::test]
async fn a_key_that_may_not_read_the_partners_list_reads_client_by_client() {
    let api = Api::start(fleet(6, 2)).await;
    let by_list = run(&api, &["channels", "list", "--sort", "id"]).await;
    api.faults(json!([{"kind": "forbidden", "operation": "partner_channels"}])).await;
    let one_by_one = run(&api, &["channels", "list", "--sort", "id"]).await;
    assert_eq!(one_by_one.shown(&api), by_list.shown(&api));
    assert_eq!(api.answers("client_channels").await, 6);
}

#[tokio::test]
async fn phone_numbers_are_shown_as_far_as_the_metrics_show_them() {
    let api = Api::start(fleet(1, 1)).await;
    let (_, channels) = api.ids().await.swap_remove(0);
    api.patch_channel(&channels[0], json!({"setup_info": {"phone_number": "4930123456"}})).await;
    for (shown, number) in [("full", json!("4930123456")), ("masked", json!("3456")), ("off", Value::Null)] {
        let rows = run(&api, &["channels", "list", "-o", "json", "--metrics.phone-number", shown]).await.rows();
        assert_eq!(rows[0]["phone_number"], number, "{shown}");
    }
}

#[tokio::test]
async fn an_unknown_client_is_a_failure_not_an_empty_table() {
    let api = Api::start(fleet(2, 1)).await;
    insta::assert_snapshot!(run(&api, &["channels", "list", "--client", "nobodyCL"]).await.shown(&api));
}
